/** What is read by the clock. */
export interface HeldReader {
  readHeld(): void;
}

/** Reads are due at whole multiples of this, so that those of many connections share a wake-up. */
const stepMs = 5;

/** One timer for the reads of all connections that are read by the clock. */
export class HeldReads {
  private readonly steps = new Map<number, HeldReader[]>();
  private timer: NodeJS.Timeout | null = null;
  private firesAt = Infinity;

  /** Reads that wait for their time. */
  get size(): number {
    let size = 0;
    for (const { length } of this.steps.values()) size += length;
    return size;
  }

  /** Lets it be read about `ms` from now. */
  add(reader: HeldReader, ms: number): void {
    const step = Math.round((performance.now() + ms) / stepMs);
    const due = this.steps.get(step);
    if (due) due.push(reader);
    else this.steps.set(step, [reader]);
    if (step >= this.firesAt) return;
    this.firesAt = step;
    if (this.timer) clearTimeout(this.timer);
    this.arm();
  }

  private arm(): void {
    this.timer = setTimeout(() => this.fire(), Math.max(0, this.firesAt * stepMs - performance.now()));
  }

  private fire(): void {
    const now = Math.floor(performance.now() / stepMs + 0.5);
    this.timer = null;
    const due: HeldReader[] = [];
    let next = Infinity;
    for (const [step, readers] of this.steps) {
      if (step > now) next = Math.min(next, step);
      else {
        this.steps.delete(step);
        due.push(...readers);
      }
    }
    this.firesAt = next;
    if (next < Infinity) this.arm();
    for (const reader of due) reader.readHeld();
  }
}
