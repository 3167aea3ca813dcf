import { AppError } from '../kernel/errors.ts';
import type { Clock } from '../kernel/clock.ts';
import { Lane, type LaneOptions } from './lane.ts';

/**
 * Whether an operation needs a connection for itself (a transaction of several round trips), may travel with any others (one statement),
 * or with others of the same moment and kind: reads that each are a transaction sent in one go share a write to the socket, and its wake-ups.
 */
export type Hold = 'alone' | 'together' | 'batched' | 'stored';

interface Waiter {
  readonly hold: Hold;
  readonly resolve: (lane: Lane) => void;
  readonly reject: (reason: Error) => void;
  timer: NodeJS.Timeout | undefined;
}

// More statements than this behind each other on one connection wait longer there than for the next free one.
const statementsOnOneLane = 32;
// A slow read holds up those behind it, so few go together.
const readsInOneBatch = 16;
const laneLifetimeMs = 30 * 60_000;
const idleGraceMs = 2_000;

/** A bounded number of connections of one role. Waiting for one has a deadline, and those who wait are served in order. */
export class Pool {
  private readonly lanes = new Map<Lane, number>();
  private readonly alone = new Set<Lane>();
  private readonly waiters: Waiter[] = [];
  /** The connections that take the reads of this turn of the event loop. */
  private readonly batches: Record<'batched' | 'stored', Lane | null> = { batched: null, stored: null };
  private isClosed = false;
  private idle: (() => void) | null = null;

  constructor(
    private readonly options: LaneOptions & { readonly size: number },
    private readonly clock: Clock,
  ) {}

  /** A connection to use, given back with `release`. UNAVAILABLE when none came free within `timeoutMs`. */
  async acquire(hold: Hold, timeoutMs: number): Promise<Lane> {
    const lane = this.acquireNow(hold);
    if (lane) return lane;
    if (this.isClosed) throw new AppError('UNAVAILABLE', 'the database is closing', { retryAfterMs: 1_000 });
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { hold, resolve, reject, timer: undefined };
      waiter.timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        reject(new AppError('UNAVAILABLE', 'all database connections are in use', { retryAfterMs: 1_000 }));
        // The one that gave up may have held up others that fit.
        this.serve();
      }, timeoutMs);
      this.waiters.push(waiter);
    });
  }

  /** One more operation on a lane that its holder has for itself; gives how to release it. */
  share(lane: Lane): () => void {
    lane.holders++;
    return () => this.release(lane);
  }

  /** The same without waiting; null when there is none free, or others have waited longer. */
  acquireNow(hold: Hold): Lane | null {
    return this.isClosed || this.waiters.length > 0 ? null : this.take(hold);
  }

  release(lane: Lane): void {
    lane.holders--;
    this.alone.delete(lane);
    const openedAt = this.lanes.get(lane);
    if (openedAt !== undefined && this.clock.monotonic() - openedAt > laneLifetimeMs) lane.isRetired = true;
    if (lane.isRetired && lane.holders === 0) void lane.end(idleGraceMs);
    this.serve();
    if (this.idle && this.holders() === 0) this.idle();
  }

  /** Refuses new work, gives what runs `timeoutMs` to end, then closes every connection. */
  async close(timeoutMs: number): Promise<void> {
    this.isClosed = true;
    for (const waiter of this.waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(new AppError('UNAVAILABLE', 'the database is closing', { retryAfterMs: 1_000 }));
    }
    if (this.holders() > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all([...this.lanes.keys()].map((lane) => lane.end(lane.holders === 0 ? idleGraceMs : 0)));
  }

  /** Connections open or opening, and operations that wait for one. */
  get size(): { readonly lanes: number; readonly waiting: number } {
    return { lanes: this.lanes.size, waiting: this.waiters.length };
  }

  private holders(): number {
    return [...this.lanes.keys()].reduce((sum, lane) => sum + lane.holders, 0);
  }

  private serve(): void {
    for (let waiter = this.waiters[0]; waiter; waiter = this.waiters[0]) {
      const lane = this.take(waiter.hold);
      if (!lane) return;
      this.waiters.shift();
      clearTimeout(waiter.timer);
      waiter.resolve(lane);
    }
  }

  private take(hold: Hold): Lane | null {
    const isBatched = hold === 'batched' || hold === 'stored';
    const shared = isBatched ? this.batchLane(hold) : null;
    const lane = shared ?? this.idleLane() ?? this.newLane() ?? (hold === 'together' ? this.leastUsedLane() : null);
    if (!lane) return null;
    lane.holders++;
    if (hold === 'alone') {
      this.alone.add(lane);
      // Its reads were quick and have gone; those of the same turn that are still to come may be another tenant's.
      this.endBatches(lane);
    }
    if (isBatched && !shared) {
      // The same with reads of the other kind.
      this.endBatches(lane);
      this.openBatch(hold, lane);
    }
    return lane;
  }

  private batchLane(kind: keyof typeof this.batches): Lane | null {
    const batch = this.batches[kind];
    return batch && !batch.isRetired && batch.holders > 0 && batch.holders < readsInOneBatch ? batch : null;
  }

  private openBatch(kind: keyof typeof this.batches, lane: Lane): void {
    this.batches[kind] = lane;
    // The driver writes at the end of the turn, too.
    setImmediate(() => {
      if (this.batches[kind] === lane) this.batches[kind] = null;
    });
  }

  private endBatches(lane: Lane): void {
    if (this.batches.batched === lane) this.batches.batched = null;
    if (this.batches.stored === lane) this.batches.stored = null;
  }

  private idleLane(): Lane | null {
    for (const lane of this.lanes.keys()) if (!lane.isRetired && lane.holders === 0) return lane;
    return null;
  }

  private newLane(): Lane | null {
    if (this.lanes.size >= this.options.size) return null;
    const lane = new Lane(this.options, (gone) => {
      this.lanes.delete(gone);
      this.alone.delete(gone);
      if (!this.isClosed) this.serve();
    });
    this.lanes.set(lane, this.clock.monotonic());
    return lane;
  }

  private leastUsedLane(): Lane | null {
    let least: Lane | null = null;
    for (const lane of this.lanes.keys()) {
      if (lane.isRetired || this.alone.has(lane) || lane.holders >= statementsOnOneLane) continue;
      if (!least || lane.holders < least.holders) least = lane;
    }
    return least;
  }
}
