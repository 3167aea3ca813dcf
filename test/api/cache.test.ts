import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseDefaults, openDatabase } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { ProviderError } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sse } from '../harness/clients.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually, soon } from '../harness/eventually.ts';
import { readGeneration, type Ended } from '../harness/lasting-reader.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openPurger } from '../harness/purger.ts';
import { Teller, type Call } from '../harness/teller.ts';

const start = `mutation ($input: GenerationStartInput!) { generationStart(input: $input) {
  generation { id cache { mode outcome } } errors { code message path }
} }`;
const retry = `mutation ($input: GenerationRetryInput!) { generationRetry(input: $input) {
  generation { id cache { mode outcome } } errors { code message path }
} }`;
const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }';
const remove = 'mutation ($id: ID!) { generationDelete(input: { id: $id }) { errors { code } } }';
const whole = `query ($id: ID!) { generation(id: $id) {
  status text model finishReason costMicros usage { inputTokens outputTokens } attempts { model endedBy } cache { mode outcome source { id } }
} }`;
const tenantUpdate = `mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) {
  tenant { generationCacheMode generationCacheMaxAgeSeconds } errors { code path }
} }`;

const modes = ['OFF', 'READ', 'WRITE', 'ON'] as const;
type Mode = (typeof modes)[number];

interface Whole {
  readonly status: string;
  readonly text: string;
  readonly attempts: readonly unknown[];
  readonly cache: { readonly mode: string; readonly outcome: string; readonly source: { readonly id: string } | null } | null;
}

let database: TestDatabase;
let teller: Teller;
let app: TestApp;
/** Another process on the same database. */
let other: TestApp;
let otherTeller: Teller;
let seed: Seed;
let owner: Caller;
let variables: Record<string, unknown>;

beforeAll(async () => {
  database = await openTestDatabase();
  teller = new Teller();
  otherTeller = new Teller();
  const env = { DEFAULT_MODEL: 'mock/teller' };
  app = await openTestApp({ database, env, providers: [teller] });
  other = await openTestApp({ database, env, providers: [otherTeller] });
  seed = await openSeed(app);
  variables = await sampleVariables(app);
});
beforeEach(async () => {
  teller.calls.length = 0;
  otherTeller.calls.length = 0;
  owner = await seed.tenant();
});
afterEach(async () => {
  // What is left would be tried again once its time is over, and be taken for another test's call.
  const running = '{ generations(first: 100, filter: { status: [RUNNING, QUEUED] }) { nodes { id } } }';
  await eventually(async () => {
    const { generations } = await owner.ask<{ generations: { nodes: { id: string }[] } }>(running);
    for (const { id } of generations.nodes) await owner.ask(cancel, { id });
    return generations.nodes.length === 0;
  });
});
afterAll(async () => {
  await seed.close();
  await other.stop();
  await app.stop();
  await database.drop();
});

interface Begun {
  readonly id: string;
  readonly cache: { readonly mode: string; readonly outcome: string } | null;
}

async function begin(mode: Mode | null, input: Record<string, unknown> = {}, by: Pick<Caller, 'ask'> = owner): Promise<Begun> {
  const cache = mode && { mode };
  const { generationStart } = await by.ask<{ generationStart: { generation: Begun | null; errors: unknown[] } }>(start, {
    input: { template: 'cover-letter-classic', variables, cache, ...input },
  });
  if (!generationStart.generation) throw new Error(JSON.stringify(generationStart.errors));
  return generationStart.generation;
}

const call = (number: number, of = teller): Promise<Call> => eventually(() => of.calls[number - 1], undefined, `call ${number}`);
const find = async (id: string, by: Pick<Caller, 'ask'> = owner): Promise<Whole> =>
  (await by.ask<{ generation: Whole }>(whole, { id })).generation;
const ended = async (id: string): Promise<Whole> =>
  eventually(async () => {
    const found = await find(id);
    return found.status !== 'RUNNING' && found.status !== 'QUEUED' && found;
  });
const read = (id: string, of: Pick<TestApp, 'url'> = app) => readGeneration({ urls: [of.url], key: owner.key, id });
const asMemberOf = ({ key }: Caller, of: TestApp): Pick<Caller, 'ask'> => ({
  ask: async <T>(query: string, values?: Record<string, unknown>): Promise<T> => {
    const response = await fetch(`${of.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query, variables: values }),
    });
    const { data, errors } = (await response.json()) as { data: T; errors?: unknown[] };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  },
});

/** A generation that was written to its end, by the call with this number. */
async function written(mode: Mode, text: string, number = 1, input: Record<string, unknown> = {}): Promise<string> {
  const { id } = await begin(mode, input);
  (await call(number)).say(text).finish();
  expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', text });
  return id;
}

describe('a text that was written before', () => {
  it('is given to who comes to the same: streamed like a live one, without a call, for nothing', async () => {
    const source = await written('ON', 'Dear Ada, 𝒢 hello.');

    const { id, cache } = await begin('ON');
    await using reader = read(id);
    const end = await reader.ended;

    expect(cache).toEqual({ mode: 'ON', outcome: 'HIT' });
    expect(reader.story()).toBe('started delta finished');
    expect(reader.text).toBe('Dear Ada, 𝒢 hello.');
    expect(end).toMatchObject({ status: 'SUCCEEDED', finishReason: 'STOP', attempts: [] });
    expect(await find(id)).toEqual({
      status: 'SUCCEEDED',
      text: 'Dear Ada, 𝒢 hello.',
      model: 'mock/teller',
      finishReason: 'STOP',
      costMicros: 0,
      usage: { inputTokens: 0, outputTokens: 0 },
      attempts: [],
      cache: { mode: 'ON', outcome: 'HIT', source: { id: source } },
    });
    expect(await find(source)).toMatchObject({ cache: { mode: 'ON', outcome: 'MISS', source: null }, attempts: [{}] });
    expect(teller.calls).toHaveLength(1);
    // Read anew, from the store and by another process.
    await using late = read(id, other);
    await late.ended;
    expect(late.story()).toBe('started delta finished');
  });

  it('is given over any transport', async () => {
    const source = await written('ON', 'for everybody');
    const begun = await begin('ON');
    const query = `subscription ($id: ID!) { generationStream(id: $id) {
      __typename ... on GenerationDelta { text } ... on GenerationFinished { generation { cache { outcome source { id } } } }
    } }`;
    const { events } = await sse(app.url, { query, variables: { id: begun.id } }, { key: owner.key });
    const told: unknown[] = [];
    for await (const { result } of events) if (result?.data) told.push(result.data['generationStream']);
    expect(told).toEqual([
      { __typename: 'GenerationStarted' },
      { __typename: 'GenerationDelta', text: 'for everybody' },
      { __typename: 'GenerationFinished', generation: { cache: { outcome: 'HIT', source: { id: source } } } },
    ]);
  });

  it.each(modes.flatMap((first) => modes.map((second) => [first, second] as const)))(
    'of a generation with %s is what one with %s makes of it, whole or while it is written',
    async (first, second) => {
      const isShared = (first === 'WRITE' || first === 'ON') && (second === 'READ' || second === 'ON');
      const outcome = (shared: string) => (second === 'OFF' ? null : { mode: second, outcome: isShared ? shared : 'MISS' });
      const leader = await begin(first);
      const own = (await call(1)).say('one ');
      const during = await begin(second);
      expect(during.cache).toEqual(outcome('SHARED'));
      if (!isShared) (await call(2)).say('two').finish();
      else await soon(async () => expect(await find(during.id)).toMatchObject({ text: 'one ' }));
      own.say('more').finish();
      expect(await ended(leader.id)).toMatchObject({ status: 'SUCCEEDED', text: 'one more' });
      expect(await ended(during.id)).toMatchObject({ status: 'SUCCEEDED', text: isShared ? 'one more' : 'two' });

      // By then the text of the second is the one that is given, where it gives its own.
      const isLatest = second === 'WRITE' || (second === 'ON' && !isShared);
      const behind = await begin('READ');
      const isKept = first === 'WRITE' || first === 'ON' || isLatest;
      expect(behind.cache?.outcome).toBe(isKept ? 'HIT' : 'MISS');
      if (!isKept) (await call(3)).say('three').finish();
      expect(await ended(behind.id)).toMatchObject({ text: isKept ? (isLatest ? 'two' : 'one more') : 'three' });
    },
  );

  it('is given only when it succeeded', async () => {
    const cut = await begin('ON');
    (await call(1)).say('half').finish('LENGTH');
    expect(await ended(cut.id)).toMatchObject({ status: 'INCOMPLETE' });

    const cancelled = await begin('ON');
    expect(cancelled.cache?.outcome).toBe('MISS');
    (await call(2)).say('some ');
    await soon(async () => expect(await find(cancelled.id)).toMatchObject({ text: 'some ' }));
    await owner.ask(cancel, { id: cancelled.id });
    // Already while its end is on its way.
    const failed = await begin('ON');
    expect(failed.cache?.outcome).toBe('MISS');
    (await call(3)).fail(new ProviderError('INVALID_REQUEST', 'no', { retryable: false }));
    expect(await ended(failed.id)).toMatchObject({ status: 'FAILED' });

    await written('ON', 'whole', 4);
    expect((await begin('ON')).cache?.outcome).toBe('HIT');
  });

  it('is given to nobody who differs in what it depends on, and to all who differ in nothing else', async () => {
    const input = { maxOutputTokens: 500, temperature: 0.5, metadata: { of: 'mine' } };
    await written('ON', 'the first', 1, input);
    const changes = [
      { maxOutputTokens: 501 },
      { temperature: 0.4 },
      { model: 'mock/teller' },
      { variables: { ...variables, applicant: { ...(variables['applicant'] as object), name: 'Somebody Else' } } },
    ];
    for (const change of changes) {
      const { id, cache } = await begin('READ', { ...input, ...change });
      expect([change, cache?.outcome]).toEqual([change, 'MISS']);
      await owner.ask(cancel, { id });
    }
    expect(await begin('READ', { ...input, metadata: null })).toMatchObject({ cache: { outcome: 'HIT' } });
  });

  it('is as old as both want at most', async () => {
    const source = await written('ON', 'old', 1, { cache: { mode: 'ON', maxAgeSeconds: 600 } });
    const age = (seconds: number) => app.sql`
      update generations set finished_at = now() - make_interval(secs => ${seconds}) where id = ${uuidOf(source)}`;
    const with_ = async (maxAgeSeconds?: number) =>
      (await begin('READ', { cache: { mode: 'READ', maxAgeSeconds } })).cache?.outcome;

    await age(300);
    expect([await with_(), await with_(400), await with_(200)]).toEqual(['HIT', 'HIT', 'MISS']);
    await age(601);
    expect([await with_(), await with_(2_592_000)]).toEqual(['MISS', 'MISS']);
    for (const maxAgeSeconds of [0, -1, 2_592_001]) {
      await expect(with_(maxAgeSeconds)).rejects.toThrow(/INVALID_INPUT.*"input","cache","maxAgeSeconds"/);
    }
    // Whoever finds it too old and gives its own takes its place.
    await written('ON', 'young', teller.calls.length + 1);
    expect(await ended((await begin('READ')).id)).toMatchObject({ text: 'young' });
  });

  it('is never that of another tenant', async () => {
    await written('ON', 'a secret of the first');
    owner = await seed.tenant();
    const { id, cache } = await begin('ON');
    expect(cache?.outcome).toBe('MISS');
    (await call(2)).say('of the second').finish();
    expect(await ended(id)).toMatchObject({ text: 'of the second' });
  });

  it('may be that of another member, who stays unknown to those who do not reach the others', async () => {
    const source = await written('ON', 'shared');
    const colleague = await seed.member({ of: owner, can: ['generations:read', 'generations:write', 'templates:read'] });
    const { id } = await begin('ON', {}, colleague);

    await soon(async () =>
      expect(await find(id, colleague)).toMatchObject({
        status: 'SUCCEEDED',
        text: 'shared',
        cache: { outcome: 'HIT', source: null },
      }),
    );
    expect(await colleague.ask(whole, { id: source })).toEqual({ generation: null });
    expect(await find(id)).toMatchObject({ cache: { source: { id: source } } });
    const reader = await seed.member({ of: owner, can: ['generations:read', 'templates:read'] });
    await expect(begin('ON', {}, reader)).rejects.toThrow('FORBIDDEN');
  });

  it('goes with its generation', async () => {
    const source = await written('ON', 'to be forgotten');
    const entries = () => app.sql`select 1 from cache_entries where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(await entries()).toHaveLength(1);

    await owner.ask(remove, { id: source });

    expect(await entries()).toHaveLength(0);
    const { id, cache } = await begin('ON');
    expect(cache?.outcome).toBe('MISS');
    (await call(2)).say('anew').finish();
    await ended(id);
    expect(await entries()).toHaveLength(1);
    await owner.ask(tenantUpdate, { input: { generationRetentionDays: 1 } });
    await app.sql`update generations set finished_at = now() - interval '2 days' where id = ${uuidOf(id)}`;
    await purged();
    expect(await entries()).toHaveLength(0);
  });

  it('is forgotten when nobody can be given it any more', async () => {
    await written('ON', 'old');
    const entries = () => app.sql`select 1 from cache_entries where tenant_id = ${uuidOf(owner.tenantId)}`;
    await purged();
    expect(await entries()).toHaveLength(1);
    await app.sql`update cache_entries set expires_at = now() where tenant_id = ${uuidOf(owner.tenantId)}`;
    await purged();
    expect(await entries()).toHaveLength(0);
  });

  it('is written anew by a retry, for all; unless the retry wants what there is', async () => {
    const source = await written('ON', 'first');
    const again = async (input: object) =>
      (await owner.ask<{ generationRetry: { generation: Begun } }>(retry, { input: { id: source, ...input } })).generationRetry
        .generation;

    expect(await again({ cache: { mode: 'ON' } })).toMatchObject({ cache: { outcome: 'HIT' } });
    const anew = await again({});
    expect(anew.cache).toEqual({ mode: 'WRITE', outcome: 'MISS' });
    (await call(2)).say('second').finish();
    expect(await ended(anew.id)).toMatchObject({ text: 'second' });
    expect(await ended((await begin('ON')).id)).toMatchObject({ text: 'second', cache: { source: { id: anew.id } } });
  });

  it('answers an idempotency key once', async () => {
    await written('ON', 'first');
    const input = { idempotencyKey: 'once' };
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await begin('ON', input)).id));
    expect(new Set(ids).size).toBe(1);
    await expect(begin('OFF', input)).rejects.toThrow('CONFLICT');
    expect(teller.calls).toHaveLength(1);
  });

  it('is what a tenant wants, where the caller says nothing', async () => {
    expect((await begin(null)).cache).toBeNull();
    const input = { generationCacheMode: 'ON', generationCacheMaxAgeSeconds: 60 };
    expect(await owner.ask(tenantUpdate, { input })).toEqual({ tenantUpdate: { tenant: input, errors: [] } });
    expect(await owner.ask(tenantUpdate, { input: { generationCacheMode: null } })).toMatchObject({
      tenantUpdate: { tenant: input },
    });
    expect(await owner.ask(tenantUpdate, { input: { generationCacheMaxAgeSeconds: 0 } })).toMatchObject({
      tenantUpdate: { tenant: null, errors: [{ code: 'INVALID_INPUT', path: ['input', 'generationCacheMaxAgeSeconds'] }] },
    });

    expect((await begin(null)).cache).toEqual({ mode: 'ON', outcome: 'MISS' });
    (await call(2)).say('kept').finish();
    await soon(async () => expect((await begin(null)).cache?.outcome).toBe('HIT'));
    expect((await begin('OFF')).cache).toBeNull();
  });
});

describe('starts at the same time', () => {
  it('share one call, wherever they come in', async () => {
    const everywhere = Array.from({ length: 24 }, (_, index) => asMemberOf(owner, index % 2 === 0 ? app : other));
    const begun = await Promise.all(
      everywhere.map((by, index) => begin('ON', index % 3 === 0 ? { idempotencyKey: `${index}` } : {}, by)),
    );
    const calls = () => [...teller.calls, ...otherTeller.calls];
    const one = await eventually(() => calls()[0]);
    one.say('Dear ', 'all, ');
    const readers = begun.map(({ id }, index) => read(id, index % 4 < 2 ? app : other));
    await Promise.all(readers.map((reader) => reader.atLeast('Dear all, '.length)));
    one.say('goodbye.').finish();

    for (const reader of readers) {
      expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear all, goodbye.' });
      expect(reader.story()).toBe('started delta finished');
      await reader.close();
    }
    expect(calls()).toHaveLength(1);
    expect(begun.filter(({ cache }) => cache?.outcome === 'MISS')).toHaveLength(1);
    expect(begun.filter(({ cache }) => cache?.outcome === 'SHARED')).toHaveLength(23);
  });

  it('go on when one of them is cancelled that follows', async () => {
    const [leader, gone, stays] = [await begin('ON'), await begin('ON'), await begin('ON')];
    const one = (await call(1)).say('so far ');
    for (const { id } of [gone, stays]) await soon(async () => expect(await find(id)).toMatchObject({ text: 'so far ' }));
    await owner.ask(cancel, { id: gone.id });
    expect(await ended(gone.id)).toMatchObject({ status: 'CANCELLED', text: 'so far ', costMicros: 0, attempts: [] });
    one.say('and on').finish();
    for (const { id } of [leader, stays]) expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', text: 'so far and on' });
    expect(teller.calls).toHaveLength(1);
  });

  it.each([
    ['is cancelled', 'CANCELLED', (id: string) => owner.ask(cancel, { id })],
    ['fails', 'FAILED', (_: string, one: Call) => one.fail(new ProviderError('INVALID_REQUEST', 'no', { retryable: false }))],
    ['is deleted', null, (id: string) => owner.ask(remove, { id })],
    ['reaches its limit', 'INCOMPLETE', (_: string, one: Call) => one.finish('LENGTH')],
  ])('choose one to write by itself when the one they follow %s', async (_, status, lose) => {
    const leader = await begin('ON');
    const one = await call(1);
    const followers = [await begin('ON'), await begin('ON', {}, asMemberOf(owner, other)), await begin('ON')];
    const readers = followers.map(({ id }) => read(id));
    if (status !== 'FAILED') {
      one.say('lost ');
      await Promise.all(readers.map((reader) => reader.atLeast(5)));
    }
    await lose(leader.id, one);

    const next = await eventually(() => teller.calls[1] ?? otherTeller.calls[0], undefined, 'the next call');
    next.say('found').finish();
    const ends: Ended[] = await Promise.all(readers.map((reader) => reader.ended));
    for (const [index, end] of ends.entries()) {
      expect(end).toMatchObject({ status: 'SUCCEEDED', text: 'found' });
      // Who followed somebody that gave up as well begins once more.
      expect(readers[index]?.story()).toMatch(
        status === 'FAILED' ? /^started delta finished$/ : /^started delta(?: restarted@0 delta)+ finished$/,
      );
    }
    const wholes = await Promise.all(followers.map(({ id }) => find(id)));
    const heir = followers[wholes.findIndex(({ cache }) => cache?.outcome === 'MISS')];
    const shared = wholes.filter(({ cache }) => cache?.outcome === 'SHARED');
    expect(shared.map(({ cache }) => cache?.source?.id)).toEqual([heir?.id, heir?.id]);
    expect(wholes.flatMap(({ attempts }) => attempts)).toEqual([{ model: 'mock/teller', endedBy: 'FINISHED' }]);
    expect(teller.calls.length + otherTeller.calls.length).toBe(2);
    if (status) expect(await find(leader.id)).toMatchObject({ status });
    for (const reader of readers) await reader.close();
  });

  it('are left, and it is no failure, when one is deleted while it takes the place of the one it follows', async () => {
    const leader = await begin('ON');
    const one = (await call(1)).say('so far ');
    const follower = await begin('ON');
    await soon(async () => expect(await find(follower.id)).toMatchObject({ text: 'so far ' }));
    const lines = app.lines.length;
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    const deletes = Promise.withResolvers<number>();
    const isAsked = Promise.withResolvers<void>();
    const deleting = sql.begin(async (tx) => {
      await tx`delete from generations where id = ${uuidOf(follower.id, 'gen')}`;
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      deletes.resolve(row?.pid ?? 0);
      await isAsked.promise;
    });
    try {
      const pid = await deletes.promise;
      one.fail(new ProviderError('INVALID_REQUEST', 'no', { retryable: false }));
      await eventually(
        async () =>
          (
            await app.sql`select 1 from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid)) and query like '%insert into cache_entries%'`
          ).length > 0,
        undefined,
        'the claim',
      );
    } finally {
      isAsked.resolve();
      await deleting;
      await sql.end();
    }
    // The place is free for whoever comes next.
    const { id } = await begin('ON');
    (await call(2)).say('found').finish();

    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', text: 'found', cache: { outcome: 'MISS' } });
    expect(await ended(leader.id)).toMatchObject({ status: 'INCOMPLETE' });
    expect(app.lines.slice(lines).filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
    expect(teller.calls).toHaveLength(2);
  });

  it('do not wait for each other where there is room for one', async () => {
    const narrow = await openTestApp({
      database,
      env: { DEFAULT_MODEL: 'mock/teller', MAX_RUNNING_GENERATIONS: '1' },
      providers: [otherTeller],
    });
    try {
      const tenant = await seed.tenant();
      // The others must not take what waits.
      const hold = await begin('OFF', {}, asMemberOf(tenant, narrow));
      const held = await eventually(() => otherTeller.calls[0]);
      const begun = [
        await begin('ON', { temperature: 1 }, asMemberOf(tenant, narrow)),
        await begin('ON', { temperature: 1 }, asMemberOf(tenant, narrow)),
      ];
      held.say('x').finish();
      owner = tenant;
      await ended(hold.id);
      const one = await eventually(() => otherTeller.calls[1] ?? teller.calls[0]);
      one.say('both').finish();
      for (const { id } of begun) expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', text: 'both' });
      expect(otherTeller.calls.length + teller.calls.length).toBe(2);
    } finally {
      await narrow.stop();
    }
  });
});

describe('budgets', () => {
  const set = `mutation ($input: BudgetSetInput!) { budgetSet(input: $input) { budget { id } errors { code } } }`;
  const all = '{ budgets { nodes { unit settled outstanding } } }';
  const tokens = async () =>
    (await owner.ask<{ budgets: { nodes: { settled: number; outstanding: number }[] } }>(all)).budgets.nodes[0];
  const limit = (most: number) => owner.ask(set, { input: { unit: 'TOKENS', period: 'DAY', most } });

  it('give nothing for what is copied', async () => {
    await limit(1_000_000);
    const leader = await begin('ON');
    const one = (await call(1)).say('one ');
    const reserved = await tokens();
    const follower = await begin('ON');
    expect(follower.cache?.outcome).toBe('SHARED');
    expect(await tokens()).toEqual(reserved);
    one.say('text').finish();
    for (const { id } of [leader, follower]) expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', text: 'one text' });
    expect(await tokens()).toMatchObject({ settled: 30, outstanding: 0 });

    // A budget that is used up refuses calls, and no text that is there.
    await limit(1);
    await expect(begin('OFF')).rejects.toThrow('BUDGET_EXCEEDED');
    expect(await ended((await begin('ON')).id)).toMatchObject({ status: 'SUCCEEDED', cache: { outcome: 'HIT' } });
    expect(await tokens()).toMatchObject({ settled: 30, outstanding: 0 });
  });

  it('are asked when a copy comes to call by itself', async () => {
    await limit(1_000_000);
    const [leader, first, second] = [await begin('ON'), await begin('ON'), await begin('ON')];
    const one = (await call(1)).say('lost ');
    for (const { id } of [first, second]) await soon(async () => expect(await find(id)).toMatchObject({ text: 'lost ' }));
    await limit(1);
    one.fail(new ProviderError('INVALID_REQUEST', 'no', { retryable: false }));

    await ended(leader.id);
    for (const { id } of [first, second]) expect(await ended(id)).toMatchObject({ status: 'FAILED', text: '', attempts: [] });
    expect(teller.calls).toHaveLength(1);
    expect(await tokens()).toMatchObject({ outstanding: 0 });
  });
});

async function purged(): Promise<void> {
  const log = openLog({ level: 'silent' });
  const owned = await openDatabase({ ...databaseDefaults, url: database.url, maxConnections: 2 }, { log, clock: systemClock });
  try {
    await openPurger(owned, log).run();
  } finally {
    await owned.close();
  }
}
