import type { CallSlotService } from '../limits/call-slot.service.ts';

/** How many calls each provider gets at a time, from all processes on the database together: `others` is for providers that are not named. Null is no limit. */
export interface PlacesConfig {
  readonly byProvider: ReadonlyMap<string, number>;
  readonly others: number | null;
  /** How long a call waits for a place; milliseconds. */
  readonly waitMs: number;
}

/** Gives a place back; to be called once. */
export type LeavePlace = () => void;

/** When this many wait for a place of one provider, nobody else does: they would not get one in time. */
const mostWaiting = 1_000;

interface Count {
  taken: number;
  waiting: number;
}

const nothingHeld: LeavePlace = () => undefined;

/** Places for calls, by provider. Where a provider has a limit, a place is a slot of `CallSlotService`; where it has none it is only counted. */
export class Places {
  private readonly counts = new Map<string, Count>();

  constructor(
    private readonly config: PlacesConfig,
    private readonly slots: CallSlotService,
  ) {}

  /** How many calls to a provider are under way in this process. */
  taken(provider: string): number {
    return this.counts.get(provider)?.taken ?? 0;
  }

  /** Takes a place if this process can give one without asking the database; else null. */
  takeNow(provider: string): LeavePlace | null {
    const most = this.mostOf(provider);
    const leave = most === null ? nothingHeld : this.slots.enterNow(provider, most);
    return leave && this.counted(provider, leave);
  }

  /**
   * Takes a place, after a wait of at most `remainingMs` and of what is configured; null when there was none by then, or `signal` aborted. With 0
   * milliseconds it takes one only if it is free now. Rejects with UNAVAILABLE while the database cannot say.
   */
  async take(provider: string, remainingMs: number, signal: AbortSignal): Promise<LeavePlace | null> {
    const most = this.mostOf(provider);
    if (most === null) return this.counted(provider, nothingHeld);
    const count = this.of(provider);
    if (count.waiting >= mostWaiting || signal.aborted) return null;
    count.waiting++;
    const entering = this.slots.enter(provider, most, Math.min(this.config.waitMs, remainingMs));
    const aborted = Promise.withResolvers<null>();
    const giveUp = (): void => aborted.resolve(null);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const leave = await Promise.race([entering, aborted.promise]);
      if (!signal.aborted) return leave && this.counted(provider, leave);
      // A slot that comes now is for nobody: it is given back.
      entering.then(
        (late) => late?.(),
        () => undefined,
      );
      return null;
    } finally {
      signal.removeEventListener('abort', giveUp);
      count.waiting--;
    }
  }

  private mostOf(provider: string): number | null {
    return this.config.byProvider.get(provider) ?? this.config.others;
  }

  private counted(provider: string, leave: LeavePlace): LeavePlace {
    const count = this.of(provider);
    count.taken++;
    return () => {
      count.taken--;
      leave();
    };
  }

  private of(provider: string): Count {
    const known = this.counts.get(provider);
    if (known) return known;
    const made = { taken: 0, waiting: 0 };
    this.counts.set(provider, made);
    return made;
  }
}
