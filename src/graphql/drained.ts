import type { Clock } from '../kernel/clock.ts';

/** One reader's way out. */
export interface Outlet {
  /** Bytes that wait to leave. */
  buffered(): number;
  /** Called once when they have not become fewer for too long. */
  onUndrained(): void;
}

/** Watches all outlets of a transport with one timer: a reader that takes nothing for `undrainedMs` is let go. */
export class DrainWatch {
  private readonly outlets = new Map<Outlet, { least: number; since: number }>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly clock: Clock,
    private readonly undrainedMs: number,
  ) {
    this.timer = setInterval(() => this.look(), Math.min(1_000, undrainedMs / 4));
    this.timer.unref();
  }

  add(outlet: Outlet): void {
    this.outlets.set(outlet, { least: 0, since: this.clock.monotonic() });
  }

  delete(outlet: Outlet): void {
    this.outlets.delete(outlet);
  }

  close(): void {
    clearInterval(this.timer);
    this.outlets.clear();
  }

  private look(): void {
    const now = this.clock.monotonic();
    for (const [outlet, seen] of this.outlets) {
      const buffered = outlet.buffered();
      // Growing is not draining: only bytes that left count.
      if (buffered === 0 || buffered < seen.least) seen.since = now;
      seen.least = buffered;
      if (now - seen.since <= this.undrainedMs) continue;
      this.outlets.delete(outlet);
      outlet.onUndrained();
    }
  }
}
