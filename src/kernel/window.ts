/** How long text may wait on its way to a reader, in milliseconds. */
export interface Window {
  readonly ms: number;
}

/** Up to so many streams, each gets its text as soon as it may. */
const calm = 16;
/** From so many on, windows are as wide as they get. */
const crowded = 48;
/** The widest window, in windows: with tokens every 20 ms no reader of one waits 100 ms for more. */
const widest = 2.5;

/**
 * The delivery window of a process. Frames and reads are most of what a token costs: a process that writes many streams at once lets their text
 * wait longer and pays for fewer of both.
 */
export class DeliveryWindow implements Window {
  constructor(
    private readonly leastMs: number,
    private readonly streams: () => number,
  ) {}

  get ms(): number {
    const share = Math.min(1, Math.max(0, (this.streams() - calm) / (crowded - calm)));
    return this.leastMs * (1 + (widest - 1) * share);
  }
}
