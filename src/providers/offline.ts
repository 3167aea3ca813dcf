import { systemClock } from '../kernel/clock.ts';
import { failure } from './failures.ts';
import { offlineModels } from './models.ts';
import type { Provider, StreamPart, TextRequest } from './port.ts';

/** How the offline provider writes. */
export interface OfflineOptions {
  /** Its pace; 0 and Infinity mean as fast as it can. */
  readonly tokensPerSecond: number;
}

type Tokenizer = typeof import('gpt-tokenizer');

/** Letters are text: `<|endoftext|>` in one is thirteen characters and neither an error nor an end. */
const plainText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
/** A word with the white space before it, or the white space at the end. Scripts without spaces still arrive bit by bit. */
const wordPattern = /\s*\S{1,16}|\s+$/gu;

/** Writes the template's own draft, word by word, with no key and no network. The same request gives the same parts. */
export function offline({ tokensPerSecond }: OfflineOptions): Provider {
  const msPerToken = tokensPerSecond > 0 && Number.isFinite(tokensPerSecond) ? 1000 / tokensPerSecond : 0;

  return {
    id: 'offline',
    models: offlineModels,
    acceptsUnknownModels: false,
    isFree: true,
    ignoresMessages: true,
    prepare: () => import('gpt-tokenizer'),
    async *stream(request, { signal }): AsyncGenerator<StreamPart> {
      signal.throwIfAborted();
      if (!offlineModels.some(({ name }) => name === request.model)) {
        throw failure('MODEL_NOT_FOUND', `offline has no model ${request.model.slice(0, 100)}`);
      }
      // Loaded on first use: its vocabulary takes 45 MB and 0.3 s, which a process with vendors' keys never needs.
      const tokenizer = await import('gpt-tokenizer');
      const { words, outputTokens, isCut } = wordsOf(tokenizer, request.draft, request.maxOutputTokens);
      if (words.length === 0) throw failure('EMPTY_COMPLETION', 'offline has no draft to write');

      const startedAt = systemClock.monotonic();
      let tokens = 0;
      for (const word of words) {
        tokens += word.tokens;
        if (msPerToken > 0) await sleepUntil(startedAt + tokens * msPerToken, signal);
        signal.throwIfAborted();
        yield { type: 'text', text: word.text };
      }
      signal.throwIfAborted();
      const usage = { inputTokens: inputTokensOf(tokenizer, request), outputTokens, cachedInputTokens: 0 };
      yield { type: 'finish', reason: isCut ? 'LENGTH' : 'STOP', usage };
    },
  };
}

interface Word {
  readonly text: string;
  readonly tokens: number;
}

/** The draft as words, up to `limit` tokens. A word begins with its white space; none splits a character. */
function wordsOf(tokenizer: Tokenizer, draft: string, limit: number): { words: Word[]; outputTokens: number; isCut: boolean } {
  const texts = draft.toWellFormed().match(wordPattern) ?? [];
  const words: Word[] = [];
  let outputTokens = 0;
  // Counted word by word, not by decoding tokens: the tokenizer's decoder keeps state from call to call, and a cut one spoils the next.
  const take = (text: string): boolean => {
    const tokens = tokenizer.countTokens(text, plainText);
    if (outputTokens + tokens > limit) return false;
    words.push({ text, tokens });
    outputTokens += tokens;
    return true;
  };
  const tooLong = texts.find((text) => !take(text));
  if (tooLong !== undefined) Array.from(tooLong).every(take);
  return { words, outputTokens, isCut: tooLong !== undefined };
}

function inputTokensOf(tokenizer: Tokenizer, request: TextRequest): number {
  return request.messages.reduce((sum, { content }) => sum + tokenizer.countTokens(content.toWellFormed(), plainText), 0);
}

/** Waits until `due` on the monotonic clock; rejects with the signal's reason as soon as it aborts. */
async function sleepUntil(due: number, signal: AbortSignal): Promise<void> {
  const waitMs = due - systemClock.monotonic();
  if (waitMs <= 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  const stop = () => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
