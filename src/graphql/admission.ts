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

/** Counts a request of somebody before anything is done for it; throws AppError when it cannot be counted. */
export type Admit = (scope: Scope) => Promise<Admission>;

/** What takes a place for as long as it is open. */
export type Place = 'sockets' | 'subscriptions';

/** Takes a place for somebody; what it gives is called once, when that is free again. Throws AppError. `onLost`: the place was another's. */
export type Enter = (scope: Scope, kind: Place, onLost: (error: AppError) => void) => Promise<() => void>;

/** Throws RATE_LIMITED when the request is refused. */
export function checkAdmission({ refusal }: Admission): void {
  if (refusal) throw new AppError('RATE_LIMITED', refusal.message, { retryAfterMs: refusal.retryAfterMs });
}

/** The limits as the IETF's `RateLimit` and `RateLimit-Policy` fields (draft-ietf-httpapi-ratelimit-headers-10); no fields without limits. */
export function rateLimitHeaders({ quotas, windowSeconds }: Pick<Admission, 'quotas' | 'windowSeconds'>): Record<string, string> {
  if (quotas.length === 0) return {};
  const list = (item: (quota: ShownQuota) => string) => quotas.map((quota) => `"${quota.name}";${item(quota)}`).join(', ');
  return {
    'ratelimit-policy': list(({ most }) => `q=${most};w=${windowSeconds}`),
    ratelimit: list(({ left, resetMs }) => `r=${left};t=${Math.ceil(resetMs / 1_000)}`),
  };
}
