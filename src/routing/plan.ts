import type { ProviderErrorCode } from '../providers/port.ts';

/** Why a call failed, as routes tell causes apart. */
export const causeNames = ['RATE_LIMIT', 'OVERLOAD', 'CONTEXT_TOO_LONG', 'CONTENT_REFUSED', 'TIMEOUT', 'AUTH', 'OTHER'] as const;
export type Cause = (typeof causeNames)[number];

/** What a caller may ask a model to write at most, in tokens. */
export const mostOutputTokens = 32_000;

/** How often and how patiently the same model is asked: `tries` are calls, the first one included; the pause doubles from the first delay to the longest. */
export interface RetryPolicy {
  readonly tries: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** Which models may write a generation, and how. Made when it starts, and again when it is taken over. */
export interface RoutePlan {
  /** The route and its version; null for a model that was named. */
  readonly route: { readonly id: string; readonly version: number } | null;
  /** Model ids in the order of trying; never empty. */
  readonly models: readonly string[];
  /** Models to try instead of the next one after a failure by this cause. */
  readonly branches: Partial<Record<Cause, readonly string[]>>;
  /** How often and how patiently the same model is asked again, by cause; defaults where absent. */
  readonly retry: Partial<Record<Cause, RetryPolicy>>;
  /** Start a second model when the first token is later than this; null: never. */
  readonly hedgeAfterMs: number | null;
}

/** A plan of models in their order, and nothing else. */
export function planOf(models: readonly string[]): RoutePlan {
  return { route: null, models, branches: {}, retry: {}, hedgeAfterMs: null };
}

/** The cause by which routes know a provider's failure. */
export function causeOf(code: ProviderErrorCode): Cause {
  return causes[code];
}

/** A key that is not accepted and an account without money are the same to a route: nothing there works until somebody acts. */
const causes: Readonly<Record<ProviderErrorCode, Cause>> = {
  RATE_LIMITED: 'RATE_LIMIT',
  OVERLOADED: 'OVERLOAD',
  NETWORK: 'OVERLOAD',
  STREAM_CUT: 'OVERLOAD',
  CONTEXT_TOO_LONG: 'CONTEXT_TOO_LONG',
  CONTENT_REFUSED: 'CONTENT_REFUSED',
  TIMEOUT: 'TIMEOUT',
  PROVIDER_AUTH: 'AUTH',
  PROVIDER_QUOTA: 'AUTH',
  CREDENTIAL_UNREADABLE: 'AUTH',
  STREAM_MALFORMED: 'OTHER',
  EMPTY_COMPLETION: 'OTHER',
  INVALID_REQUEST: 'OTHER',
  MODEL_NOT_FOUND: 'OTHER',
};
