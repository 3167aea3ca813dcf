import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, startProcess, type RunningProcess } from '../harness/process.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { gated, mockEnv, tale, tellNoEnd, tellTales } from '../harness/tales.ts';

type Pair = [RunningProcess, RunningProcess];

describe('kill -9 of the process that writes', () => {
  it('costs its readers nothing, wherever they read', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock);
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const [writer, other] = fleet.processes as Pair;
    const id = await startGeneration(writer);
    await using near = readGeneration({ urls: [writer.url, other.url], key: writer.key, id });
    await using far = readGeneration({ urls: [other.url], key: writer.key, id });
    await Promise.all([near.atLeast(100), far.atLeast(100)]);

    const sinceKilled = stopwatch();
    writer.signal('SIGKILL');
    const ends = await Promise.all([near.ended, far.ended]);

    expect(near.text).toBe(text(2));
    expect(far.text).toBe(text(2));
    for (const end of ends) expect(end).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    expect(ends[0]?.attempts.map(({ reason, endedBy }) => [reason, endedBy])).toEqual([
      [null, 'TAKEN_OVER'],
      ['TAKE_OVER', 'FINISHED'],
    ]);
    expect(near.story()).toBe('started delta restarted@0 delta finished');
    expect(far.story()).toBe('started delta restarted@0 delta finished');
    const restart = far.messages.find((message) => message.__typename === 'GenerationRestarted');
    expect(sinceKilled(restart?.at ?? Infinity)).toBeLessThan(3_000);
    expect(mock.calls).toHaveLength(2);
  });
});

describe('take-over', () => {
  it.concurrent('is over within 17 s with the lease that is the default', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock);
    tellNoEnd(mock);
    await using fleet = await startFleet(mockEnv(mock), mockEnv(mock));
    const [writer, other] = fleet.processes as Pair;
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await reader.atLeast(100);
    const sinceKilled = stopwatch();
    writer.signal('SIGKILL');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    const restart = reader.messages.find((message) => message.__typename === 'GenerationRestarted');
    expect(sinceKilled(restart?.at ?? Infinity)).toBeLessThan(17_000);
    expect(reader.text).toBe(text(2));
  });

  it.concurrent('of an attempt that went on from another begins anew, wherever it is read', async () => {
    await using mock = await MockProvider.open();
    const kept = 'Dear Ada. I am glad to apply. ';
    const first = gated(['Dear Ada. ', 'I am glad to apply. ', 'I have 𝒢'], []);
    const second = gated(['I am glad to apply. ', 'And I can '], ['never come.']);
    mock.script({ pieces: first.pieces, finish: null, lastly: 'cut' }, { pieces: second.pieces, finish: null });
    mock.always({ pieces: ['Hello Ada. ', 'All anew.'] });
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const [writer, other] = fleet.processes as Pair;
    const id = await startGeneration(writer, 'cover-letter-new-graduate');
    await using near = readGeneration({ urls: [writer.url, other.url], key: writer.key, id });
    await using far = readGeneration({ urls: [other.url], key: writer.key, id });
    const readers = [near, far];
    await Promise.all(readers.map((reader) => reader.atLeast(`${kept}I have 𝒢`.length)));

    first.open();
    await eventually(() => readers.every(({ text }) => text === `${kept}And I can `), 10_000, 'the continuation');
    // Who comes now sees one text, whoever wrote it.
    await using late = readGeneration({ urls: [other.url], key: writer.key, id });
    await eventually(() => late.text === `${kept}And I can `, 10_000, 'the whole text');
    writer.signal('SIGKILL');

    const wanted = 'Hello Ada. All anew.';
    for (const reader of [near, far, late]) {
      expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: wanted });
      expect(reader.text).toBe(wanted);
    }
    expect((await far.ended).attempts.map(({ reason, endedBy }) => [reason, endedBy])).toEqual([
      [null, 'FAILED'],
      ['PROVIDER_ERROR', 'TAKEN_OVER'],
      ['TAKE_OVER', 'FINISHED'],
    ]);
    for (const reader of readers) {
      expect(reader.story()).toBe(`started delta restarted@${kept.length} delta restarted@0 delta finished`);
    }
    expect(late.story()).toBe('started delta restarted@0 delta finished');
    expect(mock.calls).toHaveLength(3);
  });

  it.concurrent(
    'happens three times and not again: the generation is given up, and its readers keep what is stored',
    async () => {
      await using mock = await MockProvider.open();
      tellTales(mock, 25, 1_000);
      await using fleet = await startFleet(mockEnv(mock), mockEnv(mock));
      const [process, other] = fleet.processes as Pair;
      const owner = postgres(fleet.database.url, { max: 1, onnotice: () => undefined });
      await using _owner = { [Symbol.asyncDispose]: () => owner.end() };
      const id = await startGeneration(process);
      await using reader = readGeneration({ urls: [process.url, other.url], key: process.key, id });
      for (const loss of [1, 2, 3, 4]) {
        await eventually(() => mock.calls.length === loss, patienceMs, `call ${loss}`);
        await eventually(
          async () =>
            (
              await owner`select 1 from chunks c join generations g using (tenant_id) where c.generation_id = g.id and g.id = ${uuidOf(id)} and c.attempt = g.attempt`
            ).length > 0,
        );
        // The owner is gone, as far as the others can tell: it may still write, and must lose.
        await owner`update generations set lease_until = now() - interval '1 second', epoch = epoch + 1 where id = ${uuidOf(id)}`;
      }
      const ended = await reader.ended;
      expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'ABANDONED' } });
      // Only calls: that it was given up is none.
      expect(ended.attempts.map(({ endedBy }) => endedBy)).toEqual(['TAKEN_OVER', 'TAKEN_OVER', 'TAKEN_OVER', 'TAKEN_OVER']);
      expect(ended.attempts.at(-1)?.reason).toBe('TAKE_OVER');
      expect(reader.text).toBe(ended.text);
      expect(tale(4, 1_000).join('').startsWith(ended.text)).toBe(true);
      expect(ended.text).not.toBe('');
      for (const call of mock.calls) expect(await call.over).toBe('closed by client');
      expect(mock.calls).toHaveLength(4);
    },
  );

  it.concurrent('is how what a full process had to queue begins, wherever there is room first', async () => {
    await using mock = await MockProvider.open();
    const gates = [gated(['one '], ['end']), gated(['two '], ['end']), gated(['three '], ['end'])];
    mock.script(...gates.map(({ pieces }) => ({ pieces })));
    const env = { ...mockEnv(mock), MAX_RUNNING_GENERATIONS: '1' };
    await using fleet = await startFleet(env);
    const [full] = fleet.processes as Pair;
    const first = await startGeneration(full);
    await eventually(() => mock.calls.length === 1);
    const second = await startGeneration(full);
    const third = await startGeneration(full);
    const statuses = async () => {
      const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Generation { status } } }';
      const { nodes } = await full.ask<{ nodes: { status: string }[] }>(query, { ids: [first, second, third] });
      return nodes.map(({ status }) => status);
    };
    expect(await statuses()).toEqual(['RUNNING', 'QUEUED', 'QUEUED']);
    await using waiting = readGeneration({ urls: [full.url], key: full.key, id: second });

    // Another process has room.
    await using other = await startProcess({ database: fleet.database, env });
    await waiting.atLeast('two '.length);
    expect(await statuses()).toEqual(['RUNNING', 'RUNNING', 'QUEUED']);

    // Room comes free where it was asked for.
    gates[0]?.open();
    await eventually(async () => (await statuses())[2] === 'RUNNING');
    gates[1]?.open();
    gates[2]?.open();
    expect(await waiting.ended).toMatchObject({ status: 'SUCCEEDED', text: 'two end', attempts: [{ number: 1, reason: null }] });
    await using last = readGeneration({ urls: [other.url], key: full.key, id: third });
    expect(await last.ended).toMatchObject({ status: 'SUCCEEDED', text: 'three end' });
    expect(mock.calls).toHaveLength(3);
  });
});

describe('a process that is stopped past its lease and wakes again', () => {
  it.concurrent('sends nothing stale, ends its call and leaves the text alone', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 25, 80);
    // Quiet when it falls asleep, so that nothing is half sent; much to read when it wakes.
    const gate = gated(tale(1, 10), tale(1, 400).slice(10));
    mock.script({ pieces: gate.pieces, finish: null, lastly: 'stall' });
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const [sleeper, other] = fleet.processes as Pair;
    const id = await startGeneration(sleeper);
    await using near = readGeneration({ urls: [sleeper.url], key: sleeper.key, id });
    await using far = readGeneration({ urls: [other.url], key: sleeper.key, id });
    const asleepAt = tale(1, 10).join('').length;
    await Promise.all([near.atLeast(asleepAt), far.atLeast(asleepAt)]);

    sleeper.signal('SIGSTOP');
    gate.open();
    await eventually(() => far.messages.some(isRestart), patienceMs, 'the take-over');
    await far.atLeast(50);
    const seenBefore = near.messages.length;
    sleeper.signal('SIGCONT');

    expect(await mock.calls[0]?.over).toBe('closed by client');
    const [ended] = await Promise.all([near.ended, far.ended]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    expect(near.text).toBe(text(2));
    expect(far.text).toBe(text(2));
    expect(near.messages.slice(seenBefore, near.messages.findIndex(isRestart))).toEqual([]);
    expect(near.closes).toEqual([]);
    expect(mock.calls).toHaveLength(2);
  });

  it.concurrent('goes on by itself when nobody took its work', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 25, 120);
    await using fleet = await startFleet({ ...mockEnv(mock), GENERATION_LEASE_MS: '500' });
    const [alone] = fleet.processes as Pair;
    const id = await startGeneration(alone);
    await using reader = readGeneration({ urls: [alone.url], key: alone.key, id });
    await reader.atLeast(100);
    alone.signal('SIGSTOP');
    await pastLease(fleet.database.url, id);
    alone.signal('SIGCONT');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(1), attempts: [{ endedBy: 'FINISHED' }] });
    expect(reader.text).toBe(text(1));
    expect(reader.story()).toBe('started delta finished');
  });
});

describe('a process whose leases the database takes for over', () => {
  it.concurrent.each([
    { before: 0, when: 'that it began itself' },
    { before: 3, when: 'that nobody may take over any more' },
  ])('renews what it writes, $when, and neither takes it over nor gives it up', async ({ before }) => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 25, 120);
    // It renews once in 5 seconds, and looks for lost work each second: long before that.
    await using fleet = await startFleet({ ...mockEnv(mock), GENERATION_LEASE_MS: '15000' });
    const [alone] = fleet.processes as Pair;
    const id = await startGeneration(alone);
    await using reader = readGeneration({ urls: [alone.url], key: alone.key, id });
    await reader.atLeast(50);
    await expireLease(fleet.database.url, id, before);
    expect(await reader.ended).toMatchObject({
      status: 'SUCCEEDED',
      text: text(1),
      attempts: [{ number: 1, endedBy: 'FINISHED' }],
    });
    expect(reader.story()).toBe('started delta finished');
  });
});

describe('the total deadline', () => {
  it.concurrent.each([
    { what: 'with text', seen: true, status: 'INCOMPLETE' },
    { what: 'without text', seen: false, status: 'FAILED' },
  ])('counts from the creation, through take-overs, $what', async ({ seen, status }) => {
    await using mock = await MockProvider.open();
    mock.always(seen ? { pieces: ['Dear Ada'], lastly: 'stall', finish: null } : { firstMs: 60_000 });
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '500', GENERATION_TOTAL_TIMEOUT_MS: '3000' };
    await using fleet = await startFleet(env, env);
    const [writer, other] = fleet.processes as Pair;
    const elapsed = stopwatch();
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await eventually(() => mock.calls.length === 1);
    writer.signal('SIGKILL');
    const ended = await reader.ended;
    expect(elapsed()).toBeLessThan(3_000 + 1_500);
    expect(ended).toMatchObject({ status, text: seen ? 'Dear Ada' : '', failure: { code: 'TIMEOUT' } });
    expect(mock.calls).toHaveLength(2);
  });
});

function isRestart({ __typename }: { readonly __typename: string }): boolean {
  return __typename === 'GenerationRestarted';
}

/** As a clock of the database that jumps ahead does it. */
async function expireLease(url: string, id: string, takeOvers: number): Promise<void> {
  const owner = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await owner`update generations set lease_until = now() - interval '1 second', take_overs = ${takeOvers} where id = ${uuidOf(id)}`;
  } finally {
    await owner.end();
  }
}

/** Waits until nobody holds the lease of a generation. */
async function pastLease(url: string, id: string): Promise<void> {
  const owner = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await eventually(
      async () => (await owner`select 1 from generations where id = ${uuidOf(id)} and lease_until < now()`).length > 0,
    );
  } finally {
    await owner.end();
  }
}
