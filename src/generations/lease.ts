import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { CacheUse } from '../caching/caching.ts';
import type { Connection } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Guards } from '../guards/guards.ts';
import type { PromptMessage } from '../providers/port.ts';
import type { RoutePlan } from '../routing/plan.ts';
import type { FailoverPolicy } from '../templates/templates.table.ts';
import { copyColumns, copyValues } from './copied.ts';
import type { Run, Work } from './run.ts';
import type { Skip } from './skip.ts';
import type { AttemptState } from './story.ts';

/** After this many take-overs a generation is given up: something in it kills its writers. */
const maxTakeOvers = 3;

/** A generation that was claimed, ids as text. */
export interface Claim extends Omit<Work, 'plan'> {
  readonly requestedModel: string;
  /** What its tenant's route came to; null where `requestedModel` says all. */
  readonly plan: RoutePlan | null;
}

/** A generation that nobody will write on: it only has to be closed. */
export interface Closing {
  readonly tenantId: string;
  readonly id: string;
  readonly epoch: number;
  readonly reason: 'CANCELLED' | 'ABANDONED' | 'TIMEOUT';
}

/** What a process is ready to write. */
interface Asked {
  readonly status: 'RUNNING' | 'QUEUED';
  /** What it writes: it renews that, however late, where a take-over would cost its tokens again, and it ends it by itself. */
  readonly writing: readonly Run[];
  readonly limit: number;
  readonly leaseMs: number;
  readonly totalTimeoutMs: number;
}

interface ClaimRow {
  tenant_id: string;
  id: string;
  epoch: number;
  requested_model: string;
  plan: RoutePlan | null;
  prompt: PromptMessage[];
  draft: string;
  max_output_tokens: number;
  temperature: number | null;
  failover_policy: FailoverPolicy;
  guards: Guards | null;
  cache: CacheUse | null;
  output_schema: Record<string, unknown> | null;
  variables: Record<string, unknown>;
  complaint: string | null;
  skipped: Skip[] | null;
  age_ms: number;
  attempts: AttemptState[];
}

/** Renews the leases of runs; answers which ones are still this process's, and which are to be cancelled. */
export async function renewLeases(
  engine: Connection,
  runs: readonly Run[],
  leaseMs: number,
): Promise<Map<string, { isCancelRequested: boolean }>> {
  const rows = await engine.sql<{ id: string; cancel: boolean }>(
    (sql) => sql`
      update generations g set lease_until = now() + make_interval(secs => ${leaseMs / 1_000}::float8)
      from unnest(${runs.map((run) => run.tenantUuid)}::uuid[], ${runs.map((run) => run.uuid)}::uuid[],
                  ${runs.map((run) => run.epoch)}::int[]) as r (tenant_id, id, epoch)
      where g.tenant_id = r.tenant_id and g.id = r.id and g.epoch = r.epoch and g.status = 'RUNNING'
      returning g.id, g.cancel_requested_at is not null as cancel`,
    // A connection that fell silent must not use up the lease: the next try comes on another.
    { idempotent: true, deadlineMs: Math.max(500, leaseMs / 3) },
  );
  return new Map(rows.map((row) => [idOfUuid('gen', row.id), { isCancelRequested: row.cancel }]));
}

/** Gives generations back at once, for any process to go on with. Being given away is no fault of theirs: it does not count as a take-over. */
export async function releaseLeases(engine: Connection, runs: readonly Run[]): Promise<void> {
  await engine.sql(
    (sql) => sql`
      update generations g set lease_until = now(), take_overs = g.take_overs - 1
      from unnest(${runs.map((run) => run.tenantUuid)}::uuid[], ${runs.map((run) => run.uuid)}::uuid[],
                  ${runs.map((run) => run.epoch)}::int[]) as r (tenant_id, id, epoch)
      where g.tenant_id = r.tenant_id and g.id = r.id and g.epoch = r.epoch and g.status = 'RUNNING'
        and g.lease_until > now()`,
    { idempotent: true },
  );
}

/**
 * Takes over up to `limit` generations whose lease ran out (in `RUNNING`) or that wait for a process (in `QUEUED`): raises the epoch,
 * ends the lost attempt, opens the next from 0 with the model of the last. The statement is the fence; nobody else gets them. What waits in a
 * suspended tenant goes on waiting. A take-over is on record.
 */
export function claim(engine: Connection, asked: Asked): Promise<Claim[]> {
  if (asked.status === 'QUEUED') return claimIn(engine, asked);
  return engine.transaction(async (transaction) => {
    const claims = await claimIn(transaction, asked);
    const deeds = claims.map(({ tenantId, id, epoch }) => ({
      tenantId,
      service: 'sweeper' as const,
      operation: 'generationTakeOver',
      thing: id,
      before: { epoch: epoch - 1 },
      after: { epoch },
    }));
    if (deeds.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, deeds));
    return claims;
  });
}

async function claimIn(engine: Statements, { status, writing, limit, leaseMs, totalTimeoutMs }: Asked): Promise<Claim[]> {
  const rows = await engine.sql<ClaimRow>(
    (sql) => sql`
      with picked as materialized (
        select tenant_id, id from generations g
        where status = ${status} and ${status === 'RUNNING' ? sql`lease_until <= now() and take_overs < ${maxTakeOvers} and ${notOf(sql, writing)}` : sql`true`}
          and cancel_requested_at is null and created_at > now() - make_interval(secs => ${totalTimeoutMs / 1_000}::float8)
          ${status === 'QUEUED' ? sql`and not exists (select from tenants t where t.id = g.tenant_id and coalesce(t.suspended_at, t.deleted_at) is not null)` : sql``}
        order by ${status === 'RUNNING' ? sql`lease_until` : sql`created_at`} limit ${limit} for update skip locked
      ), taken as (
        update generations g
        set status = 'RUNNING', epoch = g.epoch + 1, attempt = g.attempt + 1, started_at = coalesce(g.started_at, now()),
            take_overs = g.take_overs + ${status === 'RUNNING' ? 1 : 0}, lease_until = now() + make_interval(secs => ${leaseMs / 1_000}::float8)
        from picked p where g.tenant_id = p.tenant_id and g.id = p.id
        returning g.*
      ), lost as (
        update attempts a set ended_at = now(), ended_by = 'TAKEN_OVER' from taken t
        where a.tenant_id = t.tenant_id and a.generation_id = t.id and a.number = t.attempt - 1 and a.ended_at is null
      ), opened as (
        insert into attempts (tenant_id, generation_id, number, epoch, model, base, reason ${copyColumns(sql)})
        select tenant_id, id, attempt, epoch, model, 0, case when attempt > 1 then 'TAKE_OVER' end ${copyValues(sql, sql`(cache ->> 'source')::uuid`)}
        from taken
        returning tenant_id, generation_id, number, base, model, reason
      )
      select t.tenant_id, t.id, t.epoch, t.requested_model, t.plan, t.prompt, t.draft, t.max_output_tokens, t.temperature, t.failover_policy,
             t.guards, t.cache, t.variables, t.skipped, (select v.output_schema from template_versions v where v.id = t.template_version_id), (
               select a.failure_message from attempts a
               where a.tenant_id = t.tenant_id and a.generation_id = t.id and a.failure_code = 'GUARD_FAILED' order by a.number desc limit 1
             ) as complaint,
             (extract(epoch from now() - t.created_at) * 1000)::float8 as age_ms,
             coalesce((
               select json_agg(json_build_object('number', a.number, 'base', a.base, 'model', a.model, 'reason', a.reason,
                 'endedBy', coalesce(a.ended_by, 'TAKEN_OVER'), 'endOffset', a.end_offset) order by a.number)
               from attempts a where a.tenant_id = t.tenant_id and a.generation_id = t.id and a.number < t.attempt
             )::jsonb, '[]') || jsonb_build_array(jsonb_build_object('number', o.number, 'base', o.base, 'model', o.model, 'reason', o.reason,
                 'endedBy', null, 'endOffset', null)) as attempts
      from taken t join opened o on o.tenant_id = t.tenant_id and o.generation_id = t.id`,
  );
  return rows.map((row) => ({
    tenantId: idOfUuid('ten', row.tenant_id),
    id: idOfUuid('gen', row.id),
    epoch: row.epoch,
    requestedModel: row.requested_model,
    plan: row.plan,
    messages: row.prompt,
    draft: row.draft,
    maxOutputTokens: row.max_output_tokens,
    temperature: row.temperature,
    failoverPolicy: row.failover_policy,
    guards: row.guards,
    cache: row.cache,
    outputSchema: row.output_schema,
    variables: row.variables,
    complaint: row.complaint,
    skipped: row.skipped ?? [],
    ageMs: row.age_ms,
    attempts: row.attempts,
  }));
}

/**
 * Fences up to 100 generations that only have to be closed: cancelled while their owner was dead, taken over too often, or past the
 * total deadline without a living owner. They keep status and attempts until they are closed.
 */
export async function claimClosings(
  engine: Connection,
  { writing, leaseMs, totalTimeoutMs }: Pick<Asked, 'writing' | 'leaseMs' | 'totalTimeoutMs'>,
): Promise<Closing[]> {
  const rows = await engine.sql<{ tenant_id: string; id: string; epoch: number; reason: Closing['reason'] }>(
    (sql) => sql`
      with lapsed as materialized (
        select tenant_id, id from generations
        where status = 'RUNNING' and lease_until <= now() and ${notOf(sql, writing)}
          and (cancel_requested_at is not null or take_overs >= ${maxTakeOvers}
               or created_at <= now() - make_interval(secs => ${totalTimeoutMs / 1_000}::float8))
        order by lease_until limit 50 for update skip locked
      ), waiting as materialized (
        select tenant_id, id from generations
        where status = 'QUEUED' and (lease_until is null or lease_until <= now())
          and (cancel_requested_at is not null or created_at <= now() - make_interval(secs => ${totalTimeoutMs / 1_000}::float8))
        order by created_at limit 50 for update skip locked
      ), picked as (select * from lapsed union all select * from waiting)
      update generations g set epoch = g.epoch + 1, lease_until = now() + make_interval(secs => ${leaseMs / 1_000}::float8)
      from picked p where g.tenant_id = p.tenant_id and g.id = p.id
      returning g.tenant_id, g.id, g.epoch,
        case when g.cancel_requested_at is not null then 'CANCELLED' when g.take_overs >= ${maxTakeOvers} then 'ABANDONED' else 'TIMEOUT' end as reason`,
  );
  return rows.map((row) => ({
    tenantId: idOfUuid('ten', row.tenant_id),
    id: idOfUuid('gen', row.id),
    epoch: row.epoch,
    reason: row.reason,
  }));
}

function notOf(sql: SqlTag, runs: readonly Run[]): Statement {
  return sql`id <> all(${runs.map((run) => run.uuid)}::uuid[])`;
}
