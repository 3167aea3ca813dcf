/** How long calls have lately taken: a histogram of their times, in which a call counts the less the older it is. */
export interface Histogram {
  /** By the number of a bucket: the sum of the weights of its calls. A call of weight 1 has just been made. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Each bucket reaches a tenth further than the one before, so a quantile is too long by a tenth at most. */
const growth = 1.1;
/** Calls that took longer than ten minutes count as ten minutes. */
const longestMs = 600_000;
/** A call loses half of its weight in this time, as long as newer calls come. */
export const halfLifeMs = 1_800_000;
/** Time alone leaves this many calls: a route that nobody uses is still known by its last ones. With fewer we could say nothing. */
export const remembered = 40;
/** After this long without any call nothing is known. */
export const knownMs = 7 * 24 * 3_600_000;
/** More half-lives than this count as this many. For a route that rested for three weeks the power would be too small a number for Postgres, which is an error. */
export const mostHalfLives = 64;
/** Buckets that weigh less than this are dropped. */
export const leastWeight = 0.01;

/** The bucket of a call that took so long. */
export function bucketOf(ms: number): number {
  return Math.ceil(Math.log(Math.min(longestMs, Math.max(1, ms))) / Math.log(growth));
}

/** The longest time that belongs to a bucket, in milliseconds. */
export function bucketTop(bucket: number): number {
  return growth ** bucket;
}

/** How many calls a histogram stands for. */
export function weightOf({ counts }: Histogram): number {
  return Object.values(counts).reduce((sum, weight) => sum + weight, 0);
}

/**
 * The time in milliseconds within which this share of the calls came: the top of the bucket that the quantile is in, so rather too long than too
 * short. Null when there are no calls.
 */
export function quantileOf(histogram: Histogram, share: number): number | null {
  const buckets = Object.entries(histogram.counts)
    .map(([bucket, weight]) => [Number(bucket), weight] as const)
    .toSorted(([one], [other]) => one - other);
  // Sums of doubles are a little off: without the tolerance the last bucket could be missed.
  let left = weightOf(histogram) * share - 1e-9;
  for (const [bucket, weight] of buckets) if ((left -= weight) <= 0) return bucketTop(bucket);
  return null;
}
