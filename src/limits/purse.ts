import { cover, type CostGrant } from './cost.ts';

/** What one statement reserved of the tenant's costs, for all its callers to share. */
export class Purse {
  left: number;
  /** Whether it was too little for one of them. */
  isShort = false;

  constructor(readonly grant: CostGrant) {
    this.left = grant.granted;
  }

  /** Whether each of them is paid for. */
  pay(costs: readonly number[]): readonly boolean[] {
    const { isCovered, unused } = cover(costs, this.left);
    this.left = unused;
    this.isShort ||= isCovered.includes(false);
    return isCovered;
  }

  /** Takes up to `most` for requests that have not come yet; nothing if somebody was refused, whom it could have helped. */
  keep(most: number): number {
    const kept = this.isShort ? 0 : Math.min(most, this.left);
    this.left -= kept;
    return kept;
  }
}
