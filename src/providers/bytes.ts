import type { Pending, Pollable } from '../kernel/pollable.ts';
import { bodyOf } from './http.ts';

/** The body of a response, read chunk by chunk; one `next` at a time. */
export interface Bytes extends Pollable<Uint8Array> {
  /** The next bytes; null at the end of the body, whether the vendor ended it or the connection broke. */
  next(): Promise<Uint8Array | null>;
  /** Ends a pending `next` at once, even where a `fetch` does not heed its signal, and gives the connection up. */
  cancel(): void;
}

/** The body of a response, read in the cheapest way there is; null when it has none. */
export function bytesOf(response: Response): Bytes | null {
  if (response.body === null) return null;
  return bodyOf(response) ?? new WebBytes(response.body);
}

/** The text of a body. One that has more than `most` characters is not read to its end, and is not whole then. */
export async function textOf(bytes: Bytes, most: number): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  for (let chunk = await bytes.next(); chunk !== null; chunk = await bytes.next()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > most) return { text, isWhole: false };
  }
  return { text, isWhole: true };
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
