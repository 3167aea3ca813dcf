import type { FailoverPolicy } from '../templates/templates.table.ts';
import { longestWaitMs } from './breaker.ts';
import type { Cause, RetryPolicy, RoutePlan } from './plan.ts';

/** One call that was made, and why it failed. */
export interface FailedCall {
  readonly model: string;
  readonly cause: Cause;
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean;
  /** Whether another model may succeed with the same request although this one will not. */
  readonly othersMay: boolean;
  /** False when no call was made, because the model was blocked or there was no place for the call. It does not count as a try. */
  readonly isMade: boolean;
  /** How many more milliseconds its vendor asked us to wait; 0 when it asked for nothing, or that time is over. */
  readonly awayMs: number;
}

/** What is known when an attempt has failed. */
export interface Failed {
  /** Whether there is text that still stands. */
  readonly hasText: boolean;
  /** Whether a reader may have seen text, of this attempt or of an earlier one: then the first token is behind us. */
  readonly hasBegun: boolean;
  readonly policy: FailoverPolicy;
  /** The calls this process made for this generation, the one that has just failed last. */
  readonly calls: readonly FailedCall[];
  readonly plan: RoutePlan;
  /** For how many milliseconds a model is certainly blocked; 0 when it may be called. */
  readonly blockedMs: (model: string) => number;
  /** Milliseconds until the total deadline. */
  readonly remainingMs: number;
  /** 0..1, for the jitter of a pause. */
  readonly random: number;
}

type Try = { readonly kind: 'TRY'; readonly model: string; readonly delayMs: number };

/** What to do after it: call a model after a pause, keep the text there is, or give up. */
export type Move = Try | { readonly kind: 'KEEP' } | { readonly kind: 'FAIL' };

/** The policy for causes that the plan has none for. The total deadline bounds it. */
const usual: RetryPolicy = { tries: 4, firstDelayMs: 250, longestDelayMs: Infinity };
/** The policy for a model that could not be called: it was blocked, or there was no place. */
const waiting: RetryPolicy = { tries: 8, firstDelayMs: 100, longestDelayMs: longestWaitMs };
/** Calls for one generation in one process, whatever its plan says; the total deadline bounds them too. */
const mostCalls = 16;
/** With less time left than this no call is made: a timer can fire a little early, and a call in the last milliseconds could only cost the text there is. */
const leastCallMs = 50;

/**
 * The status table of the stream protocol, and the plan's own wishes by cause. It prefers, in this order:
 * 1. the same model again, after a pause, as often as the plan says for this cause;
 * 2. a model that the plan branches to for this cause, even if the failure is not retryable;
 * 3. the next model of the plan that was not called yet;
 * 4. a model that was called already, after a pause.
 *
 * Before the first token a failure that is not retryable is the end, unless the plan has a branch for it or other models may do better
 * (`othersMay`). After the first token the template's policy decides, and text that nobody can go on from is kept.
 */
export function nextMove(failed: Failed): Move {
  const { hasText, policy, calls, plan, remainingMs } = failed;
  const end: Move = { kind: hasText ? 'KEEP' : 'FAIL' };
  if ((hasText && policy === 'STOP') || calls.filter(({ isMade }) => isMade).length >= callsOf(plan)) return end;
  for (const move of candidates(failed)) if (move.delayMs + leastCallMs <= remainingMs) return move;
  return end;
}

function* candidates({ hasBegun, calls, plan, blockedMs, random }: Failed): Generator<Try> {
  const last = calls.at(-1);
  if (!last) return;
  const patience = plan.retry[last.cause];
  if (patience && last.retryable && last.isMade) yield* again(calls, last, patience, random);

  const asked = new Set(calls.map(({ model }) => model));
  const unasked = (models: readonly string[]): Try[] =>
    models.filter((model) => !asked.has(model) && blockedMs(model) === 0).map((model) => ({ kind: 'TRY', model, delayMs: 0 }));
  yield* unasked(plan.branches[last.cause] ?? []);
  if (!last.retryable && !last.othersMay && !hasBegun) return;
  // A model that was not asked yet is asked at once; only coming back to one is worth a pause.
  yield* unasked(plan.models);
  if (!last.retryable && !last.othersMay) return;

  const latest = new Map(calls.map((call) => [call.model, call]));
  const comebacks = [...latest.values()].flatMap((call) => [
    ...again(calls, call, call.isMade ? (plan.retry[call.cause] ?? usual) : waiting, random),
  ]);
  for (const model of plan.models) {
    const delayMs = asked.has(model) ? 0 : blockedMs(model);
    if (delayMs > 0 && delayMs <= longestWaitMs) comebacks.push({ kind: 'TRY', model, delayMs });
  }
  yield* comebacks.toSorted((one, other) => one.delayMs - other.delayMs);
}

/** The same model once more, after a pause. Nothing when it was called often enough, or when its vendor wants a longer pause than the policy allows. */
function* again(
  calls: readonly FailedCall[],
  { model, retryable, isMade, awayMs }: FailedCall,
  { tries, firstDelayMs, longestDelayMs }: RetryPolicy,
  random: number,
): Generator<Try> {
  const count = calls.filter((call) => call.model === model && call.isMade === isMade).length;
  if (!retryable || count >= tries || awayMs > longestDelayMs) return;
  const doubled = Math.min(longestDelayMs, firstDelayMs * 2 ** (count - 1));
  // By chance between half of it and all, so that calls that failed together do not come back together. Never sooner than the vendor wants.
  const delayMs = Math.max(doubled * (0.5 + random / 2), awayMs === 0 ? 0 : awayMs + firstDelayMs * random);
  // Never without a pause, whatever the plan says.
  yield { kind: 'TRY', model, delayMs: Math.max(leastPauseMs, Math.round(delayMs)) };
}

const leastPauseMs = 10;

/** Room to ask every model of a plan, and each as often as the plan says. */
function callsOf({ models, branches, retry }: RoutePlan): number {
  const distinct = new Set([...models, ...Object.values(branches).flat()]).size;
  const tries = Math.max(1, ...Object.values(retry).map((policy) => policy.tries));
  return Math.min(mostCalls, Math.max(usual.tries, distinct * tries));
}
