import { isObject } from '../../kernel/object.ts';
import { checkOf, type Subject, type Watch } from '../check.ts';

const bounds = ['minWords', 'maxWords', 'minCharacters', 'maxCharacters'] as const;
type Bounds = { readonly [Bound in (typeof bounds)[number]]?: number };

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** How long the text is, in words (of any script: UAX #29 with dictionaries) and in characters. */
export const length = checkOf('length', read, faultOf, watchFor);

function faultOf({ text }: Subject, { minWords, maxWords, minCharacters, maxCharacters }: Bounds): string | null {
  const characters = Array.from(text.trim()).length;
  if (minCharacters !== undefined && characters < minCharacters)
    return `it has ${characters} characters; write at least ${minCharacters}`;
  if (maxCharacters !== undefined && characters > maxCharacters)
    return `it has ${characters} characters; write at most ${maxCharacters}`;
  if (minWords === undefined && maxWords === undefined) return null;
  const words = wordsIn(text);
  if (minWords !== undefined && words < minWords) return `it has ${words} words; write at least ${minWords}`;
  if (maxWords !== undefined && words > maxWords) return `it has ${words} words; write at most ${maxWords}`;
  return null;
}

/** Too short is known at the end alone. */
function watchFor({ maxWords = Infinity, maxCharacters = Infinity }: Bounds): Watch | null {
  if (maxWords === Infinity && maxCharacters === Infinity) return null;
  let [words, characters] = [0, 0];
  return (piece) => {
    // What stands before the first word does not count.
    characters += Array.from(characters === 0 ? piece.trimStart() : piece).length;
    if (characters > maxCharacters) return `it has more than ${maxCharacters} characters; write at most so many`;
    if (maxWords === Infinity) return null;
    words += wordsIn(piece);
    return words > maxWords ? `it has more than ${maxWords} words; write at most so many` : null;
  };
}

function wordsIn(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}

function read(settings: unknown): Bounds | string {
  const isBound = ([name, value]: [string, unknown]): boolean =>
    bounds.some((known) => known === name) && Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 200_000;
  return isObject(settings) && Object.keys(settings).length > 0 && Object.entries(settings).every(isBound)
    ? settings
    : `must have whole numbers from 1 to 200000 of ${bounds.join(', ')}`;
}
