import { failure, failureOf, scrub } from './failures.ts';
import { errorIn, parsed } from './json.ts';
import { ProviderError, type FinishReason, type StreamPart, type Usage } from './port.ts';
import { SseSplitter, type SseEvent } from './sse.ts';

/** One vendor's stream protocol: a small state machine without any I/O, one instance per response. */
export interface Converter {
  /** What this event means; null when it means nothing to a reader. After a finish it is not asked again. Throws ProviderError. */
  take(event: SseEvent): StreamPart | null;
  /** The finish, when the vendor's finish signal came although its last words did not; null when the stream was cut. */
  end(): StreamPart | null;
}

/** Whose response is read. */
export interface Reading {
  /** The vendor, as our messages name it. */
  readonly provider: string;
  readonly converter: Converter;
  readonly signal: AbortSignal;
  readonly secrets: readonly string[];
}

/** How long a body may go on after the finish before its connection is given up instead of kept for the next call. */
const drainMs = 250;
const longestErrorBody = 16_384;

/** Reads a response as parts of the port: text, then exactly one finish, or a throw. The connection is released in each case. */
export async function* readParts(response: Response, reading: Reading): AsyncGenerator<StreamPart> {
  const { provider, converter, signal } = reading;
  signal.throwIfAborted();
  const contentType = response.headers.get('content-type') ?? '';
  if (/^(text\/html|application\/json)/i.test(contentType)) throw await unexpectedBody(response.body, contentType, reading);
  if (response.body === null) throw failure('STREAM_CUT', `${provider} answered without a body`);

  const reader = response.body.getReader();
  // Cancelling ends a pending read at once, even where a `fetch` does not heed its signal.
  const stop = () => void reader.cancel(signal.reason).catch(ignoreBroken);
  signal.addEventListener('abort', stop, { once: true });
  const splitter = new SseSplitter();
  let hasText = false;
  let isFinished = false;
  try {
    for (;;) {
      const bytes = await nextBytes(reader);
      signal.throwIfAborted();
      for (const part of bytes === null ? [lastPart(provider, converter, splitter)] : partsIn(splitter.push(bytes), converter)) {
        if (part.type === 'text') hasText = true;
        else if (!hasText) throw emptyCompletion(provider, part.reason);
        isFinished = part.type === 'finish';
        yield part;
        if (isFinished) return;
        signal.throwIfAborted();
      }
    }
  } finally {
    if (isFinished) await drain(reader);
    else stop();
    signal.removeEventListener('abort', stop);
  }
}

/** One at a time, so that text which came in the same chunk as an error is given before the error is thrown. */
function* partsIn(events: readonly SseEvent[], converter: Converter): Generator<StreamPart> {
  for (const event of events) {
    const part = converter.take(event);
    if (part !== null) yield part;
  }
}

/** The next bytes; null at the end of the body, whether the vendor ended it or the connection broke. */
async function nextBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | null> {
  try {
    const { done, value } = await reader.read();
    return done ? null : value;
  } catch {
    // Cut by an error or cut politely is the same to us: only a finish signal makes a success, and the caller looks for an abort first.
    return null;
  }
}

function lastPart(provider: string, converter: Converter, splitter: SseSplitter): StreamPart {
  const finish = converter.end();
  if (finish !== null) return finish;
  if (splitter.hasForeignLines) throw failure('STREAM_MALFORMED', `${provider} sent something that is no event stream`);
  throw failure(
    'STREAM_CUT',
    splitter.hasBytes ? `${provider} ended its stream before its finish signal` : `${provider} answered with an empty body`,
  );
}

function emptyCompletion(provider: string, reason: FinishReason): ProviderError {
  if (reason === 'CONTENT_FILTER') return failure('CONTENT_REFUSED', `${provider} refused to write this`);
  return failure('EMPTY_COMPLETION', `${provider} finished (${reason}) without any text`);
}

/** HTTP 200 with a page or one JSON object: a proxy's page, or an error that forgot its status. */
async function unexpectedBody(
  body: ReadableStream<Uint8Array> | null,
  contentType: string,
  { provider, signal, secrets }: Reading,
): Promise<ProviderError> {
  const text = body === null ? '' : await firstText(body.getReader());
  signal.throwIfAborted();
  if (text === '') return failure('STREAM_CUT', `${provider} answered with an empty body`);
  const error = errorIn(parsed(text));
  if (error) return failureOf({ provider, status: null, ...error, secrets });
  return failure('STREAM_MALFORMED', `${provider} answered with ${scrub(contentType, secrets)} instead of an event stream`);
}

/** A body's text as far as an error goes; the rest of a longer one is not read. */
async function firstText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = await nextBytes(reader); bytes !== null; bytes = await nextBytes(reader)) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > longestErrorBody) break;
  }
  await reader.cancel().catch(ignoreBroken);
  return text;
}

/** Lets a body that is done end by itself, so that its connection can serve the next call. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(ignoreBroken), drainMs);
  try {
    while (!(await reader.read()).done);
  } catch (error) {
    ignoreBroken(error);
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that broke while it was being given up is given up all the same. */
function ignoreBroken(_error: unknown): void {}

/** The finish part a vendor's numbers make. */
export function finish(reason: FinishReason, usage: Usage): StreamPart {
  return { type: 'finish', reason, usage };
}
