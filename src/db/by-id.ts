import { uuidOfId, type IdPrefix } from '../kernel/id.ts';

/** Rows by id, in the order asked for; null for ids of another kind and for rows that `read` does not find. Nothing is read for nothing. */
export async function rowsById<Row extends { readonly id: string }>(
  prefix: IdPrefix,
  ids: readonly string[],
  read: (known: string[]) => PromiseLike<readonly Row[]>,
): Promise<(Row | null)[]> {
  const known = ids.filter((id) => uuidOfId(id, prefix) !== null);
  const rows = known.length === 0 ? [] : await read(known);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}
