import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Bus } from '../messages/bus.ts';
import { providerHolds } from './hold.ts';
import type { Entry } from './holding.ts';
import type { ProcessLease } from './process-lease.ts';
import { Slots } from './slots.ts';

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly bus: Bus;
  readonly lease: ProcessLease;
}

const tidyMs = 1_000;
/** As long as another process may take to give back what it holds in reserve. */
const pausesMs = [50];

/**
 * How many calls a provider gets at a time, exactly, from any number of processes. What a process holds is in the database (`held_places`) for
 * as long as its lease lasts. One that was taken to be dead goes on with the calls it has; they are not broken off.
 */
export class CallSlotService {
  private readonly slots: Slots;
  private timer: NodeJS.Timeout | null = null;
  private unsubscribe: (() => void) | null = null;

  constructor(private readonly parts: Parts) {
    const onShort = (ids: readonly string[]) => parts.bus.publish('slots.wanted', ids);
    this.slots = new Slots({ ...parts, store: providerHolds(parts.database.engine), onShort });
    parts.lease.onLost(() => this.slots.lose());
  }

  open(): void {
    this.timer = setInterval(() => this.slots.tidy(), tidyMs);
    this.unsubscribe = this.parts.bus.on('slots.wanted', ({ ids, isRemote }) => {
      if (isRemote) for (const id of ids) this.slots.tighten(id);
    });
  }

  /** A slot that this process holds in reserve; null where none is. What it gives is called once, when the call has ended. */
  enterNow(provider: string, most: number): (() => void) | null {
    return this.slots.enterNow(entryOf(provider, most));
  }

  /** A slot, after a wait of `waitMs` at most; null when there was none. Rejects with UNAVAILABLE while the database cannot say. */
  async enter(provider: string, most: number, waitMs: number): Promise<(() => void) | null> {
    const until = waitMs > 0 ? this.parts.clock.monotonic() + waitMs : 0;
    try {
      return await this.slots.enter(entryOf(provider, most), { pausesMs, until });
    } catch (error) {
      if (error instanceof AppError && error.code === 'RATE_LIMITED') return null;
      throw error;
    }
  }

  /** Nobody enters any more; what is held is given back with the lease of the process. */
  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.unsubscribe?.();
    await this.slots.close();
  }
}

function entryOf(provider: string, most: number): Entry {
  return { kind: 'calls', wanted: [{ id: provider, most, words: `calls to ${provider}` }], onLost: () => undefined };
}
