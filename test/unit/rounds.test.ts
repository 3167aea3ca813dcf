import { expect, it } from 'vitest';
import { Rounds } from '../../src/kernel/rounds.ts';

it('runs once at a time, and once more for all that asked meanwhile', async () => {
  const ends: (() => void)[] = [];
  const rounds = new Rounds(() => new Promise<void>((resolve) => ends.push(resolve)));
  const ask = () => rounds.ask();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  for (let asked = 0; asked < 100; asked++) ask();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await settled();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await settled();
  expect(ends).toHaveLength(2);
  ask();
  expect(ends).toHaveLength(3);
  ends[2]?.();
  await settled();
  expect(ends).toHaveLength(3);
});
