import { setTimeout as pause } from 'node:timers/promises';
import type { Need } from '../budgets/ledger.service.ts';
import { isDataFault, isGone } from '../db/failures.ts';
import { isAway } from '../kernel/errors.ts';
import type { CacheUse } from '../caching/caching.ts';
import type { EntryClaim } from '../caching/entry.ts';
import type { Appender } from './appender.ts';
import type { ProviderError, Usage } from '../providers/port.ts';
import { coverSecondCall, coverTakeOver, type Books } from './cover.ts';
import { cancelled, failed, failureOf } from './ending.ts';
import type { EngineParts } from './engine-parts.ts';
import { finishRun, isFinishedBy, recordOutrun, redirectAttempt, replaceAttempt, type Ending, type Failure } from './finish.ts';
import { promptOf } from './prompt.ts';
import type { OpenedCall, Run } from './run.ts';
import type { RestartReason } from './generations.table.ts';
import { nothingSpent, spentOf, type Spent } from './spent.ts';
import type { AttemptState, Story } from './story.ts';

/** What takes the place of an open attempt: a call to `model` whose text begins at `base`. */
export interface NextAttempt {
  readonly model: string;
  readonly base: number;
  readonly reason?: RestartReason;
  /** What was wrong with the text that is written anew; the run's own when absent. */
  readonly complaint?: string;
  /** Why the open attempt gives up. */
  readonly failure: Failure;
  /** What the open one used. */
  readonly spent: Spent;
  /** How the run uses the cache from then on; as before when absent. */
  readonly cache?: CacheUse;
  /** Only where the run becomes the one that others follow. */
  readonly claim?: EntryClaim;
}

const nothingNeeded: Need = { costMicros: 0, isPriceUnknown: false, tokens: 0 };

/** Two calls of one attempt: one goes on, the other was slower, or failed. */
export interface Outrun {
  readonly ahead: OpenedCall;
  readonly behind: OpenedCall;
  readonly error: ProviderError | null;
}

/** Closes attempts and runs in the database: each is one statement, repeated while the database is away. */
export class Closer {
  constructor(
    private readonly parts: EngineParts,
    private readonly appender: Appender,
  ) {}

  /** What a call to `model` by the open attempt used, as far as it said so, at the price of this moment. */
  spentBy(run: Run, model: string, usage: Usage | null): Spent {
    const { base } = run.attempt;
    const price = this.parts.models.priceOf(model, this.parts.clock.now());
    return spentOf(usage, price, () => ({
      messages: promptOf(run.work.messages, run.complaint, run.text.slice(0, base)),
      text: run.text.slice(base),
    }));
  }

  /** Replaces the open attempt; false when the run is lost, and where its claim was in vain. Fails as `LedgerService.refusal` knows where a budget has no room for the next. */
  async replace(run: Run, next: NextAttempt): Promise<boolean> {
    const isCopy = (next.cache ?? run.cache)?.source != null;
    return this.replaceBy(run, next, isCopy ? nothingNeeded : this.needOf(run, next));
  }

  /** Reserves for the open attempt of a run that was taken over; false when the run is lost. Fails as `replace` does. */
  coverTakeOver(run: Run): Promise<boolean> {
    return this.answered(run, () => coverTakeOver(this.books, run, this.needOf(run, run.attempt)), false);
  }

  /** Reserves for a second call to `model` beside the open one; false when there is no room for it, or nobody says so at once. */
  async coverSecondCall(run: Run, model: string): Promise<boolean> {
    try {
      return await coverSecondCall(this.books, run, this.needOf(run, { model, base: run.attempt.base }));
    } catch (err) {
      if (!isAway(err) && !this.parts.ledger.refusal(err)) throw err;
      this.parts.log.info({ err, generationId: run.id, model }, 'a second model is not asked');
      return false;
    }
  }

  /** Gives back what the second call, which was not made after all, had reserved. */
  async returnSecondCall(run: Run): Promise<void> {
    // What cannot be given back now counts as used at the end of the run.
    await coverSecondCall(this.books, run, null).catch(() => undefined);
  }

  private get books(): Books {
    return { engine: this.parts.database.engine, ledger: this.parts.ledger };
  }

  private needOf(run: Run, { model, base, complaint }: Pick<NextAttempt, 'model' | 'base' | 'complaint'>): Need {
    const { plan, messages, ...question } = run.work;
    const asked = promptOf(messages, complaint ?? run.complaint, run.text.slice(0, base));
    return this.parts.ledger.needOf({ ...plan, models: [model, ...plan.models] }, { ...question, messages: asked });
  }

  private async replaceBy(run: Run, next: NextAttempt, need: Need): Promise<boolean> {
    const { model, base, reason = 'PROVIDER_ERROR', failure, spent, cache = run.cache, claim = null } = next;
    const endedBy = this.isNoCall(run) ? 'NOT_CALLED' : 'FAILED';
    const ended = { ...run.attempt, endedBy, endOffset: run.text.length } as const;
    const isReplaced = await this.follow(
      run,
      ended,
      { model, base, reason },
      () => replaceAttempt(this.books, run, { model, base, reason, failure, endedBy, spent, need, cache, claim }),
      claim === null,
    );
    if (isReplaced) run.cache = cache;
    return isReplaced;
  }

  /** Makes the open attempt, which called nobody and has no text, one of `model`; false when the run is lost. */
  async redirect(run: Run, model: string): Promise<boolean> {
    const isRedirected = await this.answered(run, () => redirectAttempt(this.parts.database.engine, run, model), false);
    // No reader hears of an attempt before its text: there is nobody to tell.
    if (isRedirected) run.redirect(model);
    else run.stop('LOST');
    return isRedirected;
  }

  /** Makes one of two calls the open attempt, and the other the one before it; false when the run is lost. */
  async outrun(run: Run, { ahead, behind, error }: Outrun): Promise<boolean> {
    const now = this.parts.clock.monotonic();
    const { base } = run.attempt;
    const endedBy = error ? 'FAILED' : run.stopReason === 'CANCELLED' ? 'CANCELLED' : 'OUTRUN';
    const outrun = {
      ahead: { model: ahead.model, ageMs: now - ahead.at },
      behind: { model: behind.model, ageMs: now - behind.at },
      endedBy,
      failure: error && failureOf(error),
      spent: this.spentBy(run, behind.model, error && error.usage),
      need: this.needOf(run, { model: ahead.model, base }),
    } as const;
    const ended = { ...run.attempt, model: behind.model, endedBy, endOffset: base } as const;
    const next = { model: ahead.model, base, reason: 'HEDGE' as const };
    const isRecorded = await this.follow(run, ended, next, () => recordOutrun(this.books, run, outrun));
    if (isRecorded) run.isCalled = true;
    return isRecorded;
  }

  private async follow(
    run: Run,
    ended: AttemptState,
    next: Pick<AttemptState, 'model' | 'base' | 'reason'>,
    statement: () => Promise<boolean>,
    isOwn = true,
  ): Promise<boolean> {
    const { bus, audience } = this.parts;
    if (!(await this.answered(run, statement, false))) {
      if (isOwn) run.stop('LOST');
      return false;
    }
    this.appender.forget(run);
    run.replaceAttempt(ended, { ...next, number: ended.number + 1, endedBy: null, endOffset: null });
    audience.changed(run.id);
    if (run.isWatchedElsewhere) bus.publish('generation.changed', [run.id]);
    return true;
  }

  /** Ends a run that was told to stop. */
  endStopped(run: Run): Promise<Story | null> {
    return run.stopReason === 'CANCELLED' ? this.end(run, cancelled(run, this.spentAtStop(run))) : this.endUnstorable(run);
  }

  /** The one transaction that ends a run; null when the run is lost. */
  async end(run: Run, planned: Ending): Promise<Story | null> {
    const { database, log } = this.parts;
    const ending: Ending = this.isNoCall(run) ? { ...planned, endedBy: 'NOT_CALLED' } : planned;
    // Readers get the last text while it is being committed; the end itself only after.
    this.appender.deliver(run);
    run.isEnding = true;
    let isRepeat = false;
    let isOurs: boolean;
    try {
      const finish = async (): Promise<boolean> => {
        if (isRepeat && (await isFinishedBy(database.engine, run))) return true;
        isRepeat = true;
        return finishRun(this.books, run, ending);
      };
      isOurs = await this.answered(run, finish, false);
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

  /** Ends a run that the database refuses for its values: what was stored stays, and readers are cut back to it by one more attempt. */
  private async endUnstorable(run: Run): Promise<Story | null> {
    const failure: Failure = { code: 'INTERNAL', message: 'the text could not be stored', retryable: false };
    const { model } = run.attempt;
    const next = { model, base: run.stored, failure, spent: this.spentAtStop(run) };
    // Nobody is called by it.
    if (!(await this.replaceBy(run, next, nothingNeeded))) return null;
    return this.end(run, failed(run, failure, false, nothingSpent));
  }

  /** By an attempt that was stopped: a copy and what called nobody use nothing, and of a call nobody knows. */
  private spentAtStop(run: Run): Spent {
    return run.isCalled ? this.spentBy(run, run.attempt.model, null) : nothingSpent;
  }

  /** Whether the open attempt stands for no call, nor for a copy of a text. */
  private isNoCall(run: Run): boolean {
    return !run.isCalled && run.source === null;
  }

  /** The answer to a statement that is repeated while the database is away; `lost` once the run is not this process's any more. */
  async answered<T>(run: Run, statement: () => Promise<T>, lost: T): Promise<T> {
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        return await statement();
      } catch (err) {
        // All that is written here refers to the generation: it was deleted while the statement ran.
        if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED' || isGone(err)) return lost;
        if (!isAway(err)) throw err;
        this.parts.log.warn({ err, generationId: run.id }, 'the database did not answer; trying again');
        await pause(delayMs);
      }
    }
  }
}
