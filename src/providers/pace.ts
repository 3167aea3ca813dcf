import type { Window } from '../kernel/window.ts';

/** How many reads in a row have to be close to each other before one is held back. */
const enoughReads = 4;
/** How much the latest read counts in the averages. */
const weight = 0.25;

/**
 * Finds out how fast a body comes, and so how long it may be left unread. Readers get text by the delivery window anyway; bytes that wait that long in the
 * kernel cost one read and one wake-up for many tokens and bodies, instead of one for each token.
 */
export class Pace {
  private readAt = -Infinity;
  private readMs = 0;
  private readChunks = 0;
  private quickReads = 0;

  constructor(
    private readonly window: Window,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Call it after each read, with the number of chunks that were read. Gives how many milliseconds to read nothing; null to read as soon as something comes.
   * The next token is expected half an interval from now, and may then wait for the window.
   */
  after(chunks: number): number | null {
    const windowMs = this.window.ms;
    const now = this.now();
    const tookMs = now - this.readAt;
    this.readAt = now;
    const isHeld = this.quickReads >= enoughReads;
    if (!isHeld && tookMs > windowMs) this.quickReads = 0;
    else {
      const share = this.quickReads === 0 ? 1 : weight;
      this.readMs += (tookMs - this.readMs) * share;
      this.readChunks += (chunks - this.readChunks) * share;
      if (!isHeld) this.quickReads++;
    }
    if (windowMs === 0 || this.quickReads < enoughReads) return null;
    const everyMs = this.readMs / this.readChunks;
    if (everyMs <= windowMs) return windowMs + everyMs / 2;
    this.quickReads = 0;
    return null;
  }
}
