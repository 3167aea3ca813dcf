import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startProcess } from '../harness/process.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { gated, mockEnv, tale, tellTales } from '../harness/tales.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

describe('kill -9 of the process that writes', () => {
  it('costs its readers nothing, wherever they read', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock);
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using writer = await startProcess({ database, env });
    await using other = await startProcess({ database, env });
    const id = await startGeneration(writer);
    await using near = readGeneration({ urls: [writer.url, other.url], key: writer.key, id });
    await using far = readGeneration({ urls: [other.url], key: writer.key, id });
    await Promise.all([near.atLeast(100), far.atLeast(100)]);

    const killedAt = performance.now();
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
    expect((restart?.at ?? Infinity) - killedAt).toBeLessThan(3_000);
    expect(mock.calls).toHaveLength(2);
  });

  it('is over within 17 s with the lease that is the default', { timeout: 60_000 }, async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock);
    await using writer = await startProcess({ database, env: mockEnv(mock) });
    await using other = await startProcess({ database, env: mockEnv(mock) });
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await reader.atLeast(100);
    const killedAt = performance.now();
    writer.signal('SIGKILL');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    const restart = reader.messages.find((message) => message.__typename === 'GenerationRestarted');
    expect((restart?.at ?? Infinity) - killedAt).toBeLessThan(17_000);
    expect(reader.text).toBe(text(2));
  });
});

describe('a process that is stopped past its lease and wakes again', () => {
  it('sends nothing stale, ends its call and leaves the text alone', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 25, 160);
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    const [sleeper, other] = await Promise.all([startProcess({ database, env }), startProcess({ database, env })]);
    await using _sleeper = sleeper;
    await using _other = other;
    const id = await startGeneration(sleeper);
    await using near = readGeneration({ urls: [sleeper.url], key: sleeper.key, id });
    await using far = readGeneration({ urls: [other.url], key: sleeper.key, id });
    await Promise.all([near.atLeast(200), far.atLeast(200)]);

    sleeper.signal('SIGSTOP');
    await eventually(() => far.messages.some(isRestart), 5_000, 'the take-over');
    await far.atLeast(50);
    const seenBefore = near.messages.length;
    sleeper.signal('SIGCONT');

    expect(await mock.calls[0]?.over).toBe('closed by client');
    const [ended] = await Promise.all([near.ended, far.ended]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    expect(near.text).toBe(text(2));
    expect(far.text).toBe(text(2));
    expect(near.story()).toBe('started delta restarted@0 delta finished');
    expect(near.closes).toEqual([]);
    // What was on its way when it fell asleep may still come; nothing that was made after it.
    const stale = near.messages.slice(seenBefore, near.messages.findIndex(isRestart));
    expect(stale.length).toBeLessThanOrEqual(1);
    expect(mock.calls).toHaveLength(2);
  });

  it('goes on by itself when nobody took its work', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 25, 120);
    await using alone = await startProcess({ database, env: { ...mockEnv(mock), GENERATION_LEASE_MS: '500' } });
    const id = await startGeneration(alone);
    await using reader = readGeneration({ urls: [alone.url], key: alone.key, id });
    await reader.atLeast(100);
    alone.signal('SIGSTOP');
    await pastLease(id);
    alone.signal('SIGCONT');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(1), attempts: [{ endedBy: 'FINISHED' }] });
    expect(reader.text).toBe(text(1));
    expect(reader.story()).toBe('started delta finished');
  });
});

describe('a generation whose writers die', () => {
  it('is given up after three take-overs, and its readers keep what is stored', async () => {
    await using mock = await MockProvider.open();
    tellTales(mock, 25, 1_000);
    const owner = postgres(database.url, { max: 1, onnotice: () => undefined });
    await using _owner = { [Symbol.asyncDispose]: () => owner.end() };
    await using process = await startProcess({ database, env: mockEnv(mock) });
    await using other = await startProcess({ database, env: mockEnv(mock) });
    const id = await startGeneration(process);
    await using reader = readGeneration({ urls: [process.url, other.url], key: process.key, id });
    for (const loss of [1, 2, 3, 4]) {
      await eventually(() => mock.calls.length === loss, 5_000, `call ${loss}`);
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
    expect(ended.attempts.map(({ endedBy }) => endedBy)).toEqual([
      'TAKEN_OVER',
      'TAKEN_OVER',
      'TAKEN_OVER',
      'TAKEN_OVER',
      'FAILED',
    ]);
    expect(ended.attempts.at(-1)?.reason).toBe('ABANDONED');
    expect(reader.text).toBe(ended.text);
    expect(tale(4, 1_000).join('').startsWith(ended.text)).toBe(true);
    expect(ended.text).not.toBe('');
    for (const call of mock.calls) expect(await call.over).toBe('closed by client');
    expect(mock.calls).toHaveLength(4);
  });
});

describe('the total deadline', () => {
  it.each([
    { what: 'with text', seen: true, status: 'INCOMPLETE' },
    { what: 'without text', seen: false, status: 'FAILED' },
  ])('counts from the creation, through take-overs, $what', async ({ seen, status }) => {
    await using mock = await MockProvider.open();
    mock.always(seen ? { pieces: ['Dear Ada'], lastly: 'stall', finish: null } : { firstMs: 60_000 });
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '500', GENERATION_TOTAL_TIMEOUT_MS: '3000' };
    const [writer, other] = await Promise.all([startProcess({ database, env }), startProcess({ database, env })]);
    await using _writer = writer;
    await using _other = other;
    const startedAt = performance.now();
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await eventually(() => mock.calls.length === 1);
    writer.signal('SIGKILL');
    const ended = await reader.ended;
    expect(performance.now() - startedAt).toBeLessThan(3_000 + 1_500);
    expect(ended).toMatchObject({ status, text: seen ? 'Dear Ada' : '', failure: { code: 'TIMEOUT' } });
    expect(mock.calls).toHaveLength(2);
  });
});

describe('a full process', () => {
  it('queues, and whoever has room first takes the oldest', async () => {
    await using mock = await MockProvider.open();
    const gates = [gated(['one '], ['end']), gated(['two '], ['end']), gated(['three '], ['end'])];
    mock.script(...gates.map(({ pieces }) => ({ pieces })));
    const env = { ...mockEnv(mock), MAX_RUNNING_GENERATIONS: '1' };
    await using full = await startProcess({ database, env });
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
    await using other = await startProcess({ database, env });
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

function isRestart({ __typename }: { readonly __typename: string }): boolean {
  return __typename === 'GenerationRestarted';
}

/** Waits until nobody holds the lease of a generation. */
async function pastLease(id: string): Promise<void> {
  const owner = postgres(database.url, { max: 1, onnotice: () => undefined });
  try {
    await eventually(
      async () => (await owner`select 1 from generations where id = ${uuidOf(id)} and lease_until < now()`).length > 0,
    );
  } finally {
    await owner.end();
  }
}
