import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Bus } from '../messages/bus.ts';
import { providerHolds } from './hold.ts';
import type { Entry } from './holding.ts';
import type { ProcessLease } from './process-lease.ts';
import { keepUp, Slots } from './slots.ts';

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly bus: Bus;
  readonly lease: ProcessLease;
}

/** How long another process may take to give back what it holds in reserve. */
const pausesMs = [50];

/**
 * Limits how many calls a provider gets at a time, exactly, from any number of processes. What a process holds is in the database (`held_places`) for
 * as long as its lease lasts. A process that was wrongly taken to be dead finishes the calls that it has under way.
 */
export class CallSlotService {
  private readonly slots: Slots;
  private stop: (() => void) | null = null;

  constructor(private readonly parts: Parts) {
    this.slots = new Slots({ ...parts, store: providerHolds(parts.database.engine) });
  }

  open(): void {
    this.stop = keepUp(this.parts, () => [this.slots]);
  }

  /** Takes a slot that this process holds in reserve; null when there is none. Call what it gives once, when the call has ended. */
  enterNow(provider: string, most: number): (() => void) | null {
    return this.slots.enterNow(entryOf(provider, most));
  }

  /** Takes a slot, after a wait of `waitMs` at most; null when there was none. Rejects with UNAVAILABLE while the database cannot say. */
  async enter(provider: string, most: number, waitMs: number): Promise<(() => void) | null> {
    const until = waitMs > 0 ? this.parts.clock.monotonic() + waitMs : 0;
    try {
      return await this.slots.enter(entryOf(provider, most), { pausesMs, until });
    } catch (error) {
      if (error instanceof AppError && error.code === 'RATE_LIMITED') return null;
      throw error;
    }
  }

  /** Ends entering. What is held is given back with the lease of the process. */
  async close(): Promise<void> {
    this.stop?.();
    await this.slots.close();
  }
}

function entryOf(provider: string, most: number): Entry {
  return { kind: 'calls', wanted: [{ id: provider, most, words: `calls to ${provider}` }], onLost: () => undefined };
}
