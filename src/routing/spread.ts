/** How long something has lately taken: how many calls took how long, each counting the less the older it is. */
export interface Spread {
  /** By the number of their step: the weights of calls that took up to `topOf` it. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Each step is a tenth longer than the one before: a quantile is at most so much too late. */
const growth = 1.1;
/** Everything beyond is as long: ten minutes. */
const longestMs = 600_000;
/** A call counts for half after so long, as long as there are later ones. */
export const halfLifeMs = 1_800_000;
/** So many calls are left by time alone: fewer say too little. */
export const remembered = 40;
/** After so long without any call nothing is known. */
export const knownMs = 7 * 24 * 3_600_000;
/** Older than so many half-lives is as good as never. A power too small for a number is an error to Postgres, of a route that rested for three weeks. */
export const mostHalfLives = 64;
/** What counts for less than this is forgotten. */
export const leastWeight = 0.01;

/** The step of a call that took so long. */
export function stepOf(ms: number): number {
  return Math.ceil(Math.log(Math.min(longestMs, Math.max(1, ms))) / Math.log(growth));
}

/** The longest that a call of this step took, in milliseconds. */
export function topOf(step: number): number {
  return growth ** step;
}

/** For how many calls a spread stands. */
export function weightOf({ counts }: Spread): number {
  return Object.values(counts).reduce((sum, weight) => sum + weight, 0);
}

/** So long is what this share of the calls took, or less, in milliseconds: rather too long than too short. Null where there are none. */
export function quantileOf(spread: Spread, share: number): number | null {
  const steps = Object.entries(spread.counts)
    .map(([step, weight]) => [Number(step), weight] as const)
    .toSorted(([one], [other]) => one - other);
  // A sum of weights may miss its own total by less than it is written with.
  let left = weightOf(spread) * share - 1e-9;
  for (const [step, weight] of steps) if ((left -= weight) <= 0) return topOf(step);
  return null;
}
