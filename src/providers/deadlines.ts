import { systemClock, type Clock } from '../kernel/clock.ts';
import { failure } from './failures.ts';
import type { StreamPart } from './port.ts';

/** How long a stream may take; milliseconds. */
export interface Deadlines {
  /** From the call to its first part. */
  readonly firstTokenMs: number;
  /** From asking for a part to getting it, after the first; time in which nobody asks does not count. */
  readonly idleMs: number;
  /** From the call to its end; none when absent. */
  readonly totalMs?: number;
  readonly clock?: Clock;
  /** The caller's own wish to stop: the stream then throws its reason. */
  readonly signal: AbortSignal;
}

/**
 * The stream that `open` makes, with deadlines: a late part throws TIMEOUT at once and aborts the signal that `open` was given.
 * It waits beside the stream and not inside it, so it ends even a stream that never answers again.
 */
export async function* withDeadlines(
  open: (signal: AbortSignal) => AsyncIterable<StreamPart>,
  { firstTokenMs, idleMs, totalMs = Infinity, clock = systemClock, signal }: Deadlines,
): AsyncGenerator<StreamPart> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const startedAt = clock.monotonic();
  const endsAt = startedAt + totalMs;
  const parts = open(controller.signal)[Symbol.asyncIterator]();
  const watch = new Watch(clock);
  const stop = () => {
    controller.abort(signal.reason);
    watch.fail(signal.reason);
  };
  signal.addEventListener('abort', stop, { once: true });
  let allowedMs = firstTokenMs;
  let what = 'no first token';
  try {
    for (;;) {
      const now = clock.monotonic();
      const isTotal = endsAt < now + allowedMs;
      const late = isTotal ? `no end within ${totalMs} ms` : `${what} within ${allowedMs} ms`;
      const result = await watch.race(parts.next(), Math.min(endsAt, now + allowedMs), () => failure('TIMEOUT', late));
      if (result.done) return;
      yield result.value;
      signal.throwIfAborted();
      allowedMs = idleMs;
      what = 'no next token';
    }
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    watch.close();
    signal.removeEventListener('abort', stop);
    controller.abort();
    // Not awaited: a generator that waits for ever never runs its return. The abort above is what ends it.
    parts.return?.().catch(() => undefined);
  }
}

/** What setTimeout can count to; above it fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * One timer for a whole stream: it is set again only when it fires too early, so a token costs a clock reading and no timer.
 * Firing while nobody waits rejects a promise that is settled already, which does nothing.
 */
class Watch {
  private timer: NodeJS.Timeout | undefined;
  private firesAt = Infinity;
  private dueAt = Infinity;
  private reject: ((reason: unknown) => void) | null = null;
  private late: () => unknown = () => undefined;

  constructor(private readonly clock: Clock) {}

  /** The promise's result, unless `dueAt` passes or `fail` is called first. */
  race<T>(promise: Promise<T>, dueAt: number, late: () => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.reject = reject;
      this.dueAt = dueAt;
      this.late = late;
      if (dueAt < this.firesAt) this.arm();
      promise.then(resolve, reject);
    });
  }

  fail(reason: unknown): void {
    this.reject?.(reason);
  }

  close(): void {
    clearTimeout(this.timer);
    this.reject = null;
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.firesAt = this.dueAt;
    if (this.dueAt === Infinity) return;
    this.timer = setTimeout(() => this.fire(), Math.min(longestTimerMs, Math.max(0, this.dueAt - this.clock.monotonic())));
  }

  private fire(): void {
    this.firesAt = Infinity;
    if (this.clock.monotonic() >= this.dueAt) this.fail(this.late());
    else this.arm();
  }
}
