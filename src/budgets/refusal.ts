import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { BudgetPeriod, BudgetSubject, BudgetUnit } from './budgets.table.ts';

/** What the database says of the budget that refuses. */
interface Said {
  readonly budget: string;
  readonly subject: BudgetSubject;
  readonly unit: BudgetUnit;
  readonly period: BudgetPeriod;
  readonly most: number;
  /** The rest only where it has no room. */
  readonly left?: number;
  readonly needed?: number;
  /** Milliseconds since 1970; null when nothing is settled. */
  readonly resetsAt?: number | null;
}

const whose: Record<BudgetSubject, string> = { TENANT: 'tenant', TEAM: 'team', KEY: 'key', MEMBER: 'member' };
const units: Record<BudgetUnit, string> = {
  COST_MICROS: 'millionths of a US dollar',
  TOKENS: 'tokens',
  GENERATIONS: 'generations',
};
const periods: Record<BudgetPeriod, string> = { DAY: '24 hours', WEEK: '7 days', MONTH: '30 days' };

/** What to say when a statement failed because a budget refused; null when it failed for another reason. */
export function refusalOf(error: unknown, now: Date): AppError | null {
  const { code, detail } = error as { code?: unknown; detail?: string };
  if (code !== 'DW003' && code !== 'DW004') return null;
  const { budget, ...said } = JSON.parse(detail ?? '{}') as Said;
  const id = idOfUuid('bud', budget);
  const cap = `the ${whose[said.subject]}’s budget of ${said.most} ${units[said.unit]} in ${periods[said.period]} (${id})`;
  if (code === 'DW004') {
    const message = `the price of a model that may be called is not known, which ${cap} does not allow`;
    return new AppError('PRICE_UNKNOWN', message, { details: { budget: id, ...said } });
  }
  const { left = 0, needed = 0, most } = said;
  const resetsAt = said.resetsAt == null ? null : new Date(said.resetsAt);
  const when =
    needed > most
      ? 'it is more than the whole of it'
      : resetsAt === null
        ? 'it resets when what is under way has ended'
        : `it resets at ${resetsAt.toISOString()}`;
  return new AppError('BUDGET_EXCEEDED', `${cap} has ${left} left and this may take ${needed}: ${when}`, {
    details: { budget: id, ...said, resetsAt: resetsAt?.toISOString() ?? null },
    ...(needed <= most && resetsAt && { retryAfterMs: Math.min(2 ** 31 - 1, Math.max(0, resetsAt.getTime() - now.getTime())) }),
  });
}
