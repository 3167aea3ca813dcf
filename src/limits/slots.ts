import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Bus } from '../messages/bus.ts';
import { LostLease, type Hold, type HoldAsk, type HoldKind, type HoldStore } from './hold.ts';
import {
  hasRoom,
  isDue,
  keyOf,
  newHolding,
  refusalBy,
  reserveOf,
  type Entry,
  type Holding,
  type Slot,
  type Wanted,
} from './holding.ts';
import type { ProcessLease } from './process-lease.ts';

/** How long to wait where a limit is reached. */
export interface Patience {
  /** The pauses before further tries, which are made as long as other processes hold some: they may have them in reserve. */
  readonly pausesMs: readonly number[];
  /** Until this moment on the monotonic clock it is tried again in any case, since slots may become free; 0 for no such time. */
  readonly until: number;
}

interface Waiter {
  readonly slot: Slot;
  readonly caller: PromiseWithResolvers<() => void>;
  readonly patience: Patience;
  tries: number;
  dueAt: number;
}

export interface SlotsParts {
  readonly store: HoldStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly lease: ProcessLease;
  /** Asks other processes for what they hold in reserve. */
  readonly bus: Bus;
}

const tightMs = 10_000;
const fullMs = 250;
const patientPauseMs = 200;
const mostAsked = 500;
const mostWaiting = 10_000;
const tidyMs = 1_000;

/**
 * Keeps slots in order, until what it returns is called. It gives back what nobody uses and what others are short of; after a lost lease what is open looks
 * for its place again.
 */
export function keepUp({ bus, lease }: Pick<SlotsParts, 'bus' | 'lease'>, all: () => Iterable<Slots>): () => void {
  const each = (act: (slots: Slots) => void): void => {
    for (const slots of all()) act(slots);
  };
  lease.onLost(() => each((slots) => slots.lose()));
  const timer = setInterval(() => each((slots) => slots.tidy()), tidyMs);
  const unsubscribe = bus.on('slots.wanted', ({ ids, isRemote }) => {
    if (isRemote) each((slots) => ids.forEach((id) => slots.tighten(id)));
  });
  return () => {
    clearInterval(timer);
    unsubscribe();
  };
}

/**
 * The slots of one store, as this process has them. The rows say what each process holds, and one statement at a time asks for all who wait. Far below a
 * limit the process holds some slots in reserve, so that who opens something next waits for no statement. Near the limit it holds none, and before
 * anybody is refused the other processes are asked for theirs. What becomes free here goes to those who wait here, in turn.
 */
export class Slots {
  private readonly holdings = new Map<string, Holding>();
  private waiters: Waiter[] = [];
  private running: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: SlotsParts) {}

  get isIdle(): boolean {
    return this.holdings.size === 0 && this.waiters.length === 0 && !this.running;
  }

  /** Takes a slot that is held in reserve; null when there is none. What it gives is to be called once, when that is closed. */
  enterNow({ kind, wanted, onLost }: Entry): (() => void) | null {
    const slot: Slot = { holdings: wanted.map((each) => this.holdingOf(kind, each)), onLost };
    return this.isNext(slot) ? this.occupy(slot) : null;
  }

  /** Takes a slot. What it gives is to be called once, when that is closed. Rejects with RATE_LIMITED, or UNAVAILABLE when the database cannot say. */
  async enter(entry: Entry, patience: Patience): Promise<() => void> {
    const now = this.parts.clock.monotonic();
    const slot: Slot = { holdings: entry.wanted.map((each) => this.holdingOf(entry.kind, each)), onLost: entry.onLost };
    if (this.isNext(slot)) return this.occupy(slot);
    const full = slot.holdings.find(({ fullUntil }) => fullUntil > now);
    if (full && patience.until <= now) throw refusalBy(full);
    if (this.waiters.length >= mostWaiting) throw new AppError('UNAVAILABLE', 'too many wait here', { retryAfterMs: 1_000 });
    const caller = Promise.withResolvers<() => void>();
    this.waiters.push({ slot, caller, patience, tries: 0, dueAt: now });
    for (const holding of slot.holdings) holding.waiting++;
    // There may be room already: those in front may wait for another limit.
    if (slot.holdings.every(hasRoom)) this.seat();
    // After everything that arrived in this turn of the event loop.
    setImmediate(() => this.run());
    return caller.promise;
  }

  /** How many slots of this member, key, tenant or provider are held in reserve here. */
  spareOf(id: string, kind: HoldKind): number {
    const holding = this.holdings.get(keyOf(id, kind));
    return holding ? Math.max(0, holding.held - holding.slots.size) : 0;
  }

  /** Another process is short of these slots: none are held in reserve for a while. */
  tighten(id: string): void {
    const tightUntil = this.parts.clock.monotonic() + tightMs;
    for (const holding of this.holdings.values()) if (holding.id === id) holding.tightUntil = tightUntil;
    this.tidy();
  }

  /** The lease was lost, so others do not count any more what this process holds. */
  lose(): void {
    for (const holding of this.holdings.values()) {
      holding.held = 0;
      holding.isLost = true;
    }
    this.run();
  }

  /** Gives back what nobody used for a while; forgets what is not held. */
  tidy(): void {
    for (const [key, { slots, held, waiting, isStale }] of this.holdings) {
      if (slots.size === 0 && held === 0 && waiting === 0 && !isStale && !this.running) this.holdings.delete(key);
    }
    const now = this.parts.clock.monotonic();
    if ([...this.holdings.values()].some((holding) => isDue(holding, now))) this.run();
  }

  async close(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.dismiss(new Set(this.waiters), ({ caller }) => caller.reject(new AppError('UNAVAILABLE', 'this process is stopping')));
    await this.running;
  }

  private holdingOf(kind: HoldKind, wanted: Wanted): Holding {
    const key = keyOf(wanted.id, kind);
    let holding = this.holdings.get(key);
    if (holding) {
      if (holding.most !== wanted.most) holding.fullUntil = 0;
      holding.most = wanted.most;
    } else {
      holding = newHolding(kind, wanted);
      this.holdings.set(key, holding);
    }
    holding.enteredAt = this.parts.clock.monotonic();
    return holding;
  }

  /** Whether there is room, and nobody waits for it. */
  private isNext({ holdings }: Slot): boolean {
    return this.parts.lease.isTrusted && holdings.every((holding) => holding.waiting === 0 && hasRoom(holding));
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
    if (slot.holdings.some(({ waiting }) => waiting > 0)) this.seat();
    if (slot.holdings.some(({ tightUntil }) => tightUntil > now)) setImmediate(() => this.run());
  }

  /** Gives what is free here to those who wait, in turn. */
  private seat(): void {
    if (!this.parts.lease.isTrusted) return;
    const over = new Set(
      this.waiters.filter(({ slot, caller }) => {
        if (!slot.holdings.every(hasRoom)) return false;
        caller.resolve(this.occupy(slot));
        return true;
      }),
    );
    this.dismiss(over, () => undefined);
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
        this.dismiss(new Set(due), (waiter) => waiter.caller.reject(error));
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
        const { id, kind, most, slots, isLost } = holding;
        const used = isLost ? 0 : slots.size;
        return [holding, { id, kind, most, used, wanted: slots.size + count, spare: reserveOf(holding, now) }];
      }),
    );
  }

  private async round(asked: ReadonlyMap<Holding, HoldAsk>, due: readonly Waiter[]): Promise<void> {
    const { store, lease } = this.parts;
    let turn = await lease.nextTurn();
    for (const [holding, { used }] of asked) {
      // Until the answer comes nothing is opened by slots that this statement may give back.
      holding.held = Math.min(holding.held, used);
      holding.isStale = true;
    }
    const asks = [...asked.values()];
    let found = await store.hold(turn, asks);
    if (found.includes(null)) {
      await store.makeRows(asks);
      turn = await lease.nextTurn();
      found = await store.hold(turn, asks);
    }
    // The answer came too late to be believed. It is asked again, under the id that the process has by then.
    if (!lease.isStill(turn)) return;
    const holds = new Map<Holding, Hold>();
    [...asked.keys()].forEach((holding, index) => {
      // A tenant that is gone has no rows any more.
      const answer = found[index] ?? { held: 0, others: 0 };
      holds.set(holding, answer);
      holding.held = answer.held;
      holding.isStale = false;
      if (holding.isLost) this.evict(holding);
      holding.isLost = false;
    });
    this.seat();
    this.refuse(due, holds);
  }

  /** Ends what found no place any more after a lost lease, the newest first. */
  private evict(holding: Holding): void {
    for (const slot of [...holding.slots].toReversed().slice(0, Math.max(0, holding.slots.size - holding.held))) {
      this.leave(slot);
      slot.onLost(refusalBy(holding));
    }
  }

  /** What becomes of those who asked and still have no slot: another try, or a refusal. */
  private refuse(due: readonly Waiter[], holds: ReadonlyMap<Holding, Hold>): void {
    const now = this.parts.clock.monotonic();
    const over = new Map<Waiter, Holding>();
    const short = new Set<string>();
    const still = new Set(this.waiters);
    for (const waiter of due) {
      if (!still.has(waiter)) continue;
      const lacking = waiter.slot.holdings.find((holding) => !hasRoom(holding));
      if (!lacking) continue;
      const hasOthers = (holds.get(lacking)?.others ?? 0) > 0;
      const pauseMs = this.pauseOf(waiter, hasOthers, now);
      if (pauseMs === null) {
        lacking.fullUntil = now + fullMs;
        over.set(waiter, lacking);
        continue;
      }
      waiter.tries++;
      waiter.dueAt = now + pauseMs;
      if (hasOthers) short.add(lacking.id);
    }
    this.dismiss(new Set(over.keys()), (waiter) => {
      const lacking = over.get(waiter);
      if (lacking) waiter.caller.reject(refusalBy(lacking));
    });
    if (short.size > 0) this.parts.bus.publish('slots.wanted', [...short]);
  }

  /** Milliseconds until the next try; null for none. Without `until` there is one only while other processes hold some, which they may give back. */
  private pauseOf({ patience, tries }: Waiter, hasOthers: boolean, now: number): number | null {
    const pauseMs = hasOthers ? patience.pausesMs[tries] : undefined;
    const leftMs = patience.until - now;
    if (leftMs <= 0) return pauseMs ?? null;
    return Math.min(pauseMs ?? patientPauseMs, leftMs);
  }

  /** Takes these out of those who wait, and tells each of them. */
  private dismiss(over: ReadonlySet<Waiter>, tell: (waiter: Waiter) => void): void {
    if (over.size === 0) return;
    const leaving = this.waiters.filter((waiter) => over.has(waiter));
    this.waiters = this.waiters.filter((waiter) => !over.has(waiter));
    for (const waiter of leaving) {
      for (const holding of waiter.slot.holdings) holding.waiting--;
      tell(waiter);
    }
  }
}
