import type { CostLimit } from './cost.ts';
import { shownOf, type Quota } from './quota.ts';
import type { Wish } from './wish.ts';
import type { Verdict } from './verdict.ts';

/** The limits that requests were counted against. When one of them changes, what was counted ahead under the old ones is not used. */
export interface Bounds {
  readonly most: number;
  /** The key's limit; the same as `most` when it has none. */
  readonly keyMost: number;
  readonly tenantMost: number;
  readonly costLimit: CostLimit;
}

/** What to count for requests that have not come yet: how many, and what they may cost together. */
export interface Advance {
  readonly count: number;
  readonly cost: number;
}

/** What a statement counted for requests that have not come yet. */
export interface Advanced {
  readonly count: number;
  /** Null when costs have no limit. `left` is what the tenant has left after it. */
  readonly cost: { readonly amount: number; readonly epoch: number; readonly left: number } | null;
  /** All buckets that they were counted in. */
  readonly quotas: readonly Quota[];
}

/** A statement counts ahead what will come within this time. At ten requests a second two of three then need no statement; who stops asking has paid for a few that never came. */
const aheadMs = 250;
/** It counts ahead at most one part in this many of each limit: that is the most that can be refused elsewhere although nobody here used it. Of limits smaller than this nothing is counted ahead. */
const leastShare = 200;
/** For how long a cost that was reserved ahead is used. The database keeps reservations for a minute at least, and a request lasts less than half of that. */
const costLastsMs = 30_000;
/** How old the quotas may be that callers are shown. */
const toldMs = 1_000;
export const nothingAhead: Advance = { count: 0, cost: 0 };

/**
 * Requests of one member and key that the database has counted before they came. They are admitted without asking it again, and never more of them than
 * were counted. What no request comes for stays counted until the end of its window: so a limit may refuse too early, but never admits too
 * much. This is done only where requests come often and are far from every limit; elsewhere each request is counted when it comes.
 */
export class Ahead {
  private count = 0;
  private cost: { amount: number; readonly epoch: number; readonly left: number; readonly until: number } | null = null;
  private bounds: Bounds | null = null;
  private quotas: readonly Quota[] = [];
  private shown: readonly Quota[] = [];
  private until = 0;
  private countedAt: number;
  private toldAt = 0;
  private asked = 0;
  /** Since the last statement: what requests cost together, and what the dearest of them did. */
  private askedCost = 0;
  private dearest = 0;

  constructor(now: number) {
    this.countedAt = now;
  }

  /** Admits a request that may cost so much; null when the database has to be asked. */
  use(cost: number, bounds: Bounds, now: number): Verdict | null {
    this.asked++;
    this.askedCost += cost;
    if (cost > this.dearest) this.dearest = cost;
    if (this.count === 0 || now >= this.until || !this.bounds || !areSame(this.bounds, bounds)) return null;
    const { cost: held } = this;
    if (bounds.costLimit.maximum > 0) {
      if (!held || held.amount < cost || now >= held.until) return null;
      held.amount -= cost;
    }
    this.count--;
    if (now - this.toldAt >= toldMs) this.tell(now);
    return {
      isAdmitted: true,
      refusedBy: null,
      quotas: this.shown,
      cost: held && bounds.costLimit.maximum > 0 ? { isReserved: true, left: held.left + held.amount, epoch: held.epoch } : null,
    };
  }

  /** What the next statement is to count ahead, supposing that requests go on coming as often and as dear as since the last one. */
  wanted({ most, keyMost, tenantMost, costLimit }: Bounds, now: number): Advance {
    const isFar = this.quotas.length > 0 && this.quotas.every((quota) => quota.left * 2 >= quota.most);
    if (!isFar) return nothingAhead;
    const comes = (this.asked / Math.max(1, now - this.countedAt)) * aheadMs;
    const mean = this.askedCost / Math.max(1, this.asked);
    const payable = costLimit.maximum > 0 && mean > 0 ? Math.floor(this.payable(costLimit)) : Infinity;
    const count = Math.floor(Math.min(comes, Math.min(most, keyMost, tenantMost) / leastShare, payable / mean));
    // Enough for the dearest of them, too, if that much may be taken.
    return count === 0 ? nothingAhead : { count, cost: Math.min(payable, Math.max(Math.ceil(count * mean), this.dearest)) };
  }

  /** Adds what a statement, sent at `now`, has counted ahead. Gives what is left of an earlier reservation, which is to be settled. */
  refill(
    { count, cost, quotas }: Advanced,
    bounds: Bounds,
    now: number,
  ): { readonly epoch: number; readonly amount: number } | null {
    const isOfNow = this.bounds !== null && areSame(this.bounds, bounds) && !this.hasEnded(quotas, now);
    const held = this.cost;
    const goesOn = isOfNow && held !== null && cost !== null && held.epoch === cost.epoch;
    this.count = (isOfNow ? this.count : 0) + count;
    this.cost = cost && { ...cost, amount: cost.amount + (goesOn ? held.amount : 0), until: now + costLastsMs };
    this.bounds = bounds;
    this.quotas = quotas;
    this.until = now + Math.min(...quotas.map(({ resetMs }) => resetMs));
    this.countedAt = now;
    this.asked = this.askedCost = this.dearest = 0;
    this.shown = shownOf(quotas);
    this.toldAt = now;
    return held && !goesOn && held.amount > 0 ? held : null;
  }

  /** Whether a window has ended since: what was counted in it is gone. */
  private hasEnded(quotas: readonly Quota[], now: number): boolean {
    const age = now - this.countedAt;
    return (
      quotas.length !== this.quotas.length ||
      quotas.some(({ resetMs }, index) => resetMs > (this.quotas[index]?.resetMs ?? 0) - age + toldMs)
    );
  }

  private payable({ maximum }: CostLimit): number {
    const { cost } = this;
    return cost && cost.left * 2 >= maximum ? maximum / leastShare : 0;
  }

  private tell(now: number): void {
    const age = now - this.countedAt;
    this.shown = shownOf(this.quotas).map((quota) => ({ ...quota, resetMs: Math.max(0, quota.resetMs - age) }));
    this.toldAt = now;
  }
}

/** The limits that a wish is counted against. */
export function boundsOf({ most, key }: Pick<Wish, 'most' | 'key'>, tenantMost: number, costLimit: CostLimit): Bounds {
  return { most, keyMost: key?.most ?? most, tenantMost, costLimit };
}

function areSame(a: Bounds, b: Bounds): boolean {
  return (
    a.most === b.most && a.keyMost === b.keyMost && a.tenantMost === b.tenantMost && a.costLimit.maximum === b.costLimit.maximum
  );
}
