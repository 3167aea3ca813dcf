import { isOffice } from './short-names.ts';

/** Longer parts of names are no names: the name itself is looked for as it is. */
const longestPart = 64;
/** What stands before a name, and belongs to it where it is written in one word with it. */
const particles = new Set('de del della di da do dos du la le van von den der ter ten el al'.split(' '));
/** Words that stand before or inside a name, or instead of one, and are nobody's. */
const noNames = new Set(
  (
    'mr mrs ms miss mx dr prof professor sir madam dame lord lady herr herrn frau fräulein monsieur madame mademoiselle señor señora sr sra don ' +
    'doña signor signora signore pan pani von van der den ten ter del della des dos das the and und für ing dipl mag med phd msc bsc jr ' +
    'hiring manager recruiter recruiting recruitment team department human resources talent acquisition committee'
  ).split(' '),
);

/** A word of a name that a text may use alone. */
export interface NamePart {
  readonly word: string;
  /** Whether it is written so in the name; others come back as they stand. */
  readonly isOwn: boolean;
  /** Whether it has two letters, which are a name only beside what says so. */
  readonly isShort: boolean;
}

/** The words of a name that are somebody's. */
export function wordsOf(name: string): string[] {
  return name.split(/[\s,]+/u).filter((word) => /\p{L}/u.test(word) && !noNames.has(word.toLowerCase().replace(/\.$/, '')));
}

/**
 * The words of a name that a text may use alone: `Ingrid`, `Solheim`, and both halves of `Solheim-Dahl`; the last one and all of a name without
 * capitals in small letters, too, where others are words like `ter`. And what others make of them: `ONeill`, `Mc Donald`, `DeVries`.
 */
export function partsOf(name: string): NamePart[] {
  const isCapital = /\p{Lu}/u.test(name);
  return name.split(/[\s,]+/u).flatMap((word, index, words): NamePart[] => {
    const isSmall = !isCapital || index === words.length - 1;
    const bare = word.replaceAll(/[^\p{L}\p{M}'’-]/gu, '');
    if (bare !== word || word.length > longestPart) return [];
    if (isShortPart(word, isSmall)) return [{ word, isOwn: true, isShort: true }];
    if (!isPart(word, isSmall)) return [];
    const own = word.includes('-') ? [word, ...word.split('-').filter((half) => isPart(half, isSmall))] : [word];
    const others = [...otherJoints(word), ...joined([...particlesBefore(words, index), word])];
    return [true, false].flatMap((isOwn) => (isOwn ? own : others).map((each) => ({ word: each, isOwn, isShort: false })));
  });
}

function isPart(word: string, isSmall: boolean): boolean {
  const isShort = Array.from(word).length < (/\p{Lo}/u.test(word) ? 2 : 3);
  if (isShort || isOffice(word)) return false;
  return (isSmall || /^[\p{Lu}\p{Lo}]/u.test(word)) && !noNames.has(word.toLowerCase());
}

function isShortPart(word: string, isSmall: boolean): boolean {
  return /^[\p{Lu}\p{Ll}]{2}$/u.test(word) && (isSmall || /^\p{Lu}/u.test(word)) && !noNames.has(word.toLowerCase());
}

/** What is shorter in one word is another word too often: `d'Or`. */
const leastJoined = 6;

function joined(words: readonly string[]): string[] {
  const whole = words.join('');
  return words.length > 1 && whole.length >= leastJoined && whole.length <= longestPart ? [whole] : [];
}

function particlesBefore(words: readonly string[], index: number): string[] {
  let first = index;
  while (first > 0 && particles.has((words[first - 1] ?? '').toLowerCase())) first--;
  return words.slice(first, index);
}

/** A word with other joints: `Anne-Marie` and `O'Neill` without, `ONeill`, `McDonald` and `DeVries` with. */
function otherJoints(word: string): string[] {
  const [, before, behind = ''] = /^(O|Mc|Mac|De|Di|Du|La|Le|Van|Von)(?=\p{Lu}\p{Ll})(.+)$/u.exec(word) ?? [];
  if (before !== undefined) return before === 'O' ? [`O'${behind}`, `O ${behind}`] : [`${before} ${behind}`];
  const halves = word.split(/['’-]/u);
  return halves.includes('') ? [] : [...joined(halves), ...(/^O['’]/u.test(word) ? [`O ${word.slice(2)}`] : [])];
}
