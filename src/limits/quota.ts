/** A rate by what it counts and for whom. */
export type RateName = 'member' | 'key' | 'tenant' | 'starts' | 'keyStarts';

/** What is left of a limit. */
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
/** What a limit that is none counts up to: more than any process can admit in a window. */
export const unlimited = 1_000_000_000;

/** What each of the callers is told, in the order they came, when `granted` of them may go on. Those in front see what those behind them left. */
export function decide(callers: number, granted: number, quotas: readonly Quota[]): Decision[] {
  const shown = shownOf(quotas);
  const refusedBy = slowest(shown.filter(({ left }) => left === 0)) ?? slowest(shown);
  return Array.from({ length: callers }, (_, index) => {
    const isAdmitted = index < granted;
    return { isAdmitted, refusedBy: isAdmitted ? null : refusedBy, quotas: shown };
  });
}

/** Those that are limits. */
export function shownOf(quotas: readonly Quota[]): readonly Quota[] {
  return quotas.filter(({ most }) => most < unlimited);
}

/** Of several limits the one that lets nobody in for longest. */
export function slowest(quotas: readonly Quota[]): Quota | null {
  return quotas.reduce<Quota | null>((last, quota) => (last && last.resetMs >= quota.resetMs ? last : quota), null);
}
