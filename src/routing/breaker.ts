import type { ProviderError, ProviderErrorCode } from '../providers/port.ts';

/** CLOSED: calls are made. OPEN: none is. HALF_OPEN: one is, the probe; its first text closes the breaker. */
export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

/** This many failures in a row open a breaker. */
const mostInARow = 5;
/** So does this share of failures among the calls of the window, once there were `leastCalls` in it. */
const mostFailedShare = 0.5;
const leastCalls = 20;
/** The window: how long a call counts for that share. It is cut into slots that leave it as a whole, so a call counts for 25 to 30 seconds. */
const windowMs = 30_000;
const slots = 6;
/** Nobody waits longer than this for a model that is blocked: failing at once helps more. */
export const longestWaitMs = 5_000;
/** While a probe is under way: how soon to look again whether it has closed the breaker. */
const nextLookMs = 1_000;

/**
 * What a call's end says about its model. NOTHING: the cause can be the request, the key or the caller. MUTE: the model ended without a word. One
 * prompt can bring that about as often as it is sent, so it does not count for failures in a row, but for the share of failures.
 */
export type Verdict = 'WORKS' | 'FAILED' | 'MUTE' | 'NOTHING';

/** Ended calls of one model, added up. `inARow` counts the failures since the last success among them, without mute ones. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  readonly inARow: number;
  readonly hasSuccess: boolean;
}

export const noCalls: Tally = { calls: 0, failed: 0, inARow: 0, hasSuccess: false };

/** Calls and failures by the number of their slot of time. */
export type Slots = Readonly<Record<string, readonly [calls: number, failed: number]>>;

/** A breaker at one moment; its times are milliseconds on the same clock as `now` of the functions below. */
export interface Breaker {
  readonly state: BreakerState;
  /** Counts the changes of state. What was seen in an earlier round changes nothing. */
  readonly round: number;
  readonly since: number;
  /** When the next probe may begin, even if the last one has not ended: its process may be dead. Null when closed. */
  readonly nextProbeAt: number | null;
  /** Failures in a row. */
  readonly failures: number;
  readonly recent: Slots;
}

/** How a probe ended: with text, with a failure of the model, given up by its caller, or with an answer that says nothing of the model. */
export type ProbeEnd = 'TEXT' | 'FAILED' | 'ABANDONED' | 'NOTHING';

/** What to do with a call. */
export type Admission = 'CALL' | 'PROBE' | { readonly waitMs: number };

/** The causes that lie with the request or the key. */
const notTheModels: ReadonlySet<ProviderErrorCode> = new Set([
  'PROVIDER_AUTH',
  'PROVIDER_QUOTA',
  'CREDENTIAL_UNREADABLE',
  'INVALID_REQUEST',
  'MODEL_NOT_FOUND',
  'CONTEXT_TOO_LONG',
  'CONTENT_REFUSED',
]);

/** `isOutOfTime`: the generation had no time left, so its timeout says nothing of the model. */
export function verdictOf({ code, isOfRequest }: Pick<ProviderError, 'code' | 'isOfRequest'>, isOutOfTime: boolean): Verdict {
  if (isOfRequest || notTheModels.has(code)) return 'NOTHING';
  if (code === 'TIMEOUT' && isOutOfTime) return 'NOTHING';
  if (code === 'EMPTY_COMPLETION') return 'MUTE';
  return 'FAILED';
}

/** Two tallies, one after the other. */
function joined(earlier: Tally, later: Tally): Tally {
  return {
    calls: earlier.calls + later.calls,
    failed: earlier.failed + later.failed,
    inARow: later.hasSuccess ? later.inARow : earlier.inARow + later.inARow,
    hasSuccess: earlier.hasSuccess || later.hasSuccess,
  };
}

/** One more call. */
export function counted(tally: Tally, verdict: Exclude<Verdict, 'NOTHING'>): Tally {
  const hasSuccess = verdict === 'WORKS';
  return joined(tally, { calls: 1, failed: Number(!hasSuccess), inARow: Number(verdict === 'FAILED'), hasSuccess });
}

/** Whether these calls open a closed breaker: `calls` and `failed` are those of the window, `inARow` is as old as it may be. */
function opens({ calls, failed, inARow }: Tally): boolean {
  return inARow >= mostInARow || (calls >= leastCalls && failed >= calls * mostFailedShare);
}

/** The breaker after calls that ended in `round`. They change nothing if that round is over or the breaker is not closed. With `openMs` 0 it never opens. */
export function afterCalls(
  breaker: Breaker,
  { round, tally }: { round: number; tally: Tally },
  now: number,
  openMs: number,
): Breaker {
  if (breaker.state !== 'CLOSED' || breaker.round !== round || tally.calls === 0) return breaker;
  const recent = withCalls(breaker.recent, tally, now);
  const failures = tally.hasSuccess ? tally.inARow : breaker.failures + tally.inARow;
  const next = { ...breaker, failures, recent };
  if (openMs === 0 || !opens(inWindow(next, now))) return next;
  return { ...next, state: 'OPEN', round: round + 1, since: now, nextProbeAt: now + openMs };
}

/** The breaker after the probe of `round` ended. If the next probe has begun meanwhile the round is another, and nothing changes. */
export function afterProbe(
  breaker: Breaker,
  { round, end }: { round: number; end: ProbeEnd },
  now: number,
  openMs: number,
): Breaker {
  if (breaker.state !== 'HALF_OPEN' || breaker.round !== round) return breaker;
  const next = { ...breaker, round: round + 1, since: now };
  if (end === 'TEXT') return { ...next, state: 'CLOSED', nextProbeAt: null, failures: 0, recent: {} };
  // The provider answered, if only about the request or the key: the next one need not wait for that.
  if (end === 'NOTHING') return { ...next, state: 'OPEN', nextProbeAt: now + openMs / 30 };
  // `nextProbeAt` stays: it counts from the beginning of the probe, so that one that hangs does not delay the next.
  return { ...next, state: 'OPEN', failures: breaker.failures + Number(end === 'FAILED') };
}

/** The calls that count at `now`. */
function inWindow({ recent, failures }: Pick<Breaker, 'recent' | 'failures'>, now: number): Tally {
  const kept = Object.entries(recent).filter(([slot]) => isRecent(slot, now));
  const sum = (of: 0 | 1): number => kept.reduce((total, [, each]) => total + each[of], 0);
  return { calls: sum(0), failed: sum(1), inARow: failures, hasSuccess: false };
}

function withCalls(recent: Slots, { calls, failed }: Tally, now: number): Slots {
  const slot = String(slotAt(now));
  const kept = Object.entries(recent).filter(([each]) => isRecent(each, now));
  const [before, failedBefore] = recent[slot] ?? [0, 0];
  return { ...Object.fromEntries(kept), [slot]: [before + calls, failedBefore + failed] };
}

const isRecent = (slot: string, now: number): boolean => Number(slot) > slotAt(now) - slots;
const slotAt = (now: number): number => Math.floor(now / (windowMs / slots));

/** What may be done at `now`. PROBE means that a probe is due: one of all processes gets it when it claims it. */
export function admission({ state, nextProbeAt }: Pick<Breaker, 'state' | 'nextProbeAt'>, now: number): Admission {
  if (state === 'CLOSED') return 'CALL';
  const waitMs = (nextProbeAt ?? now) - now;
  if (waitMs <= 0) return 'PROBE';
  return { waitMs: state === 'HALF_OPEN' ? Math.min(nextLookMs, waitMs) : waitMs };
}
