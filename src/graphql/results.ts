import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { pollable, type Pending, type Pollable, type PollableIterator } from '../kernel/pollable.ts';

const done = { done: true, value: undefined } as const;

type MaybePromise<T> = T | Promise<T>;

/**
 * Runs a subscription: the field's iterable, each of its values executed into a result. `onValue` is told each value before `execute` is.
 * Polled, it gives results without errors that took no promise; any other is the next one that is asked for.
 */
export async function subscribeTo(
  args: ExecutionArgs,
  { onValue, execute }: { onValue: (value: unknown) => void; execute: (args: ExecutionArgs) => MaybePromise<ExecutionResult> },
): Promise<PollableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const values = source[Symbol.asyncIterator]() as AsyncIterator<object>;
  const polled = pollable(values);
  let held: MaybePromise<ExecutionResult> | null = null;
  const resultOf = (value: unknown): MaybePromise<ExecutionResult> => {
    onValue(value);
    return execute({ ...args, rootValue: value });
  };
  const results: PollableIterator<ExecutionResult> = {
    async next() {
      if (held === null) {
        const step = await values.next();
        if (step.done) return done;
        return { done: false, value: await resultOf(step.value) };
      }
      const value = held;
      held = null;
      return { done: false, value: await value };
    },
    poll() {
      if (held !== null || polled === null) return 'ask';
      const value = polled.poll();
      if (value === 'later' || value === 'ask') return value;
      held = settled(() => resultOf(value));
      if (held instanceof Promise || held.errors) return 'ask';
      const result = held;
      held = null;
      return result;
    },
    whenReady: (wake) => polled?.whenReady(wake),
    async return() {
      await values.return?.();
      return done;
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}

/** Nobody who only has news for a reader must hear of what is thrown here: it is for the reader. */
function settled(execute: () => MaybePromise<ExecutionResult>): MaybePromise<ExecutionResult> {
  try {
    return execute();
  } catch (error) {
    return Promise.resolve().then(() => {
      throw error;
    });
  }
}

/**
 * What a transport reads of a subscription. It pulls, so a slow reader holds one result and no queue. `return()` ends it at once,
 * even while a generator behind it waits for something that never comes: the reader is released, and `onEnd` aborts the signal
 * on which the generator must end.
 */
export class ResultStream implements AsyncGenerator<ExecutionResult, void, void>, Pollable<ExecutionResult> {
  private waiting: PromiseWithResolvers<IteratorResult<ExecutionResult, void>> | null = null;
  private onReady: (() => void) | null = null;
  private isEnded = false;
  private isOpened = false;
  /** Why it was ended by somebody else, until the reader is told. */
  private refusal: Error | null = null;

  constructor(
    private readonly results: AsyncIterator<ExecutionResult>,
    /** The same results past everything that only cares for errors and the end. */
    private readonly polled: Pollable<ExecutionResult>,
    private readonly hooks: {
      /** Makes a result fit to be shown. */
      readonly show: (result: ExecutionResult) => ExecutionResult;
      /** Makes what the iterable threw fit to be thrown on. */
      readonly fail: (error: unknown) => Error;
      /** The cursor of the latest value; null when it has none. */
      readonly cursor: () => string | null;
      /** Adds to the first result what is said once; null for nothing. */
      readonly opening: ((result: ExecutionResult) => ExecutionResult) | null;
      /** Told of each result; null where nobody cares. */
      readonly onMessage: ((result: ExecutionResult) => void) | null;
      /** Called once, however it ends. */
      readonly onEnd: () => void;
    },
  ) {}

  /** The position of the result that `next` gave last. */
  get cursor(): string | null {
    return this.hooks.cursor();
  }

  next(): Promise<IteratorResult<ExecutionResult, void>> {
    const { refusal } = this;
    if (refusal) {
      this.refusal = null;
      return Promise.reject(refusal);
    }
    if (this.isEnded) return Promise.resolve(done);
    const waiting = Promise.withResolvers<IteratorResult<ExecutionResult, void>>();
    this.waiting = waiting;
    this.results.next().then(
      (step) => {
        if (this.waiting === waiting) this.waiting = null;
        if (step.done) this.end();
        waiting.resolve(step.done ? done : { done: false, value: this.opened(this.hooks.show(step.value)) });
      },
      (error: unknown) => {
        // After the end nobody waits, and an iterable that throws because it was aborted did as it was told.
        if (this.isEnded) return;
        this.waiting = null;
        this.end();
        waiting.reject(this.hooks.fail(error));
      },
    );
    return waiting.promise;
  }

  poll(): ExecutionResult | Pending {
    if (this.isEnded) return 'ask';
    const result = this.polled.poll();
    return typeof result === 'string' ? result : this.opened(result);
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
    this.polled.whenReady(wake);
  }

  /** Ends it at once, for a reason that its reader is told when it next asks, after what it was given. */
  refuse(error: Error): void {
    if (this.isEnded) return;
    const { waiting } = this;
    this.waiting = null;
    if (!waiting) this.refusal = error;
    this.release();
    waiting?.reject(error);
  }

  return(): Promise<IteratorResult<ExecutionResult, void>> {
    this.refusal = null;
    if (!this.isEnded) this.release();
    return Promise.resolve(done);
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private opened(result: ExecutionResult): ExecutionResult {
    this.hooks.onMessage?.(result);
    if (this.isOpened) return result;
    this.isOpened = true;
    return this.hooks.opening?.(result) ?? result;
  }

  private release(): void {
    this.end();
    // Not awaited: a generator that is in the middle of something returns only after it.
    this.results.return?.().catch((error: unknown) => this.hooks.fail(error));
  }

  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.hooks.onEnd();
    this.waiting?.resolve(done);
    this.onReady?.();
  }
}
