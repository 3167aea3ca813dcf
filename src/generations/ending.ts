import { priceOf } from '../providers/models.ts';
import { ProviderError, type FinishReason, type Usage } from '../providers/port.ts';
import { clean } from './clean.ts';
import type { Ending, Failure } from './finish.ts';
import type { Run } from './run.ts';

/** How one call ended. */
export type Outcome =
  | { readonly kind: 'finished'; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly error: ProviderError }
  | { readonly kind: 'stopped' };

/** Told to a model and shown to people: a list of everything that is missing helps neither. */
const longestFault = 1_000;

const nothingUsed = { finishReason: null, usage: null, costMicros: null } as const;

/** The end of a run whose provider finished. */
export function finished(run: Run, { reason, usage: said }: { reason: FinishReason; usage: Usage }): Ending {
  const isWhole = reason === 'STOP' || reason === 'OTHER';
  const usage = countsOf(said);
  return {
    status: isWhole ? 'SUCCEEDED' : 'INCOMPLETE',
    endedBy: 'FINISHED',
    text: run.text,
    finishReason: reason,
    failure: null,
    usage,
    costMicros: costOf(run.attempt.model, usage),
  };
}

/** The end of a run that nothing more is tried for; `isKept`: what was written of it stays useful. */
export function failed(run: Run, failure: Failure, isKept: boolean): Ending {
  return { ...nothingUsed, status: isKept ? 'INCOMPLETE' : 'FAILED', endedBy: 'FAILED', text: run.text, failure };
}

/** The end of a run that was cancelled. */
export function cancelled(run: Run): Ending {
  return { ...nothingUsed, status: 'CANCELLED', endedBy: 'CANCELLED', text: run.text, failure: null };
}

/** The failure of a stream that said nothing of its end. */
export function cutShort(): ProviderError {
  return new ProviderError('STREAM_CUT', 'the stream ended before its finish signal', { retryable: true });
}

/** The failure of a provider that threw what it must not. */
export function brokenPromise(cause: unknown): ProviderError {
  return new ProviderError('STREAM_MALFORMED', 'the provider failed in a way it must not', { retryable: true, cause });
}

/** A provider's failure as it is stored. */
export function failureOf(error: ProviderError): Failure {
  return { code: error.code, message: clean(error.message), retryable: error.retryable };
}

/** The failure of a text that does not pass the checks, for `fault`. */
export function refusedFor(fault: string): Failure {
  return { code: 'GUARD_FAILED', message: clean(fault.slice(0, longestFault)), retryable: true };
}

/** Counts that a column can hold; what is no count is as good as not said, and never worth losing the text for. */
function countsOf({ inputTokens, outputTokens, cachedInputTokens }: Usage): Usage {
  return {
    inputTokens: countOf(inputTokens),
    outputTokens: countOf(outputTokens),
    cachedInputTokens: countOf(cachedInputTokens),
  };
}

function countOf(tokens: number | null): number | null {
  return Number.isInteger(tokens) && tokens !== null && tokens >= 0 && tokens < 2 ** 31 ? tokens : null;
}

/** Cost in millionths of a dollar; null when a price or a count is unknown. */
function costOf(model: string, { inputTokens, outputTokens, cachedInputTokens }: Usage): number | null {
  const price = priceOf(model);
  if (!price || inputTokens === null || outputTokens === null) return null;
  const cached = cachedInputTokens ?? 0;
  const perMillion =
    (inputTokens - cached) * price.inputMicrosPerMillion +
    cached * price.cachedInputMicrosPerMillion +
    outputTokens * price.outputMicrosPerMillion;
  return Math.round(perMillion / 1_000_000);
}
