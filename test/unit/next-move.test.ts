import { describe, expect, it } from 'vitest';
import { nextMove, type Failed, type FailedCall, type Move } from '../../src/routing/next-move.ts';
import { causeOf, planOf, type RoutePlan } from '../../src/routing/plan.ts';
import { providerErrorCodes, type ProviderErrorCode } from '../../src/providers/port.ts';
import { randomOf } from '../harness/random.ts';

const call = (model: string, over: Partial<FailedCall> = {}): FailedCall => ({
  model,
  cause: 'OVERLOAD',
  retryable: true,
  othersMay: false,
  isMade: true,
  awayMs: 0,
  ...over,
});
const refused = { cause: 'CONTENT_REFUSED', retryable: false } as const;
const tooLong = { cause: 'CONTEXT_TOO_LONG', retryable: false } as const;
/** The limit of tokens was all thought. */
const thought = { cause: 'OTHER', retryable: false, othersMay: true } as const;
const busy = { cause: 'RATE_LIMIT', retryable: true } as const;
const failed = (calls: readonly FailedCall[], over: Partial<Failed> = {}, plan: Partial<RoutePlan> = {}): Failed => ({
  hasText: false,
  hasBegun: over.hasText ?? false,
  policy: 'RESTART',
  calls,
  plan: { ...planOf(['a/1', 'b/2']), ...plan },
  blockedMs: () => 0,
  remainingMs: 60_000,
  random: 1,
  ...over,
});
const again = (model: string, delayMs = 0): Move => ({ kind: 'TRY', model, delayMs });
const give: Move = { kind: 'FAIL' };
const keep: Move = { kind: 'KEEP' };
const one = { models: ['a/1'] };
const text = { hasText: true };
const times = (count: number, over: Partial<FailedCall> = {}) => Array.from({ length: count }, () => call('a/1', over));

describe('nextMove, without wishes of the plan', () => {
  it.each<[string, Failed, Move]>([
    ['before the first token, retryable: the next model, at once', failed([call('a/1')]), again('b/2')],
    ['one model: the same one after a pause', failed([call('a/1')], {}, one), again('a/1', 250)],
    ['the pause doubles', failed(times(3), {}, one), again('a/1', 1_000)],
    ['it is spread over half of it', failed(times(3), { random: 0 }, one), again('a/1', 500)],
    ['round again after the last model', failed([call('a/1'), call('b/2')]), again('a/1', 250)],
    ['as late as the provider says, spread a little', failed([call('a/1', { awayMs: 9_000 })], {}, one), again('a/1', 9_250)],
    ['never earlier than it says', failed([call('a/1', { awayMs: 9_000 })], { random: 0 }, one), again('a/1', 9_000)],
    ['not when that is too late', failed([call('a/1', { awayMs: 3_600_000 })], {}, one), give],
    ['another model does not wait for the busy one', failed([call('a/1', { awayMs: 3_600_000 })]), again('b/2')],
    [
      'coming back heeds what the first one said, not only the last',
      failed([call('a/1', { awayMs: 9_000 }), call('b/2')]),
      again('b/2', 250),
    ],
    [
      'and not to one for which there is no time',
      failed([call('a/1', { awayMs: 9_000 }), call('b/2', { awayMs: 9_500 })], { remainingMs: 9_300 }),
      again('a/1', 9_250),
    ],
    ['before the first token, not retryable: failed', failed([call('a/1', refused)]), give],
    ['what cannot be retried is not come back to', failed([call('a/1', refused), call('b/2')], text), again('b/2', 250)],
    ['the total deadline has run out', failed([call('a/1')], { remainingMs: 0 }), give],
    ['the total deadline runs out in a moment', failed([call('a/1')], { ...text, remainingMs: 49 }), keep],
    ['there is just time', failed([call('a/1')], { remainingMs: 50 }), again('b/2')],
    ['tried often enough, one model', failed(times(4), {}, one), give],
    ['tried often enough, two models', failed([call('a/1'), call('b/2'), call('a/1'), call('b/2')]), give],
    ['after the first token, RESTART: the next model', failed([call('a/1')], text), again('b/2')],
    ['after it, RESTART, not retryable: another model', failed([call('a/1', refused)], text), again('b/2')],
    [
      'after it, CONTINUE, not retryable: another model',
      failed([call('a/1', refused)], { ...text, policy: 'CONTINUE' }),
      again('b/2'),
    ],
    ['after it, not retryable, no other model: kept', failed([call('a/1', refused)], text, one), keep],
    ['after it, not retryable, all models asked: kept', failed([call('a/1'), call('b/2', refused)], text), keep],
    ['after it, with nothing left of it: another model', failed([call('a/1', refused)], { hasBegun: true }), again('b/2')],
    ['and without another model: failed', failed([call('a/1', refused)], { hasBegun: true }, one), give],
    ['after it, STOP: kept', failed([call('a/1')], { ...text, policy: 'STOP' }), keep],
    ['before the first token, STOP: the next model', failed([call('a/1')], { policy: 'STOP' }), again('b/2')],
    ['the limit was all thought: the next model, at once', failed([call('a/1', thought)]), again('b/2')],
    ['never the same one', failed([call('a/1', thought)], {}, one), give],
    ['nor round again', failed([call('a/1', thought), call('b/2', thought)]), give],
    ['but to one that may succeed', failed([call('a/1'), call('b/2', thought)]), again('a/1', 250)],
    ['behind text: another model', failed([call('a/1', thought)], text), again('b/2')],
    ['and without one: kept', failed([call('a/1', thought)], text, one), keep],
    ['no models at all', failed([], {}, { models: [] }), give],
  ])('%s', (_name, input, move) => {
    expect(nextMove(input)).toEqual(move);
  });
});

describe('nextMove, where models are not asked', () => {
  const skipped = (model: string, awayMs: number): FailedCall => call(model, { isMade: false, awayMs });
  const blocked = (ms: Readonly<Record<string, number>>): Partial<Failed> => ({ blockedMs: (model) => ms[model] ?? 0 });
  const three = { models: ['a/1', 'b/2', 'c/3'] };

  it.each<[string, Failed, Move]>([
    ['the next one, at once', failed([skipped('a/1', 30_000)]), again('b/2')],
    ['not one that is not asked either', failed([call('a/1')], blocked({ 'b/2': 30_000 }), three), again('c/3')],
    [
      'nor where a cause branches to',
      failed([call('a/1')], blocked({ 'b/2': 30_000 }), { ...three, branches: { OVERLOAD: ['b/2'] } }),
      again('c/3'),
    ],
    ['the only one is waited for where that is short', failed([skipped('a/1', 3_000)], { random: 0 }, one), again('a/1', 3_000)],
    ['and not where it is long', failed([skipped('a/1', 5_001)], {}, one), give],
    ['nor where there is no time', failed([skipped('a/1', 3_000)], { remainingMs: 3_000 }, one), give],
    ['of all the one that comes soonest', failed([skipped('a/1', 4_000)], blocked({ 'b/2': 2_000 })), again('b/2', 2_000)],
    ['one that was asked before they are', failed([call('a/1'), skipped('b/2', 4_000)]), again('a/1', 250)],
    [
      'it counts as no try',
      failed([...times(3), ...Array.from({ length: 3 }, () => skipped('a/1', 100))], { random: 0 }, one),
      again('a/1', 200),
    ],
    [
      'and is not waited for again and again',
      failed(
        Array.from({ length: 8 }, () => skipped('a/1', 100)),
        {},
        one,
      ),
      give,
    ],
  ])('%s', (_, situation, expected) => {
    expect(nextMove(situation)).toEqual(expected);
  });
});

describe('nextMove, by the wishes of the plan', () => {
  const large = {
    branches: { CONTEXT_TOO_LONG: ['c/large'], CONTENT_REFUSED: ['d/open', 'e/other'], RATE_LIMIT: ['a/1', 'f/spare'] },
  };
  const patient = { retry: { RATE_LIMIT: { tries: 3, firstDelayMs: 1_000, longestDelayMs: 1_500 } } };

  it.each<[string, Failed, Move]>([
    ['a branch is taken even when not retryable', failed([call('a/1', tooLong)], {}, large), again('c/large')],
    ['and after the first token', failed([call('a/1', tooLong)], text, large), again('c/large')],
    ['but not against STOP', failed([call('a/1', tooLong)], { ...text, policy: 'STOP' }, large), keep],
    ['a branch is gone through once', failed([call('a/1', refused), call('d/open', refused)], {}, large), again('e/other')],
    [
      'and then it is as without',
      failed([call('a/1', refused), call('d/open', refused), call('e/other', refused)], {}, large),
      give,
    ],
    ['another cause goes the usual way', failed([call('a/1')], {}, large), again('b/2')],
    ['a branch to the model that failed is no branch', failed([call('a/1', busy)], {}, large), again('f/spare')],
    ['after a branch, what was not asked yet', failed([call('a/1', busy), call('f/spare')], {}, large), again('b/2')],
    ['the same model first, where the plan is patient', failed([call('a/1', busy)], {}, patient), again('a/1', 1_000)],
    ['no pause above the longest', failed(times(2, busy), {}, patient), again('a/1', 1_500)],
    ['as often as it says, then the next', failed(times(3, busy), {}, patient), again('b/2')],
    ['and never again', failed([...times(3, busy), call('b/2', { retryable: false, cause: 'AUTH' })], {}, patient), give],
    ['not when the vendor wants more patience', failed([call('a/1', { ...busy, awayMs: 1_501 })], {}, patient), again('b/2')],
    ['nor when there is no time for it', failed([call('a/1', busy)], { remainingMs: 900 }, patient), again('b/2')],
    ['patience first, then the branch', failed([call('a/1', busy)], {}, { ...large, ...patient }), again('a/1', 1_000)],
    ['then the branch', failed(times(3, busy), {}, { ...large, ...patient }), again('f/spare')],
    [
      'patience does not help where the limit was all thought',
      failed([call('a/1', thought)], {}, { retry: { OTHER: { tries: 3, firstDelayMs: 1, longestDelayMs: 1 } } }),
      again('b/2'),
    ],
    ['its branch is for it', failed([call('a/1', thought)], {}, { branches: { OTHER: ['c/large'] } }), again('c/large')],
    [
      'patience does not make it retryable',
      failed([call('a/1', refused)], {}, { retry: { CONTENT_REFUSED: { tries: 3, firstDelayMs: 1, longestDelayMs: 1 } } }),
      give,
    ],
    [
      'a pause of nothing is a pause all the same',
      failed([call('a/1', busy)], {}, { retry: { RATE_LIMIT: { tries: 3, firstDelayMs: 0, longestDelayMs: 0 } } }),
      again('a/1', 10),
    ],
    [
      'a long plan is gone through to its end',
      failed(
        ['1', '2', '3', '4', '5'].map((name) => call(`m/${name}`)),
        {},
        { models: ['m/1', 'm/2', 'm/3', 'm/4', 'm/5', 'm/6'] },
      ),
      again('m/6'),
    ],
  ])('%s', (_name, input, move) => {
    expect(nextMove(input)).toEqual(move);
  });

  it('comes to an end, and asks no model twice in a row without a pause, whatever fails', () => {
    const causes = [...new Set(Object.keys(providerErrorCodes).map((code) => causeOf(code as ProviderErrorCode)))];
    const models = ['a/1', 'b/2', 'c/3', 'd/4'];
    for (let seed = 0; seed < 2_000; seed++) {
      const random = randomOf(seed);
      const some = () => models.filter(() => random() < 0.5);
      const plan: RoutePlan = {
        ...planOf([random.pick(models), ...some()]),
        branches: Object.fromEntries(causes.filter(() => random() < 0.4).map((cause) => [cause, some()])),
        retry: Object.fromEntries(
          causes
            .filter(() => random() < 0.4)
            .map((cause) => [
              cause,
              { tries: Math.ceil(random() * 5), firstDelayMs: random() * 500, longestDelayMs: random() * 5_000 },
            ]),
        ),
      };
      const calls: FailedCall[] = [];
      let model = plan.models[0] ?? '';
      for (;;) {
        calls.push(
          call(model, {
            cause: random.pick(causes),
            retryable: random() < 0.7,
            othersMay: random() < 0.2,
            awayMs: random() < 0.2 ? random() * 9_000 : 0,
          }),
        );
        const move = nextMove(failed(calls, { hasText: random() < 0.5, random: random() }, plan));
        if (move.kind !== 'TRY') break;
        const { awayMs, retryable } = calls.findLast((made) => made.model === move.model) ?? { awayMs: 0, retryable: true };
        expect(retryable).toBe(true);
        if (move.model === model) expect(move.delayMs).toBeGreaterThan(0);
        expect(move.delayMs).toBeGreaterThanOrEqual(Math.floor(awayMs));
        model = move.model;
      }
      expect(calls.length).toBeLessThanOrEqual(16);
    }
  });
});
