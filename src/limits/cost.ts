/** How much the operations of a tenant may cost. */
export interface CostLimit {
  /** What there is when nothing was asked for a while; 0 is no limit. */
  readonly maximum: number;
  /** What comes back in a second, at least 1. */
  readonly restoreRate: number;
}

/** Reservations of one epoch that are over: how much was reserved, and how much it really cost. */
export interface Settlement {
  readonly epoch: number;
  readonly reserved: number;
  readonly actual: number;
}

/** What waiting callers want of a tenant's bucket. */
export interface CostAsk {
  /** Of all of them together. */
  readonly cost: number;
  /** The cheapest: with less than that nobody is helped, so nothing is taken. 0 when nobody wants anything. */
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

/** Which of these costs, in the order they came, are covered by what was granted; one that does not fit keeps no cheaper one from going. */
export function cover(costs: readonly number[], granted: number): { readonly isCovered: boolean[]; readonly unused: number } {
  let unused = granted;
  const isCovered = costs.map((cost) => {
    if (cost > unused) return false;
    unused -= cost;
    return true;
  });
  return { isCovered, unused };
}

/** Milliseconds until the bucket has so much, when nobody asks meanwhile and nothing is given back. */
export function waitFor(cost: number, left: number, { restoreRate }: CostLimit): number {
  return Math.max(100, Math.ceil(((cost - left) / restoreRate) * 1_000));
}

/** What is over in this process and not yet told to the database, by epoch: there are never more than a few. */
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

  /** All of it, which is forgotten here. */
  take(): Settlement[] {
    const all = [...this.settled].map(([epoch, sums]) => ({ epoch, ...sums }));
    this.settled.clear();
    return all;
  }
}
