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

/** What wants to be open, and what is to be told. */
export interface Entry {
  readonly kind: HoldKind;
  /** All limits that it counts in. */
  readonly wanted: readonly Wanted[];
  /** Called, after the slot was freed, when its place is another process's now. */
  readonly onLost: (error: AppError) => void;
}

/** Something open, in each of the limits it counts in. */
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
  /** What this process may open without a statement; no more than the row says it holds. */
  held: number;
  /** What the row says differs from what is wanted, or is not known. */
  isStale: boolean;
  /** The lease was lost: what is open has to find its place again. */
  isLost: boolean;
  enteredAt: number;
  /** Until then other processes are short of slots: none are held in reserve. */
  tightUntil: number;
  /** Until then it is full, without a look. */
  fullUntil: number;
}

const mostSpare = 32;
const spareLivesMs = 10_000;
const retryAfterMs = 5_000;

/** Nothing is held of it yet. */
export function newHolding(kind: HoldKind, { id, most, words }: Wanted): Holding {
  const state = { waiting: 0, held: 0, isStale: false, isLost: false, enteredAt: 0, tightUntil: 0, fullUntil: 0 };
  return { id, kind, words, most, slots: new Set(), ...state };
}

/** Whether one more may be opened without a statement. */
export function hasRoom({ slots, held, most }: Holding): boolean {
  return slots.size < Math.min(held, most);
}

/** Whether the row has to be asked, though nobody waits: it may say something else than is wanted, or too much. */
export function isDue(holding: Holding, now: number): boolean {
  const { slots, held, isStale, isLost } = holding;
  return isStale || (isLost && slots.size > 0) || held > slots.size + reserveOf(holding, now);
}

/** How many are held beside those that are open, so that who comes next waits for no statement. */
export function reserveOf({ most, enteredAt, tightUntil }: Holding, now: number): number {
  return now < tightUntil || now - enteredAt > spareLivesMs ? 0 : Math.min(mostSpare, Math.floor(most / 10));
}

/** What somebody is told who finds it full. */
export function refusalBy({ most, words }: Holding): AppError {
  return new AppError('RATE_LIMITED', `the limit of ${most} ${words} is reached: close one, or come back`, { retryAfterMs });
}

/** Its name among those of one store. */
export function keyOf(id: string, kind: HoldKind): string {
  return `${id} ${kind}`;
}
