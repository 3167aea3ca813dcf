import type { Connection } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { storedColumn } from '../db/stored.ts';
import type { Scope } from '../kernel/scope.ts';
import type { StoredColumns, StoredRows } from '../kernel/stored-rows.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { viewColumns as columns, type GenerationFilter, type GenerationView } from './generation.view.ts';

type ColumnName = keyof GenerationView;

/** What the fields of a Generation that are not a column by themselves are made of. */
const sources: Readonly<Record<string, readonly ColumnName[]>> = {
  text: ['text'],
  cursor: ['status', 'attempt', 'text'],
  usage: ['inputTokens', 'outputTokens', 'cachedInputTokens'],
  failure: ['failureCode', 'failureMessage', 'failureRetryable'],
  templateVersion: ['templateVersionId'],
  template: ['templateVersionId'],
};

/** The columns that a list reads, which of them are ids, and how they are stored. */
interface Projection {
  readonly names: readonly ColumnName[];
  readonly ids: readonly ColumnName[];
  readonly stored: StoredColumns;
}

const projections = new WeakMap<ReadonlySet<string>, Projection>();

const all = projectionOfColumns(Object.keys(columns) as ColumnName[]);

function projectionOfColumns(names: readonly ColumnName[]): Projection {
  return {
    names,
    ids: names.filter((name) => columns[name].columnType === 'PgCustomColumn'),
    stored: names.map((name) => storedColumn(name, columns[name])),
  };
}

function projectionOf(fields: ReadonlySet<string>): Projection {
  const known = projections.get(fields);
  if (known) return known;
  const wanted = new Set<string>(['id']);
  for (const field of fields) for (const name of sources[field] ?? [field]) wanted.add(name);
  const names = (Object.keys(columns) as ColumnName[]).filter((name) => wanted.has(name));
  const projection = projectionOfColumns(names);
  projections.set(fields, projection);
  return projection;
}

/** Which part of a list is wanted. */
export interface Excerpt {
  readonly filter: GenerationFilter;
  /** Fields of the GraphQL type Generation. */
  readonly fields: ReadonlySet<string>;
  /** The id to go on behind; null begins with the newest. */
  readonly after: string | null;
  readonly limit: number;
}

/** How far a scope reaches among its tenant's generations, as a condition: to all of them, or to those of its own member. */
export function withinReach(sql: SqlTag, scope: Scope): Statement {
  return scope.can('generations:others') ? sql`` : sql`and member_id = ${uuidOf(scope.memberId, 'mem')}`;
}

/**
 * The generations within reach, newest first. The rows hold only the columns that the fields are made of: letters are long, and most lists
 * show none of them.
 */
export function listGenerations(
  tenant: Connection,
  scope: Scope,
  { filter, fields, after, limit }: Excerpt,
): Promise<StoredRows<GenerationView>> {
  const { names, stored } = projectionOf(fields);
  return tenant.stored<GenerationView>(
    stored,
    (sql) => sql`
      select ${sql.columns(names)} from generations
      where tenant_id = ${uuidOf(scope.tenantId)} ${withinReach(sql, scope)}
        ${filter.status ? sql`and status = any(${filter.status}::text[])` : sql``}
        ${filter.template ? sql`and template_slug = ${filter.template}` : sql``}
        ${filter.createdAfter ? sql`and created_at >= ${filter.createdAfter}` : sql``}
        ${filter.createdBefore ? sql`and created_at < ${filter.createdBefore}` : sql``}
        ${after === null ? sql`` : sql`and id < ${uuidOf(after)}`}
      order by id desc limit ${limit}`,
  );
}

/** Whether there is such a generation within reach. */
export async function isReached(tenant: Connection, scope: Scope, id: string): Promise<boolean> {
  const found = await tenant.sql(
    (sql) => sql`
      select from generations where tenant_id = ${uuidOf(scope.tenantId)} and id = ${uuidOf(id, 'gen')} ${withinReach(sql, scope)}`,
    { idempotent: true },
  );
  return found.length > 0;
}

/** The generations within reach with these ids, whole and in any order; every stream ends with one. */
export async function readGenerations(tenant: Connection, scope: Scope, ids: readonly string[]): Promise<GenerationView[]> {
  const rows = await tenant.sql<Record<string, unknown>>(
    (sql) => sql`
      select ${sql.columns(all.names)} from generations
      where tenant_id = ${uuidOf(scope.tenantId)} and id = any(${ids.map((id) => uuidOf(id))}::uuid[]) ${withinReach(sql, scope)}`,
    { idempotent: true },
  );
  return viewsOf(rows, all.ids);
}

function viewsOf(rows: Record<string, unknown>[], ids: Projection['ids']): GenerationView[] {
  for (const row of rows) {
    for (const name of ids) if (row[name] !== null) row[name] = columns[name].mapFromDriverValue(row[name]);
  }
  return rows as unknown as GenerationView[];
}
