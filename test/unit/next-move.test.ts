import { describe, expect, it } from 'vitest';
import { maxTries, nextMove, type Failed, type Move } from '../../src/routing/next-move.ts';

const retryable = { code: 'OVERLOADED', retryable: true, retryAfterMs: null } as const;
const final = { code: 'CONTENT_REFUSED', retryable: false, retryAfterMs: null } as const;
const failed = (over: Partial<Failed>): Failed => ({
  error: retryable,
  hasText: false,
  policy: 'RESTART',
  tries: 1,
  models: ['a/1', 'b/2'],
  remainingMs: 60_000,
  ...over,
});
const again = (model: string, delayMs = 0): Move => ({ kind: 'TRY', model, delayMs });
const give: Move = { kind: 'FAIL' };
const keep: Move = { kind: 'KEEP' };

describe('nextMove', () => {
  it.each<[string, Partial<Failed>, Move]>([
    ['before the first token, retryable: the next model, at once', {}, again('b/2')],
    ['before the first token, retryable, one model: the same one after a pause', { models: ['a/1'] }, again('a/1', 250)],
    ['the pause doubles', { models: ['a/1'], tries: 3 }, again('a/1', 1_000)],
    ['round again after the last model', { tries: 2 }, again('a/1', 250)],
    ['as late as the provider says', { models: ['a/1'], error: { ...retryable, retryAfterMs: 9_000 } }, again('a/1', 9_000)],
    ['not when that is too late', { models: ['a/1'], error: { ...retryable, retryAfterMs: 3_600_000 } }, give],
    ['another model does not wait for the one that is busy', { error: { ...retryable, retryAfterMs: 3_600_000 } }, again('b/2')],
    ['before the first token, not retryable: failed', { error: final }, give],
    ['the total deadline has run out', { remainingMs: 0 }, give],
    ['the total deadline runs out in a moment', { remainingMs: 49, hasText: true }, keep],
    ['there is just time', { remainingMs: 50 }, again('b/2')],
    ['tried often enough', { tries: maxTries }, give],
    ['after the first token, RESTART: the next model', { hasText: true }, again('b/2')],
    ['after the first token, RESTART, not retryable: another model', { hasText: true, error: final }, again('b/2')],
    [
      'after the first token, RESTART, not retryable, no other model: kept',
      { hasText: true, error: final, models: ['a/1'] },
      keep,
    ],
    ['after the first token, RESTART, not retryable, all models asked: kept', { hasText: true, error: final, tries: 2 }, keep],
    ['after the first token, STOP: kept', { hasText: true, policy: 'STOP' }, keep],
    ['before the first token, STOP: the next model', { policy: 'STOP' }, again('b/2')],
    ['after the first token, no time left: kept', { hasText: true, remainingMs: -1 }, keep],
    ['no models at all', { models: [] }, give],
  ])('%s', (_name, over, move) => {
    expect(nextMove(failed(over))).toEqual(move);
  });
});
