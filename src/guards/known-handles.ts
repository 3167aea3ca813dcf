import { fold } from './fold.ts';
import { isLetterOrNumber, isSpaced, withDoubleLetters, withoutAccents } from './letters.ts';
import type { Needle } from './needles.ts';
import { isSeparator, type Reading } from './readings.ts';

/** Shorter names without anything between their parts are words too often. */
const leastJoined = 7;
const mostNumber = 6;
/** Longer ones are none that anybody uses, and more are not looked for: they are other spellings of names that are looked for in any case. */
const longestHandle = 64;
const mostHandles = 150;

/** A handle that people make of a name. */
export interface KnownHandle {
  readonly parts: readonly string[];
  /** Whether it counts only where something stands between its parts. */
  readonly isSeparated: boolean;
  /** What has no capitals is not spelled as a handle: it is the name without its space. */
  readonly isCaseless: boolean;
}

/**
 * Handles that people make of names, each given by its words: these in this order, the first and the last one, the last one first, an initial before the last;
 * with `_`, `.`, `-` or nothing between them, and a number behind.
 */
export function handlesOf(names: readonly (readonly string[])[]): Needle<KnownHandle>[] {
  const known = new Map<string, KnownHandle>();
  for (const words of names) {
    if (known.size >= mostHandles) break;
    for (const [parts, isSeparated] of spelled(words)) {
      const joined = parts.join('');
      if (parts.length < 2 || joined.length > longestHandle) continue;
      known.set(parts.join(' '), { parts, isSeparated, isCaseless: /\p{Lo}/u.test(joined) });
    }
  }
  return [...known.values()].slice(0, mostHandles).map((handle) => ({ form: handle.parts.join(''), of: handle }));
}

function spelled(words: readonly string[]): (readonly [parts: string[], isSeparated: boolean])[] {
  const [first, last] = [words[0], words.at(-1)];
  if (words.length < 2 || first === undefined || last === undefined) return [];
  const initial = String.fromCodePoint(first.codePointAt(0) ?? 0);
  const isShort = words.reduce((sum, { length }) => sum + length, 0) <= longestHandle;
  const orders = [...(isShort ? [words, [last, ...words.slice(0, -1)]] : []), [first, last]];
  return [(text: string) => text, withoutAccents, withDoubleLetters].flatMap((spell) => [
    ...orders.map((order) => [partsOf(order, spell), false] as const),
    [partsOf([initial, last], spell), true] as const,
  ]);
}

/** The parts between which something may stand: `Anne-Marie` has two. */
function partsOf(words: readonly string[], spell: (text: string) => string): string[] {
  return words.flatMap((word) => spell(fold(word).lower).split(/[^\p{L}\p{M}\p{N}]+/u)).filter((part) => part !== '');
}

/** Whether a handle may end before a place: no letter goes on there, except in scripts that set no space between words. */
export function isEndOfHandle(lower: string, end: number): boolean {
  return !isSpaced(lower, end) || /\d/.test(lower.charAt(end)) || !isSpaced(lower, end - 1);
}

/** Where a handle ends in a text, whose letters were found in a reading of it; -1 where these are no such handle. */
export function endOfKnownHandle(
  { parts, isSeparated, isCaseless }: KnownHandle,
  lower: string,
  { at }: Reading,
  from: number,
  to: number,
): number {
  const start = at[from] ?? 0;
  const last = at[to - 1] ?? 0;
  if (!isCaseless && isLetterOrNumber(lower, start - 1)) return -1;
  const separated = last - start - (to - from - 1);
  if (separated === 0) {
    if (isSeparated || (!isCaseless && to - from < leastJoined)) return -1;
  } else {
    let between = 0;
    let joint = from;
    for (const { length } of parts.slice(0, -1)) {
      joint += length;
      const gap = (at[joint] ?? 0) - (at[joint - 1] ?? 0) - 1;
      if (gap > 1) return -1;
      between += gap;
    }
    // Whatever else is between stands inside of a part.
    if (between !== separated) return -1;
  }
  if (isCaseless) return last + 1;
  const end = endOfNumber(lower, last + 1);
  return isLetterOrNumber(lower, end) ? -1 : end;
}

function endOfNumber(text: string, from: number): number {
  let at = isSeparator(text.charCodeAt(from)) ? from + 1 : from;
  const start = at;
  while (at - start < mostNumber && /\d/.test(text[at] ?? '')) at++;
  return at === start ? from : at;
}
