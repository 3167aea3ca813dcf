import type { Connection } from '../db/client.ts';
import type { SlotKind } from './slots.table.ts';

/** What a process wants to hold of one member, key or tenant. */
export interface HoldAsk {
  /** A uuid. */
  readonly subject: string;
  readonly kind: SlotKind;
  /** What is open with slots that the process is known to hold: it keeps as many, whatever the limit has become. */
  readonly used: number;
  /** What is open and what wants to be. */
  readonly wanted: number;
  /** Held for those who come next, while no more than half of the limit is held with it. */
  readonly spare: number;
  readonly most: number;
}

/** What it holds now. */
export interface Hold {
  readonly held: number;
  /** What other processes hold. */
  readonly others: number;
}

/** Who asks. */
export interface Asker {
  /** The uuid of the process. */
  readonly process: string;
  /** Higher with each statement of the process: one that is late changes nothing. */
  readonly turn: number;
  /** For so long after the end of its lease others count what a process holds: a renewal may be under way. */
  readonly graceMs: number;
}

/** The lease of this process has run out: it holds nothing any more, and nobody counts what it had. */
export class LostLease extends Error {
  override readonly name = 'LostLease';

  constructor(readonly process: string) {
    super('the lease of this process has run out');
  }
}

/**
 * One statement: locks the rows in order, counts what living processes hold, and says what this one holds from now on: what it wants, as far
 * as the limit goes. Who lives is looked up with the rows locked (`process_lives`): one that began while this waited is in the rows already. Doing it twice is the same as doing it once. What nobody has a row for is missing in the answer. Its commit is waited
 * for: what is held stays held, whatever happens to the database's machine. Throws LostLease.
 */
export async function hold(
  tenant: Connection,
  tenantUuid: string,
  { process, turn, graceMs }: Asker,
  asks: readonly HoldAsk[],
): Promise<Map<string, Hold>> {
  const subjects = asks.map(({ subject }) => subject);
  const kinds = asks.map(({ kind }) => kind);
  const rows = await tenant.sql<Hold & { is_alive: boolean; subject: string | null; kind: SlotKind }>(
    (sql) => sql`
      with asked as (
        select * from unnest(${subjects}::uuid[], ${kinds}::text[], ${asks.map(({ used }) => used)}::int[],
          ${asks.map(({ wanted }) => wanted)}::int[], ${asks.map(({ spare }) => spare)}::int[], ${asks.map(({ most }) => most)}::int[])
          as a(subject, kind, used, wanted, spare, most)
      ), locked as (
        select subject, kind, holders from held_slots
        where tenant_id = ${tenantUuid}::uuid and subject = any(${subjects}::uuid[]) and kind = any(${kinds}::text[])
        order by subject, kind for update
      ), me as (
        select ${process}::text as id, process_lives(${process}::uuid, 0) as is_alive from (select count(*) from locked) as all_locked
      ), counted as (
        select a.*, o.others, o.kept from asked a join locked l using (subject, kind) join me on me.is_alive
        cross join lateral (
          select coalesce(sum((e.value ->> 'held')::int), 0)::int as others, coalesce(jsonb_object_agg(e.key, e.value), '{}') as kept
          from jsonb_each(l.holders) e
          where e.key <> me.id and process_lives(e.key::uuid, ${graceMs}::float8)
        ) o
        where coalesce((l.holders -> me.id ->> 'turn')::int, 0) <= ${turn}::int
      ), granted as (
        select *, case when others + wanted + spare <= most / 2 then wanted + spare
          else greatest(used, least(wanted, most - others)) end as held
        from counted
      ), stored as (
        update held_slots s set holders = g.kept || jsonb_build_object(${process}::text, jsonb_build_object('held', g.held, 'turn', ${turn}::int))
        from granted g where s.tenant_id = ${tenantUuid}::uuid and s.subject = g.subject and s.kind = g.kind
      )
      select me.is_alive, g.subject, g.kind, g.held, g.others from me left join granted g on true`,
    { idempotent: true },
  );
  if (rows.some((row) => !row.is_alive)) throw new LostLease(process);
  return new Map(
    rows.flatMap(({ subject, kind, held, others }) => (subject === null ? [] : [[`${subject} ${kind}`, { held, others }]])),
  );
}

/** Makes the rows that are missing, unless the tenant is gone. */
export async function makeRows(tenant: Connection, tenantUuid: string, asks: readonly HoldAsk[]): Promise<void> {
  const ordered = asks.toSorted((a, b) => (`${a.subject} ${a.kind}` < `${b.subject} ${b.kind}` ? -1 : 1));
  await tenant.sql(
    (sql) => sql`
      insert into held_slots (tenant_id, subject, kind)
      select ${tenantUuid}::uuid, subject, kind
      from unnest(${ordered.map(({ subject }) => subject)}::uuid[], ${ordered.map(({ kind }) => kind)}::text[]) as a(subject, kind)
      where exists (select from tenants where id = ${tenantUuid}::uuid)
      on conflict (tenant_id, subject, kind) do nothing`,
    { idempotent: true },
  );
}
