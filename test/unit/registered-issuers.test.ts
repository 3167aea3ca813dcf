import { beforeEach, expect, it } from 'vitest';
import { RegisteredIssuers, type Pair, type RegisteredIssuer } from '../../src/access/registered-issuers.ts';
import type { Clock } from '../../src/kernel/clock.ts';

// What tokens say of themselves costs few statements, however many are made up.

const url = 'https://idp.example';
const registered = { id: 'iss_1', tenantId: 'ten_1', url, audience: 'good', isSuspended: false } as RegisteredIssuer;

let now: number;
let asked: (readonly Pair[])[];
let rows: RegisteredIssuer[];
/** While there is one, looks wait for it. */
let gate: Promise<void> | null;
let issuers: RegisteredIssuers;

const clock: Clock = { now: () => new Date(now), monotonic: () => now };

beforeEach(() => {
  now = 1_000;
  asked = [];
  rows = [registered];
  gate = null;
  issuers = new RegisteredIssuers(async (pairs) => {
    asked.push(pairs);
    const found = rows.filter((row) => pairs.some((pair) => pair.url === row.url && pair.audience === row.audience));
    await gate;
    return found;
  }, clock);
});

const find = async (...audiences: string[]) => (await issuers.find(url, audiences)).map(({ issuer }) => issuer.id);

it('looks once for what is not there, for a while', async () => {
  for (let time = 0; time < 50; time++) expect(await find('bad')).toEqual([]);
  expect(asked).toHaveLength(1);
  now += 3_001;
  rows.push({ ...registered, id: 'iss_2', audience: 'bad' });
  expect(await find('bad')).toEqual(['iss_2']);
  expect(asked).toHaveLength(2);
});

it('asks for many that are made up at once, and not for what it knows', async () => {
  expect(await find('good')).toEqual(['iss_1']);
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const made = Array.from({ length: 1_000 }, async (_, index) => find(`bad-${index}`, 'good', `bad-${index}`));
  opened.resolve();

  expect(new Set((await Promise.all(made)).map(String))).toEqual(new Set(['iss_1']));
  expect(asked.length).toBeLessThanOrEqual(4);
  expect(
    asked
      .slice(1)
      .flat()
      .map(({ audience }) => audience),
  ).not.toContain('good');
});

it('is not made to forget what is good by what is made up', async () => {
  await find('good');
  for (let round = 0; round < 30; round++)
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => find(`bad-${round}-${index}`)));
  asked = [];

  expect(await find('good')).toEqual(['iss_1']);
  expect(asked).toEqual([]);
});

it('believes what is good for a second and a half, and no longer than it is told', async () => {
  await find('good', 'bad');
  now += 1_499;
  await find('good');
  expect(asked).toHaveLength(1);
  now += 1;
  await find('good');
  expect(asked).toHaveLength(2);

  for (const ids of [['iss_1'], ['ten_1'], null]) {
    rows = [];
    issuers.forget(ids);
    expect(await find('good'), String(ids)).toEqual([]);
    rows = [registered];
    issuers.forget(['iss_of_another_process']);
    expect(await find('good')).toEqual(['iss_1']);
  }
});

it('gives no answer that was read before a change to whoever comes after it', async () => {
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const before = find('good');
  await Promise.resolve();
  await Promise.resolve();
  rows = [];
  issuers.forget(['iss_1']);
  const after = find('good');
  opened.resolve();

  expect([await before, await after]).toEqual([['iss_1'], []]);
  expect(await find('good')).toEqual([]);
});

it('lets only so many wait, and tells all of a failure', async () => {
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const first = issuers.find(url, ['good']);
  await Promise.resolve();
  const waiting = Array.from({ length: 20_001 }, async (_, index) => find(`bad-${index}`).catch((error: unknown) => error));
  opened.reject(new Error('the database is away'));

  await expect(first).rejects.toThrow('the database is away');
  const answers = await Promise.all(waiting);
  expect(answers.filter((answer) => (answer as { code?: string }).code === 'UNAVAILABLE')).not.toHaveLength(0);
  gate = null;
  expect(await find('good')).toEqual(['iss_1']);
});
