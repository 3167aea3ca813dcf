import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { sql, type Statement } from '../db/statement.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Sealable, StoredHead } from './chain.ts';

/** An entry with its place in the chain, where it has one. */
export interface Entry extends Sealable {
  readonly position: number | null;
  readonly hash: string | null;
}

/** An entry that has its place. */
export interface SealedEntry extends Entry {
  readonly position: number;
  readonly hash: string;
}

type EntryRow = Omit<Entry, 'id' | 'tenantId'> & { readonly id: string; readonly tenantId: string };

/** A head, and what is stored of the chain that it should be the head of. */
export interface Standing {
  readonly head: (StoredHead & { readonly sealedAt: Date }) | null;
  /** The last position that an entry has; 0 for none. */
  readonly last: number;
  /** Entries that wait for their place, counted up to a thousand. */
  readonly unsealed: number;
}

/** The columns of an entry. Microseconds, which a Date has not: the hash is of what is stored. */
export const entryColumns: Statement = sql`
  e.id, e.tenant_id as "tenantId", to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt", e.operation, e.code,
  e.count, e.actor, e.proof_kind as "proofKind", e.proof_id as "proofId", e.transport, e.address, e.request_id as "requestId", e.thing, e.before,
  e.after, e.position, e.hash`;

/** The entry of a row of `entryColumns`. */
export function entryOfRow(row: EntryRow): Entry {
  return { ...row, id: idOfUuid('aud', row.id), tenantId: idOfUuid('ten', row.tenantId) };
}

/** What of an entry its hash vouches for. */
export function sealableOf({ position: _position, hash: _hash, ...entry }: Entry): Sealable {
  return entry;
}

/** Entries by any condition on `e`, in any order. */
export async function readEntries(tenant: Statements, tenantId: string, rest: Statement): Promise<Entry[]> {
  const rows = await tenant.sql<EntryRow>(
    (tag) => tag`select ${entryColumns} from audit_entries e where e.tenant_id = ${uuidOf(tenantId, 'ten')} ${rest}`,
    { idempotent: true },
  );
  return rows.map(entryOfRow);
}

/** The stretch of a chain behind `after`, to `to` at most. */
export async function readChain(
  tenant: Statements,
  tenantId: string,
  { after, to, limit }: { readonly after: number; readonly to: number; readonly limit: number },
): Promise<SealedEntry[]> {
  const rest = sql`and e.position is not null and e.position > ${after} and e.position <= ${to} order by e.position limit ${limit}`;
  return (await readEntries(tenant, tenantId, rest)) as SealedEntry[];
}

/** How a chain stands: one statement, since the sealer moves all of it in one. */
export async function readStanding(tenant: Statements, tenantId: string): Promise<Standing> {
  const uuid = uuidOf(tenantId, 'ten');
  const [row] = await tenant.sql<{ last: number; unsealed: number } & (Standing['head'] | Record<'position', null>)>(
    (tag) => tag`
      select h.position, h.hash, h.mac, h.doubted_at as "doubtedAt", h.sealed_at as "sealedAt",
        coalesce((select max(position) from audit_entries where tenant_id = ${uuid} and position is not null), 0) as last,
        (select count(*)::int from (select from audit_entries where tenant_id = ${uuid} and position is null limit 1000) waiting) as unsealed
      from (select) one left join audit_heads h on h.tenant_id = ${uuid}`,
    { idempotent: true },
  );
  if (!row) throw new Error('the standing of a chain has no row');
  const { last, unsealed, ...head } = row;
  return { last, unsealed, head: head.position === null ? null : head };
}

/** The last position of a chain that is sealed; 0 for none. */
export async function readHeadPosition(tenant: Statements, tenantId: string): Promise<number> {
  const [row] = await tenant.sql<{ position: number }>(
    (tag) => tag`select position from audit_heads where tenant_id = ${uuidOf(tenantId, 'ten')}`,
    { idempotent: true },
  );
  return row?.position ?? 0;
}
