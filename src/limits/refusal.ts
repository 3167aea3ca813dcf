import type { AdmissionRefusal } from '../graphql/admission.ts';
import { waitFor, type CostLimit } from './cost.ts';
import { keyLimitNames, limitNames } from './names.ts';
import type { Verdict } from './verdict.ts';
import { windowSeconds, type Quota, type RateName } from './quota.ts';

const words: Readonly<Record<RateName, string>> = {
  member: 'requests of a member',
  key: 'requests of a key',
  tenant: 'requests of a tenant',
  starts: 'generations that a member starts',
  keyStarts: 'generations that are started with a key',
};

/** Whose unfinished generations a limit counts, by its name. */
export const roomWords: Readonly<Record<string, string>> = {
  [limitNames.memberGenerations]: 'of a member',
  [limitNames.tenantGenerations]: 'of a tenant',
  [keyLimitNames.generations]: 'of a key',
};

/** What to tell a caller whom a limit refuses. */
export function refusalBy(quota: Quota | null): { message: string; retryAfterMs: number } {
  // Nobody should be refused without a limit that does it. If it happens all the same the wait is short.
  if (!quota) return { message: 'a limit is reached', retryAfterMs: 1_000 };
  return {
    message: `the limit of ${quota.most} ${words[quota.name]} in ${windowSeconds} s is reached`,
    retryAfterMs: quota.resetMs,
  };
}

/** What to tell a caller whose operation costs too much; null when it may run. */
export function refusalByCost(
  requested: number,
  { isReserved, left }: NonNullable<Verdict['cost']>,
  costLimit: CostLimit,
): AdmissionRefusal | null {
  if (requested > costLimit.maximum) {
    const message = `the operation could cost ${requested}, more than the ${costLimit.maximum} that a tenant can have at once`;
    return { code: 'LIMIT_EXCEEDED', message, retryAfterMs: null };
  }
  if (isReserved) return null;
  const message = `the operation could cost ${requested}, and the tenant has ${left} of ${costLimit.maximum} left`;
  return { code: 'RATE_LIMITED', message, retryAfterMs: waitFor(requested, left, costLimit) };
}
