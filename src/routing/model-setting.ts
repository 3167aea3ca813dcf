import { AppError } from '../kernel/errors.ts';
import type { Price, Tier } from './price.ts';
import { Reading } from './reading.ts';

/** One line of a price, in US dollars for a million tokens, as an operator writes it. */
export interface PriceLine {
  /** The day it holds from, such as `2026-12-01` (UTC); null: ever since. Lines with the same day are one price. */
  readonly from: string | null;
  /** For calls with more input tokens than this. */
  readonly above: number;
  readonly isBatch: boolean;
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
}

/** What an operator says of a model; null where what is built in holds. */
export interface ModelSetting {
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  readonly hasStructuredOutput: boolean | null;
  readonly retiresAt: Date | null;
  readonly prices: readonly PriceLine[] | null;
}

/** Nothing is said. */
export const noSetting: ModelSetting = {
  contextWindow: null,
  maxOutputTokens: null,
  hasStructuredOutput: null,
  retiresAt: null,
  prices: null,
};

const mostLines = 50;
const highestDollars = 100_000;
const mostTokens = 1_000_000_000;

/** How each setting is read from what is typed, by its name on the command line. */
const readers: Readonly<Record<string, (text: string) => Partial<ModelSetting>>> = {
  CONTEXT_WINDOW: (text) => ({ contextWindow: new Reading(Number(text), []).whole(1, mostTokens) }),
  MAX_OUTPUT_TOKENS: (text) => ({ maxOutputTokens: new Reading(Number(text), []).whole(1, mostTokens) }),
  STRUCTURED_OUTPUT: (text) => ({ hasStructuredOutput: new Reading(text, []).oneOf(['true', 'false']) === 'true' }),
  RETIRES_AT: (text) => ({ retiresAt: new Date(`${day(new Reading(text, []))}T00:00:00Z`) }),
  PRICES: (text) => ({ prices: readPrices(text) }),
};

const fields = {
  CONTEXT_WINDOW: 'contextWindow',
  MAX_OUTPUT_TOKENS: 'maxOutputTokens',
  STRUCTURED_OUTPUT: 'hasStructuredOutput',
  RETIRES_AT: 'retiresAt',
  PRICES: 'prices',
} as const satisfies Record<string, keyof ModelSetting>;

const settingNames = Object.keys(fields) as (keyof typeof fields)[];

/** What an operator typed for a setting; `default` goes back to what is built in. INVALID_INPUT names the setting and what is wrong with it. */
export function readSetting(name: string, text: string): Partial<ModelSetting> {
  const known = settingNames.find((each) => each === name);
  const read = known && readers[known];
  if (!known || !read) throw new AppError('INVALID_INPUT', `there is no setting ${name}, only ${settingNames.join(', ')}`);
  if (text === 'default') return { [fields[known]]: null };
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('INVALID_INPUT', `${[name, ...(error.path ?? [])].join('.')}: ${error.message}`);
  }
}

function readPrices(text: string): PriceLine[] {
  return new Reading(parsed(text), []).list(1, mostLines, (entry) => {
    const line = entry.object(['from', 'above', 'isBatch', 'input', 'cachedInput', 'cacheWrite', 'output']);
    const dollars = (at: Reading): number => at.number(0, highestDollars);
    const input = dollars(line.input);
    return {
      from: line.from.maybe(day),
      above: line.above.maybe((at) => at.whole(0, mostTokens)) ?? 0,
      isBatch: line.isBatch.maybe((at) => at.boolean()) ?? false,
      input,
      cachedInput: line.cachedInput.maybe(dollars) ?? input,
      cacheWrite: line.cacheWrite.maybe(dollars) ?? input,
      output: dollars(line.output),
    };
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('INVALID_INPUT', 'this is no JSON', { cause });
  }
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

function day(reading: Reading): string {
  const text = reading.text(10);
  const moment = Date.parse(text);
  const isDay = /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(moment) && dayOf(new Date(moment)) === text;
  return isDay ? text : reading.refuse('a day such as 2026-11-30 is needed here');
}

/** The price that these lines make at a moment; null before the first of them. */
export function priceOfLines(lines: readonly PriceLine[], at: Date): Price | null {
  const today = dayOf(at);
  const begun = lines.filter(({ from }) => from === null || from <= today);
  const from = begun.reduce<string | null>((latest, line) => ((line.from ?? '') > (latest ?? '') ? line.from : latest), null);
  const holding = begun.filter((line) => line.from === from);
  const tiers = tiersOf(holding.filter(({ isBatch }) => !isBatch));
  const batch = tiersOf(holding.filter(({ isBatch }) => isBatch));
  return tiers.length === 0 ? null : { source: 'OPERATOR', from, tiers, batch: batch.length === 0 ? null : batch };
}

function tiersOf(lines: readonly PriceLine[]): Tier[] {
  const micros = (dollars: number): number => Math.round(dollars * 1_000_000);
  return lines
    .toSorted((a, b) => a.above - b.above)
    .map(({ above, input, cachedInput, cacheWrite, output }) => ({
      above,
      input: micros(input),
      cachedInput: micros(cachedInput),
      cacheWrite: micros(cacheWrite),
      output: micros(output),
    }));
}
