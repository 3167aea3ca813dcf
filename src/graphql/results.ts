import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql';

const done = { done: true, value: undefined } as const;

type MaybePromise<T> = T | Promise<T>;

/** Runs a subscription: the field's iterable, each of its values executed into a result. `onValue` is told each value before `execute` is. */
export async function subscribeTo(
  args: ExecutionArgs,
  { onValue, execute }: { onValue: (value: unknown) => void; execute: (args: ExecutionArgs) => MaybePromise<ExecutionResult> },
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const values = source[Symbol.asyncIterator]();
  const resultOf = (step: IteratorResult<unknown>): MaybePromise<IteratorResult<ExecutionResult>> => {
    if (step.done) return done;
    onValue(step.value);
    const result = execute({ ...args, rootValue: step.value });
    return result instanceof Promise ? result.then((value) => ({ done: false, value })) : { done: false, value: result };
  };
  const results: AsyncIterableIterator<ExecutionResult> = {
    next: () => values.next().then(resultOf),
    async return() {
      await values.return?.();
      return done;
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}

/**
 * What a transport reads of a subscription. It pulls, so a slow reader holds one result and no queue. `return()` ends it at once,
 * even while a generator behind it waits for something that never comes: the reader is released, and `onEnd` aborts the signal
 * on which the generator must end.
 */
export class ResultStream implements AsyncGenerator<ExecutionResult, void, void> {
  private waiting: PromiseWithResolvers<IteratorResult<ExecutionResult, void>> | null = null;
  private isEnded = false;

  constructor(
    private readonly results: AsyncIterator<ExecutionResult>,
    private readonly hooks: {
      /** Makes a result fit to be shown. */
      readonly show: (result: ExecutionResult) => ExecutionResult;
      /** Makes what the iterable threw fit to be thrown on. */
      readonly fail: (error: unknown) => Error;
      /** The cursor of the latest value; null when it has none. */
      readonly cursor: () => string | null;
      /** Called once, however it ends. */
      readonly onEnd: () => void;
    },
  ) {}

  /** The position of the result that `next` gave last. */
  get cursor(): string | null {
    return this.hooks.cursor();
  }

  next(): Promise<IteratorResult<ExecutionResult, void>> {
    if (this.isEnded) return Promise.resolve(done);
    const waiting = Promise.withResolvers<IteratorResult<ExecutionResult, void>>();
    this.waiting = waiting;
    this.results.next().then(
      (step) => {
        if (step.done) this.end();
        waiting.resolve(step.done ? done : { done: false, value: this.hooks.show(step.value) });
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

  return(): Promise<IteratorResult<ExecutionResult, void>> {
    if (!this.isEnded) {
      this.end();
      // Not awaited: a generator that is in the middle of something returns only after it.
      this.results.return?.().catch((error: unknown) => this.hooks.fail(error));
    }
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

  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.hooks.onEnd();
    this.waiting?.resolve(done);
  }
}
