import { chargedPrice, costMicrosOf, type Price } from './price.ts';
import type { Facts } from './facts.ts';

/** English has about four characters in a token: https://help.openai.com/en/articles/4936856 */
const charactersPerToken = 4;

/**
 * What a generation may cost, in millionths of a US dollar: all tokens that it may write, and its prompt counted as English. It is good enough to put
 * models in order, and no upper bound. A prompt that is not rendered yet counts as nothing. Null when the price is unknown.
 */
export function estimatedCostMicros(
  price: Price | null,
  { promptCharacters, maxOutputTokens }: Pick<Facts, 'promptCharacters' | 'maxOutputTokens'>,
): number | null {
  const inputTokens = Math.ceil((promptCharacters ?? 0) / charactersPerToken);
  const charged = price && chargedPrice(price, inputTokens);
  return charged && costMicrosOf(charged, { inputTokens, outputTokens: maxOutputTokens, cachedInputTokens: 0 });
}
