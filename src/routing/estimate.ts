import { chargedPrice, costMicrosOf, type Price } from './price.ts';
import type { Facts } from './facts.ts';

/** English has about four characters in a token: https://help.openai.com/en/articles/4936856 */
const charactersPerToken = 4;

/**
 * What a generation would cost at most, as far as that can be said before its call: every token it may write, and its prompt as English.
 * Good for putting models in order, no promise. A prompt that is not rendered yet counts as none.
 */
export function estimatedCostMicros(
  price: Price | null,
  { promptCharacters, maxOutputTokens }: Pick<Facts, 'promptCharacters' | 'maxOutputTokens'>,
): number | null {
  const inputTokens = Math.ceil((promptCharacters ?? 0) / charactersPerToken);
  const charged = price && chargedPrice(price, inputTokens);
  return charged && costMicrosOf(charged, { inputTokens, outputTokens: maxOutputTokens, cachedInputTokens: 0 });
}
