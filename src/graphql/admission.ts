import { GraphQLError } from 'graphql';
import type { AppError, ErrorCode } from '../kernel/errors.ts';
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

/** What a tenant's operations may still cost. */
export interface ThrottleStatus {
  /** What there is when nothing was asked for a while: no operation may cost more. */
  readonly maximumAvailable: number;
  readonly currentlyAvailable: number;
  /** What comes back in a second. */
  readonly restoreRate: number;
}

/** What was reserved for an operation. */
export interface Charge {
  readonly status: ThrottleStatus;
  /** Gives back what was reserved too much, or takes what was too little; once, later calls do nothing. */
  settle(actual: number): void;
  /** Takes for what is done after it was settled. */
  spend(cost: number): void;
}

/** Why a request may not run. */
export interface AdmissionRefusal {
  /** RATE_LIMITED, or LIMIT_EXCEEDED for what can never run. */
  readonly code: Extract<ErrorCode, 'RATE_LIMITED' | 'LIMIT_EXCEEDED'>;
  readonly message: string;
  /** Null when waiting does not help. */
  readonly retryAfterMs: number | null;
}

/** What the limits say about a request. */
export interface Admission {
  /** Why it may not run; null when it may. */
  readonly refusal: AdmissionRefusal | null;
  readonly quotas: readonly ShownQuota[];
  /** How long the window of each is. */
  readonly windowSeconds: number;
  /** What its cost left of the tenant's; null where costs have no limit. */
  readonly throttle: ThrottleStatus | null;
  /** What it has to settle when it is done; null when it does not run, or where costs have no limit. */
  readonly charge: Charge | null;
}

/**
 * Counts a request of somebody, at once where that takes no look at the database; throws AppError when it cannot be counted. `costOf` is
 * called, at most once, when the request may have to pay: not when it is refused before that. `begunOf` then gives the scope of the operation that is
 * being asked for, which services are shown; null when there is none.
 */
export type Admit = (scope: Scope, costOf: () => number, begunOf?: () => Scope | null) => Admission | Promise<Admission>;

/** What takes a place for as long as it is open. */
export type Place = 'sockets' | 'subscriptions';

/** Takes a place for somebody; what it gives is called once, when that is free again. Throws AppError. `onLost`: the place was another's. */
export type Enter = (scope: Scope, kind: Place, onLost: (error: AppError) => void) => Promise<() => void>;

/** `extensions.cost` of an answer and of an error; `actual` is null for what did not run. */
export function shownCost(requested: number, actual: number | null, throttleStatus: ThrottleStatus) {
  return { requestedQueryCost: requested, actualQueryCost: actual, throttleStatus };
}

/** The error of a refused request; null when it is admitted. `requested` is its cost. */
export function admissionError({ refusal, throttle }: Admission, requested: number): GraphQLError | null {
  if (!refusal) return null;
  const { code, message, retryAfterMs } = refusal;
  const cost = throttle && shownCost(requested, null, throttle);
  return new GraphQLError(message, {
    extensions: { code, ...(retryAfterMs !== null && { retryAfterMs }), ...(cost && { cost }) },
  });
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
