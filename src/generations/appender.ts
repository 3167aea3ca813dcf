import { isDataFault, isGone } from '../db/failures.ts';
import { isOver, sharedMoment, type Window } from '../kernel/window.ts';
import { appendPieces, askStandings, storeFirstTokens, type Piece, type Standing } from './append.ts';
import type { EngineParts } from './engine-parts.ts';
import type { Run } from './run.ts';

/** So long after a text came it is sent to the database, together with all others; longer with many streams that nobody reads elsewhere. */
const tickMs = 50;
/** Pause after a flush that failed as a whole. */
const retryMs = 250;

/** The two clocks of a text: the delivery window towards readers of this process, the durability tick towards the database. */
export class Appender {
  private readonly unstored = new Set<Run>();
  /** In the order in which they are due. */
  private readonly undelivered = new Set<Run>();
  /** What is due now: delivered together, once all that is read at this moment has been read. */
  private readonly due = new Set<Run>();
  private tick: NodeJS.Timeout | null = null;
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> | null = null;
  private isClosed = false;
  /** Readers on other processes see what is stored: as of the last flush. */
  private isReadElsewhere = false;

  constructor(
    private readonly parts: Pick<EngineParts, 'database' | 'bus' | 'audience' | 'clock' | 'log'>,
    private readonly window: Window,
  ) {}

  /** Adds text to a run: readers get a run's first text at once and later text by the window; the store gets it by the tick. */
  append(run: Run, text: string): void {
    const now = this.parts.clock.monotonic();
    run.append(text, now);
    this.unstored.add(run);
    if (!this.tick && !this.flushing) this.arm(this.tickMs);
    if (this.undelivered.has(run) || this.due.has(run)) return;
    if (isOver(this.window, now - run.deliveredAt)) return this.deliverNow(run, now);
    run.dueAt = sharedMoment(now, this.window.ms, this.window);
    this.undelivered.add(run);
    this.timer ??= setTimeout(() => this.deliverDue(), run.dueAt - now);
  }

  /** Lets readers have all of a run's text now. */
  deliver(run: Run, now = this.parts.clock.monotonic()): void {
    this.undelivered.delete(run);
    this.due.delete(run);
    run.deliveredAt = now;
    run.deliverable = run.text.length;
    this.parts.audience.changed(run.id);
  }

  /** The attempt of a run was replaced: what was not stored of the old one never will be. */
  forget(run: Run): void {
    this.unstored.delete(run);
    this.undelivered.delete(run);
    this.due.delete(run);
  }

  /** Stores what there is now; resolves when it is stored or has failed. */
  async flush(): Promise<void> {
    await this.flushing;
    await this.flushNow();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    if (this.tick) clearTimeout(this.tick);
    if (this.timer) clearTimeout(this.timer);
    await this.flushing;
  }

  /** Asks how runs stand that had no news for `quietMs`. */
  async ask(runs: readonly Run[], quietMs: number): Promise<void> {
    const now = this.parts.clock.monotonic();
    const quiet = runs.filter((run) => run.stopReason === null && now - run.askedAt >= quietMs);
    if (quiet.length === 0) return;
    for (const run of quiet) run.askedAt = now;
    try {
      const standings = await askStandings(this.parts.database.engine, quiet);
      for (const run of quiet) this.heed(run, standings.get(run.uuid));
    } catch (err) {
      // Asked again in half a second.
      this.parts.log.debug({ err }, 'could not ask for cancellations');
    }
  }

  /**
   * Delivers what is due. Where many streams are read at one moment, after the last of them, in the same turn of the event loop: reading and delivering,
   * stream by stream, would push each other's code out of the processor's caches.
   */
  private deliverNow(run: Run, now: number): void {
    if (this.window.width === 1) return this.deliver(run, now);
    if (this.due.size === 0) queueMicrotask(() => this.deliverAll());
    this.due.add(run);
  }

  private deliverAll(): void {
    const now = this.parts.clock.monotonic();
    for (const run of this.due) this.deliver(run, now);
  }

  /** All that is due, and what will be in a moment: one look at many runs instead of many. */
  private deliverDue(): void {
    this.timer = null;
    const now = this.parts.clock.monotonic();
    for (const run of this.undelivered) {
      const waitMs = run.dueAt - now;
      if (waitMs <= this.window.ms / 10) {
        this.deliver(run, now);
      } else {
        this.timer = setTimeout(() => this.deliverDue(), waitMs);
        return;
      }
    }
  }

  private get tickMs(): number {
    return this.isReadElsewhere ? tickMs : tickMs * this.window.width;
  }

  private arm(ms: number): void {
    if (this.isClosed) return;
    this.tick ??= setTimeout(() => {
      this.tick = null;
      void this.flushNow();
    }, ms);
  }

  private flushNow(): Promise<void> {
    this.flushing ??= this.store().finally(() => {
      this.flushing = null;
      // Came after the last look and before this line.
      if (this.unstored.size > 0) this.arm(this.tickMs);
    });
    return this.flushing;
  }

  private async store(): Promise<void> {
    const pieces = [...this.unstored].flatMap((run) => this.pieceOf(run) ?? []);
    this.unstored.clear();
    if (pieces.length === 0) return;
    let wait = this.tickMs;
    try {
      await this.storeTogether(pieces);
    } catch (err) {
      if (isDataFault(err)) await this.storeEach(pieces);
      else {
        this.parts.log.warn({ err, pieces: pieces.length }, 'text was not stored yet');
        for (const { run } of pieces) this.unstored.add(run);
        wait = retryMs;
      }
    }
    if (this.unstored.size > 0) this.arm(wait);
  }

  private async storeTogether(pieces: readonly Piece[]): Promise<void> {
    const { engine } = this.parts.database;
    const askedAt = this.parts.clock.monotonic();
    const [standings] = await Promise.all([appendPieces(engine, pieces), storeFirstTokens(engine, pieces)]);
    const watched: string[] = [];
    for (const { run, attempt, start, body, firstTokenAgeMs } of pieces) {
      run.askedAt = askedAt;
      const standing = standings.get(run.uuid);
      if (standing?.epoch === run.epoch) run.confirmStored(attempt, start + body.length);
      if (firstTokenAgeMs !== null && attempt === run.attempt.number) run.isFirstTokenStored = true;
      this.heed(run, standing);
      if (run.isWatchedElsewhere) watched.push(run.id);
      if (run.stored < run.text.length) this.unstored.add(run);
    }
    this.isReadElsewhere = watched.length > 0;
    this.parts.bus.publish('generation.changed', watched);
  }

  /** One bad row must not fail its neighbours: each alone, and only the bad one stops. */
  private async storeEach(pieces: readonly Piece[]): Promise<void> {
    for (const piece of pieces) {
      try {
        await this.storeTogether([piece]);
      } catch (err) {
        // It was deleted while its text was on its way.
        if (isGone(err)) piece.run.stop('LOST');
        else if (!isDataFault(err)) this.unstored.add(piece.run);
        else {
          this.parts.log.error({ err, generationId: piece.run.id }, 'text that cannot be stored');
          piece.run.stop('UNSTORABLE');
        }
      }
    }
  }

  private pieceOf(run: Run): Piece | null {
    if (run.stopReason === 'LOST' || run.stopReason === 'UNSTORABLE' || run.isEnded || run.stored >= run.text.length) return null;
    return {
      run,
      attempt: run.attempt.number,
      start: run.stored,
      body: run.text.slice(run.stored),
      firstTokenAgeMs: run.isFirstTokenStored ? null : run.firstTokenAgeMs,
    };
  }

  private heed(run: Run, standing: Standing | undefined): void {
    if (run.isEnding) return;
    if (!standing || standing.epoch !== run.epoch || !standing.isRunning) run.stop('LOST');
    else if (standing.isCancelRequested) run.stop('CANCELLED');
  }
}
