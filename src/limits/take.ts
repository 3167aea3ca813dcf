import type { Connection } from '../db/client.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { CostAsk, CostGrant } from './cost.ts';
import { unlimited, windowSeconds } from './share.ts';

/** What a limit counts: a member's requests and starts, and the requests of all of a tenant. */
export type Kind = 'requests' | 'starts' | 'tenant';

/** How many callers wait for one bucket. */
export interface Ask {
  /** A uuid: of the member or, for the kind `tenant` with a `count` of 0, of the tenant. */
  readonly subject: string;
  readonly kind: Kind;
  readonly count: number;
  readonly most: number;
}

/** What became of an ask. */
export interface Grant {
  readonly subject: string;
  readonly kind: Kind;
  readonly granted: number;
  readonly left: number;
  readonly resetMs: number;
}

/** What became of all asks; `cost` is null where none was asked for, or nobody has made the bucket. */
export interface Taken {
  readonly grants: readonly Grant[];
  readonly cost: CostGrant | null;
}

/** The length of the minutes in which reservations are kept apart. A request lasts less; its reservation is kept for one to two of them. */
const epochSeconds = 60;

/** Orders asks in one way on every process, so that none waits for a row whose holder waits for one of its own. */
export function inLockOrder(asks: readonly Ask[]): Ask[] {
  return asks.toSorted((a, b) => compare(a.subject, b.subject) || compare(a.kind, b.kind));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * One statement on the database's clock: holds the buckets in order, grants each what is left of it, to requests no more than is left of
 * the tenant's, and counts exactly what it granted. In the same way it settles what operations have cost and reserves what new ones may
 * cost, always after the others in order. A bucket that nobody has made is missing in the answer, and grants nothing.
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
  const ordered = inLockOrder(asks);
  const subjects = ordered.map(({ subject }) => subject);
  const kinds = ordered.map(({ kind }) => kind);
  // Postgres plans for ten where it does not look; for fewer it would plan anew each time, which takes longer than the work.
  const padded = subjects.concat(Array.from({ length: Math.max(0, 10 - subjects.length) }, () => tenantUuid));
  const rows = await tenant.sql<Grant & { readonly epoch: number | null }>(
    () => sql`
      with asked as (
        select * from unnest(${subjects}::uuid[], ${kinds}::text[],
          ${ordered.map(({ count }) => count)}::int[], ${ordered.map(({ most }) => most)}::int[]) as a(subject, kind, count, most)
      ), held as (
        select subject, kind, case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then 0 else used end as used,
          case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then now() else window_started_at end as started_at
        from rate_buckets
        where tenant_id = ${tenantUuid}::uuid and subject = any(${padded}::uuid[]) and kind = any(${kinds}::text[])
        order by subject, kind for update
      ), whole as (
        select subject, kind, a.most, h.used, h.started_at, greatest(0, a.most - h.used) as room
        from asked a join held h using (subject, kind) where kind = 'tenant'
      ), shares as (
        select subject, kind, a.most, h.used, h.started_at, least(a.count, greatest(0, a.most - h.used)) as share
        from asked a join held h using (subject, kind) where kind <> 'tenant'
      ), grants as (
        select s.*, case when kind = 'starts' then share else greatest(0, least(share,
          coalesce((select room from whole), 0) - (sum(share) over (partition by kind order by subject) - share)))::int end as granted
        from shares s
      ), charges as (
        select subject, kind, most, used, started_at, granted from grants
        union all
        select subject, kind, most, used, started_at,
          (select coalesce(sum(granted), 0)::int from grants where kind = 'requests') from whole
      ), charged as (
        update rate_buckets b set used = c.used + c.granted, window_started_at = c.started_at from charges c
        where b.tenant_id = ${tenantUuid}::uuid and b.subject = c.subject and b.kind = c.kind and c.granted > 0
      )${cost ? costPart(tenantUuid, cost) : sql``}
      select subject, kind, granted, greatest(0, most - used - granted) as left,
        ceil(extract(epoch from started_at - now()) * 1000)::int + ${windowSeconds}::int * 1000 as "resetMs", null::int as epoch
      from charges, (select set_config('synchronous_commit', 'off', true)) as quick
      ${cost ? sql`union all select null, 'cost', granted, greatest(0, ${cost.budget.maximum}::int - spent - reserved - reserved_before)::int, 0, epoch from cost_taken` : sql``}`,
    { idempotent: !cost || cost.settlements.length === 0 },
  );
  const found = rows.find(({ epoch }) => epoch !== null);
  return {
    grants: rows.filter(({ epoch }) => epoch === null),
    cost: found ? { granted: found.granted, left: found.left, epoch: found.epoch ?? 0 } : null,
  };
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
  const ordered = inLockOrder(asks);
  await tenant.sql(
    (sql) => sql`
      insert into rate_buckets (tenant_id, subject, kind)
      select ${tenantUuid}::uuid, subject, kind
      from unnest(${ordered.map(({ subject }) => subject)}::uuid[], ${ordered.map(({ kind }) => kind)}::text[]) as a(subject, kind)
      on conflict (tenant_id, subject, kind) do nothing`,
    { idempotent: true },
  );
}

/** Gives back one that was asked for `askedMsAgo`, unless another window may have begun since: what that one counts is not touched. */
export async function giveBack(
  tenant: Connection,
  tenantUuid: string,
  { subject, kind }: Pick<Ask, 'subject' | 'kind'>,
  askedMsAgo: number,
): Promise<void> {
  await tenant.sql(
    (sql) => sql`
      update rate_buckets set used = greatest(0, used - 1)
      where tenant_id = ${tenantUuid}::uuid and subject = ${subject}::uuid and kind = ${kind}
        and window_started_at <= now() - ${askedMsAgo}::float8 * interval '1 millisecond'`,
  );
}

/** A configured limit as it is counted: 0 is none. */
export function countable(most: number): number {
  return most === 0 ? unlimited : most;
}
