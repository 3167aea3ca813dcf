import type { Connection } from '../db/client.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { CostAsk, CostGrant } from './cost.ts';
import { unlimited, windowSeconds } from './share.ts';

/** What a limit counts: the requests and starts of a member or key, and the requests of all of a tenant. */
export type Kind = 'requests' | 'starts' | 'tenant';

/** How many callers wait for the same buckets. */
export interface Ask {
  /** A uuid: of the member or, for the kind `tenant` with a `count` of 0, of the tenant. */
  readonly subject: string;
  readonly kind: Kind;
  readonly count: number;
  readonly most: number;
  /** The key with limits of its own that they use; null when there is none. */
  readonly key: { readonly subject: string; readonly most: number } | null;
}

/** What is left in a bucket. */
export interface Left {
  readonly left: number;
  readonly resetMs: number;
}

/** What became of an ask. */
export interface Grant extends Left {
  readonly granted: number;
  /** Of the key's bucket; null when there is none. */
  readonly ofKey: Left | null;
}

/** What became of all asks, by `keyOfAsk`; `cost` is null where none was asked for, or nobody has made the bucket. */
export interface Taken {
  readonly grants: ReadonlyMap<string, Grant>;
  readonly cost: CostGrant | null;
}

/** The length of the minutes in which reservations are kept apart. A request lasts less; its reservation is kept for one to two of them. */
const epochSeconds = 60;

interface GrantRow {
  subject: string;
  kind: Kind;
  key: string;
  granted: number;
  left: number;
  reset_ms: number;
  key_left: number;
  key_reset_ms: number;
  /** Of the row of the costs only. */
  epoch: number | null;
}

/** Tells asks apart: each bucket or pair of buckets is asked for once. */
export function keyOfAsk({ subject, kind, key }: Pick<Ask, 'subject' | 'kind' | 'key'>): string {
  return `${subject} ${kind} ${key?.subject ?? subject}`;
}

/** The buckets that asks are about, each once, in one order on every process: none waits for a row whose holder waits for one of its own. */
export function bucketsOf(asks: readonly Pick<Ask, 'subject' | 'kind' | 'key'>[]): { subject: string; kind: Kind }[] {
  const buckets = new Map<string, { subject: string; kind: Kind }>();
  for (const { subject, kind, key } of asks)
    for (const each of key ? [subject, key.subject] : [subject]) buckets.set(`${each} ${kind}`, { subject: each, kind });
  return [...buckets.values()].toSorted((a, b) => compare(a.subject, b.subject) || compare(a.kind, b.kind));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * One statement on the database's clock: holds the buckets in order, grants each ask what is left of its key's, then of its member's bucket,
 * to requests no more than is left of the tenant's, and counts exactly what it granted. An ask with a bucket that nobody has made is
 * missing in the answer, and is granted nothing. In the same way it settles what operations have cost and reserves what new ones may cost,
 * always after the others in order.
 *
 * Its commit is not waited for (`synchronous_commit`): a crash of the database's machine may forget the grants of its last
 * half second. It is repeated after a lost answer, unless it settles: then it counts too much, and admits no more for it.
 */
export async function take(
  tenant: Connection,
  tenantUuid: string,
  asks: readonly Ask[],
  cost: CostAsk | null = null,
): Promise<Taken> {
  const subjects = asks.map(({ subject }) => subject);
  const kinds = asks.map(({ kind }) => kind);
  // Who has no key with a limit is asked for its own bucket twice, and counted once.
  const keys = asks.map(({ subject, key }) => key?.subject ?? subject);
  // Postgres plans for ten where it does not look; for fewer it would plan anew each time, which takes longer than the work.
  const padded = [...new Set([...subjects, ...keys])];
  while (padded.length < 10) padded.push(tenantUuid);
  const rows = await tenant.sql<GrantRow>(
    () => sql`
      with asked as (
        select * from unnest(${subjects}::uuid[], ${kinds}::text[], ${asks.map(({ count }) => count)}::int[],
          ${asks.map(({ most }) => most)}::int[], ${keys}::uuid[], ${asks.map(({ key }) => key?.most ?? unlimited)}::int[])
          as a(subject, kind, count, most, key, key_most)
      ), held as (
        select subject, kind, case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then 0 else used end as used,
          case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then now() else window_started_at end as started_at
        from rate_buckets
        where tenant_id = ${tenantUuid}::uuid and subject = any(${padded}::uuid[]) and kind = any(${kinds}::text[])
        order by subject, kind for update
      ), whole as (
        select subject, kind, a.most, h.used, h.started_at, greatest(0, a.most - h.used) as room
        from asked a join held h using (subject, kind) where kind = 'tenant'
      ), of_keys as (
        select a.*, h.used, h.started_at, k.used as key_used, k.started_at as key_started_at, least(a.count, greatest(0, a.key_most - k.used)) as share
        from asked a join held h using (subject, kind) join held k on k.subject = a.key and k.kind = a.kind where a.kind <> 'tenant'
      ), of_members as (
        select *, greatest(0, least(share, most - used - (sum(share) over (partition by subject, kind order by key) - share)))::int as own
        from of_keys
      ), grants as (
        select *, case when kind = 'starts' then own else greatest(0, least(own,
          coalesce((select room from whole), 0) - (sum(own) over (partition by kind order by subject, key) - own)))::int end as granted
        from of_members
      ), charges as (
        select subject, kind, used, started_at, sum(granted)::int as granted from grants group by subject, kind, used, started_at
        union all
        select key, kind, key_used, key_started_at, granted from grants where key <> subject
        union all
        select subject, kind, used, started_at,
          (select coalesce(sum(granted), 0)::int from grants where kind = 'requests') from whole
      ), charged as (
        update rate_buckets b set used = c.used + c.granted, window_started_at = c.started_at from charges c
        where b.tenant_id = ${tenantUuid}::uuid and b.subject = c.subject and b.kind = c.kind and c.granted > 0
      )${cost ? costPart(tenantUuid, cost) : sql``}, answered as (
        select subject, kind, key, granted, most - used - sum(granted) over (partition by subject, kind) as left, started_at,
          key_most - key_used - granted as key_left, key_started_at
        from grants
        union all
        select subject, kind, subject, 0, room - (select coalesce(sum(granted), 0) from grants where kind = 'requests'), started_at, 0, started_at
        from whole
      )
      select subject, kind, key, granted, greatest(0, "left")::int as "left",
        ceil(extract(epoch from started_at - now()) * 1000)::int + ${windowSeconds}::int * 1000 as reset_ms, greatest(0, key_left)::int as key_left,
        ceil(extract(epoch from key_started_at - now()) * 1000)::int + ${windowSeconds}::int * 1000 as key_reset_ms, null::int as epoch
      from answered, (select set_config('synchronous_commit', 'off', true)) as quick
      ${cost ? sql`union all select null, 'cost', null, granted, greatest(0, ${cost.budget.maximum}::int - spent - reserved - reserved_before)::int, 0, 0, 0, epoch from cost_taken` : sql``}`,
    { idempotent: !cost || cost.settlements.length === 0 },
  );
  const found = rows.find(({ epoch }) => epoch !== null);
  const grants = new Map(
    rows
      .filter(({ epoch }) => epoch === null)
      .map(({ subject, kind, key, granted, left, reset_ms: resetMs, key_left: keyLeft, key_reset_ms: keyResetMs }) => [
        `${subject} ${kind} ${key}`,
        { granted, left, resetMs, ofKey: key === subject ? null : { left: keyLeft, resetMs: keyResetMs } },
      ]),
  );
  return { grants, cost: found ? { granted: found.granted, left: found.left, epoch: found.epoch ?? 0 } : null };
}

/**
 * The part of the statement that is about costs: settles, then takes what is asked for, or what there is. It comes after the others (`held`)
 * in order. One update does it, for which it is written as one expression of the row; `granted` is kept in the row to be returned.
 */
function costPart(tenantUuid: string, { cost, least, budget, settlements }: CostAsk): Statement {
  // Older ones are dropped in the row, so there is nothing to give back for them.
  const [last, before] = settlements.toSorted((a, b) => b.epoch - a.epoch);
  const given = sql`case b_epoch.this when ${last?.epoch ?? 0}::int then ${last?.reserved ?? 0}::int
    when ${before?.epoch ?? 0}::int then ${before?.reserved ?? 0}::int else 0 end`;
  const givenBefore = sql`case b_epoch.this - 1 when ${last?.epoch ?? 0}::int then ${last?.reserved ?? 0}::int
    when ${before?.epoch ?? 0}::int then ${before?.reserved ?? 0}::int else 0 end`;
  return sql`, cost_taken as (
        update cost_buckets b set (spent, spent_at, epoch, reserved, reserved_before, granted) = (
          select now_is.spent, greatest(b.spent_at, now()), now_is.epoch, now_is.reserved + taken.granted, now_is.reserved_before, taken.granted
          from (
            select b_epoch.this as epoch,
              greatest(0, b.spent - ${budget.restoreRate}::float8 * greatest(0, extract(epoch from now() - b.spent_at)::float8))
                + ${settlements.reduce((sum, { actual }) => sum + actual, 0)}::float8 as spent,
              greatest(0, case b.epoch when b_epoch.this then b.reserved else 0 end - ${given}) as reserved,
              greatest(0, case b.epoch when b_epoch.this then b.reserved_before when b_epoch.this - 1 then b.reserved else 0 end
                - ${givenBefore}) as reserved_before
            from (select floor(extract(epoch from now()) / ${epochSeconds}::int)::int as this) as b_epoch
          ) as now_is, lateral (
            select case when room >= ${least}::int then greatest(0, least(${cost}::int, room))::int else 0 end as granted
            from (select floor(${budget.maximum}::int - now_is.spent - now_is.reserved - now_is.reserved_before + 1e-6) as room) as rooms
          ) as taken
        )
        where b.tenant_id = ${tenantUuid}::uuid and (select count(*) from held) >= 0
        returning granted, spent, reserved, reserved_before, epoch
      )`;
}

/** Makes the bucket of the tenant's costs, unless it is there. */
export async function makeCostBucket(tenant: Connection, tenantUuid: string): Promise<void> {
  await tenant.sql(
    (sql) => sql`insert into cost_buckets (tenant_id) values (${tenantUuid}::uuid) on conflict (tenant_id) do nothing`,
    { idempotent: true },
  );
}

/** Makes the buckets that are missing; those that are there stay as they are. */
export async function makeBuckets(tenant: Connection, tenantUuid: string, asks: readonly Ask[]): Promise<void> {
  const buckets = bucketsOf(asks);
  await tenant.sql(
    (sql) => sql`
      insert into rate_buckets (tenant_id, subject, kind)
      select ${tenantUuid}::uuid, subject, kind
      from unnest(${buckets.map(({ subject }) => subject)}::uuid[], ${buckets.map(({ kind }) => kind)}::text[]) as a(subject, kind)
      on conflict (tenant_id, subject, kind) do nothing`,
    { idempotent: true },
  );
}

/** Gives back one that was asked for `askedMsAgo`, unless another window may have begun since: what that one counts is not touched. */
export async function giveBack(
  tenant: Connection,
  tenantUuid: string,
  { subjects, kind }: { readonly subjects: readonly string[]; readonly kind: Kind },
  askedMsAgo: number,
): Promise<void> {
  await tenant.sql(
    (sql) => sql`
      with held as (
        select subject from rate_buckets
        where tenant_id = ${tenantUuid}::uuid and subject = any(${subjects}::uuid[]) and kind = ${kind}
          and window_started_at <= now() - ${askedMsAgo}::float8 * interval '1 millisecond'
        order by subject for update
      )
      update rate_buckets b set used = greatest(0, b.used - 1) from held h
      where b.tenant_id = ${tenantUuid}::uuid and b.subject = h.subject and b.kind = ${kind}`,
  );
}

/** A configured limit as it is counted: 0 is none. */
export function countable(most: number): number {
  return most === 0 ? unlimited : most;
}
