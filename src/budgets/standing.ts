import type { BudgetPeriod, BudgetRow } from './budgets.table.ts';

/** How much of a budget is used. */
export interface Standing {
  /** What was used in the window. */
  readonly settled: number;
  /** What calls under way have reserved. */
  readonly outstanding: number;
  readonly left: number;
  /** When the oldest of what is settled leaves the window; null when nothing is settled. */
  readonly resetsAt: Date | null;
}

/** How the windows are cut into slices, the running one included. The functions of the database do the same. */
const cuts: Record<BudgetPeriod, { readonly sliceMs: number; readonly slices: number }> = {
  DAY: { sliceMs: 3_600_000, slices: 25 },
  WEEK: { sliceMs: 21_600_000, slices: 29 },
  MONTH: { sliceMs: 86_400_000, slices: 31 },
};

/** How a budget stands at a moment. */
export function standingAt(
  { period, most, outstanding, slices, slice }: Pick<BudgetRow, 'period' | 'most' | 'outstanding' | 'slices' | 'slice'>,
  now: Date,
): Standing {
  const { sliceMs, slices: size } = cuts[period];
  const latest = Math.max(slice, Math.floor(now.getTime() / sliceMs));
  let settled = 0;
  let oldest: number | null = null;
  // Older slices are not counted: their places in the ring are for those to come.
  for (let each = latest - size + 1; each <= slice; each++) {
    const used = slices[each % size] ?? 0;
    settled += used;
    if (used > 0) oldest ??= each;
  }
  return {
    settled,
    outstanding,
    left: Math.max(0, most - settled - outstanding),
    resetsAt: oldest === null ? null : new Date((oldest + size) * sliceMs),
  };
}
