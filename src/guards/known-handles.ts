import { fold } from './fold.ts';
import { isLetterOrNumber, withDoubleLetters, withoutAccents } from './letters.ts';
import type { Spelling } from './spellings.ts';

/** What may stand between the parts of a name in a handle. */
const separators = '_.-';
/** Shorter names without anything between their parts are words too often. */
const leastJoined = 7;
const mostNumber = 6;

/**
 * Handles that people make of a name: its words in this order, the first and the last one, the last one first, an initial before the last; with `_`,
 * `.`, `-` or nothing between them, and a number behind. Each is kept as it is spelled.
 */
export function handlesOf(words: readonly string[]): Spelling[] {
  const [first, last] = [words[0], words.at(-1)];
  if (words.length < 2 || first === undefined || last === undefined) return [];
  const initial = Array.from(first)[0] ?? first;
  const orders = [words, [first, last], [last, ...words.slice(0, -1)]];
  const spelled = [(text: string) => text, withoutAccents, withDoubleLetters];
  const known = new Map<string, Spelling>();
  for (const spell of spelled) {
    for (const order of orders) add(known, partsOf(order, spell), false);
    add(known, partsOf([initial, last], spell), true);
  }
  return [...known.values()];
}

function add(known: Map<string, Spelling>, parts: readonly string[], isSeparated: boolean): void {
  if (parts.length >= 2) known.set(parts.join(' '), handleSpelling(parts, isSeparated));
}

/** The parts between which something may stand: `Anne-Marie` has two. */
function partsOf(words: readonly string[], spell: (text: string) => string): string[] {
  return words.flatMap((word) => spell(fold(word).lower).split(/[^\p{L}\p{M}\p{N}]+/u)).filter((part) => part !== '');
}

function handleSpelling(parts: readonly string[], isSeparated: boolean): Spelling {
  const joined = parts.join('');
  // What has no capitals is not spelled as a handle: it is the name without its space.
  const isCaseless = /\p{Lo}/u.test(joined);
  return {
    kind: isCaseless ? 'name' : 'handle',
    anchor: parts[0] ?? '',
    endOf({ lower }, start) {
      let at = start;
      let separated = 0;
      for (const [index, part] of parts.entries()) {
        if (index > 0 && isSeparator(lower, at)) {
          at++;
          separated++;
        }
        if (!lower.startsWith(part, at)) return -1;
        at += part.length;
      }
      if (isSeparated ? separated === 0 : separated === 0 && !isCaseless && joined.length < leastJoined) return -1;
      if (isCaseless) return at;
      const end = endOfNumber(lower, at);
      return isLetterOrNumber(lower, start - 1) || isLetterOrNumber(lower, end) ? -1 : end;
    },
  };
}

function isSeparator(text: string, at: number): boolean {
  return at < text.length && separators.includes(text[at] ?? ' ');
}

function endOfNumber(text: string, from: number): number {
  let at = isSeparator(text, from) ? from + 1 : from;
  const start = at;
  while (at - start < mostNumber && /\d/.test(text[at] ?? '')) at++;
  return at === start ? from : at;
}
