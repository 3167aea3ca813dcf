import type { Usage } from '../providers/port.ts';

/** What a million tokens cost, in millionths of a US dollar: whole numbers. */
export interface Rates {
  readonly input: number;
  /** Of input tokens that the provider had in its cache. */
  readonly cachedInput: number;
  /** Of input tokens that it wrote into its cache. */
  readonly cacheWrite: number;
  readonly output: number;
}

/** Rates of calls with more input tokens than `above`, for all of their tokens: long contexts cost more at some vendors. */
export interface Tier extends Rates {
  readonly above: number;
}

/** The price of a model at one moment. */
export interface Price {
  readonly source: PriceSource;
  /** The day it holds from (`2026-07-30`, UTC); null: ever since. */
  readonly from: string | null;
  /** By `above`, upwards; the first one is also that of every smaller call. */
  readonly tiers: readonly Tier[];
  /** The same for calls that the vendor answers when it has the time; null when unknown. */
  readonly batch: readonly Tier[] | null;
}

/** Who says what a model costs. FREE: it calls nobody. GENAI_PRICES: the list of @pydantic/genai-prices. OPERATOR: whoever runs the installation. */
export type PriceSource = 'FREE' | 'GENAI_PRICES' | 'OPERATOR';

/** The part of a price that one call was charged by, as it is stored with what it used. */
export interface ChargedPrice extends Tier {
  readonly source: PriceSource;
  readonly from: string | null;
}

const none: Rates = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 };

/** The price of what calls nobody. */
export const freePrice: Price = { source: 'FREE', from: null, tiers: [{ above: 0, ...none }], batch: null };

/** The rates for a call with so many input tokens; null when the price does not say. */
export function chargedPrice({ source, from, tiers }: Price, inputTokens: number): ChargedPrice | null {
  const tier = tiers.findLast(({ above }) => inputTokens > above) ?? tiers[0];
  return tier ? { source, from, ...tier } : null;
}

/**
 * What a call cost, in millionths of a US dollar; null when a count is unknown, unless every token is free. Exact, and rounded once, at the
 * end, halves up. Cached tokens are part of the input; a vendor that counts more of them than of the input is taken by its input.
 */
export function costMicrosOf(
  rates: Rates,
  { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens }: Usage,
): number | null {
  if (rates.input + rates.cachedInput + rates.cacheWrite + rates.output === 0) return 0;
  if (inputTokens === null || outputTokens === null) return null;
  const cached = Math.min(cachedInputTokens ?? 0, inputTokens);
  const written = Math.min(cacheWriteTokens ?? 0, inputTokens - cached);
  const parts: readonly (readonly [number, number])[] = [
    [inputTokens - cached - written, rates.input],
    [cached, rates.cachedInput],
    [written, rates.cacheWrite],
    [outputTokens, rates.output],
  ];
  // A count times a rate can be more than a double holds exactly.
  const sum = parts.reduce((total, [tokens, rate]) => total + BigInt(tokens) * BigInt(rate), 0n);
  return Number((sum + 500_000n) / 1_000_000n);
}
