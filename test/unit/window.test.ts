import { expect, it } from 'vitest';
import { DeliveryWindow, isOver, sharedMoment } from '../../src/kernel/window.ts';

it.each([
  [0, 25],
  [1, 25],
  [16, 25],
  [23, 25],
  [24, 31.25],
  [32, 37.5],
  [47, 43.75],
  [48, 50],
  [5_000, 50],
])('with %i streams text waits at most %f ms', (streams, ms) => {
  expect(new DeliveryWindow(25, () => streams).ms).toBeCloseTo(ms, 2);
});

it('is none where none is wanted, however many streams there are', () => {
  expect(new DeliveryWindow(0, () => 5_000).ms).toBe(0);
});

it('follows the streams', () => {
  let streams = 48;
  const window = new DeliveryWindow(10, () => streams);
  const widest = window.ms;
  streams = 1;
  expect([widest, window.ms]).toEqual([20, 10]);
});

const grid = 28 * 30;
const crowd = { ms: 50, width: 2 };

it.each([
  { what: 'few streams: the next multiple of the calm step', window: { ms: 25, width: 1 }, now: 1_003, afterMs: 35, at: 1_040 },
  { what: 'few streams, on it', window: { ms: 25, width: 1 }, now: 1_000, afterMs: 30, at: 1_030 },
  { what: 'many: two moments from the one that it comes at', window: crowd, now: grid, afterMs: 60, at: grid + 56 },
  { what: 'many: the same where tokens come without a pause', window: crowd, now: grid, afterMs: 50, at: grid + 56 },
  { what: 'many: the same for the last that is done at that moment', window: crowd, now: grid + 24, afterMs: 60, at: grid + 56 },
  { what: 'many: the same for a timer that fired early', window: crowd, now: grid - 2, afterMs: 60, at: grid + 56 },
  { what: 'many: three for slow tokens', window: crowd, now: grid, afterMs: 75, at: grid + 84 },
  { what: 'many: never at once', window: crowd, now: grid, afterMs: 5, at: grid + 28 },
])('$what', ({ window, now, afterMs, at }) => {
  expect(sharedMoment(now, afterMs, window, 5)).toBeCloseTo(at, 6);
});

it('is exact for few streams without a step', () => {
  expect(sharedMoment(1_003.5, 25, { ms: 25, width: 1 })).toBe(1_028.5);
});

it.each([
  [{ ms: 25, width: 1 }, 24.9, false],
  [{ ms: 25, width: 1 }, 25, true],
  [crowd, 43.9, false],
  [crowd, 44, true],
])('of the window %o, who has waited %f ms has waited for it: %s', (window, waitedMs, expected) => {
  expect(isOver(window, waitedMs)).toBe(expected);
});
