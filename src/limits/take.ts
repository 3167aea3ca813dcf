import { randomUUID } from 'node:crypto';
import type { Connection, Leader } from '../db/client.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { CostAsk, CostGrant } from './cost.ts';
import { unlimited, windowSeconds } from './quota.ts';
import { epochSeconds, rowsOf, takenOne, type OneTaken } from './take-one.ts';

/** What a limit counts: the requests and starts of a member or key, and the requests of all of a tenant. */
export type Kind = 'requests' | 'starts' | 'tenant';

/** Callers who wait for the same buckets, and how many they are. */
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

/** A statement that counts and is on its way. Others can be sent right behind it; in them `isTaken` is true when all that it asked for was granted. */
export interface Flight {
  readonly isTaken: Statement;
  readonly leader: Leader<unknown>;
}

/** What became of all asks, by `keyOfAsk`. `cost` is null when none was asked for, or there is no bucket for it yet. */
export interface Taken {
  readonly grants: ReadonlyMap<string, Grant>;
  readonly cost: CostGrant | null;
}

/** A row of its answer. */
export interface GrantRow {
  subject: string;
  kind: Kind;
  granted: number;
  left: number;
  resetMs: number;
  /** Null in all rows but the one of the costs. */
  epoch: number | null;
  /** In a row that says what was granted to an ask with a key: that key. Null in rows of buckets. */
  key?: string | null;
}

/** The name of an ask: asks with the same name are for the same buckets, and are made as one. */
export function keyOfAsk({ subject, kind, key }: Pick<Ask, 'subject' | 'kind' | 'key'>): string {
  return `${subject} ${kind} ${key?.subject ?? subject}`;
}

/** The buckets that asks are for, each once, and in the same order on every process: so two processes never wait for each other's rows. */
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
 * One statement, on the database's clock. It locks the buckets in order and grants each ask what is left in its key's bucket and in its member's, requests
 * also no more than is left in the tenant's; it counts exactly what it granted. Last it settles what operations have cost and reserves
 * what new ones may cost. An ask with a bucket that does not exist yet is granted nothing, and is missing in the answer.
 *
 * Its commit is not waited for (`synchronous_commit`): after a crash of the database's machine the grants of the last half second may be
 * forgotten. After a lost answer it is repeated, unless it settles. A repetition counts too much, so it never admits too much.
 */
export async function take(
  tenant: Connection,
  tenantUuid: string,
  asks: readonly Ask[],
  cost: CostAsk | null = null,
  onFlight: ((flight: Flight) => void) | null = null,
): Promise<Taken> {
  // A new one each time, so that what the session still has of an earlier statement is never taken for this one's.
  const mark = onFlight && randomUUID();
  const statement = takenOne(tenantUuid, asks, cost, mark) ?? takenOf(tenantUuid, asks, cost, mark);
  const rows = rowsOf(
    await sendTake(tenant, statement, mark, onFlight, !cost || cost.settlements.length === 0),
    asks,
    tenantUuid,
  );
  const hasKeys = asks.some(({ key }) => key !== null);
  const buckets = new Map<string, GrantRow>();
  const granted = new Map<string, number>();
  let found: GrantRow | null = null;
  for (const row of rows) {
    if (row.epoch !== null) found = row;
    else if (typeof row.key === 'string') granted.set(`${row.subject} ${row.kind} ${row.key}`, row.granted);
    else buckets.set(`${row.subject} ${row.kind}`, row);
  }
  const grants = new Map<string, Grant>();
  for (const ask of asks) {
    const name = keyOfAsk(ask);
    const own = buckets.get(`${ask.subject} ${ask.kind}`);
    const ofKey = ask.key ? buckets.get(`${ask.key.subject} ${ask.kind}`) : null;
    const count = hasKeys && ask.kind !== 'tenant' ? granted.get(name) : own?.granted;
    if (own && ofKey !== undefined && count !== undefined)
      grants.set(name, { granted: count, left: own.left, resetMs: own.resetMs, ofKey });
  }
  return { grants, cost: found ? { granted: found.granted, left: found.left, epoch: found.epoch ?? 0 } : null };
}

/** The statement for any asks. */
function takenOf(tenantUuid: string, asks: readonly Ask[], cost: CostAsk | null, mark: string | null): Statement {
  // Few keys have limits of their own. Without them the statement is shorter and takes half the time.
  const hasKeys = asks.some(({ key }) => key !== null);
  const subjects = asks.map(({ subject }) => subject);
  const kinds = asks.map(({ kind }) => kind);
  // Postgres plans for ten where it does not look; for fewer it would plan anew each time, which takes longer than the work.
  const padded = hasKeys ? [...new Set([...subjects, ...keysOf(asks)])] : [...subjects];
  while (padded.length < 10) padded.push(tenantUuid);
  return sql`
      with asked as (
        select * from unnest(${subjects}::uuid[], ${kinds}::text[],
          ${asks.map(({ count }) => count)}::int[], ${asks.map(({ most }) => most)}::int[]${hasKeys ? sql`, ${keysOf(asks)}::uuid[], ${asks.map(({ key }) => key?.most ?? unlimited)}::int[]` : sql``}) as a(subject, kind, count, most${hasKeys ? sql`, key, key_most` : sql``})
      ), held as (
        select subject, kind, case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then 0 else used end as used,
          case when window_started_at <= now() - ${windowSeconds}::int * interval '1 second' then now() else window_started_at end as started_at
        from rate_buckets
        where tenant_id = ${tenantUuid}::uuid and subject = any(${padded}::uuid[]) and kind = any(${kinds}::text[])
        order by subject, kind for update
      ), whole as (
        select subject, kind, a.most, h.used, h.started_at, greatest(0, a.most - h.used) as room
        from asked a join held h using (subject, kind) where kind = 'tenant'
      ), ${hasKeys ? sharesByKey : plainShares}, grants as (
        select s.*, case when kind = 'starts' then share else greatest(0, least(share,
          coalesce((select room from whole), 0) - (sum(share) over (partition by kind order by subject${hasKeys ? sql`, key` : sql``}) - share)))::int end as granted
        from shares s
      ), charges as (
        ${hasKeys ? chargesByKey : plainCharges}
        union all
        select subject, kind, most, used, started_at,
          (select coalesce(sum(granted), 0)::int from grants where kind = 'requests') from whole
      ), charged as (
        update rate_buckets b set used = c.used + c.granted, window_started_at = c.started_at from charges c
        where b.tenant_id = ${tenantUuid}::uuid and b.subject = c.subject and b.kind = c.kind and c.granted > 0
      )${cost ? costPart(tenantUuid, cost) : sql``}
      select subject, kind, granted, greatest(0, most - used - granted) as left,
        ceil(extract(epoch from started_at - now()) * 1000)::int + ${windowSeconds}::int * 1000 as "resetMs", null::int as epoch${hasKeys ? sql`, null::uuid as key` : sql``}
      from charges, (select set_config('synchronous_commit', 'off', true)${mark === null ? sql`` : markPart(mark, asks, cost)}) as quick
      ${hasKeys ? sql`union all select subject, kind, granted, 0, 0, null, key from grants` : sql``}
      ${cost ? sql`union all select null, 'cost', granted, greatest(0, ${cost.costLimit.maximum}::int - spent - reserved - reserved_before)::int, 0, epoch${hasKeys ? sql`, null` : sql``} from cost_taken` : sql``}`;
}

async function sendTake(
  tenant: Connection,
  statement: Statement,
  mark: string | null,
  onFlight: ((flight: Flight) => void) | null,
  idempotent: boolean,
): Promise<(GrantRow | OneTaken)[]> {
  if (!onFlight) return tenant.sql<GrantRow | OneTaken>(() => statement, { idempotent });
  const leader = tenant.lead<GrantRow | OneTaken>(statement, { idempotent });
  onFlight({ leader, isTaken: sql`current_setting('draftwire.taken', true) = ${mark}` });
  return leader.rows;
}

/** Tells the statement right behind, on the same connection, that all that was asked for was granted. */
function markPart(mark: string, asks: readonly Ask[], cost: CostAsk | null): Statement {
  const count = asks.reduce((sum, ask) => sum + ask.count, 0);
  return sql`, set_config('draftwire.taken', case when (select sum(granted) from grants) = ${count}::int
        ${cost ? sql`and (select granted from cost_taken) = ${cost.cost}::int` : sql``} then ${mark} else '' end, false)`;
}

/**
 * Counts one start of a member, as a part of the statement that starts it. It has no row when the start is refused or the bucket does not exist
 * yet. The bucket stays locked until that statement is committed.
 */
export function startCounted(tenantUuid: string, subject: string, most: number, isTaken: Statement): Statement {
  const isOver = sql`window_started_at <= now() - ${windowSeconds}::int * interval '1 second'`;
  return sql`
    update rate_buckets set used = case when ${isOver} then 1 else used + 1 end,
      window_started_at = case when ${isOver} then now() else window_started_at end
    where tenant_id = ${tenantUuid}::uuid and subject = ${subject}::uuid and kind = 'starts' and ${isTaken}
      and (${isOver} or used < ${most}::int)
    returning used`;
}

/** For each ask the bucket of its key. Without one it is the member's own bucket a second time, which is counted only once. */
function keysOf(asks: readonly Ask[]): string[] {
  return asks.map(({ subject, key }) => key?.subject ?? subject);
}

const plainShares = sql`shares as (
        select subject, kind, a.most, h.used, h.started_at, least(a.count, greatest(0, a.most - h.used)) as share
        from asked a join held h using (subject, kind) where kind <> 'tenant'
      )`;
const plainCharges = sql`select subject, kind, most, used, started_at, granted from grants`;

/** A key's share first, then what its member's bucket has for it after the keys before it. */
const sharesByKey = sql`of_keys as (
        select a.subject, a.kind, a.key, a.most, a.key_most, h.used, h.started_at, k.used as key_used, k.started_at as key_started_at,
          least(a.count, greatest(0, a.key_most - k.used)) as key_share
        from asked a join held h using (subject, kind) join held k on k.subject = a.key and k.kind = a.kind where a.kind <> 'tenant'
      ), shares as (
        select *, greatest(0, least(key_share, most - used - (sum(key_share) over (partition by subject, kind order by key) - key_share)))::int as share
        from of_keys
      )`;
const chargesByKey = sql`select subject, kind, most, used, started_at, sum(granted)::int as granted from grants
        group by subject, kind, most, used, started_at
        union all
        select key, kind, key_most, key_used, key_started_at, granted from grants where key <> subject`;

/**
 * The part of the statement that is about costs: it settles, then takes what is asked for, or what there is. Its row is locked after all others (`held`). All
 * of it is one update, so it is one expression of the row. `granted` is written into the row since an update returns only what it wrote.
 */
function costPart(tenantUuid: string, { cost, least, costLimit, settlements }: CostAsk): Statement {
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
              greatest(0, b.spent - ${costLimit.restoreRate}::float8 * greatest(0, extract(epoch from now() - b.spent_at)::float8))
                + ${settlements.reduce((sum, { actual }) => sum + actual, 0)}::float8 as spent,
              greatest(0, case b.epoch when b_epoch.this then b.reserved else 0 end - ${given}) as reserved,
              greatest(0, case b.epoch when b_epoch.this then b.reserved_before when b_epoch.this - 1 then b.reserved else 0 end
                - ${givenBefore}) as reserved_before
            from (select floor(extract(epoch from now()) / ${epochSeconds}::int)::int as this) as b_epoch
          ) as now_is, lateral (
            select case when room >= ${least}::int then greatest(0, least(${cost}::int, room))::int else 0 end as granted
            from (select floor(${costLimit.maximum}::int - now_is.spent - now_is.reserved - now_is.reserved_before + 1e-6) as room) as rooms
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

/** Takes one off what was counted `askedMsAgo`, unless another window may have begun since: that one did not count it. */
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

/** A configured limit, of which 0 means none, as statements take it. */
export function countable(most: number): number {
  return most === 0 ? unlimited : most;
}
