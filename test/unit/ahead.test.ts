import { beforeEach, describe, expect, it } from 'vitest';
import { Ahead, nothingAhead, type Bounds } from '../../src/limits/ahead.ts';
import type { Quota } from '../../src/limits/quota.ts';

const costLimit = { maximum: 1_000_000, restoreRate: 1 };
const bounds: Bounds = { most: 10_000, keyMost: 10_000, tenantMost: 60_000, costLimit };
const member = (left: number, resetMs = 60_000): Quota => ({ name: 'member', most: 10_000, left, resetMs });
const tenant = (left: number, resetMs = 60_000): Quota => ({ name: 'tenant', most: 60_000, left, resetMs });
const plenty = [member(9_000), tenant(59_000)];
const cost = (amount: number, epoch = 7, left = 900_000) => ({ amount, epoch, left });

let ahead: Ahead;
beforeEach(() => {
  ahead = new Ahead(0);
});
/** Asks so often, of what may be there, at a cost of 10. */
const use = (times: number, now: number, by = bounds, each = 10): number =>
  Array.from({ length: times }, () => ahead.use(each, by, now)).filter((verdict) => verdict !== null).length;

it('admits what was counted, and no more', () => {
  expect(use(3, 0)).toBe(0);
  ahead.refill({ count: 5, cost: cost(50), quotas: plenty }, bounds, 0);
  expect(ahead.use(10, bounds, 1)).toEqual({
    isAdmitted: true,
    refusedBy: null,
    quotas: plenty,
    cost: { isReserved: true, left: 900_040, epoch: 7 },
  });
  expect(use(10, 1)).toBe(4);
});

it('admits none that is not paid for', () => {
  ahead.refill({ count: 5, cost: cost(25), quotas: plenty }, bounds, 0);
  expect(use(5, 1)).toBe(2);
});

it('pays nothing where costs have no limit', () => {
  const free = { ...bounds, costLimit: { maximum: 0, restoreRate: 1 } };
  ahead.refill({ count: 1, cost: null, quotas: plenty }, free, 0);
  expect(ahead.use(10, free, 1)?.cost).toBeNull();
});

describe('what was counted is for nobody', () => {
  const changed: [string, Bounds][] = [
    ['the member’s limit', { ...bounds, most: 9_999 }],
    ['the key’s limit', { ...bounds, keyMost: 9_999 }],
    ['the tenant’s limit', { ...bounds, tenantMost: 59_999 }],
    ['the limit of costs', { ...bounds, costLimit: { ...costLimit, maximum: 1 } }],
  ];
  it.each(changed)('when %s has changed', (_name, by) => {
    ahead.refill({ count: 5, cost: cost(50), quotas: plenty }, bounds, 0);
    expect(use(5, 1, by)).toBe(0);
  });

  it('when the first of its windows has ended', () => {
    ahead.refill({ count: 5, cost: cost(50), quotas: [member(9_000, 20_000), tenant(59_000, 10_000)] }, bounds, 1_000);
    expect(use(1, 10_999)).toBe(1);
    expect(use(4, 11_000)).toBe(0);
  });

  it('when another window is counted in by now, of the member or the tenant', () => {
    for (const quotas of [
      [member(9_000, 60_000), tenant(59_000, 1_000)],
      [member(9_000, 1_000), tenant(59_000, 60_000)],
    ]) {
      ahead = new Ahead(0);
      ahead.refill({ count: 5, cost: cost(50), quotas: [member(9_000, 1_000), tenant(59_000, 1_000)] }, bounds, 0);
      expect(ahead.refill({ count: 1, cost: cost(10), quotas }, bounds, 10)).toMatchObject({ epoch: 7, amount: 50 });
      expect(use(6, 11)).toBe(1);
    }
  });

  it('when its reservation may be dropped soon', () => {
    ahead.refill({ count: 5, cost: cost(50), quotas: plenty }, bounds, 0);
    expect(use(1, 29_999)).toBe(1);
    expect(use(1, 30_000)).toBe(0);
  });
});

it('keeps what is left of the same windows, and gives back what was reserved under another name', () => {
  ahead.refill({ count: 5, cost: cost(50), quotas: plenty }, bounds, 0);
  use(1, 1);
  expect(
    ahead.refill({ count: 2, cost: cost(20), quotas: [member(8_990, 59_990), tenant(58_990, 59_990)] }, bounds, 10),
  ).toBeNull();
  expect(use(1, 11)).toBe(1);
  expect(ahead.refill({ count: 2, cost: cost(20, 8), quotas: plenty }, bounds, 20)).toMatchObject({ epoch: 7, amount: 50 });
  expect(use(9, 21)).toBe(2);
});

it('tells of a window’s end as it is now, every second', () => {
  ahead.refill({ count: 5, cost: cost(50), quotas: plenty }, bounds, 0);
  const told = [500, 1_500, 1_900, 3_000].map((now) => ahead.use(10, bounds, now)?.quotas[0]?.resetMs);
  expect(told).toEqual([60_000, 58_500, 58_500, 57_000]);
});

describe('the next statement takes', () => {
  /** After so many in 100 ms. */
  const wanted = (times: number, quotas = plenty, by = bounds, left = 900_000, each = 10) => {
    ahead.refill({ count: 0, cost: cost(0, 7, left), quotas }, by, 0);
    use(times, 100, by, each);
    return ahead.wanted(by, 100);
  };

  it('what comes in 250 ms', () => expect(wanted(16)).toEqual({ count: 40, cost: 400 }));
  it('a two-hundredth of the limit at most', () => expect(wanted(1_000)).toEqual({ count: 50, cost: 500 }));
  it('and of the key’s', () => expect(wanted(1_000, plenty, { ...bounds, keyMost: 1_000 })).toEqual({ count: 5, cost: 50 }));
  it('and of what may be spent', () => expect(wanted(1_000, plenty, bounds, 900_000, 1_000)).toEqual({ count: 5, cost: 5_000 }));
  it('what they cost on average, and the dearest of them where that is more', () => {
    const mixed = (cheap: number, inMs: number): unknown => {
      ahead.refill({ count: 0, cost: cost(0), quotas: plenty }, bounds, 0);
      use(cheap, 50, bounds, 2);
      use(1, 60, bounds, 44);
      return ahead.wanted(bounds, inMs);
    };
    expect(mixed(15, 100)).toEqual({ count: 40, cost: 185 });
    expect(mixed(7, 1_000)).toEqual({ count: 2, cost: 44 });
  });
  it('nothing while little is asked for', () => {
    ahead.refill({ count: 0, cost: cost(0), quotas: plenty }, bounds, 0);
    use(3, 500);
    expect(ahead.wanted(bounds, 1_000)).toEqual(nothingAhead);
  });
  it('nothing of a small limit', () => expect(wanted(1_000, plenty, { ...bounds, most: 199 })).toEqual(nothingAhead));
  it('nothing when half of a limit is gone', () => {
    expect(wanted(1_000, [member(4_999), tenant(59_000)])).toEqual(nothingAhead);
    expect(wanted(1_000, [member(9_000), tenant(29_999)])).toEqual(nothingAhead);
    expect(wanted(1_000, plenty, bounds, 499_999)).toEqual(nothingAhead);
  });
  it('nothing before anything is known', () => {
    use(1_000, 1);
    expect(ahead.wanted(bounds, 1)).toEqual(nothingAhead);
  });
});
