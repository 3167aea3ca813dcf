import { isObject } from '../../kernel/object.ts';
import { checkOf } from '../check.ts';

const bounds = ['minWords', 'maxWords', 'minCharacters', 'maxCharacters'] as const;
type Bounds = { readonly [Bound in (typeof bounds)[number]]?: number };

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** How long the text is, in words (of any script: UAX #29 with dictionaries) and in characters. */
export const length = checkOf('length', read, ({ text }, { minWords, maxWords, minCharacters, maxCharacters }) => {
  const characters = Array.from(text.trim()).length;
  if (minCharacters !== undefined && characters < minCharacters)
    return `it has ${characters} characters; write at least ${minCharacters}`;
  if (maxCharacters !== undefined && characters > maxCharacters)
    return `it has ${characters} characters; write at most ${maxCharacters}`;
  if (minWords === undefined && maxWords === undefined) return null;
  const words = [...segmenter.segment(text)].filter(({ isWordLike }) => isWordLike).length;
  if (minWords !== undefined && words < minWords) return `it has ${words} words; write at least ${minWords}`;
  if (maxWords !== undefined && words > maxWords) return `it has ${words} words; write at most ${maxWords}`;
  return null;
});

function read(settings: unknown): Bounds | string {
  const isBound = ([name, value]: [string, unknown]): boolean =>
    bounds.some((known) => known === name) && Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 200_000;
  return isObject(settings) && Object.keys(settings).length > 0 && Object.entries(settings).every(isBound)
    ? settings
    : `must have whole numbers from 1 to 200000 of ${bounds.join(', ')}`;
}
