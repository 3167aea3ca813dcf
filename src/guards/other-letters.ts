import { plainForm } from './readings.ts';

/** A text in lower case as it may be read. */
export interface Form {
  readonly form: string;
  /** Whether it counts only where an umlaut is: `Müller` for `Mueller`, but `Jol` is no `Joel`. */
  readonly isUmlaut: boolean;
}

/** What stands for one letter where it cannot be written, beside the letter without its mark. */
const writtenOut: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa', đ: 'dj' };
const marked = /[äöüøåđ]/g;
/** More of them are all written out, or none is. */
const mostMixed = 2;

/** How a text in lower case is read, and is as people spell it who have no `ü` to write; and as others spell it where these have given it. */
export function formsOf(lower: string): Form[] {
  const isPlain = !/[^\0-\u007f]/.test(lower);
  const plain = isPlain ? [lower] : [...new Set([lower, ...spelledOut(lower)].map(plainForm))];
  const single = (plain[0] ?? '').replaceAll(/([aou])e|aa/g, (_all, vowel?: string) => vowel ?? 'a');
  return [
    ...plain.map((form) => ({ form, isUmlaut: false })),
    ...(plain.includes(single) ? [] : [{ form: single, isUmlaut: true }]),
  ];
}

function spelledOut(lower: string): string[] {
  const many = lower.match(marked)?.length ?? 0;
  if (many === 0) return [];
  if (many > mostMixed) return [lower.replaceAll(marked, (letter) => writtenOut[letter] ?? letter)];
  return Array.from({ length: 2 ** many - 1 }, (_, index) => {
    let bit = 1;
    return lower.replaceAll(marked, (letter) => {
      const isWritten = ((index + 1) & bit) !== 0;
      bit *= 2;
      return isWritten ? (writtenOut[letter] ?? letter) : letter;
    });
  });
}

/** Shorter words are ordinary ones too often once a letter is gone (`Schoen`, `schon`) or has come (`Gust`, `Guest`). */
const leastWithout = 6;
const leastWith = 5;
/** No longer word is guessed at, and none in more ways. */
const longestGuessed = 24;
const mostGuesses = 8;

/** How a name of one word may be spelled by others where nobody ever wrote an umlaut: `Muller` for `Mueller`, and the other way round. */
export function guessedForms(lower: string): string[] {
  if (lower.length > longestGuessed || !/^[a-z]+$/.test(lower)) return [];
  const without = lower.replaceAll(/(?<![aeiouyq])([aou])e(?=[^aeiouy])|aa/g, (_all, vowel?: string) => vowel ?? 'a');
  if (without !== lower) return without.length >= leastWithout ? [without] : [];
  if (lower.length < leastWith) return [];
  // `Aakesson`, `Haakon`: seldom further behind.
  const guesses = Array.from(lower.matchAll(/(?<![aeiouyq])[aou](?=[^aeiouy])/g)).flatMap(({ 0: vowel, index }) =>
    (vowel === 'a' && index < 2 ? ['ae', 'aa'] : [`${vowel}e`]).map(
      (two) => lower.slice(0, index) + two + lower.slice(index + 1),
    ),
  );
  return guesses.slice(0, mostGuesses);
}
