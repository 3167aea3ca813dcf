import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/providers/pace.ts';

/** What is held after each of these reads; `[ms since the one before, chunks]`. */
function held(windowMs: number, reads: readonly (readonly [number, number])[]): (number | null)[] {
  let now = 1_000;
  const pace = new Pace({ ms: windowMs, width: 1 }, () => now);
  return reads.map(([afterMs, chunks]) => {
    now += afterMs;
    return pace.after(chunks);
  });
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('the pace of a body', () => {
  it('holds nothing before it is known, and then for the window and half an interval', () => {
    expect(held(25, times(8, [20, 1]))).toEqual([null, null, null, null, 35, 35, 35, 35]);
  });

  it('counts the chunks of reads that were held', () => {
    const uneven = [
      [35, 2],
      [35, 2],
      [35, 1],
      [35, 2],
      [35, 2],
      [35, 2],
      [35, 1],
    ] as const;
    const steady = held(25, [...times(5, [20, 1] as const), ...uneven, ...uneven, ...uneven]);
    for (const ms of steady.slice(5)) expect(Math.abs((ms ?? 0) - 35)).toBeLessThan(3);
  });

  it('never holds for more than one and a half windows', () => {
    const intervals = [1, 25, 3, 25, 25, 0, 25, 25, 25, 25, 25, 60, 25];
    for (const ms of held(
      25,
      intervals.map((interval) => [interval, 1]),
    ))
      expect(ms ?? 0).toBeLessThanOrEqual(37.5);
  });

  it('holds nothing of a slow body, nor after a pause', () => {
    expect(held(25, times(10, [30, 1]))).toEqual(times(10, null));
    const paused = held(25, [...times(5, [20, 1] as const), [400, 1], ...times(4, [20, 1] as const)]);
    expect(paused).toEqual([...times(4, null), 35, ...times(4, null), 35]);
  });

  it('holds nothing where text is not to wait', () => {
    expect(held(0, times(10, [1, 1]))).toEqual(times(10, null));
  });
});
