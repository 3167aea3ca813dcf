import { AppError } from '../kernel/errors.ts';
import type { HoldKind } from './hold.ts';

/** One limit that something which opens has to fit in. */
export interface Wanted {
  /** The id of the member, key, tenant or provider. */
  readonly id: string;
  readonly most: number;
  /** For the refusal: `sockets of a member`. */
  readonly words: string;
}

/** Something that wants to be open. */
export interface Entry {
  readonly kind: HoldKind;
  /** All limits that it counts against. */
  readonly wanted: readonly Wanted[];
  /** Called after its slot was taken away, since this process was taken to be dead and others have its slots. */
  readonly onLost: (error: AppError) => void;
}

/** Something that is open, or wants to be, with what this process has of each limit that it counts against. */
export interface Slot {
  readonly holdings: readonly Holding[];
  /** As the entry's. */
  readonly onLost: (error: AppError) => void;
}

/** What this process has of one limit. */
export interface Holding {
  readonly id: string;
  readonly kind: HoldKind;
  readonly words: string;
  most: number;
  readonly slots: Set<Slot>;
  /** How many wait for a slot of it here. */
  waiting: number;
  /** How many this process may have open without asking; never more than its row says. */
  held: number;
  /** Whether the row may say something else than what is held here, so that it has to be asked. */
  isStale: boolean;
  /** Whether the lease was lost, so that what is open here has to find its place again. */
  isLost: boolean;
  enteredAt: number;
  /** Until then other processes are short of slots, and this one holds none in reserve. */
  tightUntil: number;
  /** Until then it is taken to be full, without asking. */
  fullUntil: number;
}

const mostSpare = 32;
const spareLivesMs = 10_000;
const retryAfterMs = 5_000;

/** A limit of which nothing is held yet. */
export function newHolding(kind: HoldKind, { id, most, words }: Wanted): Holding {
  const state = { waiting: 0, held: 0, isStale: false, isLost: false, enteredAt: 0, tightUntil: 0, fullUntil: 0 };
  return { id, kind, words, most, slots: new Set(), ...state };
}

/** Whether one more may be opened without a statement. */
export function hasRoom({ slots, held, most }: Holding): boolean {
  return slots.size < Math.min(held, most);
}

/** Whether the row has to be asked although nobody waits: it may be stale, the lease was lost, or more is held than is of use. */
export function isDue(holding: Holding, now: number): boolean {
  const { slots, held, isStale, isLost } = holding;
  return isStale || (isLost && slots.size > 0) || held > slots.size + reserveOf(holding, now);
}

/** How many to hold beside those that are open, so that who comes next need not wait for a statement. */
export function reserveOf({ most, enteredAt, tightUntil }: Holding, now: number): number {
  return now < tightUntil || now - enteredAt > spareLivesMs ? 0 : Math.min(mostSpare, Math.floor(most / 10));
}

/** The error for somebody who finds it full. */
export function refusalBy({ most, words }: Holding): AppError {
  return new AppError('RATE_LIMITED', `the limit of ${most} ${words} is reached: close one, or come back`, { retryAfterMs });
}

/** Its name among those of one store. */
export function keyOf(id: string, kind: HoldKind): string {
  return `${id} ${kind}`;
}
