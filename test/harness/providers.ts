import { readFileSync } from 'node:fs';
import type { Provider, ProviderError, StreamPart, TextRequest } from '../../src/providers/port.ts';
import { anthropic } from '../../src/providers/anthropic.ts';
import { google } from '../../src/providers/google.ts';
import { offline } from '../../src/providers/offline.ts';
import { openai } from '../../src/providers/openai.ts';
import { pollable } from '../../src/kernel/pollable.ts';

/** The key every provider under test gets; it may show up nowhere. */
export const canaryKey = 'sk-canary-4f1b9c6e2d7a8053';

/** The bytes of a recorded stream. */
export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../fixtures/providers/${name}`, import.meta.url));
}

/** A provider that talks to a vendor, and what its vendor puts on the wire. */
export interface VendorSubject {
  readonly name: string;
  readonly provider: (mockUrl: string) => Provider;
  /** Where it calls. */
  readonly path: string;
  /** A whole stream, and the text that must stand in it for the finish signal to be complete. */
  readonly recorded: string;
  readonly finishSignal: string;
}

export const vendors: readonly VendorSubject[] = [
  {
    name: 'openai chat',
    provider: (url) => openai({ apiKey: canaryKey, baseURL: `${url}/v1` }),
    path: '/v1/chat/completions',
    recorded: 'openai-chat.sse',
    finishSignal: '"finish_reason":"stop"',
  },
  {
    name: 'openai responses',
    provider: (url) => openai({ apiKey: canaryKey, baseURL: `${url}/v1`, api: 'responses' }),
    path: '/v1/responses',
    recorded: 'openai-responses.sse',
    finishSignal: '"type":"response.completed"',
  },
  {
    name: 'anthropic',
    provider: (url) => anthropic({ apiKey: canaryKey, baseURL: url }),
    path: '/v1/messages',
    recorded: 'anthropic-messages.sse',
    finishSignal: '"type":"message_stop"',
  },
  {
    name: 'google',
    provider: (url) => google({ apiKey: canaryKey, baseURL: url }),
    path: '/v1beta/models/draft:streamGenerateContent?alt=sse',
    recorded: 'google-generate-content.sse',
    finishSignal: '"finishReason":"STOP"',
  },
];

/** The offline provider, as fast as it can or at a pace. */
export const offlineAt = (tokensPerSecond: number): Provider => offline({ tokensPerSecond });

/** A request that fits any provider. */
export function textRequest(change: Partial<TextRequest> = {}): TextRequest {
  return {
    model: 'draft',
    messages: [
      { role: 'system', content: 'You write letters.' },
      { role: 'user', content: 'Write one to Ms 山田.' },
    ],
    draft: 'Dear Ms 山田, I am glad 👩‍💻 to apply.\n\nYours,\nAda 𝒢',
    maxOutputTokens: 800,
    temperature: null,
    ...change,
  };
}

/** What a stream gave before it ended, and how it ended. */
export interface Outcome {
  readonly parts: StreamPart[];
  readonly text: string;
  readonly error: unknown;
}

/** Reads a stream to its end, whichever it is, as the engine does: polled, if it can be. */
export async function outcomeOf(stream: AsyncIterable<StreamPart>): Promise<Outcome> {
  const parts: StreamPart[] = [];
  let error: unknown = null;
  try {
    for await (const part of polled(stream)) parts.push(part);
  } catch (caught) {
    error = caught;
  }
  return { parts, text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''), error };
}

async function* polled(stream: AsyncIterable<StreamPart>): AsyncGenerator<StreamPart> {
  const source = pollable(stream[Symbol.asyncIterator]());
  if (source === null) return yield* stream;
  for (;;) {
    const part = source.poll();
    if (part === 'later') await new Promise<void>((resolve) => source.whenReady(resolve));
    else if (part !== 'ask') yield part;
    else {
      const step = await source.next();
      if (step.done) return;
      yield step.value;
    }
  }
}

/** The code a stream failed with; null when it did not. */
export function codeOf({ error }: Outcome): string | null {
  return error === null ? null : ((error as Partial<ProviderError>).code ?? (error as Error).message);
}

/** A `fetch` that answers with these bytes, in these chunks, without a network; it counts its calls. */
export function cannedFetch(
  chunks: readonly Uint8Array[],
  { status = 200, contentType = 'text/event-stream' } = {},
): typeof fetch & { calls: number } {
  const canned = Object.assign(
    () => {
      canned.calls += 1;
      return Promise.resolve(new Response(bodyOf(chunks), { status, headers: { 'content-type': contentType } }));
    },
    { calls: 0 },
  );
  return canned;
}

function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** A body that stays open after these events until `close`; it ignores every signal, and says when it is cancelled. */
export function openBody(events: readonly string[]) {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const seen = { isCancelled: false };
  let close = (): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const event of events) controller.enqueue(new TextEncoder().encode(event));
      close = () => controller.close();
    },
    cancel() {
      seen.isCancelled = true;
      resolve();
    },
  });
  return { body, cancelled, close: () => close(), isCancelled: () => seen.isCancelled };
}
