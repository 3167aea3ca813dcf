import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import type { Provider } from '../../src/providers/port.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { openTestApp, type TestAppOptions } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { openTestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables, startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { openProxy } from '../harness/proxy.ts';
import { mockEnv, paced, tale } from '../harness/tales.ts';
import { Teller } from '../harness/teller.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code } }
}`;

/** Two apps on one database, which they reach by ways of their own that can fail. */
async function openPair(options: Omit<TestAppOptions, 'database'>) {
  const database = await openTestDatabase();
  const ways = [await openProxy(database.url), await openProxy(database.url)] as const;
  const open = (url: string) => openTestApp({ ...options, database: { ...database, url } });
  const apps = [await open(ways[0].url), await open(ways[1].url)] as const;
  return {
    ways,
    apps,
    async [Symbol.asyncDispose]() {
      for (const app of apps) await app.stop();
      for (const way of ways) await way.close();
      await database.drop();
    },
  };
}

describe.concurrent('the database away for 10 s', () => {
  it.each(['closed', 'silent'] as const)('(%s) loses nothing, and all recovers by itself', { timeout: 90_000 }, async (mode) => {
    await using mock = await MockProvider.open();
    const lengths = [60, 300];
    const lengthOf = (call: number) => lengths[(call - 1) % 2] ?? 0;
    mock.always(() => ({ pieces: paced(tale(mock.calls.length, lengthOf(mock.calls.length)), 40) }));
    await using pair = await openPair({ env: mockEnv(mock) });
    const [writer, other] = pair.apps;
    const variables = await sampleVariables(writer);
    const begin = () => writer.answer(start, { input: { template: 'cover-letter-classic', variables } });
    // One ends while the database is away, one goes on after it.
    const ids = [await startGeneration(writer), await startGeneration(writer)];
    const readers = ids.flatMap((id) => pair.apps.map(({ url }) => readGeneration({ urls: [url], key: writer.key, id })));
    await using _readers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(readers.map((reader) => reader.close()))),
    };
    await Promise.all(readers.map((reader) => reader.atLeast(100)));

    // Its key is fresh in memory, so a reader that comes while the database is away gets as far as its generation.
    await post(other.url, { query: '{ models { id } }' }, { key: writer.key });
    for (const way of pair.ways) way.become(mode);
    readers.push(...ids.map((id) => readGeneration({ urls: [other.url], key: writer.key, id })));
    const awayAt = performance.now();
    const refused = await begin();
    expect(performance.now() - awayAt).toBeLessThan(11_000);
    expect(JSON.stringify(refused)).toMatch(/"code":"(UNAVAILABLE|TIMEOUT)"/);
    expect(JSON.stringify(refused)).not.toContain('gen_');
    expect((await fetch(`${writer.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${writer.url}/livez`)).status).toBe(200);
    await pause(Math.max(0, 10_000 - (performance.now() - awayAt)));
    expect(readers.flatMap(({ messages }) => messages.filter(({ generation }) => generation))).toEqual([]);
    for (const way of pair.ways) way.become('open');

    const backAt = performance.now();
    await eventually(async () => (await fetch(`${writer.url}/readyz`)).status === 200, 10_000, 'readiness');
    const ends = await Promise.all(readers.map((reader) => reader.ended));
    expect(performance.now() - backAt).toBeLessThan(30_000);
    for (const [index, ended] of ends.entries()) {
      expect(ended.status).toBe('SUCCEEDED');
      expect(readers[index]?.text).toBe(ended.text);
      const call = Number(ended.text.split('.', 1)[0]);
      expect(ended.text).toBe(tale(call, lengthOf(call)).join(''));
      // Those that came late may have been told to come back: their key could not be looked up.
      if (index < 4) expect(readers[index]?.closes).toEqual([]);
    }
    const { data } = await begin();
    expect(data).toMatchObject({ generationStart: { errors: [] } });
  });
});

describe.concurrent('hints that are lost', () => {
  it('are made up for by a look a second', async () => {
    await using mock = await MockProvider.open();
    mock.always({ pieces: paced(tale(1, 60), 50) });
    await using pair = await openPair({ env: mockEnv(mock) });
    const [writer, other] = pair.apps;
    pair.ways[1].mute('listen "draftwire"');
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await using near = readGeneration({ urls: [writer.url], key: writer.key, id });
    await near.ended;
    const sinceEnded = stopwatch();
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: tale(1, 60).join('') });
    expect(sinceEnded()).toBeLessThan(1_500);
    expect(reader.text).toBe(tale(1, 60).join(''));
    // It did not get all of it at the end: 3 s of text, a look a second.
    expect(reader.messages.filter(({ __typename }) => __typename === 'GenerationDelta').length).toBeGreaterThanOrEqual(2);
  });

  it('when the connection that listens is cut, are read again at once', async () => {
    await using mock = await MockProvider.open();
    mock.always({ pieces: paced(tale(1, 100), 30) });
    await using pair = await openPair({ env: mockEnv(mock) });
    const [writer, other] = pair.apps;
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    for (const units of [100, 300, 500]) {
      await reader.atLeast(units);
      for (const way of pair.ways) way.cut();
    }
    expect(await reader.ended).toMatchObject({
      status: 'SUCCEEDED',
      text: tale(1, 100).join(''),
      attempts: [{ endedBy: 'FINISHED' }],
    });
    expect(reader.text).toBe(tale(1, 100).join(''));
  });
});

describe.concurrent('text that cannot be stored', () => {
  it('at its end costs no second call', async () => {
    await using mock = await MockProvider.open();
    mock.always({ pieces: paced(tale(1, 10), 5) });
    await using pair = await openPair({ env: mockEnv(mock) });
    const [writer] = pair.apps;
    await writer.sql`create function refuse_end() returns trigger language plpgsql as $$ begin
      if new.status = 'SUCCEEDED' then raise exception 'refused' using errcode = '22003'; end if; return new; end $$`;
    await writer.sql`create trigger refuse_end before update on generations for each row execute function refuse_end()`;
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [writer.url], key: writer.key, id });
    const ended = await reader.ended;
    expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'INTERNAL' } });
    expect(tale(1, 10).join('').startsWith(ended.text)).toBe(true);
    expect(reader.text).toBe(ended.text);
    expect(mock.calls).toHaveLength(1);
  });

  it('because its generation is deleted meanwhile is nothing for the log', async () => {
    const teller = new Teller();
    const app = await openTestApp({ providers: [teller], env: { DEFAULT_MODEL: 'mock/teller' } });
    const deleters = [1, 2].map(() => postgres(app.database.url, { max: 1, onnotice: () => undefined }));
    const isWaiting = async () =>
      (
        await app.sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into chunks%'`
      ).length === 1;
    try {
      const letters = [];
      for (const deleter of deleters) {
        const calling = teller.nextCall();
        const id = await startGeneration(app);
        letters.push({ call: await calling, id, deleter, commit: Promise.withResolvers<void>() });
      }
      const deletions = letters.map(async ({ id, deleter, commit }) => {
        const isDeleted = Promise.withResolvers<void>();
        const over = deleter.begin(async (transaction) => {
          await transaction`delete from generations where id = ${uuidOf(id, 'gen')}`;
          isDeleted.resolve();
          await commit.promise;
        });
        await Promise.race([isDeleted.promise, over]);
        return { over };
      });
      const [first, second] = await Promise.all(deletions);
      for (const { call } of letters) call.say('x');
      // Both at once, then the second by itself.
      await eventually(isWaiting);
      letters[0]?.commit.resolve();
      await first?.over;
      await eventually(isWaiting);
      letters[1]?.commit.resolve();
      await second?.over;
      await Promise.all(letters.map(({ call }) => call.aborted));
      expect(app.lines.filter((line) => line.includes('"level":50'))).toEqual([]);
    } finally {
      await Promise.all(deleters.map((deleter) => deleter.end({ timeout: 1 })));
      await app.stop();
    }
  });

  it('fails its own generation and none of those that were flushed with it', async () => {
    await using mock = await MockProvider.open();
    mock.always(() => {
      const call = mock.calls.length;
      const pieces = tale(call, 60);
      return { pieces: paced(call === 2 ? pieces.with(30, 'POISON') : pieces, 20) };
    });
    await using pair = await openPair({ env: mockEnv(mock) });
    const [writer, other] = pair.apps;
    await writer.sql`create function refuse_poison() returns trigger language plpgsql as $$ begin
      if new.body like '%POISON%' then raise exception 'poisoned' using errcode = '22000'; end if; return new; end $$`;
    await writer.sql`create trigger refuse_poison before insert or update on chunks for each row execute function refuse_poison()`;
    const ids: string[] = [];
    for (const call of [1, 2, 3, 4]) {
      ids.push(await startGeneration(writer));
      await eventually(() => mock.calls.length === call);
    }
    const readers = ids.flatMap((id) => pair.apps.map(({ url }) => readGeneration({ urls: [url], key: writer.key, id })));
    await using _readers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(readers.map((reader) => reader.close()))),
    };
    const ends = await Promise.all(readers.map((reader) => reader.ended));

    for (const [index, ended] of ends.entries()) {
      const call = Math.floor(index / 2) + 1;
      expect(readers[index]?.text).toBe(ended.text);
      if (call !== 2) {
        expect(ended).toMatchObject({ status: 'SUCCEEDED', text: tale(call, 60).join(''), attempts: [{ endedBy: 'FINISHED' }] });
        continue;
      }
      expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'INTERNAL' } });
      expect(ended.text).not.toBe('');
      expect(tale(2, 30).join('').startsWith(ended.text)).toBe(true);
    }
    expect(await mock.calls[1]?.over).toBe('closed by client');
    expect(other.lines.join('\n')).not.toContain('POISON');
    expect(writer.lines.join('\n')).not.toContain('POISON');
  });
});

describe.concurrent('text that is not stored yet', () => {
  it('is bounded: the provider is not read any further', { timeout: 60_000 }, async () => {
    const piece = 'x'.repeat(1_024);
    const pieces = 400;
    let pulled = 0;
    const flood: Provider = {
      id: 'mock',
      models: [{ name: 'flood', contextWindow: null, maxOutputTokens: null }],
      acceptsUnknownModels: false,
      async *stream(_request, { signal }) {
        for (; pulled < pieces; pulled++) {
          await pause(5, undefined, { signal });
          yield { type: 'text', text: piece };
        }
        yield { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } };
      },
    };
    await using pair = await openPair({ providers: [flood], env: { DEFAULT_MODEL: 'mock/flood' } });
    const [writer] = pair.apps;
    const id = await startGeneration(writer);
    await using reader = readGeneration({ urls: [writer.url], key: writer.key, id });
    await reader.atLeast(10 * 1_024);
    pair.ways[0].become('silent');
    const before = pulled;
    // What was on its way when the silence began was stored or was not; everything after it is within the bound.
    const stalled = await eventually(async () => {
      const now = pulled;
      await pause(300);
      return pulled === now && now;
    }, 5_000);
    expect(stalled - before).toBeLessThanOrEqual(65);
    expect(reader.text.length).toBeLessThanOrEqual((stalled + 1) * 1_024);
    pair.ways[0].become('open');
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: piece.repeat(pieces) });
    expect(reader.text).toBe(piece.repeat(pieces));
  });
});
