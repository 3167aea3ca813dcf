import type { Clock } from '../kernel/clock.ts';
import { withDeadlines } from '../providers/deadlines.ts';
import { ProviderError, type Provider, type TextRequest, type Usage } from '../providers/port.ts';

/** What a model said to a small question. */
export interface Answer {
  /** From the call to its first text; null when there was none. */
  readonly firstTokenMs: number | null;
  /** Why it does not work; null when it does. */
  readonly failure: Pick<ProviderError, 'code' | 'message' | 'retryable'> | null;
  /** What it used; null when nobody knows, as of a call that we ended at its first text. */
  readonly usage: Usage | null;
}

/** What a trial is made with. */
export interface Trial {
  readonly provider: Provider;
  /** The provider's own name of the model. */
  readonly model: string;
  /** The key to call with; null for the installation's. */
  readonly apiKey: string | null;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const longestMs = 15_000;
/** What every model is asked. */
export const question: Omit<TextRequest, 'model'> = {
  messages: [{ role: 'user', content: 'Answer with the word OK.' }],
  draft: 'OK',
  maxOutputTokens: 64,
  temperature: null,
};

/** Asks a model for a word, and ends the call at its first text: by then it is known that the provider takes key and request. */
export async function tryModel({ provider, model, apiKey, fetch, clock, signal }: Trial): Promise<Answer> {
  const startedAt = clock.monotonic();
  const call = (ended: AbortSignal) => provider.stream({ ...question, model }, { signal: ended, fetch, apiKey });
  const parts = withDeadlines(call, { firstTokenMs: longestMs, idleMs: longestMs, totalMs: longestMs, clock, signal });
  try {
    const { value: part } = await parts.next();
    return { firstTokenMs: part?.type === 'text' ? clock.monotonic() - startedAt : null, failure: null, usage: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // The request was taken, so the model works: one that thinks first can use up its few tokens without a word.
    if (error.code === 'EMPTY_COMPLETION') return { firstTokenMs: null, failure: null, usage: error.usage };
    return refusedBy(error);
  } finally {
    await parts.return?.();
  }
}

/** A failure as an answer. A plain object, since GraphQL would throw an Error. */
export function refusedBy({ code, message, retryable, usage }: ProviderError): Answer {
  return { firstTokenMs: null, failure: { code, message, retryable }, usage };
}
