import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { stopwatch } from '../harness/stopwatch.ts';
import { post } from '../harness/clients.ts';
import { openTestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables, startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, startProcess, type RunningProcess } from '../harness/process.ts';
import { openProxy } from '../harness/proxy.ts';
import { gated, mockEnv, paced, tale, tellTales } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code } }
}`;
const slug = 'cover-letter-classic';

type Pair = [RunningProcess, RunningProcess];

/** The words that `/readyz` answers with. */
async function readiness({ url }: RunningProcess): Promise<[number, string]> {
  const answer = await fetch(`${url}/readyz`);
  return [answer.status, ((await answer.json()) as { status: string }).status];
}

describe('SIGTERM', () => {
  it('gives away what outlasts the drain, and another process goes on at once', async () => {
    await using mock = await MockProvider.open();
    const stuck = gated(tale(1), []);
    mock.script({ pieces: stuck.pieces });
    const env = { ...mockEnv(mock), DRAIN_TIMEOUT_MS: '1500' };
    await using fleet = await startFleet(env, env);
    const [leaving, staying] = fleet.processes as Pair;
    const variables = await sampleVariables(leaving);
    const id = await startGeneration(leaving);
    await using reader = readGeneration({ urls: [leaving.url, staying.url], key: leaving.key, id });
    await reader.atLeast(tale(1).join('').length);
    expect(await readiness(leaving)).toEqual([200, 'ready']);

    const sinceSignalled = stopwatch();
    leaving.signal('SIGTERM');

    await eventually(() => reader.closes.length > 0, 1_000, 'the close of the socket');
    expect(reader.closes).toEqual([1001]);
    expect(await readiness(leaving)).toEqual([503, 'draining']);
    const refused = await post(leaving.url, { query: start, variables: { input: { template: slug, variables } } }, leaving);
    expect(refused.body).toEqual({ data: { generationStart: { generation: null, errors: [{ code: 'UNAVAILABLE' }] } } });

    expect(await leaving.exited).toEqual({ code: 0, signal: null });
    expect(sinceSignalled()).toBeLessThan(1_500 + 2_000);
    const ended = await reader.ended;
    expect(ended.attempts.map(({ reason, endedBy }) => [reason, endedBy])).toEqual([
      [null, 'TAKEN_OVER'],
      ['TAKE_OVER', 'FINISHED'],
    ]);
    expect(reader.story()).toBe('started delta restarted@0 delta finished');
    const restart = reader.messages.find((message) => message.__typename === 'GenerationRestarted');
    // The lease is 15 s: only what was given away goes on this soon.
    expect(sinceSignalled(restart?.at ?? Infinity)).toBeLessThan(1_500 + 2_000);
    expect(reader.text).toBe(ended.text);
    // It was given away in order: that is none of the three take-overs it may have.
    const owner = postgres(fleet.database.url, { max: 1 });
    expect(await owner`select take_overs from generations`).toEqual([{ take_overs: 0 }]);
    await owner.end();
  });
});

describe('a drain', () => {
  it.concurrent('waits for what ends within the drain', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 20);
    const env = { ...mockEnv(mock), DRAIN_TIMEOUT_MS: '10000' };
    await using fleet = await startFleet(env, env);
    const [leaving, staying] = fleet.processes as Pair;
    const id = await startGeneration(leaving);
    await using reader = readGeneration({ urls: [leaving.url, staying.url], key: leaving.key, id });
    await reader.atLeast(50);
    leaving.signal('SIGTERM');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(1), attempts: [{ endedBy: 'FINISHED' }] });
    expect(await leaving.exited).toEqual({ code: 0, signal: null });
    expect(reader.story()).toBe('started delta finished');
    expect(mock.calls).toHaveLength(1);
  });

  it.concurrent('ends the process even when the database is away', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock, 20);
    const database = await openTestDatabase();
    await using _database = { [Symbol.asyncDispose]: () => database.drop() };
    await using way = await openProxy(database.url);
    const env = { ...mockEnv(mock), DRAIN_TIMEOUT_MS: '500', GENERATION_LEASE_MS: '3000' };
    await using leaving = await startProcess({ database: way, env });
    await using staying = await startProcess({ database, env });
    const id = await startGeneration(leaving);
    await using reader = readGeneration({ urls: [staying.url], key: leaving.key, id });
    await reader.atLeast(50);
    way.become('closed');
    const sinceSignalled = stopwatch();
    leaving.signal('SIGTERM');
    expect(await leaving.exited).toEqual({ code: 1, signal: null });
    expect(sinceSignalled()).toBeLessThan(20_000);
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    expect(reader.text).toBe(text(2));
  });
});

describe('a rolling restart', () => {
  it('under 50 live streams loses, repeats and mixes nothing', async () => {
    await using mock = await MockProvider.open();
    // Some end within the drain, some outlast it; each call tells another tale.
    const lengthOf = (call: number) => 40 + (call % 7) * 30;
    mock.always(() => ({ pieces: paced(tale(mock.calls.length, lengthOf(mock.calls.length)), 40) }));
    const env = { ...mockEnv(mock), DRAIN_TIMEOUT_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const { database, processes: running } = fleet;
    const urls = () => running.map(({ url }) => url);
    const [{ key }] = running as [RunningProcess];

    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, index) => startGeneration(running[index % 2] as RunningProcess)),
    );
    const readers = ids.map((id, index) => readGeneration({ urls: () => (index % 3 ? urls() : urls().toReversed()), key, id }));
    await using _readers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(readers.map((reader) => reader.close()))),
    };
    await Promise.all(readers.map((reader) => reader.atLeast(50)));

    for (const index of [0, 1]) {
      const old = running[index] as RunningProcess;
      const signalledAt = performance.now();
      old.signal('SIGTERM');
      expect(await old.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - signalledAt).toBeLessThan(1_000 + 10_000);
      running[index] = await startProcess({ database, env });
      await old.stop();
    }

    const ends = await Promise.all(readers.map((reader) => reader.ended));
    for (const [index, ended] of ends.entries()) {
      expect(ended.status).toBe('SUCCEEDED');
      expect(readers[index]?.text).toBe(ended.text);
      const call = Number(ended.text.split('.', 1)[0]);
      expect(ended.text).toBe(tale(call, lengthOf(call)).join(''));
    }
    expect(new Set(ends.map(({ text }) => text)).size).toBe(50);
    expect(new Set(readers.flatMap(({ closes }) => closes))).toContain(1001);
    expect(ends.filter(({ attempts }) => attempts.length > 1).length).toBeGreaterThan(10);
  });
});
