import type { Advance } from './ahead.ts';
import type { Decision, Quota } from './quota.ts';

/** A request or start that asks. */
export interface Asker {
  /** What it may cost. */
  readonly cost: number;
  /** The operation of a request that may be followed before it is answered; null for what may not, as what is refused whatever is granted. */
  readonly operation: object | null;
  /** What is to be taken for requests like it that come after it. */
  readonly advance: Advance;
}

/** What a caller is told. */
export interface Verdict extends Decision {
  /** What became of its cost; null where costs have no limit. */
  readonly cost: { readonly isReserved: boolean; readonly left: number; readonly epoch: number } | null;
}

/** Known to be empty until then, as long as the limit is what it was. */
export interface Empty extends Quota {
  readonly until: number;
}

/** Somebody could not pay with what was left, at a moment before the database looked. */
export interface Short {
  readonly left: number;
  readonly maximum: number;
  readonly seenAt: number;
}
