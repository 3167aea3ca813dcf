import { isAway } from '../kernel/errors.ts';
import type { Bus } from '../messages/bus.ts';

/** A hint may be lost: who waits looks again after this long. */
const floorMs = 2_000;

/** One wait for news. */
export interface News extends Disposable {
  /** Resolves when there may be news, when the reader is gone, or when it is time to look without a hint. Never rejects. */
  readonly come: Promise<void>;
  /** What `look` finds; nothing while the database is away, for which readers wait. */
  unlessAway<T>(look: () => Promise<T[]>): Promise<T[]>;
}

/** Wakes those who follow a tenant's audit log when entries of it were sealed, by whatever process. */
export class AuditTail {
  private readonly waiting = new Map<string, Set<() => void>>();
  private readonly unsubscribe: (() => void)[] = [];

  constructor(private readonly bus: Bus) {}

  open(): void {
    this.unsubscribe.push(
      this.bus.on('audit.sealed', ({ ids }) => ids.forEach((id) => this.wake(id))),
      this.bus.onGap(() => [...this.waiting.keys()].forEach((id) => this.wake(id))),
    );
  }

  close(): void {
    for (const stop of this.unsubscribe) stop();
  }

  /** Begins to wait, from now on; dispose of it when it is over. */
  watch(tenantId: string, signal: AbortSignal): News {
    const { promise: come, resolve } = Promise.withResolvers<void>();
    const ofTenant = this.waiting.get(tenantId) ?? new Set();
    this.waiting.set(tenantId, ofTenant.add(resolve));
    const timer = setTimeout(resolve, floorMs);
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) resolve();
    return {
      come,
      unlessAway: (look) =>
        look().catch((error: unknown) => {
          if (signal.aborted || isAway(error)) return [];
          throw error;
        }),
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        ofTenant.delete(resolve);
        if (ofTenant.size === 0 && this.waiting.get(tenantId) === ofTenant) this.waiting.delete(tenantId);
        signal.removeEventListener('abort', onAbort);
      },
    };
  }

  private wake(tenantId: string): void {
    for (const resolve of this.waiting.get(tenantId) ?? []) resolve();
  }
}
