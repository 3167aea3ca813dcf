import type { Watch } from './check.ts';

/** So much is looked at together: a word at a time costs more than it tells earlier. */
const leastUnits = 64;

/** Cuts a text that comes in any parts before white space, and shows the pieces to those who look on. */
export class TextWatch {
  /** What nobody has seen yet; up to `end` it is whole words. */
  private waiting = '';
  private end = 0;

  constructor(private readonly watches: readonly Watch[]) {}

  /** What is certainly wrong with the text up to this part, as an order to who writes it anew; null while nothing is. */
  push(part: string): string | null {
    const space = lastSpaceIn(part);
    const end = this.waiting.length + space;
    // A text without white space is looked at when it is whole: taken apart at every part it would be copied each time.
    this.waiting += part;
    if (space < 0) return null;
    this.end = end;
    return this.end < leastUnits ? null : this.look();
  }

  private look(): string | null {
    const piece = this.waiting.slice(0, this.end).trimEnd();
    this.waiting = piece === '' ? this.waiting.slice(this.end) : this.waiting.slice(piece.length);
    this.end = 0;
    // Nothing but white space, as much as there may be: that is for the look at the whole.
    if (piece === '') return null;
    for (const watch of this.watches) {
      const fault = watch(piece);
      if (fault !== null) return fault;
    }
    return null;
  }
}

function lastSpaceIn(part: string): number {
  for (let at = part.length - 1; at >= 0; at--) if (/\s/.test(part[at] ?? '')) return at;
  return -1;
}
