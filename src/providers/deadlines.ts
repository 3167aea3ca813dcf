import { systemClock, type Clock } from '../kernel/clock.ts';
import { over } from '../kernel/over.ts';
import { pollable, type Pending, type Pollable, type PollableIterator } from '../kernel/pollable.ts';
import { failure } from './failures.ts';
import type { StreamPart } from './port.ts';

/** How long a stream may take; milliseconds. */
export interface Deadlines {
  /** From the call to its first part. */
  readonly firstTokenMs: number;
  /** From asking for any later part to getting it. Time in which nobody asks does not count. */
  readonly idleMs: number;
  /** From the call to its end; none when absent. */
  readonly totalMs?: number;
  readonly clock?: Clock;
  /** The caller's own wish to stop: the stream then throws its reason. */
  readonly signal: AbortSignal;
  /** Hears how the stream goes. */
  readonly watch?: StreamWatch;
}

/** Hears how a stream goes. */
export interface StreamWatch {
  /** Its first text came. */
  first(): void;
  /** Called once, at the end: with null after the finish, else with what ended the stream, a ProviderError if it was the provider. */
  ended(error: unknown): void;
}

/**
 * The stream that `open` makes, with deadlines: a late part throws TIMEOUT at once and aborts the signal that `open` was given.
 * The waiting is done beside the stream and not inside it, so that even a stream that never answers again ends in time.
 */
export function withDeadlines(
  open: (signal: AbortSignal) => AsyncIterable<StreamPart>,
  deadlines: Deadlines,
): PollableIterator<StreamPart> {
  return new TimedStream(open, deadlines);
}

const done = { done: true, value: undefined } as const;
/** The longest time that setTimeout takes; with more it fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Written by hand, with one timer that is set again only when it fires too early. So a part costs one promise and one look at the clock; a polled part costs only the look. */
class TimedStream implements PollableIterator<StreamPart> {
  private readonly controller = new AbortController();
  private readonly clock: Clock;
  private parts: AsyncIterator<StreamPart> | null = null;
  private polled: Pollable<StreamPart> | null = null;
  private onReady: (() => void) | null = null;
  private waiting: PromiseWithResolvers<IteratorResult<StreamPart, undefined>> | null = null;
  /** Whether a poll found nothing, and its reader waits to be called. */
  private isPolled = false;
  private hasFirst = false;
  private isOver = false;
  /** What ended the stream while its reader was away. */
  private missed: { readonly reason: Error } | null = null;
  private endsAt = Infinity;
  private dueAt = Infinity;
  private timer: NodeJS.Timeout | undefined;
  private firesAt = Infinity;
  private readonly stop = () => this.fail(this.deadlines.signal.reason);
  private readonly onFailed = (error: unknown) => this.fail(error);
  private readonly onResult = (result: IteratorResult<StreamPart>) => {
    if (this.isOver) return;
    if (!this.hasFirst && !result.done && result.value.type === 'text') this.deadlines.watch?.first();
    this.hasFirst = true;
    if (result.done) this.close(failure('STREAM_CUT', 'the stream ended before its finish signal'));
    else if (result.value.type === 'finish') this.close(null);
    this.waiting?.resolve(result.done ? done : result);
    this.waiting = null;
  };

  constructor(
    private readonly open: (signal: AbortSignal) => AsyncIterable<StreamPart>,
    private readonly deadlines: Deadlines,
  ) {
    this.clock = deadlines.clock ?? systemClock;
  }

  next(): Promise<IteratorResult<StreamPart, undefined>> {
    const { signal, firstTokenMs, idleMs } = this.deadlines;
    this.isPolled = false;
    if (!this.isOver && signal.aborted) this.fail(signal.reason);
    if (this.isOver) return this.ended();
    this.parts ??= this.start();
    this.expect(this.hasFirst ? idleMs : firstTokenMs);
    const waiting = Promise.withResolvers<IteratorResult<StreamPart, undefined>>();
    this.waiting = waiting;
    this.parts.next().then(this.onResult, this.onFailed);
    return waiting.promise;
  }

  poll(): StreamPart | Pending {
    if (this.isOver || !this.hasFirst || this.polled === null || this.deadlines.signal.aborted) return 'ask';
    const part = this.polled.poll();
    this.isPolled = part === 'later';
    if (part === 'later') this.expect(this.deadlines.idleMs);
    else if (part !== 'ask' && part.type === 'finish') this.close(null);
    return part;
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
    this.polled?.whenReady(wake);
  }

  return(): Promise<IteratorResult<StreamPart, undefined>> {
    if (!this.isOver) this.abandon(undefined);
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private start(): AsyncIterator<StreamPart> {
    const { signal, totalMs = Infinity } = this.deadlines;
    this.endsAt = this.clock.monotonic() + totalMs;
    signal.addEventListener('abort', this.stop, { once: true });
    const parts = this.open(this.controller.signal)[Symbol.asyncIterator]();
    this.polled = pollable(parts);
    if (this.onReady) this.polled?.whenReady(this.onReady);
    return parts;
  }

  private expect(withinMs: number): void {
    this.dueAt = Math.min(this.endsAt, this.clock.monotonic() + withinMs);
    if (this.dueAt < this.firesAt) this.arm();
  }

  private fail(reason: unknown): void {
    if (this.isOver) return;
    this.abandon(reason);
    const { waiting } = this;
    this.waiting = null;
    if (waiting) return waiting.reject(reason);
    this.missed = { reason: reason as Error };
    this.onReady?.();
  }

  private ended(): Promise<typeof done> {
    const { missed } = this;
    this.missed = null;
    return missed ? Promise.reject(missed.reason) : Promise.resolve(done);
  }

  private abandon(reason: unknown): void {
    this.controller.abort(reason ?? over);
    this.close(reason);
  }

  private close(reason: unknown): void {
    this.isOver = true;
    this.deadlines.watch?.ended(reason);
    clearTimeout(this.timer);
    this.deadlines.signal.removeEventListener('abort', this.stop);
    // A stream that ended by itself is aborted only after it has let its connection go, so that this can serve the next call.
    const letGo = () => this.controller.abort(over);
    // Not awaited: a generator that waits for ever never runs its return. An abort is what ends it.
    Promise.resolve(this.parts?.return?.()).then(letGo, letGo);
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.firesAt = this.dueAt;
    if (this.dueAt === Infinity) return;
    this.timer = setTimeout(() => this.fire(), Math.min(longestTimerMs, Math.max(0, this.dueAt - this.clock.monotonic())));
  }

  private fire(): void {
    this.firesAt = Infinity;
    // Nobody waits for a part; whoever asks next sets the timer again.
    if (this.waiting === null && !this.isPolled) return;
    if (this.clock.monotonic() < this.dueAt) this.arm();
    else this.fail(failure('TIMEOUT', this.late()));
  }

  private late(): string {
    const { firstTokenMs, idleMs, totalMs } = this.deadlines;
    if (this.dueAt === this.endsAt) return `no end within ${Math.round(totalMs ?? 0)} ms`;
    return this.hasFirst ? `no next token within ${idleMs} ms` : `no first token within ${firstTokenMs} ms`;
  }
}
