import type { Window } from '../kernel/window.ts';

/** Reads in a row that have to be close to each other before any is held. */
const enoughReads = 4;
/** How much the latest read counts. */
const weight = 0.25;

/**
 * How fast a body comes, and so how long it may be left unread. A reader of a letter gets its text by the delivery window; bytes that wait as long
 * in the kernel cost one read and one wake-up for many bodies instead of one for each token.
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
   * Something was read, this many chunks: how long to read nothing, null to read whatever comes as soon as it comes. What comes next comes half an
   * interval from now, as far as anybody knows, and may then wait for the window.
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
