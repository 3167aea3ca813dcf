/** Which rate: what it counts, and for whom. */
export type RateName = 'member' | 'key' | 'tenant' | 'starts' | 'keyStarts';

/** A rate and what is left of it. */
export interface Quota {
  readonly name: RateName;
  /** Allowed in a window. */
  readonly most: number;
  readonly left: number;
  /** Milliseconds until a new window begins, at the earliest. */
  readonly resetMs: number;
}

/** Whether a caller may go on. */
export interface Decision {
  readonly isAdmitted: boolean;
  /** The limit that refuses; null when none does. */
  readonly refusedBy: Quota | null;
  /** Every limit that was looked at; limits that are none are left out. */
  readonly quotas: readonly Quota[];
}

/** The length of every window. */
export const windowSeconds = 60;
/** The number that stands for no limit in statements: more than any process can admit in a window. */
export const unlimited = 1_000_000_000;

/** What each of the callers is told, in the order in which they came, when the first `granted` of them may go on. All are shown what is left after all of them. */
export function decide(callers: number, granted: number, quotas: readonly Quota[]): Decision[] {
  const shown = shownOf(quotas);
  const refusedBy = slowest(shown.filter(({ left }) => left === 0)) ?? slowest(shown);
  return Array.from({ length: callers }, (_, index) => {
    const isAdmitted = index < granted;
    return { isAdmitted, refusedBy: isAdmitted ? null : refusedBy, quotas: shown };
  });
}

/** The quotas without those that stand for no limit. */
export function shownOf(quotas: readonly Quota[]): readonly Quota[] {
  return quotas.filter(({ most }) => most < unlimited);
}

/** The quota that resets last. */
export function slowest(quotas: readonly Quota[]): Quota | null {
  return quotas.reduce<Quota | null>((last, quota) => (last && last.resetMs >= quota.resetMs ? last : quota), null);
}
