/** Fewer letters than this, white space apart, are no repetition but the same words by chance. */
const leastRepeated = 8;
/** So many places before the end are looked at, and the very beginning. */
const mostStarts = 500;
/** Where a repetition may begin: at the start of the text, of a word, or behind a mark of scripts without spaces. */
const startPattern = /(?:^|[\s\p{P}])(?=\S)/gu;

/**
 * Joins a continuation to the text it goes on from. A model may begin by saying again what was written - all of it, or its last sentences -
 * with other white space: that is left out. Text is held back only while it may still be a repetition, or is nothing but white space.
 */
export class Seam {
  /** The letters of the text, white space apart. */
  private readonly letters: string;
  /** Where in `letters` a repetition may have begun; null once that is settled. */
  private starts: number[] | null;
  /** What is held back, and how many letters it has. */
  private held = '';
  private count = 0;
  /** How much of `held` is known to be a repetition. */
  private repeated = 0;
  private isJoined = false;

  constructor(private readonly written: string) {
    this.letters = lettersOf(written);
    this.starts = startsIn(written, this.letters);
  }

  /** What of the text so far can be shown; may be empty. */
  push(part: string): string {
    if (this.isJoined) return part;
    const from = this.held.length;
    this.held += part;
    for (let at = from; at < this.held.length && this.starts; at++) this.match(at);
    return this.starts ? '' : this.join();
  }

  /** What still waits when the stream has ended. */
  flush(): string {
    if (this.isJoined) return '';
    this.starts = null;
    return this.join();
  }

  private match(at: number): void {
    const unit = this.held[at] ?? '';
    if (isSpace(unit) || !this.starts) return;
    const { letters, count } = this;
    this.count++;
    const left = this.starts.filter((start) => letters[start + count] === unit);
    const isWhole = left.some((start) => start + this.count === letters.length);
    if (isWhole) this.repeated = at + 1;
    const open = left.filter((start) => start + this.count < letters.length);
    this.starts = open.length > 0 ? open : null;
  }

  private join(): string {
    const rest = this.held.slice(this.repeated);
    const text = rest.trimStart();
    if (text === '') {
      this.held = rest;
      this.repeated = 0;
      return '';
    }
    this.isJoined = true;
    this.held = '';
    return spaceBetween(this.written, rest.slice(0, rest.length - text.length), text) + text;
  }
}

/** The white space that has to be added between a text and `next`, which goes on from it and began with `lead`. */
function spaceBetween(written: string, lead: string, next: string): string {
  const tail = written.slice(written.trimEnd().length);
  const missing = linesIn(lead) - linesIn(tail);
  if (missing > 0) return '\n'.repeat(missing);
  if (tail !== '') return '';
  if (lead !== '') return lead;
  // What closes a quote or a bracket, and what belongs to the character before it, stands right behind it.
  if (/^[\p{Pe}\p{Pf}\p{M}]/u.test(next)) return '';
  // Scripts that use wide marks set no space behind them.
  return /[\u3000-\u303f\uff00-\uffef][\p{Pe}\p{Pf}"']*$/u.test(written) ? '' : ' ';
}

function linesIn(space: string): number {
  return space.split('\n').length - 1;
}

function startsIn(written: string, letters: string): number[] {
  const starts: number[] = [];
  let spaces = 0;
  let seen = 0;
  for (const { index, 0: mark } of written.matchAll(startPattern)) {
    const start = index + mark.length;
    for (; seen < start; seen++) if (isSpace(written[seen] ?? '')) spaces++;
    const at = start - spaces;
    if (at === 0 || letters.length - at >= leastRepeated) starts.push(at);
  }
  return starts.length > mostStarts ? [0, ...starts.slice(-mostStarts)] : starts;
}

function lettersOf(text: string): string {
  return text.replaceAll(/\s/g, '');
}

function isSpace(unit: string): boolean {
  return /\s/.test(unit);
}
