import type { Log } from './log.ts';

interface Stop {
  readonly name: string;
  readonly run: () => unknown;
  readonly deadlineMs: number;
}

/** Something that is opened and closed. */
interface Part {
  open(): void;
  close(): unknown;
}

/** What was opened is closed in reverse order; each part once, a failing part never keeps the others open. */
export class Lifecycle {
  private readonly stops: Stop[] = [];
  private stopping: Promise<readonly Error[]> | null = null;

  constructor(private readonly log?: Log) {}

  /**
   * Registers how to close what was just opened; call it on the line after the open. `deadlineMs` is for a part with less to say than others:
   * what it does not get done in that time may be lost.
   */
  onStop(name: string, run: () => unknown, deadlineMs = Infinity): void {
    this.stops.push({ name, run, deadlineMs });
  }

  /** Opens a part whose opening takes no time, and registers how to close it. */
  open<T extends Part>(name: string, part: T, deadlineMs = Infinity): T {
    part.open();
    this.onStop(name, () => part.close(), deadlineMs);
    return part;
  }

  /** Closes all parts; a part that takes longer than `partDeadlineMs` is left behind and reported. Resolves with the failures, never rejects. */
  stop(partDeadlineMs = 30_000): Promise<readonly Error[]> {
    this.stopping ??= this.run(partDeadlineMs);
    return this.stopping;
  }

  private async run(partDeadlineMs: number): Promise<readonly Error[]> {
    const failures: Error[] = [];
    for (let part = this.stops.pop(); part; part = this.stops.pop()) {
      const { name, run, deadlineMs } = part;
      try {
        await within(Math.min(partDeadlineMs, deadlineMs), `stopping ${name}`, run);
      } catch (cause) {
        const failure = new Error(`could not stop ${name}`, { cause });
        this.log?.error({ err: failure, part: name }, 'part did not stop');
        failures.push(failure);
      }
    }
    return failures;
  }
}

async function within(deadlineMs: number, what: string, run: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([Promise.resolve().then(run), late]);
  } finally {
    clearTimeout(timer);
  }
}
