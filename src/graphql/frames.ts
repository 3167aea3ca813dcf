import type { ExecutionResult } from 'graphql';
import type { ResultStream } from './results.ts';

/** Where frames go: a socket. */
export interface FrameOutlet {
  /** Sends one frame. False when no more is to be sent for now; `onRoom` is then called once there is room. Never, if the socket is gone. */
  send(frame: string, onRoom: () => void): boolean;
}

/**
 * A subscription as graphql-ws reads it. Results that are at hand never get there: they are written as `next` frames as soon as they are, one
 * after the other as far as the socket takes them, without a promise or a look at the protocol. What takes a promise, the errors and the end
 * are graphql-ws's.
 */
export class FrameStream implements AsyncGenerator<ExecutionResult, void, void> {
  private readonly head: string;
  private waiting: PromiseWithResolvers<IteratorResult<ExecutionResult, void>> | null = null;
  private isFull = false;
  private readonly onRoom = () => {
    this.isFull = false;
    this.pump();
  };

  constructor(
    id: string,
    private readonly results: ResultStream,
    private readonly outlet: FrameOutlet,
  ) {
    this.head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    results.whenReady(() => this.pump());
  }

  next(): Promise<IteratorResult<ExecutionResult, void>> {
    const waiting = Promise.withResolvers<IteratorResult<ExecutionResult, void>>();
    this.waiting = waiting;
    this.pump();
    return waiting.promise;
  }

  return(): Promise<IteratorResult<ExecutionResult, void>> {
    // Whoever waits is told by the end of the results.
    this.isFull = false;
    return this.results.return();
  }

  throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    return this.results.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private pump(): void {
    while (this.waiting && !this.isFull) {
      const result = this.results.poll();
      if (result === 'later') return;
      if (result !== 'ask') {
        this.isFull = !this.outlet.send(`${this.head}${JSON.stringify(result)}}`, this.onRoom);
        continue;
      }
      const { waiting } = this;
      this.waiting = null;
      waiting.resolve(this.results.next());
    }
  }
}

/** An unmasked text frame, whole (RFC 6455, 5.2). */
export function textFrameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headLength + length);
  frame[0] = 0x81;
  frame[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (headLength === 4) frame.writeUInt16BE(length, 2);
  if (headLength === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, headLength);
  return frame;
}
