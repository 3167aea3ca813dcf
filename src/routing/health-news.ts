import type { BreakerState } from './breaker.ts';

/** How a model is doing. */
export interface ModelHealth {
  /** `<provider>/<name>`. */
  readonly model: string;
  readonly state: BreakerState;
  /** When the state began; null when nothing is known of its calls. */
  readonly since: Date | null;
  /** Failures in a row. */
  readonly failures: number;
  /** The average time of its first tokens, in milliseconds; null when nobody knows. */
  readonly latencyMs: number | null;
  /** When it may be asked again; null when closed. */
  readonly nextProbeAt: Date | null;
}

/** Tells those who follow how models are doing. */
export class HealthNews {
  private readonly readers = new Set<() => void>();
  /** The signs of all models when readers were last woken. */
  private signs = '';

  constructor(private readonly all: () => readonly ModelHealth[]) {}

  /** All models of `list`, then those whose health changed, until `signal` aborts. What changes faster than it is read is left out. */
  async *follow(list: () => readonly ModelHealth[], signal: AbortSignal): AsyncGenerator<readonly ModelHealth[], void> {
    let told: ReadonlyMap<string, string> | null = null;
    while (!signal.aborted) {
      const next = this.next(signal);
      const all = list();
      const before = told;
      const changed = before ? all.filter((each) => before.get(each.model) !== signOf(each)) : all;
      told = new Map(all.map((each) => [each.model, signOf(each)]));
      if (!before || changed.length > 0) yield changed;
      await next;
    }
  }

  /** Has all readers look again. */
  wake(): void {
    this.signs = this.all().map(signOf).join();
    for (const resolve of this.readers) resolve();
  }

  /** The same, but only if anything has changed since the last time. */
  wakeIfOther(): void {
    if (this.all().map(signOf).join() !== this.signs) this.wake();
  }

  private async next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = (): void => resolve();
    this.readers.add(resolve);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) resolve();
    await promise;
    this.readers.delete(resolve);
    signal.removeEventListener('abort', onAbort);
  }
}

function signOf({ model, state, since, failures }: ModelHealth): string {
  return `${model} ${state} ${since?.getTime()} ${failures}`;
}
