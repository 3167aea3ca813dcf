import type { CachePlan } from '../caching/cache.service.ts';
import type { CacheUse } from '../caching/caching.ts';
import { entryClaimed } from '../caching/entry.ts';
import { uuidOf } from '../db/ids.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { claimHours, type IdempotencyClaim } from '../idempotency/claim.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Room } from '../limits/limit.service.ts';
import { copyColumns, copyValues } from './copied.ts';
import type { GenerationRow } from './generations.table.ts';

/** What a generation is written from; the same for a start and a retry. */
export type Recipe = Pick<
  GenerationRow,
  | 'templateVersionId'
  | 'templateSlug'
  | 'retryOf'
  | 'requestedModel'
  | 'plan'
  | 'variables'
  | 'metadata'
  | 'prompt'
  | 'draft'
  | 'maxOutputTokens'
  | 'temperature'
  | 'failoverPolicy'
  | 'guards'
>;

export interface NewGeneration {
  readonly scope: Scope;
  readonly id: string;
  readonly recipe: Recipe;
  readonly claim: IdempotencyClaim | null;
  /** The model of its first attempt. */
  readonly model: string;
  /** The audit record, added when `source`, a relation of the statement, has a row. */
  readonly record: (sql: SqlTag, source: Statement) => Statement;
  /** Leased to this process from the start, or null: QUEUED. */
  readonly leaseMs: number | null;
  /** How many unfinished ones its tenant, member and key may have, 0 for any number; null when nothing limits them. */
  readonly room: Room | null;
  /** What it does with the cache; null for nothing. */
  readonly cache: CachePlan | null;
  /** A condition that reserves for its first call; the statement fails where a budget refuses (`LedgerService.refusal`). */
  readonly reserved: (sql: SqlTag) => Statement;
}

/** Either the new row, or which generation the idempotency key already stands for. */
export type Inserted = { readonly row: GenerationRow } | { readonly row: null; readonly id: string; readonly inputHash: string };

/** Its answer. */
export interface InsertedRow {
  thing_id: string;
  input_hash: string | null;
  created_at: Date | null;
  /** The generation, as a uuid, whose text it copies; absent and null for none. */
  source?: string | null;
}

/**
 * One statement: the idempotency record, the generation, its first attempt and the audit record, or nothing. Of any number of callers with the same
 * key one inserts; the no-op update makes all others see its record. An expired record is taken over. Where there is no room it fails
 * (`LimitService.noRoom` knows how), and nothing of it stays. With `counted`, a part that has to have a row, it does and answers nothing where
 * there is none; that is for starts without an idempotency key.
 */
export function generationInserted(
  sql: SqlTag,
  { scope, id, recipe, claim, model, leaseMs, room, cache, reserved, record }: NewGeneration,
  counted?: Statement,
): Statement {
  const uuid = uuidOf(id, 'gen');
  const keyId = scope.keyId === null ? null : uuidOf(scope.keyId, 'key');
  const isRunning = leaseMs !== null;
  const claimed = cache?.claim
    ? entryClaimed(
        sql,
        cache.claim,
        sql`(select ${uuidOf(scope.tenantId)}::uuid as tenant_id, thing_id as id from asked where thing_id = ${uuid}) as own`,
      )
    : null;
  const use = cache && sql.json(cache.use);
  return sql`
      with ${counted ? sql`counted as (${counted}), ` : sql``}asked as (${
        claim
          ? sql`
        insert into idempotency_keys as k (tenant_id, member_id, operation, key, input_hash, thing_id, expires_at)
        values (${uuidOf(scope.tenantId)}, ${uuidOf(scope.memberId)}, ${claim.operation}, ${claim.key}, ${claim.inputHash}, ${uuid},
                now() + make_interval(hours => ${claimHours}::int))
        on conflict (tenant_id, member_id, operation, key) do update
        set input_hash = case when k.expires_at <= now() then excluded.input_hash else k.input_hash end,
            thing_id = case when k.expires_at <= now() then excluded.thing_id else k.thing_id end,
            expires_at = case when k.expires_at <= now() then excluded.expires_at else k.expires_at end
        returning thing_id, input_hash`
          : sql`select ${uuid}::uuid as thing_id, null::text as input_hash ${counted ? sql`from counted` : sql``}`
      })${claimed ? sql`, kept as (${claimed})` : sql``}, started as (
        insert into generations (tenant_id, id, member_id, key_id, template_version_id, template_slug, retry_of, status, requested_model, plan, model,
          variables, metadata, prompt, draft, max_output_tokens, temperature, failover_policy, guards, cache, epoch, attempt, lease_until, started_at)
        select ${uuidOf(scope.tenantId)}::uuid, thing_id, ${uuidOf(scope.memberId)}::uuid,
          ${keyId}::uuid, ${uuidOf(recipe.templateVersionId)}::uuid,
          ${recipe.templateSlug}::text, ${recipe.retryOf === null ? null : uuidOf(recipe.retryOf)}::uuid,
          ${isRunning ? 'RUNNING' : 'QUEUED'}::text, ${recipe.requestedModel}::text,
          ${recipe.plan && sql.json(recipe.plan)}::jsonb, ${model}::text,
          ${sql.json(recipe.variables)}::jsonb, ${recipe.metadata && sql.json(recipe.metadata)}::jsonb, ${sql.json(recipe.prompt)}::jsonb,
          ${recipe.draft}::text, ${recipe.maxOutputTokens}::int, ${recipe.temperature}::float8, ${recipe.failoverPolicy}::text,
          ${recipe.guards && sql.json(recipe.guards)}::jsonb,
          ${
            claimed
              ? sql`case when kept.generation_id = ${uuid} then ${use}::jsonb
                else ${use}::jsonb || jsonb_build_object('outcome', 'SHARED', 'source', kept.generation_id) end`
              : sql`${use}::jsonb`
          },
          ${isRunning ? 1 : 0}::int, ${isRunning ? 1 : 0}::int, now() + make_interval(secs => ${leaseMs === null ? null : leaseMs / 1_000}::float8),
          case when ${isRunning}::bool then now() end
        from asked ${claimed ? sql`cross join kept` : sql``} where thing_id = ${uuid} ${
          room
            ? // After the record: of two calls with the same key one waits there, and neither where the other needs a lock.
              sql`and case when thing_id = ${uuid} then check_room_for_generation(${uuidOf(scope.tenantId)}::uuid, ${uuidOf(scope.memberId)}::uuid,
                ${keyId}::uuid, ${room.tenant}::int, ${room.member}::int, ${room.key}::int) end`
            : sql``
        } and case when thing_id = ${uuid} then ${
          // A copy calls nobody: where it is one only by now, nothing is reserved for it.
          claimed ? sql`(kept.generation_id <> ${uuid} or ${reserved(sql)})` : reserved(sql)
        } end
        returning tenant_id, id, created_at ${cache ? sql`, (cache ->> 'source')::uuid as source` : sql``}
      ), opened as (
        insert into attempts (tenant_id, generation_id, number, epoch, model, base ${cache ? copyColumns(sql) : sql``})
        select tenant_id, id, 1, 1, ${model}::text, 0 ${cache ? copyValues(sql, sql`source`) : sql``} from started where ${isRunning}::bool
      ), recorded as (${record(sql, sql`started`)})
      select asked.thing_id, asked.input_hash, started.created_at ${cache ? sql`, started.source` : sql``} from asked left join started on true`;
}

/** What the statement did; null when it did nothing. */
export function insertedBy(fresh: NewGeneration, [answer]: readonly InsertedRow[]): Inserted | null {
  if (!answer) return null;
  if (!answer.created_at) return { row: null, id: idOfUuid('gen', answer.thing_id), inputHash: answer.input_hash ?? '' };
  return { row: freshRow(fresh, answer.created_at, answer.source ?? null) };
}

/** The use of one that copies `source`, or writes its own text: who was quicker decided that. */
function usedWith(use: CacheUse, source: string | null): CacheUse {
  return use.source === source ? use : { ...use, outcome: 'SHARED', source };
}

function freshRow(
  { scope, id, recipe, model, leaseMs, cache }: NewGeneration,
  createdAt: Date,
  source: string | null,
): GenerationRow {
  const isRunning = leaseMs !== null;
  return {
    ...recipe,
    tenantId: scope.tenantId,
    id,
    memberId: scope.memberId,
    keyId: scope.keyId,
    status: isRunning ? 'RUNNING' : 'QUEUED',
    model,
    cache: cache && usedWith(cache.use, source),
    skipped: null,
    epoch: isRunning ? 1 : 0,
    attempt: isRunning ? 1 : 0,
    takeOvers: 0,
    leaseUntil: isRunning ? new Date(createdAt.getTime() + leaseMs) : null,
    cancelRequestedAt: null,
    text: null,
    finishReason: null,
    failureCode: null,
    failureMessage: null,
    failureRetryable: null,
    inputTokens: null,
    outputTokens: null,
    cachedInputTokens: null,
    costMicros: null,
    createdAt,
    startedAt: isRunning ? createdAt : null,
    firstTokenAt: null,
    finishedAt: null,
    chunksDeletedAt: null,
  };
}
