import { endOf } from './letters.ts';

/** What models put into a placeholder beside its own letters: characters that nobody sees. */
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** So many units of these, and of spaces and backslashes around the `_`, are read over in one placeholder; so it is the most that is held back for them. */
export const mostExtras = 8;

/** What of a text may be a placeholder from some place on. */
export type Match =
  /** The placeholder ends before `end`. */
  | { readonly end: number; readonly value: string }
  /** What follows decides. */
  | 'open'
  | null;

/** The placeholders of one prompt that begin with one word. */
export interface PlaceholderWord {
  readonly word: string;
  /** How many digits each number has. */
  readonly width: number;
  readonly values: ReadonlyMap<number, string>;
}

/** Placeholders by their words. */
export function wordsOf(values: ReadonlyMap<string, string>): PlaceholderWord[] {
  const words = new Map<string, { word: string; width: number; values: Map<number, string> }>();
  for (const [placeholder, value] of values) {
    const at = placeholder.lastIndexOf('_');
    const word = placeholder.slice(0, at);
    const known = words.get(word) ?? { word, width: placeholder.length - at - 1, values: new Map<number, string>() };
    known.values.set(Number(placeholder.slice(at + 1)), value);
    words.set(word, known);
  }
  return [...words.values()];
}

/**
 * Reads a placeholder as models spell it: in any case, in full-width letters, with characters inside that nobody sees, `_` with a backslash or spaces
 * around it, fewer zeros where no digit follows, and `-` for `_` where the rest is as it was given. `isWhole`: no more text follows.
 */
export function placeholderAt(text: string, start: number, { word, width, values }: PlaceholderWord, isWhole: boolean): Match {
  const unfinished = isWhole ? null : 'open';
  let at = start;
  let left = mostExtras;
  let isCapital = true;
  for (let index = 0; index < word.length; index++) {
    if (index > 0) {
      const next = behindExtras(text, at, left, false);
      left -= next - at;
      at = next;
    }
    if (at >= text.length) return left < 0 ? null : unfinished;
    const unit = plainUnit(text.charCodeAt(at));
    const wanted = word.charCodeAt(index);
    if (left < 0 || (unit | 0x20) !== (wanted | 0x20)) return null;
    if (unit !== wanted) isCapital = false;
    at++;
  }
  const jointAt = behindExtras(text, at, left, true);
  left -= jointAt - at;
  if (left < 0) return null;
  if (jointAt >= text.length) return unfinished;
  const joint = plainUnit(text.charCodeAt(jointAt));
  const isHyphen = joint === 0x2d && isCapital && left === mostExtras;
  if (joint !== 0x5f && !isHyphen) return null;
  at = jointAt + 1;
  let number = 0;
  let end = -1;
  for (let count = 0; count < width; count++) {
    const next = behindExtras(text, at, left, count === 0 && !isHyphen);
    left -= next - at;
    at = next;
    if (left >= 0 && at >= text.length && !isWhole) return 'open';
    const digit = plainUnit(text.charCodeAt(at)) - 0x30;
    // What ends here with fewer digits has lost its zeros; with a hyphen that is no placeholder.
    if (left < 0 || !(digit >= 0 && digit <= 9)) {
      if (isHyphen) return null;
      break;
    }
    number = number * 10 + digit;
    end = ++at;
  }
  const value = end < 0 ? undefined : values.get(number);
  return value === undefined ? null : { end, value };
}

/** Where what is read over ends; one unit further than `most` where there is more. */
function behindExtras(text: string, start: number, most: number, isJoint: boolean): number {
  let at = start;
  while (at - start <= most && at < text.length && isExtra(text, at, isJoint)) at++;
  return at;
}

/** A full-width unit as the plain one. */
function plainUnit(unit: number): number {
  return unit >= 0xff01 && unit <= 0xff5e ? unit - 0xfee0 : unit;
}

function isExtra(text: string, at: number, isJoint: boolean): boolean {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return isJoint && (unit === 0x20 || unit === 0x5c);
  return unseen.test(String.fromCharCode(unit));
}

/** Whether a prompt, folded and in lower case, has a number behind a word: a placeholder that begins with the word could not be told from that. */
export function isBeforeNumber(word: string, text: string): boolean {
  const small = word.toLowerCase();
  for (let at = text.indexOf(small); at >= 0; at = text.indexOf(small, at + 1))
    if (endOf(/[\s\\_-]{0,6}\d/y, text, at + small.length) >= 0) return true;
  return false;
}

/** A pattern for what looks like one of these placeholders, in a text without invisible characters and in NFKC; null when there are none. */
export function likeness(words: readonly PlaceholderWord[]): RegExp | null {
  if (words.length === 0) return null;
  const any = words.map(({ word }) => word).join('|');
  // Letters that stand behind nothing else in a letter with a number are taken for one without the `_`, too.
  const plain = words.filter(({ word }) => /^(?:PERSON|EMAIL|HANDLE|ADDRESS)/.test(word)).map(({ word }) => word);
  const spaced = plain.length > 0 ? String.raw`|(?<![A-Za-z])(?:${plain.join('|')})[ -]?0\d` : '';
  return new RegExp(String.raw`(?<![A-Za-z])(?:${caseless(any)})[\s\\]{0,4}_[\s\\]{0,4}\d${spaced}`);
}

function caseless(words: string): string {
  return words.replaceAll(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`);
}
