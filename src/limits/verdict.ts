import type { Advance } from './ahead.ts';
import type { Decision, Quota } from './quota.ts';

/** A request or start that asks whether it may go on. */
export interface Asker {
  /** What it may cost. */
  readonly cost: number;
  /** The operation of a request, if a start may be sent right behind it; null if not, as when it is refused whatever is granted. */
  readonly operation: object | null;
  /** What to count ahead for requests like it. */
  readonly advance: Advance;
}

/** What a caller is told. */
export interface Verdict extends Decision {
  /** What became of its cost; null where costs have no limit. */
  readonly cost: { readonly isReserved: boolean; readonly left: number; readonly epoch: number } | null;
}

/** A bucket that is known to be empty until a moment on the monotonic clock, as long as the limit stays the same. */
export interface Empty extends Quota {
  readonly until: number;
}

/** What a tenant had left when somebody could not pay. `seenAt`, on the monotonic clock, is before the database looked. */
export interface Short {
  readonly left: number;
  readonly maximum: number;
  readonly seenAt: number;
}
