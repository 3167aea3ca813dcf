import { checkOf, holds, plain, textsOf, type Watch } from '../check.ts';

/** Phrases that must not be in the text, in any case and with any white space, as whole words. */
export const forbiddenPhrases = checkOf(
  'forbiddenPhrases',
  read,
  ({ text }, phrases) => {
    const said = plain(text);
    return faultFor(phrases.filter((phrase) => holds(said, plain(phrase))));
  },
  watchFor,
);

function watchFor(phrases: readonly string[]): Watch {
  const wanted = phrases.map((phrase) => ({ phrase, spelled: plain(phrase) }));
  const longest = wanted.reduce((most, { spelled }) => Math.max(most, spelled.length), 0);
  // One unit more than a phrase can have, so that what stands before it is seen too.
  let tail = '';
  return (piece) => {
    const said = plain(`${tail}${piece}`);
    const isCut = tail.length > longest;
    tail = said.slice(-longest - 1);
    // What a cut tail begins with may be the end of a word, and was looked at as a whole before.
    return faultFor(wanted.flatMap(({ phrase, spelled }) => (holds(said, spelled, isCut ? 1 : 0) ? [phrase] : [])));
  };
}

function faultFor(found: readonly string[]): string | null {
  return found.length > 0 ? `do not write ${found.map((phrase) => JSON.stringify(phrase)).join(', ')}` : null;
}

function read(settings: unknown): readonly string[] | string {
  return textsOf(settings, 200) ?? 'must be a list of at most 200 phrases of 1 to 200 characters';
}
