import { describe, expect, it } from 'vitest';
import { nothingSpent, spentOf as spentBy, type Exchanged } from '../../src/generations/spent.ts';
import type { Usage } from '../../src/providers/port.ts';
import { listedPrice } from '../../src/routing/price-list.ts';
import { chargedPrice, costMicrosOf, freePrice, type Price, type Tier } from '../../src/routing/price.ts';

const openai = 'https://api.openai.com/v1';
const rates = { input: 200_000, cachedInput: 20_000, cacheWrite: 250_000, output: 1_200_000 };
const long: Tier = { above: 271_999, input: 400_000, cachedInput: 40_000, cacheWrite: 500_000, output: 1_800_000 };
const price: Price = { source: 'OPERATOR', from: '2026-07-30', tiers: [{ above: 0, ...rates }, long], batch: null };
const used = (inputTokens: number | null, outputTokens: number | null, cachedInputTokens: number | null = null) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
});

const exchanged: Exchanged = { messages: [{ role: 'user', content: 'x'.repeat(3_000) }], text: 'y'.repeat(600) };
const spentOf = (said: Usage | null, by: Price | null) => spentBy(said, by, () => exchanged);

describe('the cost of a call', () => {
  it.each([
    ['input and output', used(1_000_000, 1_000_000), 1_400_000],
    ['cached input at its own rate', used(1_000_000, 0, 400_000), 128_000],
    ['what was written into the cache', { ...used(1_000, 0, 0), cacheWriteTokens: 1_000 }, 250],
    ['more cached tokens than input, as input', used(100, 0, 500), 2],
    ['less than half, down', used(2, 0), 0],
    ['from half on, up', used(3, 0), 1],
    ['nothing said of the input', used(null, 5), null],
    ['nothing said of the output', used(5, null), null],
  ])('counts %s', (_what, usage, expected) => {
    expect(costMicrosOf(rates, usage)).toBe(expected);
  });

  it('is rounded once, however many parts it has', () => {
    // Each part alone would come to 0.4 and be lost.
    expect(costMicrosOf({ input: 400_000, cachedInput: 400_000, cacheWrite: 400_000, output: 400_000 }, used(2, 1, 1))).toBe(1);
  });

  it('is exact where a double is not', () => {
    expect(costMicrosOf({ ...rates, input: 300_000_001 }, used(50_000_000, 0))).toBe(15_000_000_050);
  });

  it('is nothing where all is free, whatever was used', () => {
    expect(spentOf(null, freePrice)).toMatchObject({ costMicros: 0, usage: used(null, null) });
  });

  it('is unknown without a price or a count, and never 0', () => {
    expect(spentOf(used(10, 10), null)).toMatchObject({ costMicros: null, price: null, usage: used(10, 10) });
    expect(spentOf(null, price)).toMatchObject({ costMicros: null, price: null });
    expect(spentOf(used(-1, 10), price)).toMatchObject({ costMicros: null, usage: used(null, 10) });
    expect(spentOf(used(0.5, 1e12), price)).toMatchObject({ costMicros: null, usage: used(null, null) });
  });

  it('is nothing for a call that was refused, without a price too', () => {
    expect(spentOf(used(0, 0, 0), null)).toMatchObject({ costMicros: nothingSpent.costMicros, price: null });
  });
});

describe('what a call may have used', () => {
  it.each<[string, Usage | null, Price | null, unknown]>([
    ['by what went and came', null, price, { inputTokens: 1_000, outputTokens: 200, costMicros: 440 }],
    ['with what its provider said', used(500, null), price, { inputTokens: 500, outputTokens: 200, costMicros: 340 }],
    ['at no price', null, null, { inputTokens: 1_000, outputTokens: 200, costMicros: null }],
    ['for nothing', null, freePrice, { inputTokens: 1_000, outputTokens: 200, costMicros: 0 }],
  ])('is estimated %s', (_how, said, by, estimate) => {
    const spent = spentOf(said, by);
    expect(spent.estimate).toEqual(estimate);
    // No sum counts it.
    expect(spent.usage.outputTokens).toBeNull();
  });

  it('is not where it is known, or nothing', () => {
    expect(spentOf(used(10, 20), price).estimate).toBeNull();
    expect(spentOf(used(0, 0, 0), null).estimate).toBeNull();
    expect(nothingSpent.estimate).toBeNull();
  });
});

describe('what a call is charged by', () => {
  it.each([
    [0, 200_000],
    [271_999, 200_000],
    [272_000, 400_000],
  ])('is the tier of %i input tokens', (inputTokens, input) => {
    expect(chargedPrice(price, inputTokens)).toMatchObject({ input, source: 'OPERATOR', from: '2026-07-30' });
  });

  it('is never the price of batches, which no call is made in', () => {
    const batch = [{ above: 0, ...rates, input: 100_000 }];

    expect(chargedPrice({ ...price, batch }, 10)).toMatchObject({ input: 200_000 });
  });
});

describe('the list of prices', () => {
  it('knows the day from which a price holds', () => {
    const before = listedPrice(openai, 'gpt-5.6-luna', new Date('2026-07-29T23:59:59Z'));
    const after = listedPrice(openai, 'gpt-5.6-luna', new Date('2026-07-30T00:00:00Z'));

    expect(before).toEqual({
      source: 'GENAI_PRICES',
      from: null,
      tiers: [
        { above: 0, input: 1_000_000, cachedInput: 100_000, cacheWrite: 1_250_000, output: 6_000_000 },
        { above: 271_999, input: 2_000_000, cachedInput: 200_000, cacheWrite: 2_500_000, output: 9_000_000 },
      ],
      batch: null,
    });
    expect(after).toEqual({ ...price, source: 'GENAI_PRICES' });
  });

  it('goes by where a vendor is reached, not by what it is called', () => {
    expect(listedPrice('http://localhost:8080/v1', 'gpt-5.6-luna', new Date())).toBeNull();
    expect(listedPrice('https://api.anthropic.com', 'gpt-5.6-luna', new Date())).toBeNull();
    expect(listedPrice('https://api.anthropic.com', 'claude-haiku-4-5', new Date())).not.toBeNull();
  });

  it.each([
    ['claude-haiku-4-5-20251001', true],
    ['claude-haiku-4-5@20251001', true],
    ['claude-haiku-4-5-latest', true],
    // The list takes these for claude-haiku-4-5 and claude-sonnet-5.
    ['claude-haiku-4-5-turbo', false],
    ['claude-sonnet-5-9', false],
    ['claude-unheard-of', false],
  ])('%s has a price: %s', (model, isKnown) => {
    expect(listedPrice('https://api.anthropic.com', model, new Date()) !== null).toBe(isKnown);
  });

  it('takes input for cached input where a vendor has no other price', () => {
    const tiers = listedPrice(openai, 'gpt-4', new Date())?.tiers;

    expect(tiers?.[0]?.cachedInput).toBe(tiers?.[0]?.input);
  });

  it('has none for what is not paid by tokens', () => {
    expect(listedPrice(openai, 'whisper-1', new Date())).toBeNull();
  });
});
