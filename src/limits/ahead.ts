import type { CostLimit } from './cost.ts';
import { shownOf, type Quota } from './quota.ts';
import type { Wish } from './wish.ts';
import type { Verdict } from './verdict.ts';

/** The limits that requests were counted against: with others, what was taken for them is not theirs. */
export interface Bounds {
  readonly most: number;
  /** Of the key; the same as `most` where it has none. */
  readonly keyMost: number;
  readonly tenantMost: number;
  readonly costLimit: CostLimit;
}

/** What to take for requests that have not come yet. */
export interface Advance {
  readonly count: number;
  readonly cost: number;
}

/** What a statement counted for them. */
export interface Advanced {
  readonly count: number;
  /** Null where costs have no limit. `left` is the tenant's after it. */
  readonly cost: { readonly amount: number; readonly epoch: number; readonly left: number } | null;
  /** Every bucket that it was counted in. */
  readonly quotas: readonly Quota[];
}

/** A statement takes for what comes in so long: at ten requests a second two of three need no statement then, and who stops asking has paid for a few that never came. */
const aheadMs = 250;
/** And at most this part of each limit: so much at most may be refused elsewhere that no request here has used. Below it, nothing is taken ahead. */
const leastShare = 200;
/** A reservation is kept for a minute at least, and a request lasts less than half of that. */
const costLastsMs = 30_000;
/** What is left, and for how long, is told as it was at most so long ago. */
const toldMs = 1_000;
export const nothingAhead: Advance = { count: 0, cost: 0 };

/**
 * The requests of one member and key that the database has counted before they came. What is taken from here is admitted without a question, and
 * never more than was counted; what no request comes for stays counted in its window, so a limit may refuse early and never admits too much.
 * Only where much is asked for and far from every limit: elsewhere each request is counted by itself.
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
  /** What those asked for cost together, and the dearest of them. */
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

  /** What the next statement is to take ahead, when requests go on coming as they did since the last, at the costs that they had. */
  wanted({ most, keyMost, tenantMost, costLimit }: Bounds, now: number): Advance {
    const isFar = this.quotas.length > 0 && this.quotas.every((quota) => quota.left * 2 >= quota.most);
    if (!isFar) return nothingAhead;
    const comes = (this.asked / Math.max(1, now - this.countedAt)) * aheadMs;
    const mean = this.askedCost / Math.max(1, this.asked);
    const payable = costLimit.maximum > 0 && mean > 0 ? Math.floor(this.payable(costLimit)) : Infinity;
    const count = Math.floor(Math.min(comes, Math.min(most, keyMost, tenantMost) / leastShare, payable / mean));
    // A dear one among cheap ones is paid for as well, where that much may be taken.
    return count === 0 ? nothingAhead : { count, cost: Math.min(payable, Math.max(Math.ceil(count * mean), this.dearest)) };
  }

  /** Takes what a statement counted ahead, asked for at `now`. Gives what is left of an earlier reservation, to be settled. */
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

  /** Whether a window has ended that something was counted in: the next one knows nothing of it. */
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

/** What an ask is counted against. */
export function boundsOf({ most, key }: Pick<Wish, 'most' | 'key'>, tenantMost: number, costLimit: CostLimit): Bounds {
  return { most, keyMost: key?.most ?? most, tenantMost, costLimit };
}

function areSame(a: Bounds, b: Bounds): boolean {
  return (
    a.most === b.most && a.keyMost === b.keyMost && a.tenantMost === b.tenantMost && a.costLimit.maximum === b.costLimit.maximum
  );
}
