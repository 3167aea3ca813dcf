import { checkOf, holds, plain, textsOf } from '../check.ts';

/** Phrases that must not be in the text, in any case and with any white space, as whole words. */
export const forbiddenPhrases = checkOf('forbiddenPhrases', read, ({ text }, phrases) => {
  const said = plain(text);
  const found = phrases.filter((phrase) => holds(said, plain(phrase)));
  return found.length > 0 ? `do not write ${found.map((phrase) => JSON.stringify(phrase)).join(', ')}` : null;
});

function read(settings: unknown): readonly string[] | string {
  return textsOf(settings, 200) ?? 'must be a list of at most 200 phrases of 1 to 200 characters';
}
