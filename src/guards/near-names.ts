import type { Folded } from './fold.ts';
import { isLetterOrNumber, withoutAccents } from './letters.ts';
import { wordsOf } from './name-words.ts';
import type { Stretch } from './scan.ts';

/** What belongs to a word of a name where it stands beside it: the other words of the names that have it. */
export interface Near {
  /** In small letters without marks; whether it stands before the word in the name, and behind it. */
  readonly others: Map<string, { isBefore: boolean; isBehind: boolean }>;
  readonly initials: Set<string>;
}

/** Of each word of names, in lower case, what belongs to it. */
export function nearIn(names: readonly string[]): Map<string, Near> {
  const known = new Map<string, Near>();
  for (const name of names) {
    const words = wordsOf(name).slice(0, mostWords).map(halvesOf);
    words.forEach((halves, index) => {
      for (const half of halves) {
        const near = known.get(half) ?? { others: new Map(), initials: new Set() };
        known.set(half, near);
        words.forEach((others, place) => {
          if (place !== index) for (const other of others) add(near, withoutAccents(other), place < index);
        });
      }
    });
  }
  return known;
}

/** A name has no more words that others are known by, and a word no more halves. */
const mostWords = 8;
const mostHalves = 3;

function halvesOf(word: string): string[] {
  const lower = word.toLowerCase();
  const halves = lower.split('-', mostHalves).filter((half) => half !== '');
  return halves.length > 1 ? [lower, ...halves] : [lower];
}

function add({ others, initials }: Near, other: string, isBefore: boolean): void {
  const known = others.get(other) ?? { isBefore: false, isBehind: false };
  if (isBefore) known.isBefore = true;
  else known.isBehind = true;
  others.set(other, known);
  if (/^\p{Ll}/u.test(other)) initials.add(other.charAt(0));
}

/** A word of a name with the initials of the others: `I. M. Solheim`, `Solheim, I.M.`, `Ingrid S.`; `isWhole`: nothing stands between its end and that of its word. */
export function withInitials(text: Folded, { initials }: Near, { start, end }: Stretch, isWhole: boolean): Stretch {
  const last = isWhole ? endOfInitials(text, end, initials) : end;
  return { start: startOfInitials(text, start, initials), end: last };
}

function isInitial({ text, lower }: Folded, at: number, initials: ReadonlySet<string>): boolean {
  return (
    lower.charAt(at + 1) === '.' &&
    initials.has(withoutAccents(lower.charAt(at))) &&
    text.charCodeAt(at) !== lower.charCodeAt(at) &&
    !isLetterOrNumber(lower, at - 1)
  );
}

function startOfInitials(text: Folded, start: number, initials: ReadonlySet<string>): number {
  let at = start;
  for (;;) {
    const behind = isJoint(text.lower.charAt(at - 1)) ? at - 1 : at;
    if (!isInitial(text, behind - 2, initials)) return at;
    at = behind - 2;
  }
}

/** A space, or the hyphen of `A.-M.`. */
function isJoint(unit: string): boolean {
  return unit === ' ' || unit === '-';
}

function endOfInitials(text: Folded, end: number, initials: ReadonlySet<string>): number {
  const { lower } = text;
  const from = lower.charAt(end) === ',' ? end + 1 : end;
  let last = end;
  for (let at = lower.charAt(from) === ' ' ? from + 1 : from; at > end && isInitial(text, at, initials);) {
    last = at + 2;
    at = isJoint(lower.charAt(last)) ? last + 1 : last;
  }
  // `Ingrid S. Dahl` is somebody else.
  return last > end && /^[ -]?\p{Lu}\p{L}/u.test(text.text.slice(last, last + 3)) ? end : last;
}

const title =
  /(?:^|[^\p{L}])(?:mr|mrs|ms|miss|mx|dr|doctor|doktor|prof|professor|sir|madam|dame|lord|lady|herrn?|hr|frau|fräulein|monsieur|madame|mademoiselle|mme|mlle|señora?|sra?|signora?|signore|sig|pan[ia]?|dhr|mevr|mevrouw|meneer)\.? $/u;
const longestBefore = 16;
/** Words of two letters: behind an initial one of them begins a sentence. */
const functionWords = new Set(
  'ad ah al am an as at au be by da de do du el en er es et go he hi ho if il im in is it ja la le ma me my no ob of oh on or se si so to um un up us we wo zu'.split(
    ' ',
  ),
);

/** Whether a word that is too short to be anybody's by itself is somebody's here: behind a title, or beside another word of the name or the initial of one. */
export function isNear(text: Folded, near: Near, { start, end }: Stretch): boolean {
  const { lower } = text;
  if (title.test(lower.slice(Math.max(0, start - longestBefore), start))) return true;
  if (isBesideWord(lower, near, { start, end })) return true;
  if (functionWords.has(lower.slice(start, end))) return false;
  const wide = withInitials(text, near, { start, end }, !isLetterOrNumber(lower, end));
  return wide.start < start || wide.end > end;
}

/** `Wu Xiaoming` and `Xiaoming Wu`; `Wu, Xiaoming`, and no `Dear Wei, So`. */
function isBesideWord(lower: string, { others }: Near, { start, end }: Stretch): boolean {
  const before = /(?<![\p{L}\p{N}])(\p{L}[\p{L}\p{M}-]{0,29})(,?) $/u.exec(lower.slice(Math.max(0, start - 34), start));
  const first = others.get(withoutAccents(before?.[1] ?? ''));
  if (first && (before?.[2] === '' || first.isBehind)) return true;
  const behind = /^(,?) (\p{L}[\p{L}\p{M}-]{0,29})/u.exec(lower.slice(end, end + 34));
  const second = others.get(withoutAccents(behind?.[2] ?? ''));
  return second !== undefined && (behind?.[1] === '' || second.isBefore);
}
