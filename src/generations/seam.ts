import { alike, isUnheard } from './likeness.ts';

/** Fewer letters than this, white space apart, are no repetition but the same words by chance. */
const leastRepeated = 8;
/** So many places before the end are looked at, and the very beginning. */
const mostStarts = 500;
/** Where a repetition may begin: at the start of the text, of a word, or behind a mark of scripts without spaces. */
const startPattern = /(?:^|[\s\p{P}])(?=\S)/gu;

/**
 * Joins a continuation to the text it goes on from. A model may begin by saying again what was written - all of it, or its last sentences -
 * with other white space, other quotes, or in another normalisation: that is left out. Text is held back only while it may still be a repetition, or is
 * nothing but white space.
 */
export class Seam {
  /** The letters of the text as they are compared, white space apart. */
  private readonly letters: string;
  /** Where in `letters` a repetition may have begun; null once that is settled. */
  private starts: number[] | null;
  /** What is held back, and how many letters it has. */
  private held = '';
  private count = 0;
  /** How much of `held` is known to be a repetition. */
  private repeated = 0;
  /** Whether something was left out, so that what follows without a letter of its own belongs to that. */
  private isTrimmed = false;
  private isJoined = false;

  constructor(private readonly written: string) {
    const { letters, starts } = startsIn(written);
    this.letters = letters;
    this.starts = starts;
  }

  /** What of the text so far can be shown; may be empty. Parts never split a character. */
  push(part: string): string {
    if (this.isJoined) return part;
    this.held += part;
    let at = this.held.length - part.length;
    for (const character of part) {
      if (!this.starts) break;
      at += character.length;
      this.match(character, at);
    }
    return this.starts ? '' : this.join();
  }

  /** What still waits when the stream has ended. */
  flush(): string {
    if (this.isJoined) return '';
    this.starts = null;
    return this.join();
  }

  /** Reads a character of what is held that ends at `end`. */
  private match(character: string, end: number): void {
    const said = alike(character);
    let left = this.starts ?? [];
    if (said === '') return;
    for (let index = 0; index < said.length; index++) {
      const { letters, count } = this;
      this.count++;
      left = left.filter((start) => letters[start + count] === said[index]);
    }
    const isWhole = left.some((start) => start + this.count === this.letters.length);
    if (isWhole) this.repeated = end;
    const open = left.filter((start) => start + this.count < this.letters.length);
    this.starts = open.length > 0 ? open : null;
  }

  private join(): string {
    let rest = this.held.slice(this.repeated);
    if (this.repeated > 0) this.isTrimmed = true;
    this.repeated = 0;
    if (this.isTrimmed) rest = behindUnheard(rest);
    if (rest !== '') this.isTrimmed = false;
    const text = rest.trimStart();
    this.held = rest;
    if (text === '') return '';
    this.isJoined = true;
    this.held = '';
    return spaceBetween(this.written, rest.slice(0, rest.length - text.length), text) + text;
  }
}

/** The text without the marks it begins with: they are those of a letter that was left out. */
function behindUnheard(text: string): string {
  let from = 0;
  for (const character of text) {
    if (!isUnheard(character)) break;
    from += character.length;
  }
  return text.slice(from);
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

/** The letters of a text as they are compared, and where among them a repetition may begin. */
function startsIn(written: string): { readonly letters: string; readonly starts: number[] } {
  const places = Array.from(written.matchAll(startPattern), ({ index, 0: mark }) => index + mark.length);
  const starts: { readonly at: number; readonly characters: number }[] = [];
  let [letters, characters, done] = ['', 0, 0];
  for (const character of written) {
    if (places[starts.length] === done) starts.push({ at: letters.length, characters });
    const said = alike(character);
    letters += said;
    done += character.length;
    if (said !== '') characters++;
  }
  // Some characters come apart into several letters: these are counted whole.
  const long = starts.filter((start) => start.at === 0 || characters - start.characters >= leastRepeated).map(({ at }) => at);
  return { letters, starts: long.length > mostStarts ? [0, ...long.slice(-mostStarts)] : long };
}
