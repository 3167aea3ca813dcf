import { describe, expect, it } from 'vitest';
import { hedgeOf, readHedging } from '../../src/routing/hedging.ts';
import { Reading } from '../../src/routing/reading.ts';
import { quantileOf, bucketOf, bucketTop, weightOf, type Histogram } from '../../src/routing/histogram.ts';
import { randomOf } from '../harness/random.ts';

const histogramOf = (times: readonly number[], weight = 1): Histogram => {
  const counts: Record<string, number> = {};
  for (const ms of times) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + weight;
  return { counts };
};
const hedging = (hedge: unknown, hedgeAfterMs?: unknown) => readHedging(new Reading(hedge, []), new Reading(hedgeAfterMs, []));

describe('how long calls have taken', () => {
  it.each([0, 0.4, 1, 1.05, 49, 50, 1_234, 119_999])('is at most a tenth too much for %s ms', (ms) => {
    const told = bucketTop(bucketOf(ms));
    expect(told).toBeGreaterThanOrEqual(Math.min(ms, told));
    expect(told).toBeGreaterThanOrEqual(ms);
    expect(told).toBeLessThanOrEqual(Math.max(1, ms) * 1.1 + 1e-6);
  });

  it('has an end', () => {
    expect(bucketOf(1e12)).toBe(bucketOf(600_000));
  });

  it.each([20, 21, 37, 400])('has the 95th of a hundred of %i calls, whatever they took', (calls) => {
    const random = randomOf(calls);
    const times = Array.from({ length: calls }, () => random.whole(1, 20_000));
    const exact = times.toSorted((a, b) => a - b)[Math.ceil(calls * 0.95) - 1] ?? 0;
    const told = quantileOf(histogramOf(times), 0.95) ?? 0;
    expect(told).toBeGreaterThanOrEqual(exact);
    expect(told).toBeLessThanOrEqual(exact * 1.1 + 1e-6);
  });

  it('does not depend on how long ago all of them were', () => {
    const times = Array.from({ length: 40 }, (_, index) => 100 + index);
    expect(quantileOf(histogramOf(times, 0.3), 0.95)).toBe(quantileOf(histogramOf(times), 0.95));
    expect(weightOf(histogramOf(times, 0.3))).toBeCloseTo(12);
  });

  it('is nothing without calls', () => {
    expect(quantileOf({ counts: {} }, 0.95)).toBeNull();
  });
});

describe('when a second model is asked', () => {
  const quick = histogramOf([...Array.from({ length: 19 }, () => 400), 9_000]);

  it('is never unless somebody said so', () => {
    expect(hedging(undefined)).toBeNull();
    expect(hedgeOf(null, quick)).toBeNull();
  });

  it.each([{}, { after: 'P95' }])('is by the 95th of a hundred when %j is all that is said', (said) => {
    const hedge = hedgeOf(hedging(said), quick);
    expect(hedge).toEqual({ afterMs: hedge?.p95Ms, basis: 'P95', p95Ms: hedge?.afterMs, calls: 20 });
    expect(hedge?.afterMs).toBeGreaterThanOrEqual(400);
    expect(hedge?.afterMs).toBeLessThanOrEqual(440);
  });

  it('is two seconds, or as said, while fewer than twenty calls are known', () => {
    const few = histogramOf(Array.from({ length: 19 }, () => 400));
    expect(hedgeOf(hedging({}), few)).toMatchObject({ afterMs: 2_000, basis: 'UNTIL_KNOWN', calls: 19 });
    expect(hedgeOf(hedging({ untilKnownMs: 700 }), few)).toMatchObject({ afterMs: 700, basis: 'UNTIL_KNOWN' });
    expect(hedgeOf(hedging({}), null)).toEqual({ afterMs: 2_000, basis: 'UNTIL_KNOWN', p95Ms: null, calls: 0 });
    // Twenty that are as old as the half of them count as ten.
    expect(
      hedgeOf(
        hedging({}),
        histogramOf(
          Array.from({ length: 20 }, () => 400),
          0.5,
        ),
      )?.basis,
    ).toBe('UNTIL_KNOWN');
  });

  it('is never at once, and never hours away', () => {
    expect(hedgeOf(hedging({}), histogramOf(Array.from({ length: 20 }, () => 3)))?.afterMs).toBe(50);
    expect(hedgeOf(hedging({}), histogramOf(Array.from({ length: 20 }, () => 500_000)))?.afterMs).toBe(120_000);
  });

  it('is what a number says, whatever is known', () => {
    for (const said of [hedging({ after: 300 }), hedging(undefined, 300)])
      expect(hedgeOf(said, quick)).toMatchObject({ afterMs: 300, basis: 'FIXED', calls: 20 });
  });

  it('stays where it is when those that are late are given up then', () => {
    // Of a hundred calls five are late, and counted as if they had come when the other model did.
    const times = Array.from({ length: 100 }, (_, index) => (index < 95 ? 300 : 20_000));
    const before = hedgeOf(hedging({}), histogramOf(times))?.afterMs ?? 0;
    const cut = times.map((ms) => (ms > before ? before + 50 : ms));
    expect(hedgeOf(hedging({}), histogramOf(cut))?.afterMs).toBe(before);
  });
});
