import { and, asc, desc, eq, gt, lt, type GetColumnData, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { AppError } from '../kernel/errors.ts';
import type { Statements } from './connection.ts';
import { StoredRows, type KeepsStored } from '../kernel/stored-rows.ts';

export interface PageInput {
  /** How many, 1 to 100. */
  readonly first: number;
  /** The cursor to go on behind; null or absent begins at the start. */
  readonly after?: string | null | undefined;
}

export interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export interface PagedList<Row> {
  /** Names the list in its cursors, so that those of another are INVALID_CURSOR. */
  readonly list: string;
  /** Whose list it is, which its cursors say as well; null where it is everybody's. */
  readonly tenantId: string | null;
  /** A unique column in whose order the list is read. Ids are made in order of time: descending is newest first. */
  readonly key: PgColumn;
  readonly direction: 'ascending' | 'descending';
  keyOf(row: Row): string;
  /** Selects the rows: `where` (undefined on the first page) goes into an `and` with the list's own conditions. */
  rows(where: SQL | undefined, orderBy: SQL, limit: number): PromiseLike<readonly Row[]>;
}

const mostOnAPage = 100;

/** A list whose rows are read by raw SQL. */
export interface RawList<Row> {
  readonly list: string;
  /** As in `PagedList`. */
  readonly tenantId: string | null;
  readonly key: PgColumn;
  keyOf(row: Row): string;
  /** Selects at most `limit` rows behind the key `after`, from the start when it is null. */
  rows(after: string | null, limit: number): PromiseLike<readonly Row[] | StoredRows<Row>>;
}

/** Reads one page by its key, never by counting: rows that come or go meanwhile shift nothing. */
export async function page<Row>(input: PageInput, list: PagedList<Row>): Promise<Page<Row>> {
  const isDescending = list.direction === 'descending';
  return rawPage(input, {
    list: list.list,
    tenantId: list.tenantId,
    key: list.key,
    keyOf: (row) => list.keyOf(row),
    rows: (after, limit) => {
      const where = after === null ? undefined : (isDescending ? lt : gt)(list.key, after);
      return list.rows(where, isDescending ? desc(list.key) : asc(list.key), limit);
    },
  });
}

/** What rows of these columns hold. */
type RowOf<C extends Record<string, PgColumn>> = { [K in keyof C]: GetColumnData<C[K]> };

/** A table whose rows are a tenant's, each with an id. */
type TenantTable = PgTable & { readonly id: PgColumn; readonly tenantId: PgColumn };

/** Which rows of it, and what of them. */
interface TenantList<C> {
  /** As in `PagedList`. */
  readonly list: string;
  readonly table: TenantTable;
  readonly columns: C;
  readonly direction: 'ascending' | 'descending';
  /** What holds for them beside that they are the tenant's. */
  readonly where?: SQL | undefined;
}

/** One page of a tenant's rows, in the order of their ids. */
export async function tenantPage<C extends { readonly id: PgColumn } & Record<string, PgColumn>>(
  { query }: Statements,
  { tenantId }: { readonly tenantId: string },
  input: PageInput,
  { list, table, columns, direction, where }: TenantList<C>,
): Promise<Page<RowOf<C>>> {
  return page<RowOf<C>>(input, {
    list,
    tenantId,
    key: table.id,
    direction,
    keyOf: ({ id }) => id as string,
    rows: async (behind, orderBy, limit) => {
      const own = and(eq(table.tenantId, tenantId), where, behind);
      const asked: Record<string, PgColumn> = columns;
      const rows = await query.select(asked).from(table).where(own).orderBy(orderBy).limit(limit);
      // The builder cannot say what a table gives that it does not know.
      return rows as RowOf<C>[];
    },
  });
}

/** The same for hot lists. Cursors are made when they are asked for: most readers want no more than the nodes. */
export async function rawPage<Row>(input: PageInput, list: RawList<Row>): Promise<Page<Row>> {
  const { first } = input;
  if (!Number.isInteger(first) || first < 1 || first > mostOnAPage) {
    throw new AppError('INVALID_INPUT', `first is 1 to ${mostOnAPage}`, { path: ['first'] });
  }
  const after = input.after ?? null;
  const found = await list.rows(after === null ? null : keyOfCursor(list, after), first + 1);
  return new FoundPage(list, found, first, after !== null);
}

/** A class, because an object literal with getters gets a shape of its own each time, which holds its rows until a full collection. */
class FoundPage<Row> implements Page<Row>, KeepsStored {
  private read: readonly Row[] | null = null;

  constructor(
    private readonly list: Pick<RawList<Row>, 'list' | 'tenantId' | 'keyOf'>,
    private readonly found: readonly Row[] | StoredRows<Row>,
    private readonly first: number,
    private readonly isBehindCursor: boolean,
  ) {}

  get nodes(): readonly Row[] {
    const { found, first } = this;
    return (this.read ??= found instanceof StoredRows ? found.first(first).rows() : found.slice(0, first));
  }

  storedIn(property: string): StoredRows | null {
    const { found } = this;
    return property === 'nodes' && found instanceof StoredRows ? (found.first(this.first) as StoredRows) : null;
  }

  get edges() {
    return this.nodes.map((node) => ({ cursor: this.cursorAt(node), node }));
  }

  get pageInfo() {
    const [start, end] = [this.nodeAt(0), this.nodeAt(Math.min(this.found.length, this.first) - 1)];
    return {
      hasNextPage: this.found.length > this.first,
      // Behind a cursor there is at least the row it was made of.
      hasPreviousPage: this.isBehindCursor,
      startCursor: start === undefined ? null : this.cursorAt(start),
      endCursor: end === undefined ? null : this.cursorAt(end),
    };
  }

  private nodeAt(index: number): Row | undefined {
    const { found } = this;
    if (index < 0 || index >= found.length) return undefined;
    return this.read?.[index] ?? (found instanceof StoredRows ? found.row(index) : found[index]);
  }

  private cursorAt(node: Row): string {
    return cursorOf(this.list, this.list.keyOf(node));
  }
}

type Named = Pick<RawList<never>, 'list' | 'tenantId'>;

function cursorOf({ list, tenantId }: Named, key: string): string {
  return Buffer.from(JSON.stringify([list, key, tenantId])).toString('base64url');
}

function keyOfCursor(list: Named & Pick<RawList<never>, 'key'>, cursor: string): string {
  const key = decode(list, cursor);
  // Only a cursor written as we write it: base64url has several spellings of the same bytes.
  if (key === null || cursorOf(list, key) !== cursor || !fits(list.key, key)) {
    throw new AppError('INVALID_CURSOR', 'after is no cursor of this list', { path: ['after'] });
  }
  return key;
}

function decode({ list, tenantId }: Named, cursor: string): string | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts)) return null;
    const [name, key, whose] = parts as unknown[];
    return parts.length === 3 && name === list && whose === tenantId && typeof key === 'string' ? key : null;
  } catch {
    // Not JSON: no cursor of ours.
    return null;
  }
}

/** A forged key may be no id of the column's kind, or hold what no text column can. */
function fits(column: PgColumn, key: string): boolean {
  if (key.includes('\0') || !key.isWellFormed()) return false;
  try {
    column.mapToDriverValue(key);
    return true;
  } catch {
    // `id('gen')` refuses what is no `gen_` id.
    return false;
  }
}
