import type { Pending, PollableIterator } from '../kernel/pollable.ts';
import type { Position } from './cursor.ts';
import { nextStep, type Step, type Told, type Story } from './story.ts';

/** One reader, as far as whoever has news for it is concerned. */
export interface Reader {
  /** There may be more to tell. */
  wake(): void;
}

/** What a reader reads: joined at its first step, left at its end. */
interface Source {
  join(reader: Reader): void;
  /** The generation as it is now; null while that is not known. Throws what ends the reader. */
  look(): Story | null;
  leave(reader: Reader): void;
}

const done = { done: true, value: undefined } as const;

/**
 * The steps of one reader: a position and no queue. Written by hand, so that a step costs one promise, or none when it is polled; an abort of
 * the signal ends it like the end of the generation does. The last step and the end have to be asked for.
 */
export class Steps implements PollableIterator<Told>, Reader {
  private waiting: PromiseWithResolvers<IteratorResult<Told, undefined>> | null = null;
  private isJoined = false;
  private isOver = false;
  private onReady: (() => void) | null = null;
  private readonly stop = () => this.end();

  constructor(
    private at: Position | null,
    private readonly signal: AbortSignal,
    private readonly source: Source,
  ) {}

  next(): Promise<IteratorResult<Told, undefined>> {
    if (this.isOver) return Promise.resolve(done);
    if (!this.isJoined) this.begin();
    const waiting = Promise.withResolvers<IteratorResult<Told, undefined>>();
    this.waiting = waiting;
    this.wake();
    return waiting.promise;
  }

  poll(): Told | Pending {
    if (this.isOver) return 'ask';
    if (!this.isJoined) this.begin();
    let step: Step | null;
    try {
      step = this.peek();
    } catch {
      // Thrown again to the one who asks.
      return 'ask';
    }
    if (step === null || step.kind === 'wait') return 'later';
    if (step.kind === 'end' || step.kind === 'finished') return 'ask';
    this.at = step.position;
    return step;
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
  }

  /** Who waits is answered; who does not will look when it comes back. */
  wake(): void {
    const { waiting } = this;
    if (!waiting) return this.onReady?.();
    try {
      const result = this.look();
      if (!result) return;
      this.waiting = null;
      waiting.resolve(result);
    } catch (error) {
      this.waiting = null;
      this.end();
      waiting.reject(error);
    }
  }

  return(): Promise<IteratorResult<Told, undefined>> {
    this.end();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private begin(): void {
    this.isJoined = true;
    this.signal.addEventListener('abort', this.stop, { once: true });
    this.source.join(this);
    if (this.signal.aborted) this.end();
  }

  /** The next step, or the end; null when there is nothing to tell yet. */
  private look(): IteratorResult<Told, undefined> | null {
    if (this.isOver) return done;
    const step = this.peek();
    if (step === null || step.kind === 'wait') return null;
    if (step.kind === 'end') {
      this.end();
      return done;
    }
    this.at = step.position;
    return { done: false, value: step };
  }

  private peek(): Step | null {
    const story = this.source.look();
    return story && nextStep(story, this.at);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.signal.removeEventListener('abort', this.stop);
    if (this.isJoined) this.source.leave(this);
    if (!this.waiting) return this.onReady?.();
    this.waiting.resolve(done);
    this.waiting = null;
  }
}
