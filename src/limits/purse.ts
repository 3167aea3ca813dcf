import { cover, type CostGrant } from './cost.ts';

/** What a statement reserved, for its callers to share. */
export class Purse {
  left: number;
  /** Whether it was too little for somebody. */
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

  /** Takes up to so much for requests that have not come yet: nothing while somebody else was refused for it. */
  keep(most: number): number {
    const kept = this.isShort ? 0 : Math.min(most, this.left);
    this.left -= kept;
    return kept;
  }
}
