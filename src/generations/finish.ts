import { serviceDeedRecordedWith } from '../audit/record.service.ts';
import type { Need } from '../budgets/ledger.service.ts';
import type { CacheUse } from '../caching/caching.ts';
import { entryClaimed, type EntryClaim } from '../caching/entry.ts';
import type { Connection } from '../db/client.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { uuidOf } from '../db/ids.ts';
import type { FinishReason } from '../providers/port.ts';
import type { Books } from './cover.ts';
import { outOfTime } from './ending.ts';
import type { AttemptEnd, GenerationStatus, RestartReason } from './generations.table.ts';
import { copyColumns, copyValues } from './copied.ts';
import type { Closing } from './lease.ts';
import type { FailureCode } from './failures.ts';
import type { Run } from './run.ts';
import { nothingSpent, usedBy, type Spent } from './spent.ts';

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** How a generation ended. */
export interface Ending {
  readonly status: Exclude<GenerationStatus, 'QUEUED' | 'RUNNING'>;
  readonly endedBy: Exclude<AttemptEnd, 'TAKEN_OVER' | 'OUTRUN'>;
  readonly text: string;
  readonly finishReason: FinishReason | null;
  readonly failure: Failure | null;
  /** Why the attempt failed, where that is not why the generation does. */
  readonly attemptFailure?: Failure;
  /** By the attempt that ended. */
  readonly spent: Spent;
}

const ofAttempt = (sql: SqlTag) => ({ tenant: sql`a.tenant_id`, generation: sql`a.generation_id` });

/**
 * The one transaction that ends a run: text, usage, status and the attempt's end. False when the row is not this epoch's any more, or
 * was ended before; `isEndedBy` tells the two apart after a lost answer.
 */
export async function finishRun({ engine, ledger }: Books, run: Run, ending: Ending): Promise<boolean> {
  const { failure, spent, attemptFailure = failure } = ending;
  const firstTokenAgeMs = run.firstTokenAgeMs;
  const { number } = run.attempt;
  const rows = await engine.sql<{ reached: string[] | null }>(
    (sql) => sql`
      with ended as (
        update generations
        set status = ${ending.status}, text = ${ending.text}, finish_reason = ${ending.finishReason}, finished_at = now(), lease_until = null,
            failure_code = ${failure?.code ?? null}, failure_message = ${failure?.message ?? null}, failure_retryable = ${failure?.retryable ?? null},
            (input_tokens, output_tokens, cached_input_tokens, cost_micros) = (${sumOfAttempts(sql, run, number, spent)}),
            first_token_at = coalesce(first_token_at, now() - make_interval(secs => ${firstTokenAgeMs}::float8 / 1000)) ${skippedColumn(sql, run)}
        where tenant_id = ${run.tenantUuid} and id = ${run.uuid} and epoch = ${run.epoch} and status = 'RUNNING'
        returning tenant_id, id
      )
      update attempts a
      set ended_at = now(), ended_by = ${ending.endedBy}, end_offset = ${ending.text.length},
          failure_code = ${attemptFailure?.code ?? null}, failure_message = ${attemptFailure?.message ?? null}, ${spentColumns(sql, spent)},
          first_token_at = coalesce(a.first_token_at, now() - make_interval(secs => ${firstTokenAgeMs}::float8 / 1000))
      from ended e where a.tenant_id = e.tenant_id and a.generation_id = e.id and a.number = ${number}
      returning ${ledger.settled(sql, run.tenantId, ofAttempt(sql), number, usedBy(spent))} as reached`,
  );
  ledger.tell(rows[0]?.reached);
  return rows.length === 1;
}

/** Whether a run's own finish is in the database: it was committed and the answer was lost on the way. */
export async function isFinishedBy(engine: Connection, run: Run): Promise<boolean> {
  const rows = await engine.sql(
    (sql) => sql`
      select 1 from generations
      where tenant_id = ${run.tenantUuid} and id = ${run.uuid} and epoch = ${run.epoch} and finished_at is not null`,
    { idempotent: true },
  );
  return rows.length === 1;
}

/**
 * Ends the open attempt of a run and opens the next, in one statement. `base` is where the next one's text begins, `cache` how it uses the cache from then on.
 * False when the run is lost, and with a claim when the entry is another's; fails where a budget has no room for the next. Repeating it after a lost answer is harmless.
 */
export async function replaceAttempt(
  { engine, ledger }: Books,
  run: Run,
  next: {
    model: string;
    base: number;
    reason: RestartReason;
    failure: Failure;
    endedBy: 'FAILED' | 'NOT_CALLED';
    spent: Spent;
    need: Need;
    cache: CacheUse | null;
    claim: EntryClaim | null;
  },
): Promise<boolean> {
  const number = run.attempt.number;
  const { cache, claim } = next;
  const rows = await engine.sql<{ reached: string[] | null }>(
    (sql) => sql`
      with ${claim ? sql`kept as (${entryClaimed(sql, claim, ownRow(sql, run))}), ` : sql``}held as (
        update generations set attempt = ${number + 1}, model = ${next.model} ${cache ? sql`, cache = ${sql.json(cache)}::jsonb` : sql``} ${skippedColumn(sql, run)}
        where tenant_id = ${run.tenantUuid} and id = ${run.uuid} and epoch = ${run.epoch} and status = 'RUNNING'
        ${claim ? sql`  and exists (select from kept where generation_id = ${run.uuid})` : sql``}
        returning tenant_id, id, epoch
      ), ended as (
        update attempts a
        set ended_at = now(), ended_by = ${next.endedBy}, end_offset = ${run.text.length}, failure_code = ${next.failure.code},
            failure_message = ${next.failure.message}, ${spentColumns(sql, next.spent)}
        from held h where a.tenant_id = h.tenant_id and a.generation_id = h.id and a.number = ${number} and a.ended_at is null
      )
      insert into attempts as a (tenant_id, generation_id, number, epoch, model, base, reason ${cache ? copyColumns(sql) : sql``})
      select tenant_id, id, ${number + 1}, epoch, ${next.model}, ${next.base}, ${next.reason} ${cache ? copyValues(sql, sql`${cache.source}::uuid`) : sql``}
      from held
      on conflict (tenant_id, generation_id, number) do update set number = excluded.number
      returning ${ledger.renewed(sql, ofAttempt(sql), number, usedBy(next.spent), next.need)} as reached`,
    { idempotent: true },
  );
  ledger.tell(rows[0]?.reached);
  return rows.length === 1;
}

/**
 * Makes the open attempt of a run, which called nobody and has no text, one of `model`, in one statement. What is reserved for it is for any model of the plan.
 * False when the run is lost. Repeating it after a lost answer is harmless.
 */
export async function redirectAttempt(engine: Connection, run: Run, model: string): Promise<boolean> {
  const rows = await engine.sql(
    (sql) => sql`
      with held as (
        update generations set model = ${model} ${skippedColumn(sql, run)}
        where tenant_id = ${run.tenantUuid} and id = ${run.uuid} and epoch = ${run.epoch} and status = 'RUNNING'
        returning tenant_id, id
      )
      update attempts a set model = ${model}, started_at = now()
      from held h where a.tenant_id = h.tenant_id and a.generation_id = h.id and a.number = ${run.attempt.number} and a.ended_at is null
      returning a.number`,
    { idempotent: true },
  );
  return rows.length === 1;
}

/** Writes down which models were not asked, where there are any. */
function skippedColumn(sql: SqlTag, { skipped }: Run): Statement {
  return skipped.length > 0 ? sql`, skipped = ${sql.json(skipped)}::jsonb` : sql``;
}

function ownRow(sql: SqlTag, { tenantUuid, uuid, epoch }: Run): Statement {
  return sql`generations where tenant_id = ${tenantUuid} and id = ${uuid} and epoch = ${epoch} and status = 'RUNNING'`;
}

/** Two calls of one attempt, and how long ago each was made. */
export interface RecordedOutrun {
  readonly ahead: { readonly model: string; readonly ageMs: number };
  readonly behind: { readonly model: string; readonly ageMs: number };
  readonly endedBy: 'OUTRUN' | 'FAILED' | 'CANCELLED';
  /** Why the call behind failed; null when it was only slower. */
  readonly failure: Failure | null;
  /** By the call behind. */
  readonly spent: Spent;
  /** What the call that goes on may use: it has reserved that already. */
  readonly need: Need;
}

/**
 * Makes the open attempt the record of the call behind, and opens the next for the one that goes on, in one statement. Neither has written.
 * False when the run is lost. Repeating it after a lost answer is harmless.
 */
export async function recordOutrun(
  { engine, ledger }: Books,
  run: Run,
  { ahead, behind, endedBy, failure, spent, need }: RecordedOutrun,
): Promise<boolean> {
  const { number, base } = run.attempt;
  const rows = await engine.sql<{ reached: string[] | null }>(
    (sql) => sql`
      with held as (
        update generations set attempt = ${number + 1}, model = ${ahead.model} ${skippedColumn(sql, run)}
        where tenant_id = ${run.tenantUuid} and id = ${run.uuid} and epoch = ${run.epoch} and status = 'RUNNING'
        returning tenant_id, id, epoch
      ), ended as (
        update attempts a
        set model = ${behind.model}, started_at = now() - make_interval(secs => ${behind.ageMs / 1_000}::float8), ended_at = now(),
            ended_by = ${endedBy}, end_offset = ${base}, failure_code = ${failure?.code ?? null}, failure_message = ${failure?.message ?? null},
            ${spentColumns(sql, spent)}
        from held h where a.tenant_id = h.tenant_id and a.generation_id = h.id and a.number = ${number} and a.ended_at is null
      )
      insert into attempts as a (tenant_id, generation_id, number, epoch, model, base, reason, started_at)
      select tenant_id, id, ${number + 1}, epoch, ${ahead.model}, ${base}, 'HEDGE', now() - make_interval(secs => ${ahead.ageMs / 1_000}::float8)
      from held
      on conflict (tenant_id, generation_id, number) do update set number = excluded.number
      returning ${ledger.renewed(sql, ofAttempt(sql), number, usedBy(spent), need)} as reached`,
    { idempotent: true },
  );
  ledger.tell(rows[0]?.reached);
  return rows.length === 1;
}

/**
 * Closes a generation that nobody writes on: one more attempt, without a call, whose base is the end of the stored text. So late rows
 * of the lost process stay outside, and a reader that was ahead of the store is cut back like after any other take-over.
 */
export async function closeAbandoned(
  { engine, ledger }: Books,
  { tenantId, id, epoch, reason }: Closing,
  text: string,
): Promise<boolean> {
  const status: GenerationStatus =
    reason === 'CANCELLED' ? 'CANCELLED' : reason === 'TIMEOUT' && text !== '' ? 'INCOMPLETE' : 'FAILED';
  const failure = closingFailures[reason];
  const ids = { tenantUuid: uuidOf(tenantId), uuid: uuidOf(id) };
  const deed = {
    tenantId,
    service: 'sweeper',
    operation: 'generationClose',
    thing: id,
    before: null,
    after: { status, reason },
  } as const;
  const rows = await engine.sql<{ reached: string[] | null }>(
    (sql) => sql`
      with ended as (
        update generations
        set status = ${status}, text = ${text}, finished_at = now(), lease_until = null, attempt = case when attempt = 0 then 0 else attempt + 1 end,
            (input_tokens, output_tokens, cached_input_tokens, cost_micros) = (${sumOfAttempts(sql, ids, mostAttempts, nothingSpent)}),
            failure_code = ${failure?.code ?? null}, failure_message = ${failure?.message ?? null}, failure_retryable = ${failure?.retryable ?? null}
        where tenant_id = ${ids.tenantUuid} and id = ${ids.uuid} and epoch = ${epoch} and status in ('RUNNING', 'QUEUED')
        returning tenant_id, id, attempt, epoch, model
      ), lost as (
        update attempts a set ended_at = now(), ended_by = 'TAKEN_OVER' from ended e
        where a.tenant_id = e.tenant_id and a.generation_id = e.id and a.number = e.attempt - 1 and a.ended_at is null
      ), closed as (
        insert into attempts (tenant_id, generation_id, number, epoch, model, base, reason, ended_at, ended_by, end_offset,
          input_tokens, output_tokens, cached_input_tokens, cost_micros)
        select tenant_id, id, attempt, epoch, model, ${text.length}, ${reason}, now(), 'NOT_CALLED', ${text.length}, 0, 0, 0, 0
        from ended where attempt > 0
      ), told as (${serviceDeedRecordedWith(sql, deed, sql`ended`)})
      select ${ledger.closed(sql, { tenant: sql`ended.tenant_id`, generation: sql`ended.id` }, sql`ended.attempt = 0`)} as reached from ended`,
  );
  ledger.tell(rows[0]?.reached);
  return rows.length === 1;
}

/** Above the number of any attempt. */
const mostAttempts = 2 ** 31 - 1;

const closingFailures: Record<Closing['reason'], Failure | null> = {
  CANCELLED: null,
  ABANDONED: { code: 'ABANDONED', message: 'the processes writing it were lost too often', retryable: true },
  TIMEOUT: outOfTime,
};

/** Writes down what an attempt used. */
function spentColumns(sql: SqlTag, { usage, costMicros, price, estimate }: Spent): Statement {
  return sql`input_tokens = ${usage.inputTokens}, output_tokens = ${usage.outputTokens}, cached_input_tokens = ${usage.cachedInputTokens},
            cache_write_tokens = ${usage.cacheWriteTokens ?? null}, cost_micros = ${costMicros}, price = ${price && sql.json(price)}::jsonb,
            estimate = ${estimate && sql.json(estimate)}::jsonb`;
}

/**
 * What a generation used: the sums over its attempts, of which the one that ends has not been written down yet. Null where one is unknown:
 * a part of a sum would look like all of it.
 */
function sumOfAttempts(
  sql: SqlTag,
  { tenantUuid, uuid }: { readonly tenantUuid: string; readonly uuid: string },
  ending: number,
  { usage, costMicros }: Spent,
): Statement {
  return sql`
              select ${usage.inputTokens}::int + case when bool_or(a.input_tokens is null) then null else coalesce(sum(a.input_tokens), 0) end,
                     ${usage.outputTokens}::int + case when bool_or(a.output_tokens is null) then null else coalesce(sum(a.output_tokens), 0) end,
                     ${usage.cachedInputTokens}::int
                       + case when bool_or(a.cached_input_tokens is null) then null else coalesce(sum(a.cached_input_tokens), 0) end,
                     ${costMicros}::bigint + case when bool_or(a.cost_micros is null) then null else coalesce(sum(a.cost_micros), 0) end
              from attempts a
              where a.tenant_id = ${tenantUuid} and a.generation_id = ${uuid} and a.number < ${ending}`;
}
