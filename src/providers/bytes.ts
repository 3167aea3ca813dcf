import type { IncomingMessage } from 'node:http';
import type { Pending, Pollable } from '../kernel/pollable.ts';
import { messageOf } from './http.ts';

/** The body of a response, read chunk by chunk; one `next` at a time. */
export interface Bytes extends Pollable<Uint8Array> {
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
  private onReady: (() => void) | null = null;
  private isEnded = false;
  private isFull = false;

  constructor(private readonly message: IncomingMessage) {
    const end = () => this.end();
    message.on('data', (chunk: Uint8Array) => this.take(chunk));
    message.once('end', end).once('close', end);
  }

  next(): Promise<Uint8Array | null> {
    const chunk = this.poll();
    if (chunk === 'ask') return Promise.resolve(null);
    if (chunk !== 'later') return Promise.resolve(chunk);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  poll(): Uint8Array | Pending {
    const chunk = this.chunks.shift();
    if (chunk === undefined) return this.isEnded ? 'ask' : 'later';
    if (this.isFull && this.chunks.length === 0) {
      this.isFull = false;
      this.message.resume();
    }
    return chunk;
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
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
    if (this.chunks.length >= mostWaiting) {
      this.isFull = true;
      this.message.pause();
    }
    this.onReady?.();
  }

  private end(): void {
    this.isEnded = true;
    if (this.waiting) this.answer(null);
    else this.onReady?.();
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

  poll(): Pending {
    return 'ask';
  }

  whenReady(): void {
    // A web stream gives nothing without a promise.
  }

  cancel(): void {
    // A connection that broke while it was being given up is given up all the same.
    this.reader.cancel().catch(() => undefined);
  }
}
