import { expect, it } from 'vitest';
import { DeliveryWindow, sharedMoment } from '../../src/kernel/window.ts';

it.each([
  [0, 25],
  [1, 25],
  [16, 25],
  [17, 26.17],
  [32, 43.75],
  [48, 62.5],
  [5_000, 62.5],
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
  expect([widest, window.ms]).toEqual([25, 10]);
});

it.each([
  [1, 25, 1_003, 1_005],
  [1, 25, 1_030, 1_030],
  [2.5, 62.5, 36 * 30 + 62.5, 36 * 32],
  [2.5, 62.5, 36 * 30 + 88, 36 * 32],
  [2.5, 62.5, 36 * 30 + 92, 36 * 33],
])('with windows %f times as wide (%f ms) what is due at %f is done at %f', (width, ms, at, moment) => {
  expect(sharedMoment(at, { ms, width }, 5)).toBe(moment);
});
