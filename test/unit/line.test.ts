import { expect, it } from 'vitest';
import { Line, LineFull } from '../../src/kernel/line.ts';

const { signal } = new AbortController();
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

/** Work that lasts until it is told to end. */
function works() {
  const under: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    under,
    work: (name: string) => () => {
      under.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, (error) => {
          under.splice(under.indexOf(name), 1);
          if (error) reject(error);
          else resolve(name);
        }),
      );
    },
    end: async (name: string, error?: Error) => {
      ends.get(name)?.(error);
      await turns();
    },
  };
}

it('lets so many in, fewer of one party, and the others in their order', async () => {
  const line = new Line({ atOnce: 3, perParty: 2, waiting: 10 });
  const { under, work, end } = works();
  const done = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'].map((name) => line.run(name.slice(0, 1), signal, work(name)));
  await turns();
  expect(under).toEqual(['a1', 'a2', 'b1']);
  await end('b1');
  // Not a3, which came before: its party has enough.
  expect(under).toEqual(['a1', 'a2', 'b2']);
  await end('a1');
  expect(under).toEqual(['a2', 'b2', 'a3']);
  for (const name of ['a2', 'b2', 'a3', 'a4', 'c1']) await end(name);
  expect(await Promise.all(done)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']);
});

it('counts work until it has ended, also when it fails or nobody waits for it any more', async () => {
  const line = new Line({ atOnce: 1, perParty: 1, waiting: 10 });
  const { under, work, end } = works();
  const impatient = new AbortController();
  const first = line.run('a', impatient.signal, work('first'));
  const second = line.run('b', signal, work('second'));
  const third = line.run('b', signal, work('third'));
  impatient.abort(new Error('late'));
  await expect(first).rejects.toThrow('late');
  expect(under).toEqual(['first']);
  await end('first');
  expect(under).toEqual(['second']);
  await end('second', new Error('failed'));
  await expect(second).rejects.toThrow('failed');
  await end('third');
  expect(await third).toBe('third');
});

it('lets nobody do work who has given up, and takes no place for them', async () => {
  const line = new Line({ atOnce: 1, perParty: 1, waiting: 10 });
  const { under, work, end } = works();
  const first = line.run('a', signal, work('first'));
  const impatient = new AbortController();
  const second = line.run('b', impatient.signal, work('second'));
  const third = line.run('c', signal, work('third'));
  await turns();
  impatient.abort(new Error('late'));
  await expect(second).rejects.toThrow('late');
  await end('first');
  await first;
  expect(under).toEqual(['third']);
  await end('third');
  await third;
  await expect(line.run('b', impatient.signal, work('fourth'))).rejects.toThrow('late');
  expect(under).toEqual([]);
});

it('is full for one party before it is for others, and then for all', async () => {
  const line = new Line({ atOnce: 1, perParty: 1, waiting: 2 });
  const { work } = works();
  const runs = (party: string) => line.run(party, signal, work(party)).then(String, (error: unknown) => error);
  void runs('a');
  for (let waiting = 0; waiting < 2; waiting++) void runs('a');
  expect(await runs('a')).toBeInstanceOf(LineFull);
  for (let party = 0; party < 15; party++) for (let waiting = 0; waiting < 2; waiting++) void runs(`b${party}`);
  expect(await runs('c')).toBeInstanceOf(LineFull);
});
