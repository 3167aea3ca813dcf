import type { Reading } from './reading.ts';
import { quantileOf, weightOf, type Histogram } from './histogram.ts';

/** When a second model is asked because the first text of the first one is late: after a fixed number of milliseconds, or when it is later than 95 of 100 of the route's. */
export type Hedging = { readonly after: number } | { readonly after: 'P95'; readonly untilKnownMs: number };

/** Where the time comes from. FIXED: the route says it. P95: its latest calls. UNTIL_KNOWN: there were too few of those. */
export type HedgeBasis = 'FIXED' | 'P95' | 'UNTIL_KNOWN';

/** What a route's hedging comes to now. */
export interface Hedge {
  readonly afterMs: number;
  readonly basis: HedgeBasis;
  /** The milliseconds within which 95 of 100 first texts came; null while no call is known of. */
  readonly p95Ms: number | null;
  /** How many calls that is known from. */
  readonly calls: number;
}

const shortestMs = 50;
const longestMs = 120_000;
const usualUntilKnownMs = 2_000;
/** From fewer calls a p95 says nothing. */
const leastCalls = 20;
const share = 0.95;

/** The hedging that a person wrote, as `hedge` or in short as `hedgeAfterMs`; null for none. */
export function readHedging(hedge: Reading, hedgeAfterMs: Reading): Hedging | null {
  const fixed = hedgeAfterMs.maybe(milliseconds);
  if (!hedge.isGiven) return fixed === null ? null : { after: fixed };
  if (fixed !== null) hedgeAfterMs.refuse('hedge says when already');
  const { after, untilKnownMs } = hedge.object(['after', 'untilKnownMs']);
  if (!after.isGiven || after.value === 'P95')
    return { after: 'P95', untilKnownMs: untilKnownMs.maybe(milliseconds) ?? usualUntilKnownMs };
  if (typeof after.value !== 'number') after.refuse('P95, or a number of milliseconds, is needed here');
  if (untilKnownMs.isGiven) untilKnownMs.refuse('a number of milliseconds is always known');
  return { after: milliseconds(after) };
}

/** When to ask a second model, by what is known of the route's calls; null for never. */
export function hedgeOf(hedging: Hedging | null, known: Histogram | null): Hedge | null {
  if (hedging === null) return null;
  const calls = known ? Math.round(weightOf(known)) : 0;
  const p95Ms = known && quantileOf(known, share);
  const about = { p95Ms: p95Ms === null ? null : Math.round(p95Ms), calls };
  if (hedging.after !== 'P95') return { afterMs: hedging.after, basis: 'FIXED', ...about };
  if (p95Ms === null || calls < leastCalls) return { afterMs: hedging.untilKnownMs, basis: 'UNTIL_KNOWN', ...about };
  return { afterMs: Math.round(Math.min(longestMs, Math.max(shortestMs, p95Ms))), basis: 'P95', ...about };
}

function milliseconds(at: Reading): number {
  return at.whole(shortestMs, longestMs);
}
