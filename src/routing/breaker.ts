import type { ProviderError, ProviderErrorCode } from '../providers/port.ts';

/** CLOSED: calls are made. OPEN: none. HALF_OPEN: one, whose first text closes it. */
export const breakerStates = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const;
export type BreakerState = (typeof breakerStates)[number];

/** So many failures in a row open a breaker. */
const mostInARow = 5;
/** This share of the calls of the last while opens it too, once there were so many. */
const mostFailedShare = 0.5;
const leastCalls = 20;
/** How long a call counts for that share, in so many slots: for 25 to 30 seconds. */
const windowMs = 30_000;
const slots = 6;
/** Nobody waits longer than this for a model that may be asked again soon: failing at once helps more. */
export const longestWaitMs = 5_000;
/** How soon to ask again whether a probe that is under way has closed a breaker. */
const nextLookMs = 1_000;

/**
 * What a call's end says about its model; nothing where the cause can be the request, the key or the caller. MUTE: it came to its end and had
 * nothing to say. One prompt can do that as often as it is sent, and so five in a row say nothing of the model; half of all calls do.
 */
export type Verdict = 'WORKS' | 'FAILED' | 'MUTE' | 'NOTHING';

/** Ended calls of one model, added up; `inARow` are the failures since the last success among them, but those that were mute. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  readonly inARow: number;
  readonly hasSuccess: boolean;
}

export const noCalls: Tally = { calls: 0, failed: 0, inARow: 0, hasSuccess: false };

/** Calls and failures by the number of their slot of time. */
export type Slots = Readonly<Record<string, readonly [calls: number, failed: number]>>;

/** A breaker at one moment; times are milliseconds on the clock that `now` is of. */
export interface Breaker {
  readonly state: BreakerState;
  /** Counts the changes of state: what was seen of an earlier one changes nothing. */
  readonly round: number;
  readonly since: number;
  /** The next probe may begin then, whether or not the last one still goes on: who has it may be dead. Null when closed. */
  readonly nextProbeAt: number | null;
  /** In a row. */
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

/** `isOutOfTime`: the generation had no time left, however fast the model is. */
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

/** After calls that ended in its round `round`; those of an earlier one, and of one that is not closed, change nothing. With `openMs` 0 it stays closed. */
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

/** After the probe of its round `round`; a probe that took longer than the next one had to wait says nothing any more. */
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
  // From the beginning of the probe: one that hangs must not keep the next one waiting.
  return { ...next, state: 'OPEN', failures: breaker.failures + Number(end === 'FAILED') };
}

/** What counts at `now`. */
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

/** What may be done at `now`: PROBE only ever asks for the probe, which one of all processes gets. */
export function admission({ state, nextProbeAt }: Pick<Breaker, 'state' | 'nextProbeAt'>, now: number): Admission {
  if (state === 'CLOSED') return 'CALL';
  const waitMs = (nextProbeAt ?? now) - now;
  if (waitMs <= 0) return 'PROBE';
  return { waitMs: state === 'HALF_OPEN' ? Math.min(nextLookMs, waitMs) : waitMs };
}
