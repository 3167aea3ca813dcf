import { setTimeout as pause } from 'node:timers/promises';
import { faultOf } from '../guards/guards.ts';
import { ProviderError } from '../providers/port.ts';
import { NotCalled } from '../routing/gate.service.ts';
import { nextMove, type FailedCall } from '../routing/next-move.ts';
import { causeOf } from '../routing/plan.ts';
import { outputFault } from '../templates/schema.ts';
import type { Appender } from './appender.ts';
import { Caller } from './call.ts';
import { Closer, type NextAttempt } from './closer.ts';
import { Copier } from './copying.ts';
import { orRefused } from './cover.ts';
import { brokenPromise, cutShort, failed, failureOf, finished, refusedFor, refusedMidway, type Outcome } from './ending.ts';
import type { EngineConfig, EngineParts } from './engine-parts.ts';
import type { Ending } from './finish.ts';
import { Hedge } from './hedge.ts';
import { Reading, TextRefused } from './reading.ts';
import type { OpenedCall, Run } from './run.ts';
import { lastSentenceEnd } from './sentence.ts';
import { nothingSpent } from './spent.ts';
import type { Story } from './story.ts';
import { leastTokensLeft, tokensLeft } from './tokens-left.ts';

/** A failed call, and until when (monotonic) its vendor wants us to stay away. */
interface Failing extends FailedCall {
  readonly awayUntil: number;
}

/** Writes one run to its end: attempt after attempt, as the status table says, then the one transaction that ends it. */
export class Writer {
  private readonly caller: Caller;
  private readonly closer: Closer;
  private readonly hedge: Hedge;
  private readonly copier: Copier;

  constructor(
    config: EngineConfig,
    private readonly parts: EngineParts,
    private readonly appender: Appender,
    /** Told of a run that copied and writes by itself from now on. */
    private readonly onOwn: (run: Run) => void,
  ) {
    this.caller = new Caller(config, parts);
    this.closer = new Closer(parts, appender);
    this.hedge = new Hedge(parts, this.caller, this.closer);
    this.copier = new Copier(parts, appender, this.closer, config.totalTimeoutMs, (run) => this.caller.remainingMs(run));
  }

  /** Makes a run's first call, all but its sending, which waits for `granted`. */
  openCall(run: Run, granted: Promise<void>): void {
    this.caller.begin(run, granted);
  }

  /** The committed end; null when the run was lost or given away. */
  async write(run: Run): Promise<Story | null> {
    const calls: Failing[] = [];
    let hasBegun = false;
    if (run.source !== null) {
      // Reserves for its call, where it comes to make one.
      const end = await this.copier.write(run);
      if (end !== 'OWN') return end;
      this.onOwn(run);
    } else if (run.work.attempts.length > 1) {
      // What was reserved at its start was for its first call.
      const refused = await orRefused(this.parts.ledger, () => this.closer.coverTakeOver(run));
      if (typeof refused === 'object') return this.closer.end(run, failed(run, refused, false, nothingSpent));
      if (!refused) return null;
    }
    for (;;) {
      const outcome = await this.attempt(run, (model, error) => calls.push(this.failing(model, error)));
      if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED') return null;
      await run.givingBack;
      if (outcome.kind === 'stopped') return this.closer.endStopped(run);
      if (outcome.kind !== 'failed') {
        const spent = this.closer.spentBy(run, run.attempt.model, outcome.usage);
        const ending =
          outcome.kind === 'refused'
            ? failed(run, refusedFor(outcome.fault), false, spent)
            : this.checked(run, finished(run, outcome.reason, spent));
        const { failure } = ending;
        if (failure === null || run.complaint !== null) return this.closer.end(run, ending);
        const isAnew = await orRefused(this.parts.ledger, () => this.writeAnew(run, { failure, spent }));
        // Without room for a repair the text stays what it is: one that did not pass.
        if (typeof isAnew === 'object') return this.closer.end(run, ending);
        if (!isAnew) return null;
        hasBegun = true;
        continue;
      }
      const { error } = outcome;
      if (error instanceof NotCalled) run.skip(error.reason);
      calls.push(this.failing(run.attempt.model, error));
      hasBegun ||= run.text !== '';
      const now = this.parts.clock.monotonic();
      const move = nextMove({
        hasText: run.text.trim() !== '',
        hasBegun,
        policy: run.work.failoverPolicy,
        calls: calls.map((call) => ({ ...call, awayMs: Math.max(0, call.awayUntil - now) })),
        plan: run.work.plan,
        blockedMs: (model) => this.caller.blockedMs(run, model),
        remainingMs: this.caller.remainingMs(run),
        random: Math.random(),
      });
      const { number, model } = run.attempt;
      this.parts.log.info(
        { generationId: run.id, attempt: number, model, code: error.code, cause: causeOf(error.code), move },
        run.isCalled ? 'attempt failed' : 'model skipped',
      );
      const failure = failureOf(error);
      const spent = this.closer.spentBy(run, model, error.usage);
      if (move.kind !== 'TRY') return this.closer.end(run, failed(run, failure, move.kind === 'KEEP', spent));
      const isNext = await orRefused(this.parts.ledger, () => this.again(run, move, { failure, spent }));
      if (typeof isNext === 'object') {
        return this.closer.end(run, { ...failed(run, isNext, run.text !== '', spent), attemptFailure: failure });
      }
      if (!isNext) {
        return run.stopReason === 'CANCELLED' || run.stopReason === 'UNSTORABLE' ? this.closer.endStopped(run) : null;
      }
    }
  }

  /** The end of a whole text, or its failure when it does not pass the checks. */
  private checked(run: Run, ending: Ending): Ending {
    const { guards, variables, outputSchema } = run.work;
    if (ending.status !== 'SUCCEEDED' || !this.isChecked(run)) return ending;
    const fault = (outputSchema && outputFault(outputSchema, ending.text)) ?? (guards && faultOf(guards, ending.text, variables));
    return fault === null ? ending : { ...ending, status: 'FAILED', endedBy: 'FAILED', failure: refusedFor(fault) };
  }

  /** A draft is the template's own and passes. */
  private isChecked(run: Run): boolean {
    return this.parts.models.find(run.attempt.model)?.provider.ignoresMessages !== true;
  }

  /** Lets the same model write once more, told what was wrong; false when the run is lost. */
  private async writeAnew(run: Run, { failure, spent }: Pick<NextAttempt, 'failure' | 'spent'>): Promise<boolean> {
    const { number, model } = run.attempt;
    this.parts.log.info({ generationId: run.id, attempt: number, model, code: failure.code }, 'a text did not pass its checks');
    if (!(await this.closer.replace(run, { model, base: 0, reason: 'GUARD', complaint: failure.message, failure, spent })))
      return false;
    run.complaint = failure.message;
    return true;
  }

  /** One call: reads its stream to the end, whatever the end is. */
  private async attempt(run: Run, onFailed: (model: string, error: ProviderError) => void): Promise<Outcome> {
    try {
      const opened = await this.hedge.first(run, await this.open(run), onFailed);
      const finish = await new Reading(run, this.appender, { isChecked: this.isChecked(run) }).read(opened);
      if (!finish) throw cutShort();
      if (finish.reason === 'CONTENT_FILTER' && this.hasWayAround(run)) throw refusedMidway(finish.usage);
      return { kind: 'finished', reason: finish.reason, usage: finish.usage };
    } catch (error) {
      if (run.stopReason !== null) return { kind: 'stopped' };
      if (error instanceof TextRefused) return { kind: 'refused', fault: error.fault, usage: error.usage };
      if (error instanceof ProviderError) return { kind: 'failed', error };
      this.parts.log.error({ err: error, generationId: run.id, model: run.attempt.model }, 'a provider broke its promise');
      return { kind: 'failed', error: brokenPromise(error) };
    }
  }

  /** Whether a text that its model refused to end may be written by one that the route has for this. Without one it stays as it is. */
  private hasWayAround(run: Run): boolean {
    const { plan, failoverPolicy } = run.work;
    const isOpen = (model: string): boolean =>
      run.attempts.every((attempt) => attempt.model !== model) && this.caller.blockedMs(run, model) === 0;
    return failoverPolicy !== 'STOP' && (plan.branches.CONTENT_REFUSED ?? []).some(isOpen);
  }

  /** The call of the open attempt. */
  private async open(run: Run): Promise<OpenedCall> {
    try {
      const opened = await this.caller.open(run);
      run.isCalled = true;
      return opened;
    } catch (error) {
      // A key that cannot be read, or an unknown model: on record like a call that failed.
      run.isCalled = run.stopReason === null && !(error instanceof NotCalled);
      throw error;
    }
  }

  private failing(model: string, error: ProviderError): Failing {
    const { code, retryable, isOfRequest } = error;
    const awayMs = error.retryAfterMs ?? 0;
    return {
      model,
      cause: causeOf(code),
      retryable,
      othersMay: isOfRequest,
      isMade: !(error instanceof NotCalled),
      awayMs,
      awayUntil: this.parts.clock.monotonic() + awayMs,
    };
  }

  /** Opens the next attempt after a pause; false when the run stopped meanwhile. */
  private async again(
    run: Run,
    { model, delayMs }: { readonly model: string; readonly delayMs: number },
    ended: Pick<NextAttempt, 'failure' | 'spent'>,
  ): Promise<boolean> {
    try {
      await pause(delayMs, undefined, { signal: run.signal });
    } catch {
      // Stopped while waiting.
      return false;
    }
    // Nobody was asked by the open attempt: it goes on, with another model where no reader can know its own.
    if (!run.isCalled && model === run.attempt.model) return run.stopReason === null;
    if (!run.isCalled && run.attempt.base === 0) return (await this.closer.redirect(run, model)) && run.stopReason === null;
    const base = await this.baseFor(run, model);
    return (await this.closer.replace(run, { model, base, ...ended })) && run.stopReason === null;
  }

  /**
   * Where the text of the next attempt begins: behind the last whole sentence, as far as it is stored, when the template wants it to go on
   * and the model can, and there are tokens left to go on with; else at 0. JSON that one model began is nothing that another, held to the whole of it, can go on from.
   */
  private async baseFor(run: Run, model: string): Promise<number> {
    if (run.work.failoverPolicy !== 'CONTINUE' || run.work.outputSchema !== null || run.text.trim() === '') return 0;
    if (this.parts.models.find(model)?.provider.ignoresMessages) return 0;
    await this.appender.flush();
    // What an earlier attempt went on from is the end of a sentence, whatever came behind it.
    const base = Math.max(run.attempt.base, lastSentenceEnd(run.text.slice(0, run.stored)) ?? 0);
    return tokensLeft(run.work.maxOutputTokens, run.text.slice(0, base)) < leastTokensLeft ? 0 : base;
  }
}
