import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { hold, LostLease, makeRows, type Hold, type HoldAsk } from './hold.ts';
import type { ProcessLease } from './process-lease.ts';
import { hasRoom, isDue, keyOf, newHolding, refusalBy, reserveOf, type Holding, type Slot, type Wanted } from './holding.ts';
import type { SlotKind } from './slots.table.ts';

interface Waiter {
  readonly slot: Slot;
  readonly caller: PromiseWithResolvers<() => void>;
  tries: number;
  dueAt: number;
}

export interface TenantSlotsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly lease: ProcessLease;
  /** Asks other processes for what they hold in reserve. */
  readonly onShort: (ids: readonly string[]) => void;
}

const tightMs = 10_000;
const fullMs = 250;
/** How long to wait for what others hold in reserve, before each further try. */
const pausesMs: readonly number[] = [50, 200];
const mostAsked = 500;
const mostWaiting = 10_000;

/**
 * The slots of one tenant, as this process has them. The rows say what each process holds, and one statement at a time asks for all who
 * wait. Far below a limit it holds some in reserve, so that who opens something next waits for no statement; near it none, and what is
 * in reserve elsewhere is asked for before anybody is refused.
 */
export class TenantSlots {
  private readonly holdings = new Map<string, Holding>();
  private waiters: Waiter[] = [];
  private running: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private readonly tenantUuid: string;

  constructor(
    private readonly tenantId: string,
    private readonly parts: TenantSlotsParts,
  ) {
    this.tenantUuid = uuidOf(tenantId, 'ten');
  }

  get isIdle(): boolean {
    return this.holdings.size === 0 && this.waiters.length === 0 && !this.running;
  }

  /** Takes a slot; what it gives is called once, when that is closed. Rejects with RATE_LIMITED, or UNAVAILABLE when nobody can say. */
  async enter(kind: SlotKind, wanted: readonly Wanted[], onLost: (error: AppError) => void): Promise<() => void> {
    const now = this.parts.clock.monotonic();
    const slot: Slot = { holdings: wanted.map((each) => this.holdingOf(kind, each)), onLost };
    for (const holding of slot.holdings) holding.enteredAt = now;
    if (this.parts.lease.isTrusted && slot.holdings.every(hasRoom)) return this.occupy(slot);
    const full = slot.holdings.find(({ fullUntil }) => fullUntil > now);
    if (full) throw refusalBy(full);
    if (this.waiters.length >= mostWaiting) {
      throw new AppError('UNAVAILABLE', 'too many connections of this tenant wait here', { retryAfterMs: 1_000 });
    }
    const caller = Promise.withResolvers<() => void>();
    this.waiters.push({ slot, caller, tries: 0, dueAt: now });
    // After everything that arrived in this turn of the event loop.
    setImmediate(() => this.run());
    return caller.promise;
  }

  /** What is in reserve here of what this member, key or tenant may open. */
  spareOf(id: string, kind: SlotKind): number {
    const holding = this.holdings.get(keyOf(uuidOf(id), kind));
    return holding ? Math.max(0, holding.held - holding.slots.size) : 0;
  }

  /** Another process is short of slots. */
  tighten(id: string): void {
    const tightUntil = this.parts.clock.monotonic() + tightMs;
    for (const holding of this.holdings.values()) if (holding.id === id) holding.tightUntil = tightUntil;
    this.tidy();
  }

  /** Others do not count any more what this process holds. */
  lose(): void {
    for (const holding of this.holdings.values()) {
      holding.held = 0;
      holding.isLost = true;
    }
    this.run();
  }

  /** Gives back what nobody used for a while; forgets what is not held. */
  tidy(): void {
    const waitedFor = new Set(this.waiters.flatMap(({ slot }) => slot.holdings));
    for (const [key, holding] of this.holdings) {
      const { slots, held, isStale } = holding;
      if (slots.size === 0 && held === 0 && !isStale && !waitedFor.has(holding) && !this.running) this.holdings.delete(key);
    }
    const now = this.parts.clock.monotonic();
    if ([...this.holdings.values()].some((holding) => isDue(holding, now))) this.run();
  }

  async close(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    for (const { caller } of this.waiters.splice(0)) caller.reject(new AppError('UNAVAILABLE', 'this process is stopping'));
    await this.running;
  }

  private holdingOf(kind: SlotKind, { id, most, words }: Wanted): Holding {
    const subject = uuidOf(id);
    const key = keyOf(subject, kind);
    const known = this.holdings.get(key);
    if (known) {
      if (known.most !== most) known.fullUntil = 0;
      known.most = most;
      return known;
    }
    const holding = newHolding(kind, { id, most, words });
    this.holdings.set(key, holding);
    return holding;
  }

  private occupy(slot: Slot): () => void {
    for (const holding of slot.holdings) holding.slots.add(slot);
    return () => this.leave(slot);
  }

  private leave(slot: Slot): void {
    const now = this.parts.clock.monotonic();
    for (const holding of slot.holdings) {
      if (holding.slots.delete(slot)) holding.fullUntil = 0;
    }
    if (this.waiters.length > 0 || slot.holdings.some(({ tightUntil }) => tightUntil > now)) setImmediate(() => this.run());
  }

  private run(): void {
    if (this.running) return;
    this.running = this.rounds().finally(() => {
      this.running = null;
      const [next] = this.waiters.toSorted((a, b) => a.dueAt - b.dueAt);
      if (this.timer) clearTimeout(this.timer);
      this.timer = next ? setTimeout(() => this.run(), Math.max(0, next.dueAt - this.parts.clock.monotonic())) : null;
    });
  }

  private async rounds(): Promise<void> {
    for (;;) {
      const due = this.due();
      const asked = this.asked(due);
      if (asked.size === 0) return;
      try {
        await this.round(asked, due);
      } catch (error) {
        if (error instanceof LostLease) {
          this.parts.lease.lose(error.process);
          continue;
        }
        this.leaveWaiters(new Set(due), (waiter) => waiter.caller.reject(error));
        // What is not given back now is with the next tidying.
        if (due.length === 0) return this.parts.log.warn({ err: error }, 'could not give slots back');
      }
    }
  }

  /** Waiters whose limits fit into one statement. */
  private due(): Waiter[] {
    const now = this.parts.clock.monotonic();
    const holdings = new Set<Holding>();
    return this.waiters.filter(({ dueAt, slot }) => {
      if (dueAt > now || holdings.size >= mostAsked) return false;
      for (const holding of slot.holdings) holdings.add(holding);
      return true;
    });
  }

  private asked(due: readonly Waiter[]): Map<Holding, HoldAsk> {
    const now = this.parts.clock.monotonic();
    const waiting = new Map<Holding, number>();
    for (const { slot } of due) for (const holding of slot.holdings) waiting.set(holding, (waiting.get(holding) ?? 0) + 1);
    for (const holding of this.holdings.values()) {
      if (waiting.size >= mostAsked) break;
      if (!waiting.has(holding) && isDue(holding, now)) waiting.set(holding, 0);
    }
    return new Map(
      [...waiting].map(([holding, count]) => {
        const { subject, kind, most, slots, isLost } = holding;
        return [
          holding,
          { subject, kind, most, used: isLost ? 0 : slots.size, wanted: slots.size + count, spare: reserveOf(holding, now) },
        ];
      }),
    );
  }

  private async round(asked: ReadonlyMap<Holding, HoldAsk>, due: readonly Waiter[]): Promise<void> {
    const { database, lease } = this.parts;
    let asker = await lease.asker();
    const connection = database.as({ tenantId: this.tenantId });
    for (const [holding, { used }] of asked) {
      // Until the answer nothing more is opened from what may just be given back.
      holding.held = Math.min(holding.held, used);
      holding.isStale = true;
    }
    const asks = [...asked.values()];
    let found = await hold(connection, this.tenantUuid, asker, asks);
    if (found.size < asks.length) {
      await makeRows(connection, this.tenantUuid, asks);
      asker = await lease.asker();
      found = await hold(connection, this.tenantUuid, asker, asks);
    }
    // The answer came too late to be true: it is asked again, in the name that holds by then.
    if (!lease.isStill(asker)) return;
    const holds = new Map<Holding, Hold>();
    for (const [holding, { subject, kind }] of asked) {
      // A tenant that is gone has no rows any more.
      const answer = found.get(keyOf(subject, kind)) ?? { held: 0, others: 0 };
      holds.set(holding, answer);
      holding.held = answer.held;
      holding.isStale = false;
      if (holding.isLost) this.evict(holding);
      holding.isLost = false;
    }
    this.settle(due, holds);
  }

  /** The newest have to go that found no place any more. */
  private evict(holding: Holding): void {
    for (const slot of [...holding.slots].toReversed().slice(0, Math.max(0, holding.slots.size - holding.held))) {
      this.leave(slot);
      slot.onLost(refusalBy(holding));
    }
  }

  private settle(due: readonly Waiter[], holds: ReadonlyMap<Holding, Hold>): void {
    const now = this.parts.clock.monotonic();
    const over = new Set<Waiter>();
    const short = new Set<string>();
    for (const waiter of due) {
      const lacking = waiter.slot.holdings.find((holding) => !hasRoom(holding));
      if (!lacking) {
        over.add(waiter);
        waiter.caller.resolve(this.occupy(waiter.slot));
        continue;
      }
      const pauseMs = pausesMs[waiter.tries];
      // Alone there is nobody to wait for.
      if (pauseMs !== undefined && (holds.get(lacking)?.others ?? 0) > 0) {
        waiter.tries++;
        waiter.dueAt = now + pauseMs;
        short.add(lacking.id);
        continue;
      }
      lacking.fullUntil = now + fullMs;
      over.add(waiter);
      waiter.caller.reject(refusalBy(lacking));
    }
    this.leaveWaiters(over, () => undefined);
    if (short.size > 0) this.parts.onShort([...short]);
  }

  private leaveWaiters(over: ReadonlySet<Waiter>, tell: (waiter: Waiter) => void): void {
    this.waiters = this.waiters.filter((waiter) => !over.has(waiter));
    for (const waiter of over) tell(waiter);
  }
}
