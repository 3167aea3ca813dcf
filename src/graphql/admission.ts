import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';

/** A limit as a caller is told about it. */
export interface ShownQuota {
  readonly name: string;
  /** Allowed in a window. */
  readonly most: number;
  readonly left: number;
  /** Milliseconds until a new window begins. */
  readonly resetMs: number;
}

/** What the limits say about a request. */
export interface Admission {
  /** Why it may not run; null when it may. */
  readonly refusal: { readonly message: string; readonly retryAfterMs: number } | null;
  readonly quotas: readonly ShownQuota[];
  /** How long the window of each is. */
  readonly windowSeconds: number;
}

/** Counts a request of somebody, at once where that takes no look at the database; throws AppError when it cannot be counted. */
export type Admit = (scope: Scope) => Admission | Promise<Admission>;

/** The error that says why a request is refused; null when it may run. */
export function refusalOf({ refusal }: Admission): AppError | null {
  return refusal && new AppError('RATE_LIMITED', refusal.message, { retryAfterMs: refusal.retryAfterMs });
}

/** What was written last: all who were counted by one statement are told of the same quotas. */
let latest: { readonly quotas: readonly ShownQuota[]; readonly headers: Readonly<Record<string, string>> } = {
  quotas: [],
  headers: {},
};

/** The limits as the IETF's `RateLimit` and `RateLimit-Policy` fields (draft-ietf-httpapi-ratelimit-headers-10); no fields without limits. */
export function rateLimitHeaders({
  quotas,
  windowSeconds,
}: Pick<Admission, 'quotas' | 'windowSeconds'>): Readonly<Record<string, string>> {
  if (quotas.length === 0) return {};
  if (latest.quotas !== quotas) latest = { quotas, headers: fieldsOf(quotas, windowSeconds) };
  return latest.headers;
}

function fieldsOf(quotas: readonly ShownQuota[], windowSeconds: number): Record<string, string> {
  const list = (item: (quota: ShownQuota) => string) => quotas.map((quota) => `"${quota.name}";${item(quota)}`).join(', ');
  return {
    'ratelimit-policy': list(({ most }) => `q=${most};w=${windowSeconds}`),
    ratelimit: list(({ left, resetMs }) => `r=${left};t=${Math.ceil(resetMs / 1_000)}`),
  };
}
