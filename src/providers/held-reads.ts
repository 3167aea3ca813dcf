import { sharedMoment, type Window } from '../kernel/window.ts';

/** What is read by the clock. */
export interface HeldReader {
  readHeld(): void;
}

/** Reads are due at whole multiples of this, in milliseconds, so that those of many connections share a wake-up. */
const stepMs = 5;

/** One timer for the reads of all connections that are read by the clock. */
export class HeldReads {
  private readonly due = new Map<number, HeldReader[]>();
  private timer: NodeJS.Timeout | null = null;
  private firesAt = Infinity;

  constructor(private readonly window: Window) {}

  /** Reads that wait for their time. */
  get size(): number {
    let size = 0;
    for (const { length } of this.due.values()) size += length;
    return size;
  }

  /** Lets it be read about `ms` from now. */
  add(reader: HeldReader, ms: number): void {
    const at = Math.round(sharedMoment(performance.now(), ms, this.window, stepMs));
    const others = this.due.get(at);
    if (others) others.push(reader);
    else this.due.set(at, [reader]);
    if (at >= this.firesAt) return;
    this.firesAt = at;
    if (this.timer) clearTimeout(this.timer);
    this.arm();
  }

  private arm(): void {
    this.timer = setTimeout(() => this.fire(), Math.max(0, this.firesAt - performance.now()));
  }

  private fire(): void {
    const now = performance.now() + stepMs / 2;
    this.timer = null;
    const readers: HeldReader[] = [];
    let next = Infinity;
    for (const [at, others] of this.due) {
      if (at > now) next = Math.min(next, at);
      else {
        this.due.delete(at);
        readers.push(...others);
      }
    }
    this.firesAt = next;
    if (next < Infinity) this.arm();
    for (const reader of readers) reader.readHeld();
  }
}
