import { setTimeout as pause } from 'node:timers/promises';
import { ProviderError } from '../providers/port.ts';
import { nextMove } from '../routing/next-move.ts';
import { causeOf } from '../routing/plan.ts';
import type { Appender } from './appender.ts';
import { Caller } from './call.ts';
import { Closer, type NextAttempt } from './closer.ts';
import { failed, failureOf, finished, type Outcome } from './ending.ts';
import type { EngineConfig, EngineParts } from './engine.ts';
import { Reading } from './reading.ts';
import type { Run } from './run.ts';
import type { Story } from './story.ts';

/** Writes one run to its end: attempt after attempt, as the status table says, then the one transaction that ends it. */
export class Writer {
  private readonly caller: Caller;
  private readonly closer: Closer;

  constructor(
    config: EngineConfig,
    private readonly parts: EngineParts,
    private readonly appender: Appender,
  ) {
    this.caller = new Caller(config, parts);
    this.closer = new Closer(parts, appender);
  }

  /** Makes a run's first call, all but its sending, which waits for `committed`. */
  openCall(run: Run, committed: Promise<void>): void {
    this.caller.begin(run, committed);
  }

  /** The committed end; null when the run was lost or given away. */
  async write(run: Run): Promise<Story | null> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.attempt(run);
      if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED') return null;
      if (outcome.kind === 'stopped') return this.closer.endStopped(run);
      if (outcome.kind === 'finished') return this.closer.end(run, finished(run, outcome));
      const { error } = outcome;
      const move = nextMove({
        error,
        hasText: run.text.length > run.attempt.base,
        policy: run.work.failoverPolicy,
        tries,
        models: run.work.plan.models,
        remainingMs: this.caller.remainingMs(run),
      });
      const { number, model } = run.attempt;
      this.parts.log.info(
        { generationId: run.id, attempt: number, model, code: error.code, cause: causeOf(error.code), move: move.kind },
        'attempt failed',
      );
      const failure = failureOf(error);
      if (move.kind !== 'TRY') return this.closer.end(run, failed(run, failure, move.kind === 'KEEP'));
      const isHeld = await this.again(run, move.delayMs, { model: move.model, base: 0, failure });
      if (!isHeld) return run.stopReason === 'CANCELLED' || run.stopReason === 'UNSTORABLE' ? this.closer.endStopped(run) : null;
    }
  }

  /** One call: reads its stream to the end, whatever the end is. */
  private async attempt(run: Run): Promise<Outcome> {
    try {
      const finish = await new Reading(run, this.appender).read(await this.caller.open(run));
      if (finish) return { kind: 'finished', reason: finish.reason, usage: finish.usage };
      throw new ProviderError('STREAM_CUT', 'the stream ended before its finish signal', { retryable: true });
    } catch (error) {
      if (run.stopReason !== null) return { kind: 'stopped' };
      if (error instanceof ProviderError) return { kind: 'failed', error };
      this.parts.log.error({ err: error, generationId: run.id, model: run.attempt.model }, 'a provider broke its promise');
      return {
        kind: 'failed',
        error: new ProviderError('STREAM_MALFORMED', 'the provider failed in a way it must not', {
          retryable: true,
          cause: error,
        }),
      };
    }
  }

  /** Opens the next attempt after a pause; false when the run stopped meanwhile. */
  private async again(run: Run, delayMs: number, next: NextAttempt): Promise<boolean> {
    try {
      await pause(delayMs, undefined, { signal: run.signal });
    } catch {
      // Stopped while waiting.
      return false;
    }
    return (await this.closer.replace(run, next)) && run.stopReason === null;
  }
}
