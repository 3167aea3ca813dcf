import type { AppError } from '../kernel/errors.ts';
import { ProviderError, type FinishReason, type Usage } from '../providers/port.ts';
import { clean } from './clean.ts';
import type { Ending, Failure } from './finish.ts';
import type { Run } from './run.ts';
import type { Spent } from './spent.ts';

/** How one call ended. */
export type Outcome =
  | { readonly kind: 'finished'; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly error: ProviderError }
  /** Its text does not pass the checks, for `fault`. */
  | { readonly kind: 'refused'; readonly fault: string; readonly usage: Usage | null }
  | { readonly kind: 'stopped' };

/** Told to a model and shown to people: a list of everything that is missing helps neither. */
const longestFault = 1_000;

/** The end of a run whose provider finished. */
export function finished(run: Run, reason: FinishReason, spent: Spent): Ending {
  const isWhole = reason === 'STOP' || reason === 'OTHER';
  return {
    status: isWhole ? 'SUCCEEDED' : 'INCOMPLETE',
    endedBy: 'FINISHED',
    text: run.text,
    finishReason: reason,
    failure: null,
    spent,
  };
}

/** The end of a run that nothing more is tried for; `isKept`: what was written of it stays useful. */
export function failed(run: Run, failure: Failure, isKept: boolean, spent: Spent): Ending {
  const status = isKept ? 'INCOMPLETE' : 'FAILED';
  return { status, endedBy: 'FAILED', text: run.text, finishReason: null, failure, spent };
}

/** The end of a run that was cancelled. */
export function cancelled(run: Run, spent: Spent): Ending {
  return { status: 'CANCELLED', endedBy: 'CANCELLED', text: run.text, finishReason: null, failure: null, spent };
}

/** The failure of a stream that said nothing of its end. */
export function cutShort(): ProviderError {
  return new ProviderError('STREAM_CUT', 'the stream ended before its finish signal', { retryable: true });
}

/** The failure of a model that refused to go on behind some text. */
export function refusedMidway(usage: Usage): ProviderError {
  return new ProviderError('CONTENT_REFUSED', 'the model refused to write this to its end', { retryable: false, usage });
}

/** The failure of a provider that threw what it must not. */
export function brokenPromise(cause: unknown): ProviderError {
  return new ProviderError('STREAM_MALFORMED', 'the provider failed in a way it must not', { retryable: true, cause });
}

/** The failure of a generation whose time was over while nobody was writing it, or while it followed another. */
export const outOfTime: Failure = { code: 'TIMEOUT', message: 'the total deadline ran out', retryable: true };

/** The failure of a generation whose next call a budget has no room for. */
export function unpaid({ code, message, retryAfterMs }: AppError): Failure {
  return { code: code === 'PRICE_UNKNOWN' ? code : 'BUDGET_EXCEEDED', message: clean(message), retryable: retryAfterMs !== null };
}

/** A provider's failure as it is stored. */
export function failureOf(error: ProviderError): Failure {
  return { code: error.code, message: clean(error.message), retryable: error.retryable };
}

/** The failure of a text that does not pass the checks, for `fault`. */
export function refusedFor(fault: string): Failure {
  return { code: 'GUARD_FAILED', message: clean(fault.slice(0, longestFault)), retryable: true };
}
