import { likeness, placeholderAt, wordsOf, type PlaceholderWord } from './placeholders.ts';
import { withoutInvisible } from './strip.ts';

/**
 * Puts details back into a text that comes in parts, wherever it is split. What is held back is the longest end of the text that may be the beginning of
 * a placeholder: at most `mostExtras` units longer than the longest of them. Every character that is none of a placeholder passes as it is.
 */
export class Restorer {
  private readonly words: readonly PlaceholderWord[];
  /** The words that begin with each letter, from A to Z. */
  private readonly beginning: readonly (readonly PlaceholderWord[])[];
  private readonly isJson: boolean;
  private held = '';

  /** `values` by placeholder: a word in capitals, `_` and digits, all of one length. With `isJson` they become parts of texts in JSON. */
  constructor(values: ReadonlyMap<string, string>, { isJson = false } = {}) {
    this.isJson = isJson;
    this.words = wordsOf(
      isJson ? new Map([...values].map(([placeholder, value]) => [placeholder, JSON.stringify(value).slice(1, -1)])) : values,
    );
    this.beginning = Array.from({ length: 26 }, (_, letter) =>
      this.words.filter(({ word }) => word.charCodeAt(0) === 0x41 + letter),
    );
  }

  /** How much is held back, in UTF-16 code units. */
  get heldUnits(): number {
    return this.held.length;
  }

  /** The text of this part and of what was held back, as far as it is certain; may be empty. */
  push(part: string): string {
    if (this.words.length === 0) return part;
    return this.read(this.held === '' ? part : this.held + part, false);
  }

  /** What is still held back when the text has ended. */
  flush(): string {
    return this.held === '' ? '' : this.read(this.held, true);
  }

  /**
   * What is still held back when the text broke off before its end: a word that may have been nothing but a word stays, what is spelled as a placeholder
   * is left out. It is no whole one, and with digits that did not come it may have been that of somebody else.
   */
  cut(): string {
    const { held } = this;
    this.held = '';
    return wordPattern.test(held) ? held : '';
  }

  /**
   * Whether a restored text still holds what looks like a placeholder: one that was never given, or is spelled in a way that is not read. The words of
   * placeholders are in no prompt and in no value, so the model made it.
   */
  isLeftIn(text: string): boolean {
    const like = likeness(this.words);
    if (!like) return false;
    const seen = this.isJson
      ? text.replaceAll(/\\u([\da-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      : text;
    return like.test(withoutInvisible(seen).normalize('NFKC'));
  }

  private read(text: string, isWhole: boolean): string {
    let restored = '';
    let done = 0;
    this.held = '';
    for (let at = 0; at < text.length; at++) {
      const words = this.beginning[letterOf(text.charCodeAt(at))];
      if (words === undefined) continue;
      for (const word of words) {
        const match = placeholderAt(text, at, word, isWhole);
        if (match === null) continue;
        if (match === 'open') {
          this.held = text.slice(at);
          return restored + text.slice(done, at);
        }
        restored += text.slice(done, at) + match.value;
        done = match.end;
        at = match.end - 1;
        break;
      }
    }
    return restored + text.slice(done);
  }
}

/** A word as people write them, capitals all through being how placeholders are written. */
const wordPattern = /^(?:[a-z]+|[A-Z][a-z]+) *$/;

/** Which letter a unit is, 0 for A, in any case and width; another number for what is none. */
function letterOf(unit: number): number {
  return ((unit >= 0xff21 && unit <= 0xff5a ? unit - 0xfee0 : unit) | 0x20) - 0x61;
}
