import { writes, type CacheUse } from '../caching/caching.ts';
import { findEntry, type EntryClaim } from '../caching/entry.ts';
import type { Connection } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { FinishReason } from '../providers/port.ts';
import type { Appender } from './appender.ts';
import type { Closer, NextAttempt } from './closer.ts';
import { orRefused } from './cover.ts';
import { failed, finished, outOfTime } from './ending.ts';
import type { EngineParts } from './engine-parts.ts';
import type { Failure } from './finish.ts';
import type { Run } from './run.ts';
import { nothingSpent } from './spent.ts';
import type { Story, Told } from './story.ts';

/** How the reading of a source ended: with its whole text; without one; or the run had to stop, or was out of time. */
type CopyEnd =
  | { readonly kind: 'whole'; readonly reason: FinishReason }
  | { readonly kind: 'sourceLost' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'late' };

const sourceLost: Failure = {
  code: 'STREAM_CUT',
  message: 'the generation whose text it copied ended without one',
  retryable: true,
};

/** Above this many sources nobody is waited for any more. */
const mostSources = 5;
/** So often it is tried to take the place of one that is of no use. */
const mostTries = 3;

/**
 * Writes runs that copy: reads the text of another generation like any reader does, from memory or from the store, and ends with it. A source that
 * ends without a text makes one of those that copied it the next source, and that one writes by itself.
 */
export class Copier {
  constructor(
    private readonly parts: EngineParts,
    private readonly appender: Appender,
    private readonly closer: Closer,
    private readonly totalTimeoutMs: number,
    private readonly remainingMs: (run: Run) => number,
  ) {}

  /** The committed end; null when the run was lost or given away; 'OWN' when it is to write by itself now. */
  async write(run: Run): Promise<Story | null | 'OWN'> {
    for (let sources = 1; ; sources++) {
      const end = await this.copy(run);
      if (run.stopReason === 'LOST' || run.stopReason === 'RELEASED') return null;
      if (end.kind === 'stopped') return this.closer.endStopped(run);
      // What it copied has passed the checks, which are the same for all with its key.
      if (end.kind === 'whole') return this.closer.end(run, finished(run, end.reason, nothingSpent));
      if (end.kind === 'late') return this.closer.end(run, failed(run, outOfTime, run.text !== '', nothingSpent));
      const goOver = () => (sources < mostSources ? this.goOver(run) : this.writeOwn(run));
      const isNext = await orRefused(this.parts.ledger, goOver);
      if (typeof isNext === 'object') return this.refuse(run, isNext);
      if (!isNext || run.stopReason !== null) return this.endIfStopped(run);
      if (run.source === null) return 'OWN';
    }
  }

  /** Ends a run that a budget has no room for. What it copied may be deleted by now: nothing of it stays. */
  private async refuse(run: Run, failure: Failure): Promise<Story | null> {
    const isEmpty = await this.replace(run, { model: run.attempt.model, base: 0, reason: 'SOURCE_LOST' });
    return isEmpty ? this.closer.end(run, failed(run, failure, false, nothingSpent)) : this.endIfStopped(run);
  }

  private endIfStopped(run: Run): Promise<Story | null> | null {
    return run.stopReason === 'CANCELLED' || run.stopReason === 'UNSTORABLE' ? this.closer.endStopped(run) : null;
  }

  /** Reads the source from its beginning to its end. The run has no text yet. */
  private async copy(run: Run): Promise<CopyEnd> {
    const sourceId = idOfUuid('gen', run.source ?? '');
    const stop = new AbortController();
    const onStop = (): void => stop.abort();
    const timer = setTimeout(onStop, Math.max(0, this.remainingMs(run)));
    run.signal.addEventListener('abort', onStop, { once: true });
    if (run.signal.aborted) onStop();
    const steps = this.parts.readers.follow(run.tenantId, sourceId, null, null, stop.signal);
    try {
      for (;;) {
        if (run.isFull) await run.room();
        const { value: told } = await steps.next();
        if (run.stopReason !== null) return { kind: 'stopped' };
        if (!told) return { kind: 'late' };
        if (told.kind === 'finished') {
          const reason = await this.closer.answered(run, () => sourceEnd(this.parts.database.engine, run), null);
          return reason === null ? { kind: 'sourceLost' } : { kind: 'whole', reason };
        }
        if (told.kind === 'delta') this.appender.append(run, told.text);
        else if (!(await this.turn(run, told))) return { kind: 'stopped' };
      }
    } catch (error) {
      // It was deleted: what this run has of its text goes too.
      if (error instanceof AppError && error.code === 'NOT_FOUND') return { kind: 'sourceLost' };
      throw error;
    } finally {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', onStop);
      await steps.return?.();
    }
  }

  /** The source began, or began anew: the run says so where its own readers see a difference. False when it is lost. */
  private async turn(run: Run, told: Extract<Told, { kind: 'started' | 'restarted' }>): Promise<boolean> {
    const { model, reason } = told.attempt;
    const base = told.kind === 'restarted' ? told.offset : 0;
    if (told.kind === 'started' && model === run.attempt.model) return true;
    return this.replace(run, { model, base, reason: reason ?? 'SOURCE_LOST' });
  }

  private replace(run: Run, next: Omit<NextAttempt, 'failure' | 'spent'>): Promise<boolean> {
    return this.closer.replace(run, { ...next, failure: sourceLost, spent: nothingSpent });
  }

  /**
   * The source is lost: the first of those that copied it and asks becomes the one that the others copy, and writes by itself. The entry's row is
   * the lock. False when the run is lost.
   */
  private async goOver(run: Run): Promise<boolean> {
    const use = useOf(run);
    let replaces = use.source;
    for (let tries = 0; tries < mostTries; tries++) {
      const claim = { use, replaces, writtenForMs: this.totalTimeoutMs };
      if (writes(use) && (await this.writeOwn(run, claim))) return true;
      const find = () => findEntry(this.parts.database.engine, run.tenantUuid, use);
      const found = await this.closer.answered(run, find, null);
      if (found && found.id !== use.source && (found.isKept || found.isRunning)) {
        const cache = { ...use, outcome: 'SHARED', source: found.id } as const;
        return this.replace(run, { model: found.model, base: 0, reason: 'SOURCE_LOST', cache });
      }
      // Whoever was quicker has ended without a text too.
      replaces = found?.id ?? null;
    }
    return this.writeOwn(run);
  }

  private writeOwn(run: Run, claim?: EntryClaim): Promise<boolean> {
    const cache = { ...useOf(run), outcome: 'MISS', source: null } as const;
    const model = run.work.plan.models[0] ?? run.attempt.model;
    return this.replace(run, { model, base: 0, reason: 'SOURCE_LOST', cache, ...(claim && { claim }) });
  }
}

function useOf({ id, cache }: Run): CacheUse {
  if (cache === null) throw new Error(`run of ${id} copies nothing`);
  return cache;
}

/** Why the source of a run that copies finished; null when it ended without a text that succeeded, or is gone. */
async function sourceEnd(engine: Connection, { tenantUuid, source }: Run): Promise<FinishReason | null> {
  const [row] = await engine.sql<{ finish_reason: FinishReason }>(
    (sql) => sql`
      select finish_reason from generations where tenant_id = ${tenantUuid} and id = ${source}::uuid and status = 'SUCCEEDED'`,
    { idempotent: true },
  );
  return row?.finish_reason ?? null;
}
