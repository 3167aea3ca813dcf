import type { Pending, PollableIterator } from '../kernel/pollable.ts';
import { bytesOf, textOf, type Bytes } from './bytes.ts';
import { failure, failureOf, scrub, type FailureDetails } from './failures.ts';
import { errorIn, parsed } from './json.ts';
import { ProviderError, type FinishReason, type StreamPart, type Usage } from './port.ts';
import { SseSplitter, type SseEvent } from './sse.ts';

/** One vendor's stream protocol: a small state machine without any I/O, one instance per response. */
export interface Converter {
  /** What this event means; null when it means nothing to a reader. After a finish it is not asked again. Throws ProviderError. */
  take(event: SseEvent): StreamPart | null;
  /** What the event that was taken last means beside the text it gave: a finish. Only vendors that say both in one event have it. */
  rest?(): StreamPart | null;
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
const done = { done: true, value: undefined } as const;

/**
 * Reads the response that `open` gets as parts of the port: text, then exactly one finish, or a throw. The connection is released in each
 * case. Written by hand, because a generator between the network and the text would cost every token some promises more; polled, parts cost none.
 */
export class PartReader implements PollableIterator<StreamPart> {
  private readonly splitter = new SseSplitter();
  private bytes: Bytes | null = null;
  private events: readonly SseEvent[] = [];
  private eventsTaken = 0;
  private kept: (() => StreamPart) | null = null;
  private hasText = false;
  /** The error that a poll met; the next call of `next` throws it. */
  private met: { readonly error: unknown } | null = null;
  private onReady: (() => void) | null = null;
  private isOver = false;
  private draining: Promise<void> | null = null;
  private readonly stop = () => this.bytes?.cancel();

  constructor(
    private readonly open: () => Promise<Response>,
    private readonly reading: Reading,
  ) {}

  async next(): Promise<IteratorResult<StreamPart, undefined>> {
    if (this.isOver) return this.ended();
    const { signal } = this.reading;
    try {
      if (this.met) throw this.met.error;
      const bytes = this.bytes ?? (await this.begin());
      for (;;) {
        signal.throwIfAborted();
        const part = this.partAtHand();
        if (part) return { done: false, value: part };
        const chunk = await bytes.next();
        signal.throwIfAborted();
        if (this.isOver) return done;
        if (chunk === null) return { done: false, value: this.checked(lastPart(this.reading, this.splitter)) };
        this.take(chunk);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  poll(): StreamPart | Pending {
    const { bytes } = this;
    if (this.isOver || bytes === null || this.met || this.reading.signal.aborted) return 'ask';
    try {
      for (;;) {
        const part = this.partAtHand();
        if (part) return part;
        const chunk = bytes.poll();
        if (chunk === 'later' || chunk === 'ask') return chunk;
        this.take(chunk);
      }
    } catch (error) {
      this.met = { error };
      return 'ask';
    }
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
    this.bytes?.whenReady(wake);
  }

  async return(): Promise<IteratorResult<StreamPart, undefined>> {
    if (!this.isOver) this.close();
    return this.ended();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private take(chunk: Uint8Array): void {
    this.events = this.splitter.push(chunk);
    this.eventsTaken = 0;
  }

  /** All text at hand as one part; a finish or an error that came in the same chunk is kept until it was given. */
  private partAtHand(): StreamPart | null {
    const { kept } = this;
    const { converter } = this.reading;
    this.kept = null;
    if (kept) return this.checked(kept());
    let text = '';
    while (this.kept === null && this.eventsTaken < this.events.length) {
      const event = this.events[this.eventsTaken++];
      try {
        const part = event ? converter.take(event) : null;
        if (part?.type === 'text') text += part.text;
        const rest = part?.type === 'text' ? converter.rest?.() : part;
        if (rest) this.kept = () => rest;
      } catch (error) {
        this.kept = () => {
          throw error;
        };
      }
    }
    if (text !== '') return this.checked({ type: 'text', text });
    return this.kept ? this.partAtHand() : null;
  }

  private async begin(): Promise<Bytes> {
    const { provider, signal } = this.reading;
    signal.throwIfAborted();
    const response = await this.open();
    const bytes = bytesOf(response);
    // Ended by its reader or its signal while it was on its way: nobody else would release it.
    if (this.isOver || signal.aborted) bytes?.cancel();
    signal.throwIfAborted();
    const contentType = response.headers.get('content-type') ?? '';
    if (bytes === null) throw failure('STREAM_CUT', `${provider} answered without a body`);
    this.bytes = bytes;
    if (this.onReady) bytes.whenReady(this.onReady);
    signal.addEventListener('abort', this.stop, { once: true });
    if (/^(text\/html|application\/json)/i.test(contentType)) throw await unexpectedBody(bytes, contentType, this.reading);
    return bytes;
  }

  private checked(part: StreamPart): StreamPart {
    if (part.type === 'text') this.hasText ||= /\S/.test(part.text);
    else {
      if (!this.hasText) throw emptyCompletion(this.reading.provider, part);
      this.isOver = true;
      this.draining = this.drain();
    }
    return part;
  }

  /** Lets a body that is done end by itself, so that its connection can serve the next call. */
  private async drain(): Promise<void> {
    const timer = setTimeout(this.stop, drainMs);
    while ((await this.bytes?.next()) instanceof Uint8Array);
    clearTimeout(timer);
    this.reading.signal.removeEventListener('abort', this.stop);
  }

  private close(): void {
    this.isOver = true;
    this.stop();
    this.reading.signal.removeEventListener('abort', this.stop);
  }

  private async ended(): Promise<typeof done> {
    await this.draining;
    return done;
  }
}

function lastPart({ provider, converter }: Reading, splitter: SseSplitter): StreamPart {
  const finish = converter.end();
  if (finish !== null) return finish;
  if (splitter.hasForeignLines) throw failure('STREAM_MALFORMED', `${provider} sent something that is no event stream`);
  throw failure(
    'STREAM_CUT',
    splitter.hasBytes ? `${provider} ended its stream before its finish signal` : `${provider} answered with an empty body`,
  );
}

function emptyCompletion(provider: string, { reason, usage }: { reason: FinishReason; usage: Usage }): ProviderError {
  if (reason === 'CONTENT_FILTER') return failure('CONTENT_REFUSED', `${provider} refused to write this`, { usage });
  if (reason !== 'LENGTH') return failure('EMPTY_COMPLETION', `${provider} finished (${reason}) without any text`, { usage });
  // At the limit that its caller set: a model that thinks first has no room for text below one, and would not have any the next time.
  const message = `${provider} came to the limit of tokens before it had written any text; raise maxOutputTokens: what a model thinks first counts too`;
  return failure('EMPTY_COMPLETION', message, { retryable: false, usage, isOfRequest: true });
}

/** HTTP 200 with a page or one JSON object: a proxy's page, or an error that forgot its status. */
async function unexpectedBody(bytes: Bytes, contentType: string, { provider, signal, secrets }: Reading): Promise<ProviderError> {
  const { text } = await textOf(bytes, longestErrorBody);
  signal.throwIfAborted();
  if (text === '') return failure('STREAM_CUT', `${provider} answered with an empty body`);
  const error = errorIn(parsed(text));
  if (error) return failureOf({ provider, status: null, ...error, secrets });
  return failure('STREAM_MALFORMED', `${provider} answered with ${scrub(contentType, secrets)} instead of an event stream`);
}

/** The finish part a vendor's numbers make. */
export function finish(reason: FinishReason, usage: Usage): StreamPart {
  return { type: 'finish', reason, usage };
}

/** The failure of a finish that says that the vendor broke the model off, so its text is not whole. `isOfRequest` where a prompt can bring that about. */
export function brokenOff(
  provider: string,
  word: string,
  usage: Usage,
  details: Omit<FailureDetails, 'usage'> = {},
): ProviderError {
  return failure('OVERLOADED', `${provider} broke off its answer (${word.slice(0, 60)})`, { ...details, usage });
}

/**
 * The failure of a model that asked for tools instead of finishing its text. We offer none, so the same model would very likely ask again:
 * it is not tried again. Another model may write the text to its end.
 */
export function wantsTools(provider: string, usage: Usage): ProviderError {
  return brokenOff(provider, 'it asked for tools, and was given none', usage, { retryable: false, isOfRequest: true });
}
