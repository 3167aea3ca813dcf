import { Body } from './body.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { HeldReads } from './held-reads.ts';
import type { Pace } from './pace.ts';
import { responseHeadOf, type ResponseHead } from './response-head.ts';
import type { Talker, Wire } from './wire.ts';

/** What an exchange tells whoever began it. */
export interface Exchanged {
  /** The head came; the body follows. */
  answered(head: ResponseHead, body: Body): void;
  /** The connection broke, and no head had come. */
  failed(cause: Error): void;
  /** It is over, well or not: the last thing told, and told once. `isKept` says whether the wire may serve another call. */
  over(isKept: boolean): void;
}

const longestHead = 65_536;
/** A body of a success may have more bytes than this only if something is wrong: it is longer than anything a model may write, with a hundred bytes around each token. */
const longestStream = 64 * 1_048_576;
/** The same for the body of any other status. */
const longestOther = 1_048_576;
/** How long the body of any other status is waited for: the status has said what matters. */
const otherMs = 1_000;

/** One request and its response over a wire. */
export class Exchange implements Talker {
  private head: ResponseHead | null = null;
  private headBytes: Buffer = Buffer.alloc(0);
  private readonly body: Body;
  private chunked: ChunkedDecoder | null = null;
  /** How many bytes are still to come of a body whose length is known. */
  private left = Infinity;
  private isOver = false;
  private isPaused = false;
  private otherTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly pace: Pace,
    private readonly reads: HeldReads,
    private readonly on: Exchanged,
  ) {
    this.body = new Body(
      {
        pause: () => {
          this.isPaused = true;
          this.wire.pause();
        },
        resume: () => {
          this.isPaused = false;
          if (!this.isOver) this.wire.watch();
        },
        destroy: () => {
          if (!this.isOver) this.wire.destroy();
        },
      },
      longestStream,
    );
  }

  send(request: string): void {
    this.wire.serve(this);
    this.wire.write(request);
  }

  take(bytes: Buffer): void {
    if (this.isOver) return;
    try {
      if (this.head) this.takeBody(this.head, bytes);
      else this.takeHead(bytes);
    } catch (cause) {
      this.ended(cause as Error);
      this.wire.destroy();
    }
  }

  ended(cause: Error | null): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.otherTimer);
    const cut = cause ?? new Error('the connection was closed');
    if (!this.head) this.on.failed(cut);
    else this.body.end(this.head.body === 'close' && cause === null ? null : cut);
    this.on.over(false);
  }

  private takeHead(bytes: Buffer): void {
    const all = Buffer.concat([this.headBytes, bytes]);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) {
      if (all.length > longestHead) throw new Error('the head of the response is too long');
      this.headBytes = all;
      return;
    }
    const rest = all.subarray(end + 4);
    const head = responseHeadOf(all.toString('latin1', 0, end));
    if (head.status === 101) throw new Error('nobody asked for another protocol');
    this.headBytes = Buffer.alloc(0);
    // 100 and 103 come before the answer.
    if (head.status < 200) return rest.length > 0 ? this.takeHead(rest) : undefined;
    this.head = head;
    if (head.status >= 300) {
      this.body.most = longestOther;
      this.otherTimer = setTimeout(() => {
        this.body.end(null);
        this.wire.destroy();
      }, otherMs);
    }
    if (head.body === 'chunked') this.chunked = new ChunkedDecoder();
    else if (head.body !== 'close') this.left = head.body;
    this.on.answered(head, this.body);
    if (this.left === 0) this.finish(head, rest.length === 0);
    else if (rest.length > 0) this.takeBody(head, rest);
  }

  private takeBody(head: ResponseHead, bytes: Buffer): void {
    const { chunked } = this;
    if (!chunked) {
      const part = Buffer.from(bytes.subarray(0, this.left));
      this.left -= part.length;
      this.body.take(part);
      if (this.left === 0) this.finish(head, part.length === bytes.length);
      return;
    }
    const part = chunked.push(bytes);
    const { chunks, isDone } = chunked;
    if (!isDone) this.readOn(chunks);
    if (part) this.body.take(part);
    if (isDone) this.finish(head, true);
  }

  /** When to look for more: at once when something comes, or by the clock while the body comes in small pieces and fast. */
  private readOn(chunks: number): void {
    if (this.isPaused) return;
    const holdMs = this.pace.after(chunks);
    if (holdMs === null || !this.wire.readAfter(this.reads, holdMs)) this.wire.watch();
  }

  private finish(head: ResponseHead, isClean: boolean): void {
    this.isOver = true;
    clearTimeout(this.otherTimer);
    this.body.end(null);
    this.on.over(head.isKept && isClean);
  }
}
