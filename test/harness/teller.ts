import type { Provider, StreamPart, TextRequest } from '../../src/providers/port.ts';

/** A provider that says what a test tells it to, piece by piece. Its model is `<id>/teller`. */
export class Teller implements Provider {
  readonly models = [{ name: 'teller', contextWindow: null, maxOutputTokens: null }];
  readonly acceptsUnknownModels = false;
  /** One per call, in order. */
  readonly calls: Call[] = [];
  private readonly waiting: ((call: Call) => void)[] = [];

  constructor(readonly id = 'mock') {}

  async *stream(request: TextRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<StreamPart> {
    const call = new Call(request, signal);
    this.calls.push(call);
    this.waiting.shift()?.(call);
    yield* call.parts();
  }

  /** The next call that is made. */
  nextCall(): Promise<Call> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

/** One call, as the test leads it. */
export class Call {
  private readonly queue: (StreamPart | Error)[] = [];
  private wake: (() => void) | null = null;

  constructor(
    readonly request: TextRequest,
    /** Aborted when the engine gave the call up. */
    readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.wake?.());
  }

  say(...texts: string[]): this {
    for (const text of texts) this.push({ type: 'text', text });
    return this;
  }

  finish(reason: 'STOP' | 'LENGTH' = 'STOP'): void {
    this.push({ type: 'finish', reason, usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0 } });
  }

  fail(error: Error): void {
    this.push(error);
  }

  /** Resolves when the engine has given the call up. */
  get aborted(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async *parts(): AsyncGenerator<StreamPart> {
    for (;;) {
      this.signal.throwIfAborted();
      const next = this.queue.shift();
      if (next instanceof Error) throw next;
      if (next) yield next;
      if (next?.type === 'finish') return;
      if (this.queue.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private push(part: StreamPart | Error): void {
    this.queue.push(part);
    this.wake?.();
  }
}
