import type { IncomingMessage } from 'node:http';
import { messageOf } from './http.ts';

/** The body of a response, read chunk by chunk; one `next` at a time. */
export interface Bytes {
  /** The next bytes; null at the end of the body, whether the vendor ended it or the connection broke. */
  next(): Promise<Uint8Array | null>;
  /** Ends a pending `next` at once, even where a `fetch` does not heed its signal, and gives the connection up. */
  cancel(): void;
}

/** The body of this response by the shortest road; null when it has none. */
export function bytesOf(response: Response): Bytes | null {
  if (response.body === null) return null;
  const message = messageOf(response);
  return message ? new MessageBytes(message) : new WebBytes(response.body);
}

/** As many chunks wait for a reader before the connection is told to. */
const mostWaiting = 16;

class MessageBytes implements Bytes {
  private readonly chunks: Uint8Array[] = [];
  private waiting: ((bytes: Uint8Array | null) => void) | null = null;
  private isEnded = false;

  constructor(private readonly message: IncomingMessage) {
    const end = () => this.end();
    message.on('data', (chunk: Uint8Array) => this.take(chunk));
    message.once('end', end).once('close', end);
  }

  next(): Promise<Uint8Array | null> {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      if (this.chunks.length === 0 && this.message.isPaused()) this.message.resume();
      return Promise.resolve(chunk);
    }
    if (this.isEnded) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  cancel(): void {
    this.message.destroy();
    this.chunks.length = 0;
    this.end();
  }

  private take(chunk: Uint8Array): void {
    if (this.isEnded) return;
    if (this.waiting) return this.answer(chunk);
    this.chunks.push(chunk);
    if (this.chunks.length >= mostWaiting) this.message.pause();
  }

  private end(): void {
    this.isEnded = true;
    this.answer(null);
  }

  private answer(bytes: Uint8Array | null): void {
    const resolve = this.waiting;
    this.waiting = null;
    resolve?.(bytes);
  }
}

class WebBytes implements Bytes {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.reader = body.getReader();
  }

  async next(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.reader.read();
      return done ? null : value;
    } catch {
      // Cut by an error or cut politely is the same to us: only a finish signal makes a success, and the caller looks for an abort first.
      return null;
    }
  }

  cancel(): void {
    // A connection that broke while it was being given up is given up all the same.
    this.reader.cancel().catch(() => undefined);
  }
}
