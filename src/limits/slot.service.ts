import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import type { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import type { Wanted } from './holding.ts';
import type { Admissions } from './metrics.ts';
import type { CallerLimits, Policy } from './policy.ts';
import { tenantHolds } from './hold.ts';
import type { ProcessLease } from './process-lease.ts';
import type { SlotKind } from './slots.table.ts';
import { keepUp, Slots } from './slots.ts';

/** What slots are built on. */
export interface SlotParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly bus: Bus;
  readonly policy: Policy;
  readonly admissions: Admissions;
  readonly lease: ProcessLease;
}

/** The pauses before further tries are as long as others may take to give back what they hold in reserve. */
const patience = { pausesMs: [50, 200], until: 0 };

/**
 * Limits how many sockets and subscriptions a key, a member and a tenant may have open, exactly, for any number of processes. What a process holds
 * is in the database (`slots.table.ts`) for as long as its lease lasts, so the slots of a dead process come back by themselves. What was opened
 * when there was no limit is never counted, even if a limit is set later.
 */
export class SlotService {
  private readonly tenants = new Map<string, Slots>();
  private stop: (() => void) | null = null;

  constructor(private readonly parts: SlotParts) {}

  open(): void {
    this.stop = keepUp(this.parts, () => this.kept());
  }

  /**
   * Takes a slot. What it gives is to be called once, when that socket or subscription is closed. Throws RATE_LIMITED, which names the limit that is
   * reached. `onLost` is called if the slot is taken away, since this process was taken to be dead and others have its slots.
   */
  async enter(scope: Scope, kind: SlotKind, onLost: (error: AppError) => void): Promise<() => void> {
    const wanted = wantedBy(scope, kind, await this.parts.policy.of(scope));
    try {
      const leave =
        wanted.length === 0 ? () => undefined : await this.of(scope.tenantId).enter({ kind, wanted, onLost }, patience);
      this.parts.admissions[kind].admitted.inc();
      return leave;
    } catch (error) {
      this.parts.admissions[kind].refused.inc();
      throw error;
    }
  }

  /** For how many milliseconds after the end of its lease what a process held still counts. */
  get graceMs(): number {
    return this.parts.lease.graceMs;
  }

  /** How many slots of a member, key or tenant this process holds in reserve; they are not used. */
  spareOf({ tenantId }: Scope, id: string, kind: SlotKind): number {
    return this.tenants.get(tenantId)?.spareOf(id, kind) ?? 0;
  }

  /** Ends entering. What is held is given back with the lease of the process. */
  async close(): Promise<void> {
    this.stop?.();
    await Promise.all([...this.tenants.values()].map((tenant) => tenant.close()));
  }

  /** The slots of tenants that have something open, or had lately. */
  private kept(): Iterable<Slots> {
    for (const [id, tenant] of this.tenants) if (tenant.isIdle) this.tenants.delete(id);
    return this.tenants.values();
  }

  private of(tenantId: string): Slots {
    const known = this.tenants.get(tenantId);
    if (known) return known;
    const made = new Slots({ ...this.parts, store: tenantHolds(this.parts.database.as({ tenantId }), tenantId) });
    this.tenants.set(tenantId, made);
    return made;
  }
}

const words = { sockets: 'sockets', subscriptions: 'running subscriptions' } as const;

/** The limits that something of this kind counts against. */
function wantedBy({ tenantId, memberId, keyId }: Scope, kind: SlotKind, { tenant, key }: CallerLimits): Wanted[] {
  const [ofTenant, ofMember] =
    kind === 'sockets' ? [tenant.tenantSockets, tenant.memberSockets] : [tenant.tenantSubscriptions, tenant.memberSubscriptions];
  return [
    { id: memberId, most: ofMember, words: `${words[kind]} of a member` },
    { id: keyId ?? '', most: keyId === null ? 0 : (key?.[kind] ?? 0), words: `${words[kind]} of a key` },
    { id: tenantId, most: ofTenant, words: `${words[kind]} of a tenant` },
  ].filter(({ most }) => most > 0);
}
