import { isDigit, isSmall } from './letters.ts';
import type { Scanned } from './scan.ts';

/** A text as addresses are looked for in it: read word by word, in plain code, since patterns for all these words would take long to compile. */
export type Text = Pick<Scanned, 'text' | 'lower'>;

/** Where the word ends that begins at a place: letters, apostrophes and hyphens. */
export function endOfWord({ lower }: Text, start: number): number {
  let at = start;
  while (at < lower.length && isWordUnit(lower.charCodeAt(at))) at++;
  return at;
}

/** Where the word begins that ends before a place: behind white space, quotes and brackets. */
export function startOfWord({ lower }: Text, end: number, least: number): number {
  let at = end;
  while (at > least && !isBeforeWord(lower.charCodeAt(at - 1))) at--;
  return at;
}

/** White space, a comma, a colon, and what opens quotes, brackets and quoted lines. */
function isBeforeWord(unit: number): boolean {
  return unit <= 0x20 || unit === 0x2c || unit === 0x22 || unit === 0x28 || unit === 0x3a || unit === 0x3e || unit === 0x5b;
}

/** Whether a letter stands there that is a capital. */
export function isCapital({ text, lower }: Text, at: number): boolean {
  return at < text.length && text.charCodeAt(at) !== lower.charCodeAt(at);
}

/** `5th` is a name as `Fifth` is. */
export function isName(whole: Text, start: number, end: number): boolean {
  if (isCapital(whole, start)) return true;
  const { lower } = whole;
  return isDigit(lower.charCodeAt(start)) && /^\d{1,3}(?:st|nd|rd|th)$/.test(lower.slice(start, end));
}

/** Letters beyond ASCII are all units but those of punctuation; a mistake costs a word that is masked or not. */
function isWordUnit(unit: number): boolean {
  if (unit < 0x80) return isSmall(unit) || isDigit(unit) || unit === 0x27 || unit === 0x2d;
  return unit >= 0xc0 && (unit < 0x2000 || unit > 0x206f) && (unit < 0x3000 || unit > 0x303f);
}
