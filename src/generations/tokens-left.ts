/** English and its like have four to five letters a token. */
const lettersPerToken = 3;
/** Letters that share a token with others. */
const sharing = /[A-Za-z\s]/;

/**
 * What a model that goes on may write: the limit of the generation less what is written, so that all calls together keep to it. Providers that broke off
 * did not say how many tokens that was, and the next model may count otherwise: it is estimated, rather too high than too low, by a token for
 * three plain letters or spaces and one for every other character.
 */
export function tokensLeft(maxOutputTokens: number, written: string): number {
  return maxOutputTokens - tokensAbout(written);
}

/** How many tokens a text may have, rather too many than too few. */
export function tokensAbout(text: string): number {
  let [letters, others] = [0, 0];
  for (const character of text) {
    if (sharing.test(character)) letters++;
    else others++;
  }
  return Math.ceil(letters / lettersPerToken) + others;
}

/** Fewer tokens than this end no letter: it is written anew instead. */
export const leastTokensLeft = 64;
