import type { Connection } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { SlotKind } from './slots.table.ts';

/** What is held: what a tenant has open, or calls to a provider. */
export type HoldKind = SlotKind | 'calls';

/** What a process wants to hold of one limit. */
export interface HoldAsk {
  /** The id of the member, key or tenant, or of the provider. */
  readonly id: string;
  readonly kind: HoldKind;
  /** How many are open here with slots that this process is known to hold. It keeps as many, even if the limit is lower by now. */
  readonly used: number;
  /** How many are open here or want to be. */
  readonly wanted: number;
  /** How many more to hold for those who come next; granted only while, with them, no more than half of the limit is held by all. */
  readonly spare: number;
  readonly most: number;
}

/** What it holds now. */
export interface Hold {
  readonly held: number;
  /** What other processes hold. */
  readonly others: number;
}

/** Who asks, and with which of its statements. */
export interface ProcessTurn {
  /** The uuid of the process. */
  readonly process: string;
  /** Higher with each statement of the process, so that one that arrives late changes nothing. */
  readonly turn: number;
  /** For how many milliseconds after the end of a lease others still count what its process holds: a renewal may be under way. */
  readonly graceMs: number;
}

/** Where it is stored which process holds how much of which limits. */
export interface HoldStore {
  /**
   * One statement. It locks the rows in order, counts what living processes hold, and says what this process holds from now on: what it wants, as far
   * as the limit goes. Null for an ask that has no row. Which processes live is looked up after the rows are locked (`process_lives`), so that a process that
   * began while this one waited is counted, too. Doing it twice is the same as doing it once. Its commit is waited for: what is held stays
   * held, whatever happens to the database's machine. Throws LostLease.
   */
  hold(by: ProcessTurn, asks: readonly HoldAsk[]): Promise<(Hold | null)[]>;
  /** Makes the rows that are missing, unless their tenant is gone. */
  makeRows(asks: readonly HoldAsk[]): Promise<void>;
}

/** The lease of this process has run out: it holds nothing any more, and nobody counts what it had. */
export class LostLease extends Error {
  override readonly name = 'LostLease';

  constructor(readonly process: string) {
    super('the lease of this process has run out');
  }
}

/** What is open of a tenant: `held_slots`. */
export function tenantHolds(tenant: Connection, tenantId: string): HoldStore {
  const tenantUuid = uuidOf(tenantId, 'ten');
  const subjectOf = ({ id }: HoldAsk) => uuidOf(id);
  return {
    hold: (by, asks) => {
      const [subjects, kinds] = [asks.map(subjectOf), asks.map(({ kind }) => kind)];
      const locked = sql`
        select h.subject::text as subject, h.kind, h.holders from held_slots h
        where h.tenant_id = ${tenantUuid}::uuid and h.subject = any(${subjects}::uuid[]) and h.kind = any(${kinds}::text[])
        order by h.subject, h.kind for update`;
      const isGranted = sql`s.tenant_id = ${tenantUuid}::uuid and s.subject = g.subject::uuid and s.kind = g.kind`;
      return hold(tenant, { table: sql`held_slots`, locked, isGranted }, by, asks, subjects);
    },
    makeRows: async (asks) => {
      const ordered = asks.map((ask) => ({ subject: subjectOf(ask), kind: ask.kind })).toSorted(byName);
      await tenant.sql(
        (tag) => tag`
          insert into held_slots (tenant_id, subject, kind)
          select ${tenantUuid}::uuid, subject, kind
          from unnest(${ordered.map(({ subject }) => subject)}::uuid[], ${ordered.map(({ kind }) => kind)}::text[]) as a(subject, kind)
          where exists (select from tenants where id = ${tenantUuid}::uuid)
          on conflict (tenant_id, subject, kind) do nothing`,
        { idempotent: true },
      );
    },
  };
}

/** Calls to providers: `held_places`, by the engine, since they are of no tenant. */
export function providerHolds(engine: Connection): HoldStore {
  const idsOf = (asks: readonly HoldAsk[]) => asks.map(({ id }) => id);
  return {
    hold: (by, asks) => {
      const ids = idsOf(asks);
      const locked = sql`
        select h.provider as subject, 'calls' as kind, h.holders from held_places h
        where h.provider = any(${ids}::text[]) order by h.provider for update`;
      return hold(engine, { table: sql`held_places`, locked, isGranted: sql`s.provider = g.subject` }, by, asks, ids);
    },
    makeRows: async (asks) => {
      await engine.sql(
        (tag) => tag`
          insert into held_places (provider) select provider from unnest(${idsOf(asks).toSorted()}::text[]) as a(provider)
          on conflict (provider) do nothing`,
        { idempotent: true },
      );
    },
  };
}

interface HeldRows {
  readonly table: Statement;
  /** Locks the rows asked for, in one order for all: subject, kind and holders of each. */
  readonly locked: Statement;
  /** Whether row `s` of the table is the one that `g` is granted of. */
  readonly isGranted: Statement;
}

interface Granted {
  readonly is_alive: boolean;
  /** The place of the ask, from 1; null where no row was found at all. */
  readonly n: number | null;
  readonly held: number;
  readonly others: number;
}

async function hold(
  connection: Connection,
  { table, locked, isGranted }: HeldRows,
  { process, turn, graceMs }: ProcessTurn,
  asks: readonly HoldAsk[],
  subjects: readonly string[],
): Promise<(Hold | null)[]> {
  const rows = await connection.sql<Granted>(
    (tag) => tag`
      with asked as (
        select * from unnest(${subjects}::text[], ${asks.map(({ kind }) => kind)}::text[], ${asks.map(({ used }) => used)}::int[],
          ${asks.map(({ wanted }) => wanted)}::int[], ${asks.map(({ spare }) => spare)}::int[], ${asks.map(({ most }) => most)}::int[])
          with ordinality as a(subject, kind, used, wanted, spare, most, n)
      ), locked as (${locked}), me as (
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
        update ${table} s set holders = g.kept || jsonb_build_object(${process}::text, jsonb_build_object('held', g.held, 'turn', ${turn}::int))
        from granted g where ${isGranted}
      )
      select me.is_alive, g.n::int as n, g.held, g.others from me left join granted g on true`,
    { idempotent: true },
  );
  if (rows.some((row) => !row.is_alive)) throw new LostLease(process);
  const granted = asks.map((): Hold | null => null);
  for (const { n, held, others } of rows) if (n !== null) granted[n - 1] = { held, others };
  return granted;
}

function byName(a: { subject: string; kind: string }, b: { subject: string; kind: string }): number {
  return `${a.subject} ${a.kind}` < `${b.subject} ${b.kind}` ? -1 : 1;
}
