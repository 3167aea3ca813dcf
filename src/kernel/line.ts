/** How many are let in. */
export interface LineLimits {
  readonly atOnce: number;
  /** Of one party. */
  readonly perParty: number;
  /** How many of one party may wait; all parties together sixteen times as many. */
  readonly waiting: number;
}

/** There is no room, not even to wait. */
export class LineFull extends Error {
  override readonly name = 'LineFull';
}

interface Waiting {
  readonly party: string;
  readonly enter: () => void;
}

/**
 * Work of which only so much is under way at once, and less of one party, so that none keeps the others out. Work counts until it has really
 * ended, also when nobody waits for it any more. Who comes first goes first, but for parties that have enough inside.
 */
export class Line {
  private readonly inside = new Map<string, number>();
  private readonly waiting = new Set<Waiting>();
  private busy = 0;

  constructor(private readonly limits: LineLimits) {}

  /** Does the work when it is its turn. Rejects with LineFull, with the signal's reason once that is aborted, or as the work does. */
  async run<T>(party: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (!this.hasRoom(party)) await this.turn(party, signal);
    else this.enter(party);
    // Also when it throws at once.
    const worked = (async () => work())();
    const leave = (): void => this.leave(party);
    worked.then(leave, leave);
    return await unlessAborted(signal, worked);
  }

  private hasRoom(party: string): boolean {
    return this.busy < this.limits.atOnce && (this.inside.get(party) ?? 0) < this.limits.perParty;
  }

  private enter(party: string): void {
    this.busy += 1;
    this.inside.set(party, (this.inside.get(party) ?? 0) + 1);
  }

  private leave(party: string): void {
    this.busy -= 1;
    const left = (this.inside.get(party) ?? 1) - 1;
    if (left === 0) this.inside.delete(party);
    else this.inside.set(party, left);
    for (const next of this.waiting) {
      if (!this.hasRoom(next.party)) continue;
      this.waiting.delete(next);
      this.enter(next.party);
      return next.enter();
    }
  }

  /** Resolves inside. */
  private async turn(party: string, signal: AbortSignal): Promise<void> {
    const ofParty = [...this.waiting].filter((each) => each.party === party).length;
    if (ofParty >= this.limits.waiting || this.waiting.size >= 16 * this.limits.waiting)
      throw new LineFull('too many wait already');
    const { promise, resolve } = Promise.withResolvers<void>();
    let isInside = false;
    const waiting = {
      party,
      enter: () => {
        isInside = true;
        resolve();
      },
    };
    this.waiting.add(waiting);
    try {
      await unlessAborted(signal, promise);
    } catch (error) {
      this.waiting.delete(waiting);
      // Its turn came in the moment in which it gave up.
      if (isInside) this.leave(party);
      throw error;
    }
  }
}

/** What the promise gives, unless the signal is aborted before; then it rejects with the signal's reason. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
