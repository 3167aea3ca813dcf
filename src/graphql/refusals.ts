import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';

/** A request or socket that was turned away. */
export interface Refusal {
  readonly transport: string;
  readonly address: string;
  /** The HTTP status, or the code that the WebSocket was closed with. */
  readonly status: number;
  readonly requestId?: string;
  /** The path as we know it, never as it was sent: that may hold what should not be in a log. */
  readonly path?: string;
}

// Whoever is refused decides how often that happens: their lines must not drown the others.
const linesPerSecond = 20;
const noted: ReadonlySet<number> = new Set([401, 403, 408, 413, 415, 429, 431, 503, 1009, 4400, 4401, 4408, 4429]);

/** Whether a status says that somebody was turned away at the door. */
export function isRefusal(status: number): boolean {
  return noted.has(status);
}

/** Writes refusals into the log with the address they came from, some lines a second; the next line counts those left out. */
export class RefusalLog {
  private second = 0;
  private lines = 0;
  private skipped = 0;

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
  ) {}

  /** Ignores a status that is no refusal at the door. */
  note(refusal: Refusal): void {
    if (!isRefusal(refusal.status)) return;
    const second = Math.floor(this.clock.monotonic() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.lines = 0;
    }
    if (++this.lines > linesPerSecond) {
      this.skipped += 1;
      return;
    }
    const { skipped } = this;
    this.skipped = 0;
    this.log.info({ ...refusal, ...(skipped > 0 && { skipped }) }, 'refused');
  }
}
