import type { Used } from '../budgets/ledger.service.ts';
import type { PromptMessage, Usage } from '../providers/port.ts';
import { chargedPrice, costMicrosOf, type ChargedPrice, type Price } from '../routing/price.ts';
import { tokensAbout } from './tokens-left.ts';

/** What a call may have used whose provider did not say: it was given up before its end, or broke off. An estimate is no part of any sum. */
export interface Estimate {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In millionths of a US dollar; null where the price is unknown. */
  readonly costMicros: number | null;
}

/** What was sent, and what came back before the end. */
export interface Exchanged {
  readonly messages: readonly PromptMessage[];
  readonly text: string;
}

/** What one attempt used and cost; null for what nobody knows, which is not zero. */
export interface Spent {
  readonly usage: Usage;
  readonly costMicros: number | null;
  /** What it was charged by; null when the price or what was used is unknown. */
  readonly price: ChargedPrice | null;
  /** Whether it was made without a known price. */
  readonly isUnpriced: boolean;
  /** Only where what it used is not known. */
  readonly estimate: Estimate | null;
}

/** Of a call that nobody knows more of than that it was made: its usage comes with its end, and it had none. */
const unknownUsage: Usage = { inputTokens: null, outputTokens: null, cachedInputTokens: null };

/** Of an attempt without a call. */
export const nothingSpent: Spent = {
  usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 },
  costMicros: 0,
  price: null,
  isUnpriced: false,
  estimate: null,
};

/** What a call used, as far as it said so, at its model's price; else an estimate by what was `exchanged`, which is asked for only then. */
export function spentOf(said: Usage | null, price: Price | null, exchanged: () => Exchanged): Spent {
  const usage = said ? countsOf(said) : unknownUsage;
  // What was refused before it began costs nothing, whatever the price.
  if (usage.inputTokens === 0 && usage.outputTokens === 0) return { ...nothingSpent, usage };
  const charged = price && chargedPrice(price, usage.inputTokens ?? 0);
  const costMicros = charged && costMicrosOf(charged, usage);
  const isKnown = usage.inputTokens !== null && usage.outputTokens !== null;
  const estimate = isKnown ? null : estimateOf(usage, price, exchanged());
  return { usage, costMicros, price: costMicros === null ? null : charged, isUnpriced: price === null, estimate };
}

/** Thoughts that a model kept to itself are not in it, nor is what its vendor had in a cache. */
function estimateOf(said: Usage, price: Price | null, { messages, text }: Exchanged): Estimate {
  const inputTokens = said.inputTokens ?? messages.reduce((sum, { content }) => sum + tokensAbout(content), 0);
  const outputTokens = said.outputTokens ?? tokensAbout(text);
  const charged = price && chargedPrice(price, inputTokens);
  const usage = { ...said, inputTokens, outputTokens };
  return { inputTokens, outputTokens, costMicros: charged && costMicrosOf(charged, usage) };
}

/** An attempt as it is stored: what it used, or may have used. */
interface StoredSpent {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costMicros: number | null;
  readonly estimate: Estimate | null;
}

/**
 * What all attempts of a generation may have used together: each what it did where that is known, and else its estimate. Null where none needs an
 * estimate, and where one has neither; the cost alone is null where a price is not known. `usage` adds up the same.
 */
export function estimateOfAll(attempts: readonly StoredSpent[]): Estimate | null {
  if (attempts.every(({ estimate }) => estimate === null)) return null;
  const inputTokens = sumOf(attempts, (each) => each.inputTokens ?? each.estimate?.inputTokens ?? null);
  const outputTokens = sumOf(attempts, (each) => each.outputTokens ?? each.estimate?.outputTokens ?? null);
  if (inputTokens === null || outputTokens === null) return null;
  return {
    inputTokens,
    outputTokens,
    costMicros: sumOf(attempts, (each) => each.costMicros ?? each.estimate?.costMicros ?? null),
  };
}

/** Null where one of them is. */
function sumOf<T>(things: readonly T[], of: (thing: T) => number | null): number | null {
  const numbers = things.map(of).filter((number) => number !== null);
  return numbers.length < things.length ? null : numbers.reduce((sum, number) => sum + number, 0);
}

/** What an attempt used as budgets count it: without a price it counts as nothing, for those that allow that. */
export function usedBy({ usage, costMicros, isUnpriced }: Spent): Used {
  const { inputTokens, outputTokens } = usage;
  return {
    costMicros: isUnpriced ? 0 : costMicros,
    tokens: inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens,
  };
}

/** No call takes so many; the sum of all calls of a generation fits its column. */
const mostTokens = 50_000_000;

/** Counts that a column can hold; what is no count is as good as not said, and never worth losing the text for. */
function countsOf({ inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens = null }: Usage): Usage {
  return {
    inputTokens: countOf(inputTokens),
    outputTokens: countOf(outputTokens),
    cachedInputTokens: countOf(cachedInputTokens),
    cacheWriteTokens: countOf(cacheWriteTokens),
  };
}

function countOf(tokens: number | null): number | null {
  return Number.isInteger(tokens) && tokens !== null && tokens >= 0 && tokens <= mostTokens ? tokens : null;
}
