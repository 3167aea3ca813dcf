import { calcPrice, findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices';
import { LRUCache } from 'lru-cache';
import type { Price, Tier } from './price.ts';

/*
 * The prices of @pydantic/genai-prices: data that comes with the package, asked without any network. Its own sums are doubles in dollars;
 * we take its rates alone, as whole numbers, and add up ourselves.
 */

/** Prices with a time of day change at whole minutes. */
const minuteMs = 60_000;
const known = new LRUCache<string, { readonly price: Price | null }>({ max: 1_000 });

/** The price of a model of the vendor that is reached at `endpoint`; null when the list does not have it. */
export function listedPrice(endpoint: string, model: string, at: Date): Price | null {
  const minute = Math.floor(at.getTime() / minuteMs);
  const key = `${minute} ${endpoint} ${model}`;
  const found = known.get(key);
  if (found) return found.price;
  const price = lookUp(endpoint, model, new Date(minute * minuteMs));
  known.set(key, { price });
  return price;
}

function lookUp(endpoint: string, name: string, timestamp: Date): Price | null {
  const provider = findProvider({ providerApiUrl: endpoint });
  const found = provider && calcPrice({}, name, { providerId: provider.id, timestamp });
  if (!found || !isMeant(found.model, name)) return null;
  const tiers = tiersOf(found.model_price);
  return tiers && { source: 'GENAI_PRICES', from: startOf(found.model, found.model_price), tiers, batch: null };
}

/** What vendors append to the name of a model for one edition of it. */
const edition = /[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$/;

/**
 * Whether the list knows this very model. The list also matches names that only begin like one it knows, such as that of a successor, and
 * then gives the price of another model.
 */
function isMeant({ id, match }: ModelInfo, name: string): boolean {
  const names = new Set([id, ...namesIn(match)].flatMap((each) => [each, each.replace(edition, '')]));
  return names.has(name) || names.has(name.replace(edition, ''));
}

function namesIn(match: MatchLogic): string[] {
  if ('or' in match) return match.or.flatMap(namesIn);
  if ('and' in match) return match.and.flatMap(namesIn);
  if ('equals' in match) return [match.equals];
  return 'starts_with' in match ? [match.starts_with] : [];
}

function startOf({ prices }: ModelInfo, chosen: ModelPrice): string | null {
  const constraint = Array.isArray(prices) ? prices.find((each) => each.prices === chosen)?.constraint : undefined;
  return constraint?.type === 'start_date' ? constraint.start_date : null;
}

/** The tiers of a listed price; null when a model is not paid by tokens alone. */
function tiersOf(price: ModelPrice): Tier[] | null {
  const { input_mtok: input, output_mtok: output, cache_read_mtok: read = input, cache_write_mtok: write = input } = price;
  if (input === undefined || output === undefined || price['requests_kcount'] !== undefined) return null;
  const starts = new Set([
    0,
    ...[input, output, read, write].flatMap((rate) => (isTiered(rate) ? rate.tiers.map(startOfTier) : [])),
  ]);
  return [...starts]
    .toSorted((a, b) => a - b)
    .map((above) => ({
      above,
      input: rateAt(input, above),
      cachedInput: rateAt(read, above),
      cacheWrite: rateAt(write, above),
      output: rateAt(output, above),
    }));
}

type ListedRate = NonNullable<ModelPrice[string]>;

function isTiered(rate: ListedRate | undefined): rate is Exclude<ListedRate, number> {
  return typeof rate === 'object';
}

function startOfTier({ start }: { readonly start: number }): number {
  return start;
}

/** Dollars as the list has them, in millionths. */
function rateAt(rate: ListedRate | undefined, above: number): number {
  const dollars = isTiered(rate)
    ? (rate.tiers.toSorted((a, b) => a.start - b.start).findLast(({ start }) => start <= above)?.price ?? rate.base)
    : (rate ?? 0);
  return Math.round(dollars * 1_000_000);
}
