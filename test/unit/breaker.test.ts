import { describe, expect, it } from 'vitest';
import { providerErrorCodes, type ProviderErrorCode } from '../../src/providers/port.ts';
import {
  admission,
  afterCalls,
  afterProbe,
  counted,
  noCalls,
  verdictOf,
  type Breaker,
  type Tally,
} from '../../src/routing/breaker.ts';
import { averaged, knownMsAt } from '../../src/routing/first-tokens.ts';

const start = 1_800_000_000_000;
const openMs = 30_000;
const closed: Breaker = { state: 'CLOSED', round: 0, since: start, nextProbeAt: null, failures: 0, recent: {} };

const verdicts: Readonly<Record<string, Parameters<typeof counted>[1]>> = { x: 'FAILED', o: 'MUTE' };
/** `x` is a failure, `o` an end without a word, `.` a success. */
const tallyOf = (calls: string): Tally =>
  calls.split('').reduce((tally, each) => counted(tally, verdicts[each] ?? 'WORKS'), noCalls);
/** Told by several processes, each with the second in which it tells. */
const after = (...told: (readonly [seconds: number, calls: string])[]): Breaker =>
  told.reduce(
    (breaker, [at, calls]) => afterCalls(breaker, { round: 0, tally: tallyOf(calls) }, start + at * 1_000, openMs),
    closed,
  );

describe('a closed breaker', () => {
  it.each<[why: string, told: (readonly [number, string])[], state: string, failures: number]>([
    ['nothing', [], 'CLOSED', 0],
    ['four failures', [[0, 'xxxx']], 'CLOSED', 4],
    ['five failures', [[0, 'xxxxx']], 'OPEN', 5],
    [
      'five failures of two processes',
      [
        [0, 'xxx'],
        [0, 'xx'],
      ],
      'OPEN',
      5,
    ],
    [
      'five failures, far apart',
      [
        [0, 'x'],
        [100, 'x'],
        [200, 'x'],
        [300, 'x'],
        [400, 'x'],
      ],
      'OPEN',
      5,
    ],
    ['a success among them', [[0, 'xxxx.xxxx']], 'CLOSED', 4],
    [
      'a success of another process among them',
      [
        [0, 'xxxx'],
        [1, '.'],
        [2, 'xxxx'],
      ],
      'CLOSED',
      4,
    ],
    ['a success that came first', [[0, '.xxxxx']], 'OPEN', 5],
    ['half of twenty', [[0, '.x.x.x.x.x.x.x.x.x.x']], 'OPEN', 1],
    [
      'half of twenty, over time',
      [
        [0, '.x.x.x.x.x'],
        [20, '.x.x.x.x.x'],
      ],
      'OPEN',
      1,
    ],
    ['nineteen that had nothing to say', [[0, 'o'.repeat(19)]], 'CLOSED', 0],
    ['twenty that had nothing to say', [[0, 'o'.repeat(20)]], 'OPEN', 0],
    ['one of them does not end a row of failures', [[0, 'xxoxx']], 'CLOSED', 4],
    ['nor make it longer', [[0, 'xxoxxx']], 'OPEN', 5],
    ['half of nineteen', [[0, 'x.x.x.x.x.x.x.x.x.']], 'CLOSED', 0],
    ['less than half of many', [[0, '..x'.repeat(40)]], 'CLOSED', 1],
    [
      'half of twenty, too long apart',
      [
        [0, '.x.x.x.x.x'],
        [31, '.x.x.x.x.x'],
      ],
      'CLOSED',
      1,
    ],
    [
      'what worked before does not help for long',
      [
        [0, '.'.repeat(100)],
        [31, '.x'.repeat(10)],
      ],
      'OPEN',
      1,
    ],
  ])('%s', (_why, told, state, failures) => {
    expect(after(...told)).toMatchObject({ state, failures });
  });

  it('opens for a while, from the moment it was told', () => {
    const now = start + 7_000;
    expect(after([7, 'xxxxx'])).toMatchObject({ state: 'OPEN', round: 1, since: now, nextProbeAt: now + openMs });
  });

  it('heeds no calls of another round, and none while it is open', () => {
    const tally = tallyOf('xxxxx');
    expect(afterCalls({ ...closed, round: 2 }, { round: 1, tally }, start, openMs)).toMatchObject({
      state: 'CLOSED',
      failures: 0,
    });
    const open = after([0, 'xxxxx']);
    expect(afterCalls(open, { round: 1, tally: tallyOf('.') }, start + 1, openMs)).toBe(open);
  });

  it('never opens where breakers are off', () => {
    expect(afterCalls(closed, { round: 0, tally: tallyOf('xxxxxxxxx') }, start, 0)).toMatchObject({
      state: 'CLOSED',
      failures: 9,
    });
  });

  it('keeps no more slots than it needs', () => {
    const told = Array.from({ length: 20 }, (_, at) => [at * 3, '.'] as const);
    expect(Object.keys(after(...told).recent).length).toBe(6);
  });
});

describe('a probe', () => {
  const probing: Breaker = { ...closed, state: 'HALF_OPEN', round: 4, failures: 5, since: start, nextProbeAt: start + openMs };
  const now = start + 2_000;

  it.each([
    ['TEXT', { state: 'CLOSED', failures: 0, nextProbeAt: null }],
    ['FAILED', { state: 'OPEN', failures: 6, nextProbeAt: start + openMs }],
    ['ABANDONED', { state: 'OPEN', failures: 5, nextProbeAt: start + openMs }],
    ['NOTHING', { state: 'OPEN', failures: 5, nextProbeAt: now + 1_000 }],
  ] as const)('that ends with %s', (end, expected) => {
    expect(afterProbe(probing, { round: 4, end }, now, openMs)).toEqual({
      ...probing,
      round: 5,
      since: now,
      recent: {},
      ...expected,
    });
  });

  it('that another has followed says nothing', () => {
    expect(afterProbe(probing, { round: 3, end: 'TEXT' }, now, openMs)).toBe(probing);
    expect(afterProbe(closed, { round: 0, end: 'FAILED' }, now, openMs)).toBe(closed);
  });
});

describe('admission', () => {
  it.each<[Partial<Breaker>, seconds: number, expected: unknown]>([
    [{}, 0, 'CALL'],
    [{ state: 'OPEN', nextProbeAt: start + openMs }, 0, { waitMs: 30_000 }],
    [{ state: 'OPEN', nextProbeAt: start + openMs }, 29.999, { waitMs: 1 }],
    [{ state: 'OPEN', nextProbeAt: start + openMs }, 30, 'PROBE'],
    [{ state: 'HALF_OPEN', nextProbeAt: start + openMs }, 10, { waitMs: 1_000 }],
    [{ state: 'HALF_OPEN', nextProbeAt: start + openMs }, 29.5, { waitMs: 500 }],
    // Whoever has the probe may be dead.
    [{ state: 'HALF_OPEN', nextProbeAt: start + openMs }, 30, 'PROBE'],
  ])('of %j after %d s', (breaker, seconds, expected) => {
    expect(admission({ ...closed, ...breaker }, start + seconds * 1_000)).toEqual(expected);
  });
});

describe('what a failure says', () => {
  const nothing: ProviderErrorCode[] = [
    'PROVIDER_AUTH',
    'PROVIDER_QUOTA',
    'CREDENTIAL_UNREADABLE',
    'INVALID_REQUEST',
    'MODEL_NOT_FOUND',
    'CONTEXT_TOO_LONG',
    'CONTENT_REFUSED',
  ];
  it.each(Object.keys(providerErrorCodes) as ProviderErrorCode[])('%s', (code) => {
    const error = { code, isOfRequest: false };
    const counts = code === 'EMPTY_COMPLETION' ? 'MUTE' : 'FAILED';
    expect(verdictOf(error, false)).toBe(nothing.includes(code) ? 'NOTHING' : counts);
    const isOfTheTime = nothing.includes(code) || code === 'TIMEOUT';
    expect(verdictOf(error, true)).toBe(isOfTheTime ? 'NOTHING' : counts);
  });

  it('is nothing of the model where the request brought it about', () => {
    expect(verdictOf({ code: 'EMPTY_COMPLETION', isOfRequest: true }, false)).toBe('NOTHING');
  });
});

describe('the average time of first tokens', () => {
  it('forgets half in a minute', () => {
    const first = averaged(null, { count: 2, totalMs: 400 }, start);
    expect(first).toEqual({ ms: 200, weight: 2, at: start });
    const later = averaged(first, { count: 1, totalMs: 800 }, start + 60_000);
    expect(later).toEqual({ ms: 500, weight: 2, at: start + 60_000 });
    expect(averaged(later, { count: 0, totalMs: 0 }, start + 90_000)).toBe(later);
  });

  it('is not known for ever', () => {
    const latency = averaged(null, { count: 1, totalMs: 300 }, start);
    expect(knownMsAt(latency, start + 599_999)).toBe(300);
    expect(knownMsAt(latency, start + 600_000)).toBeNull();
    expect(knownMsAt(null, start)).toBeNull();
  });
});
