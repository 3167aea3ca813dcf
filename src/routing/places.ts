/** How many calls to each provider this process makes at a time; for all others `others`. Null: as many as there are. */
export interface PlacesConfig {
  readonly byProvider: ReadonlyMap<string, number>;
  readonly others: number | null;
  /** How long a call waits for a place; milliseconds. */
  readonly waitMs: number;
}

/** More than this wait for no place: they would not get one in time. */
const mostWaiting = 1_000;

interface Provider {
  taken: number;
  /** Who waits, first come first served. */
  readonly waiting: Set<(hasPlace: boolean) => void>;
}

/** Places for calls, by provider. Each that was taken has to be left once. */
export class Places {
  private readonly providers = new Map<string, Provider>();

  constructor(private readonly config: PlacesConfig) {}

  /** How many calls of a provider are under way. */
  taken(provider: string): number {
    return this.providers.get(provider)?.taken ?? 0;
  }

  /** Takes a place that is free; false when none is. */
  takeNow(provider: string): boolean {
    const most = this.config.byProvider.get(provider) ?? this.config.others;
    const { taken } = this.of(provider);
    if (most !== null && taken >= most) return false;
    this.of(provider).taken += 1;
    return true;
  }

  /** Waits for a place, not longer than until the deadline or until `signal` aborts; false when there was none. */
  async take(provider: string, remainingMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.takeNow(provider)) return true;
    const { waiting } = this.of(provider);
    const waitMs = Math.min(this.config.waitMs, remainingMs);
    if (waitMs <= 0 || waiting.size >= mostWaiting || signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = (): void => {
      if (waiting.delete(resolve)) resolve(false);
    };
    waiting.add(resolve);
    const timer = setTimeout(giveUp, waitMs);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  leave(provider: string): void {
    const of = this.of(provider);
    const [next] = of.waiting;
    if (!next) {
      of.taken -= 1;
      return;
    }
    // The place goes from one to the other.
    of.waiting.delete(next);
    next(true);
  }

  private of(provider: string): Provider {
    const known = this.providers.get(provider);
    if (known) return known;
    const made = { taken: 0, waiting: new Set<(hasPlace: boolean) => void>() };
    this.providers.set(provider, made);
    return made;
  }
}
