import { expect, it } from 'vitest';
import { DeliveryWindow, sharedMoment } from '../../src/kernel/window.ts';

it.each([
  [0, 25],
  [1, 25],
  [16, 25],
  [17, 25.78],
  [32, 37.5],
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

it.each([
  [1, 25, 1_003, 1_005],
  [1, 25, 1_030, 1_030],
  [2, 50, 28 * 30 + 50, 28 * 32],
  [2, 50, 28 * 30 + 60, 28 * 32],
  [2, 50, 28 * 30 + 75, 28 * 32],
  [2, 50, 28 * 30 + 76, 28 * 33],
])('with windows %f times as wide (%f ms) what is due at %f is done at %f', (width, ms, at, moment) => {
  expect(sharedMoment(at, { ms, width }, 5)).toBeCloseTo(moment, 6);
});
