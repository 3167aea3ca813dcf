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

/** How the windows are cut: as in the functions of the database. */
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
  // What is older than the ring was emptied, or is in the place of what comes.
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
