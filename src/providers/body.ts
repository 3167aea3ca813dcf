import type { Pending } from '../kernel/pollable.ts';
import type { Bytes } from './bytes.ts';

/** The connection that a body comes over. */
export interface Source {
  /** Reads no more until `resume`: the reader of the body is behind. */
  pause(): void;
  resume(): void;
  /** Gives the connection up. */
  destroy(): void;
}

/** When this many chunks wait for their reader, the connection is paused. */
const mostWaiting = 16;

/** A body as it comes in. Its chunks belong to the reader. A body of more than `most` bytes is cut. */
export class Body implements Bytes {
  private length = 0;
  private readonly chunks: Uint8Array[] = [];
  private waiting: ((bytes: Uint8Array | null) => void) | null = null;
  private onReady: (() => void) | null = null;
  private isEnded = false;
  private isFull = false;
  private cut: Error | null = null;

  constructor(
    private readonly source: Source,
    public most: number,
  ) {}

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
      this.source.resume();
    }
    return chunk;
  }

  whenReady(wake: () => void): void {
    this.onReady = wake;
  }

  cancel(): void {
    this.source.destroy();
    this.chunks.length = 0;
    this.end(null);
  }

  /** More of it came. */
  take(chunk: Uint8Array): void {
    if (this.isEnded) return;
    this.length += chunk.length;
    if (this.length > this.most) {
      this.source.destroy();
      return this.end(new Error(`the body is longer than ${this.most} bytes`));
    }
    if (this.waiting) return this.answer(chunk);
    this.chunks.push(chunk);
    if (this.chunks.length >= mostWaiting && !this.isFull) {
      this.isFull = true;
      this.source.pause();
    }
    this.onReady?.();
  }

  /** Nothing comes any more: the body is at its end, or `cut` says why it broke off. */
  end(cut: Error | null): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.cut = cut;
    if (this.waiting) this.answer(null);
    else this.onReady?.();
  }

  /** The same body as a web stream, which fails when the body was cut. */
  web(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.next();
          if (chunk) controller.enqueue(chunk);
          else if (this.cut) controller.error(this.cut);
          else controller.close();
        },
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  private answer(bytes: Uint8Array | null): void {
    const resolve = this.waiting;
    this.waiting = null;
    resolve?.(bytes);
  }
}
