import { setTimeout as pause } from 'node:timers/promises';
import { isDataFault } from '../db/failures.ts';
import { isAway } from '../kernel/errors.ts';
import type { PollableIterator } from '../kernel/pollable.ts';
import { withDeadlines } from '../providers/deadlines.ts';
import { priceOf } from '../providers/models.ts';
import { ProviderError, type FinishReason, type Provider, type StreamPart, type Usage } from '../providers/port.ts';
import { nextMove } from '../routing/next-move.ts';
import type { Appender } from './appender.ts';
import { clean, TextCleaner } from './clean.ts';
import type { EngineConfig, EngineParts } from './engine.ts';
import { finishRun, isFinishedBy, replaceAttempt, type Ending, type Failure } from './finish.ts';
import type { OpenedCall, Run } from './run.ts';
import type { Story } from './story.ts';

type Finish = Extract<StreamPart, { type: 'finish' }>;

type Outcome =
  | { readonly kind: 'finished'; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly error: ProviderError }
  | { readonly kind: 'stopped' };

/** Writes one run to its end: attempt after attempt, as the status table says, then the one transaction that ends it. */
export class Writer {
  constructor(
    private readonly config: EngineConfig,
    private readonly parts: EngineParts,
    private readonly appender: Appender,
  ) {}

  /** Makes a run's first call, all but its sending, which waits for `committed`: what it costs to make hides behind the database's work. */
  openCall(run: Run, committed: Promise<void>): void {
    const choice = this.parts.models.find(run.attempt.model);
    if (!choice) return;
    const apiKey = this.parts.keys.known(run.tenantId, choice.provider);
    // Not known without a look: the attempt waits for it, and makes the call then.
    if (apiKey === undefined) return;
    run.opened = begun(this.call(run, choice, apiKey, this.parts.fetchAfter(committed)));
  }

  /** The committed end; null when the run was lost or given away. */
  async write(run: Run): Promise<Story | null> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.attempt(run);
      if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED') return null;
      if (outcome.kind === 'stopped') return this.endStopped(run);
      if (outcome.kind === 'finished') return this.end(run, finished(run, outcome));
      const { error } = outcome;
      const move = nextMove({
        error,
        hasText: run.text.length > run.attempt.base,
        policy: run.work.failoverPolicy,
        tries,
        models: run.work.models,
        remainingMs: this.remainingMs(run),
      });
      const failure: Failure = { code: error.code, message: clean(error.message), retryable: error.retryable };
      this.parts.log.info(
        { generationId: run.id, attempt: run.attempt.number, model: run.attempt.model, code: error.code, move: move.kind },
        'attempt failed',
      );
      if (move.kind !== 'TRY') return this.end(run, failed(run, failure, move.kind === 'KEEP'));
      const isHeld = await this.again(run, move.model, move.delayMs, failure);
      if (!isHeld) return run.stopReason === 'CANCELLED' || run.stopReason === 'UNSTORABLE' ? this.endStopped(run) : null;
    }
  }

  /** One call: reads its stream to the end, whatever the end is. */
  private async attempt(run: Run): Promise<Outcome> {
    const { model } = run.attempt;
    const choice = this.parts.models.find(model);
    if (!choice) {
      return {
        kind: 'failed',
        error: new ProviderError('MODEL_NOT_FOUND', `this process has no model ${model}`, { retryable: false }),
      };
    }
    try {
      const opened = run.opened ?? {
        parts: this.call(run, choice, await this.ownKey(run, choice.provider), this.parts.fetch),
        first: null,
      };
      run.opened = null;
      const finish = await this.read(run, opened);
      if (finish) return { kind: 'finished', reason: finish.reason, usage: countsOf(finish.usage) };
      throw new ProviderError('STREAM_CUT', 'the stream ended before its finish signal', { retryable: true });
    } catch (error) {
      if (run.stopReason !== null) return { kind: 'stopped' };
      if (error instanceof ProviderError) return { kind: 'failed', error };
      this.parts.log.error({ err: error, generationId: run.id, model }, 'a provider broke its promise');
      return {
        kind: 'failed',
        error: new ProviderError('STREAM_MALFORMED', 'the provider failed in a way it must not', {
          retryable: true,
          cause: error,
        }),
      };
    }
  }

  /** The finish of a stream, after its text; null when there was none. */
  private async read(run: Run, { parts, first }: OpenedCall): Promise<Finish | null> {
    const cleaner = new TextCleaner();
    let asked = first;
    try {
      for (;;) {
        if (run.isFull) await run.room();
        const atHand = asked ? null : await this.readAtHand(run, parts, cleaner);
        if (atHand) return atHand;
        // A run that has to stop gets no room any more: its stream says so when it is asked.
        if (run.isFull && run.stopReason === null) continue;
        const { value: part } = await (asked ?? parts.next());
        asked = null;
        if (!part) return null;
        const finish = this.take(run, part, cleaner);
        if (finish) return finish;
      }
    } finally {
      await parts.return?.();
    }
  }

  /** Takes parts without a promise each: the finish, or null as soon as the next one has to be asked for, or the run is full. */
  private readAtHand(run: Run, parts: PollableIterator<StreamPart>, cleaner: TextCleaner): Promise<Finish | null> {
    return new Promise((resolve, reject) => {
      const end = (finish: Finish | null): void => {
        parts.whenReady(() => undefined);
        resolve(finish);
      };
      const takeAll = (): void => {
        try {
          for (;;) {
            const part = parts.poll();
            if (part === 'later') return;
            if (part === 'ask') return end(null);
            const finish = this.take(run, part, cleaner);
            if (finish || run.isFull) return end(finish);
          }
        } catch (cause) {
          reject(new Error('text could not be taken', { cause }));
        }
      };
      parts.whenReady(takeAll);
      takeAll();
    });
  }

  private take(run: Run, part: StreamPart, cleaner: TextCleaner): Finish | null {
    const text = part.type === 'text' ? cleaner.push(part.text) : cleaner.flush();
    if (text !== '') this.appender.append(run, text);
    return part.type === 'finish' ? part : null;
  }

  /** Until the total deadline, which is the same whether the first call was made before the commit or after it. */
  private remainingMs({ leasedAt, work }: Run): number {
    return leasedAt + this.config.totalTimeoutMs - work.ageMs - this.parts.clock.monotonic();
  }

  /** The tenant's own key for the call, null where it has none. A database that is away is waited for, as long as there is time for the call. */
  private async ownKey(run: Run, provider: Provider): Promise<string | null> {
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        return await this.parts.keys.find(run.tenantId, provider);
      } catch (err) {
        run.signal.throwIfAborted();
        if (!isAway(err)) throw err;
        if (this.remainingMs(run) <= delayMs) throw outOfTime(err);
        this.parts.log.warn({ err, generationId: run.id }, 'the database did not say whether the tenant has a key; trying again');
        await pause(delayMs, undefined, { signal: run.signal });
      }
    }
  }

  private call(
    run: Run,
    { provider, name: model }: { readonly provider: Provider; readonly name: string },
    apiKey: string | null,
    fetch: typeof globalThis.fetch,
  ): PollableIterator<StreamPart> {
    const { messages, draft, maxOutputTokens, temperature } = run.work;
    return withDeadlines(
      (signal) => provider.stream({ model, messages, draft, maxOutputTokens, temperature }, { signal, fetch, apiKey }),
      {
        firstTokenMs: this.config.firstTokenTimeoutMs,
        idleMs: this.config.idleTimeoutMs,
        totalMs: Math.max(0, this.remainingMs(run)),
        clock: this.parts.clock,
        signal: run.signal,
      },
    );
  }

  /** Opens the next attempt after a pause; false when the run stopped meanwhile. */
  private async again(run: Run, model: string, delayMs: number, failure: Failure): Promise<boolean> {
    try {
      await pause(delayMs, undefined, { signal: run.signal });
    } catch {
      // Stopped while waiting.
      return false;
    }
    return (await this.replace(run, model, 0, failure)) && run.stopReason === null;
  }

  /** Replaces the open attempt by one whose text begins at `base`; false when the run is lost. */
  private async replace(run: Run, model: string, base: number, failure: Failure): Promise<boolean> {
    const { database, bus, audience } = this.parts;
    const ended = { ...run.attempt, endedBy: 'FAILED' as const, endOffset: run.text.length };
    const next = { model, base, reason: 'PROVIDER_ERROR' as const, failure };
    if (!(await this.untilAnswered(run, () => replaceAttempt(database.engine, run, next)))) {
      run.stop('LOST');
      return false;
    }
    this.appender.forget(run);
    run.replaceAttempt(ended, { number: ended.number + 1, base, model, reason: next.reason, endedBy: null, endOffset: null });
    audience.changed(run.id);
    if (run.isWatchedElsewhere) bus.publish('generation.changed', [run.id]);
    return true;
  }

  /** Ends a run that was told to stop. */
  private async endStopped(run: Run): Promise<Story | null> {
    if (run.stopReason !== 'CANCELLED') return this.endUnstorable(run);
    return this.end(run, { ...nothingUsed, text: run.text, status: 'CANCELLED', endedBy: 'CANCELLED', failure: null });
  }

  /** Ends a run that the database refuses for its values: what was stored stays, and readers are cut back to it by one more attempt. */
  private async endUnstorable(run: Run): Promise<Story | null> {
    const failure: Failure = { code: 'INTERNAL', message: 'the text could not be stored', retryable: false };
    if (!(await this.replace(run, run.attempt.model, run.stored, failure))) return null;
    return this.end(run, { ...nothingUsed, text: run.text, status: 'FAILED', endedBy: 'FAILED', failure });
  }

  private async end(run: Run, ending: Ending): Promise<Story | null> {
    const { database, log } = this.parts;
    // Readers get the last text while it is being committed; the end itself only after.
    this.appender.deliver(run);
    run.isEnding = true;
    let isRepeat = false;
    let isOurs: boolean;
    try {
      isOurs = await this.untilAnswered(run, async () => {
        if (isRepeat && (await isFinishedBy(database.engine, run))) return true;
        isRepeat = true;
        return finishRun(database.engine, run, ending);
      });
    } catch (err) {
      // Left to a take-over it would be written, and paid, again for the same refusal.
      if (!isDataFault(err) || ending.failure?.code === 'INTERNAL') throw err;
      log.error({ err, generationId: run.id }, 'an end that cannot be stored');
      return this.endUnstorable(run);
    }
    run.isEnded = true;
    if (!isOurs) {
      run.stop('LOST');
      return null;
    }
    log.info(
      { generationId: run.id, status: ending.status, attempts: run.attempts.length, failureCode: ending.failure?.code },
      'generation finished',
    );
    const last = { ...run.attempt, endedBy: ending.endedBy, endOffset: ending.text.length };
    return { status: ending.status, attempts: [...run.attempts.slice(0, -1), last], text: ending.text, end: ending.text.length };
  }

  /** Repeats a statement while the database is away, as long as the run is this process's. */
  private async untilAnswered(run: Run, statement: () => Promise<boolean>): Promise<boolean> {
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        return await statement();
      } catch (err) {
        if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED') return false;
        if (!isAway(err)) throw err;
        this.parts.log.warn({ err, generationId: run.id }, 'the database did not answer; trying again');
        await pause(delayMs);
      }
    }
  }
}

function outOfTime(cause: unknown): ProviderError {
  return new ProviderError('TIMEOUT', 'the time ran out before a provider was called', { retryable: true, cause });
}

const nothingUsed = { finishReason: null, usage: null, costMicros: null } as const;

/** A stream whose first part is already asked for. */
function begun(parts: PollableIterator<StreamPart>): OpenedCall {
  const first = parts.next();
  // Whoever reads it hears of its failure; a run that is never started has no reader.
  first.catch(() => undefined);
  return { parts, first };
}

/** Counts that a column can hold; what is no count is as good as not said, and never worth losing the text for. */
function countsOf({ inputTokens, outputTokens, cachedInputTokens }: Usage): Usage {
  return {
    inputTokens: countOf(inputTokens),
    outputTokens: countOf(outputTokens),
    cachedInputTokens: countOf(cachedInputTokens),
  };
}

function countOf(tokens: number | null): number | null {
  return Number.isInteger(tokens) && tokens !== null && tokens >= 0 && tokens < 2 ** 31 ? tokens : null;
}

function finished(run: Run, { reason, usage }: { reason: FinishReason; usage: Usage }): Ending {
  const isWhole = reason === 'STOP' || reason === 'OTHER';
  return {
    status: isWhole ? 'SUCCEEDED' : 'INCOMPLETE',
    endedBy: 'FINISHED',
    text: run.text,
    finishReason: reason,
    failure: null,
    usage,
    costMicros: costOf(run.attempt.model, usage),
  };
}

function failed(run: Run, failure: Failure, isKept: boolean): Ending {
  return {
    status: isKept ? 'INCOMPLETE' : 'FAILED',
    endedBy: 'FAILED',
    text: run.text,
    finishReason: null,
    failure,
    usage: null,
    costMicros: null,
  };
}

/** Cost in millionths of a dollar; null when a price or a count is unknown. */
function costOf(model: string, { inputTokens, outputTokens, cachedInputTokens }: Usage): number | null {
  const price = priceOf(model);
  if (!price || inputTokens === null || outputTokens === null) return null;
  const cached = cachedInputTokens ?? 0;
  const perMillion =
    (inputTokens - cached) * price.inputMicrosPerMillion +
    cached * price.cachedInputMicrosPerMillion +
    outputTokens * price.outputMicrosPerMillion;
  return Math.round(perMillion / 1_000_000);
}
