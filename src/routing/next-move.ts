import type { ProviderError } from '../providers/port.ts';
import type { FailoverPolicy } from '../templates/templates.table.ts';

/** What is known when an attempt has failed. */
export interface Failed {
  readonly error: Pick<ProviderError, 'code' | 'retryable' | 'retryAfterMs'>;
  /** Whether a reader may have seen some of the attempt's text. */
  readonly hasText: boolean;
  readonly policy: FailoverPolicy;
  /** Calls made by this process for this generation, the failed one included. */
  readonly tries: number;
  /** The models of the route in order; the failed one was `models[(tries - 1) % models.length]`. */
  readonly models: readonly string[];
  /** Until the total deadline. */
  readonly remainingMs: number;
}

/** What to do after it: call a model again after a pause, keep the text there is, or give up. */
export type Move =
  | { readonly kind: 'TRY'; readonly model: string; readonly delayMs: number }
  | { readonly kind: 'KEEP' }
  | { readonly kind: 'FAIL' };

/** Calls for one generation in one process; the total deadline bounds them too. */
export const maxTries = 4;
/** Less time than this is none: a timer that fires a little early must not look like time for one more call, which would cost the text. */
const leastCallMs = 50;
/** A pause before the same model is called again; doubled each time. */
const firstDelayMs = 250;

/**
 * The status table of the stream protocol: before the first token a retryable failure goes to the next model, any other fails;
 * after it the template's policy decides, and what cannot be written anew is kept.
 */
export function nextMove({ error, hasText, policy, tries, models, remainingMs }: Failed): Move {
  const end: Move = { kind: hasText ? 'KEEP' : 'FAIL' };
  if (hasText && policy === 'STOP') return end;
  if (tries >= maxTries || remainingMs < leastCallMs) return end;
  const model = models[tries % models.length];
  const isSameModel = models.length === 1;
  if (model === undefined || (!error.retryable && (isSameModel || !hasText))) return end;
  if (!error.retryable && tries >= models.length) return end;
  const rounds = Math.floor(tries / models.length);
  // A model that was not asked yet is asked at once; only coming back to one is worth a pause.
  const delayMs = rounds === 0 ? 0 : Math.max(error.retryAfterMs ?? 0, firstDelayMs * 2 ** (rounds - 1));
  return delayMs + leastCallMs > remainingMs ? end : { kind: 'TRY', model, delayMs };
}
