/** How much the operations of a tenant may cost: a bucket that fills again with time. */
export interface CostLimit {
  /** What the bucket holds when it is full; 0 is no limit. */
  readonly maximum: number;
  /** What comes back in a second, at least 1. */
  readonly restoreRate: number;
}

/** Reservations of one epoch (a minute) whose operations have ended: how much was reserved, and how much they really cost. */
export interface Settlement {
  readonly epoch: number;
  readonly reserved: number;
  readonly actual: number;
}

/** What callers who wait want of their tenant's bucket. */
export interface CostAsk {
  /** What all of them may cost together. */
  readonly cost: number;
  /** What the cheapest of them may cost: with less than that nobody could go, so nothing is taken. 0 when nobody wants anything. */
  readonly least: number;
  readonly costLimit: CostLimit;
  readonly settlements: readonly Settlement[];
}

/** What the bucket gave. */
export interface CostGrant {
  readonly granted: number;
  /** What is left after it. */
  readonly left: number;
  /** Names this reservation when it is settled. */
  readonly epoch: number;
}

/** Which of these costs are covered by what was granted, in the order in which they came. One that does not fit does not stop a cheaper one behind it. */
export function cover(costs: readonly number[], granted: number): { readonly isCovered: boolean[]; readonly unused: number } {
  let unused = granted;
  const isCovered = costs.map((cost) => {
    if (cost > unused) return false;
    unused -= cost;
    return true;
  });
  return { isCovered, unused };
}

/** Milliseconds until the bucket has this much, if nobody else takes from it and nothing is given back. */
export function waitFor(cost: number, left: number, { restoreRate }: CostLimit): number {
  return Math.max(100, Math.ceil(((cost - left) / restoreRate) * 1_000));
}

/** Reservations that ended in this process and of which the database has not been told yet, added up by epoch. There are never more than a few epochs. */
export class PendingSettlements {
  private readonly settled = new Map<number, { reserved: number; actual: number }>();

  get isEmpty(): boolean {
    return this.settled.size === 0;
  }

  settle({ epoch, reserved, actual }: Settlement): void {
    const sum = this.settled.get(epoch) ?? { reserved: 0, actual: 0 };
    sum.reserved += reserved;
    sum.actual += actual;
    this.settled.set(epoch, sum);
  }

  /** Takes all of them out. */
  take(): Settlement[] {
    const all = [...this.settled].map(([epoch, sums]) => ({ epoch, ...sums }));
    this.settled.clear();
    return all;
  }
}
