import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Env } from '../../src/config.ts';
import type { TestApp } from '../harness/app.ts';
import { sse, wsClient } from '../harness/clients.ts';
import { eventually, soon } from '../harness/eventually.ts';
import { newMasterKey, openMockApps, type MockApps } from '../harness/mock-apps.ts';
import type { Script } from '../harness/mock-provider.ts';
import { askerAt, setKey, writeWith } from '../harness/own-keys.ts';
import { openSeed } from '../harness/seed.ts';
import { gated } from '../harness/tales.ts';

const parts = 'id health { state since failures latencyMs nextProbeAt } models { id health { state failures latencyMs } }';
const providers = `{ providers { ${parts} } }`;
const stream = `subscription { providerHealthStream { providers { ${parts} } } }`;

interface Health {
  readonly state: string;
  readonly since: string | null;
  readonly failures: number;
  readonly latencyMs: number | null;
  readonly nextProbeAt: string | null;
}
interface Provider {
  readonly id: string;
  readonly health: Health;
  readonly models: readonly { readonly id: string; readonly health: Health }[];
}

const first = 'openai/gpt-5.6-luna';
const second = 'anthropic/claude-haiku-4-5';
const down: Script = { status: 503, raw: '{}', headers: { 'content-type': 'application/json' } };

let apps: MockApps;
/** What the first vendor does; the other one writes. */
let openai: Script;
/** How often it was called. */
const calls = () => apps.mock.calls.filter(({ path }) => !path.includes('messages')).length;

beforeEach(async () => {
  apps = await openMockApps();
  openai = {};
  apps.mock.always(({ path }) => (path.includes('messages') ? {} : openai));
});
afterEach(() => apps.close());

const open = (env: Env = {}): Promise<TestApp> =>
  apps.open({
    ANTHROPIC_API_KEY: 'sk-b',
    ANTHROPIC_BASE_URL: apps.mock.url,
    DEFAULT_MODEL: first,
    BREAKER_OPEN_MS: '600000',
    ...env,
  });
const healthOf = async (app: TestApp, model = first): Promise<Health | undefined> => {
  const { providers: found } = await app.ask<{ providers: Provider[] }>(providers);
  return found.flatMap(({ models }) => models).find(({ id }) => id === model)?.health;
};
const stateIs = (app: TestApp, state: string) => eventually(async () => (await healthOf(app))?.state === state, 5_000, state);
/** Fails until the breaker is open. */
async function shut(app: TestApp): Promise<void> {
  openai = down;
  for (let failed = 0; failed < 5; failed++) await writeWith(app.url, app, 'auto');
  await stateIs(app, 'OPEN');
}

describe('a circuit breaker', () => {
  it('is opened by five failures, on every process, and nobody is asked any more', async () => {
    const [one, two] = [await open(), await open()];
    expect(await healthOf(one)).toMatchObject({ state: 'CLOSED', failures: 0 });
    await shut(one);
    await stateIs(two, 'OPEN');
    const before = calls();
    for (const app of [one, two]) {
      expect(await writeWith(app.url, app, first)).toMatchObject({
        status: 'FAILED',
        failure: {
          code: 'OVERLOADED',
          message: expect.stringMatching(/^openai\/gpt-5.6-luna failed too often lately and is not asked before 20/),
        },
        attempts: [],
        skipped: [{ model: first, reason: 'BREAKER_OPEN' }],
      });
      expect(await writeWith(app.url, app, 'auto')).toMatchObject({
        status: 'SUCCEEDED',
        attempts: [{ model: second }],
        skipped: [],
      });
    }
    expect(calls()).toBe(before);
    const { providers: found } = await two.ask<{ providers: Provider[] }>(providers);
    expect(found.find(({ id }) => id === 'openai')?.health).toMatchObject({ state: 'OPEN', failures: 5 });
    expect(found.find(({ id }) => id === 'anthropic')?.health.state).toBe('CLOSED');
  });

  it('counts what all processes see', async () => {
    const [one, two] = [await open(), await open()];
    openai = down;
    for (let failed = 0; failed < 3; failed++) await writeWith(one.url, one, 'auto');
    await eventually(async () => (await healthOf(two))?.failures === 3);
    expect(await healthOf(two)).toMatchObject({ state: 'CLOSED' });
    for (let failed = 0; failed < 2; failed++) await writeWith(two.url, two, 'auto');
    expect(await healthOf(two)).toMatchObject({ state: 'OPEN', failures: 5 });
    await stateIs(one, 'OPEN');
    const rows = await one.sql`select state, round, failures from model_health where model = ${first}`;
    expect([...rows]).toEqual([{ state: 'OPEN', round: 1, failures: 5 }]);
  });

  it('puts its model last, and routeExplain says so', async () => {
    const app = await open();
    await shut(app);
    const { routeExplain } = await app.ask<{
      routeExplain: { models: { model: string; share: number }[]; steps: { reason: string }[] };
    }>('{ routeExplain(input: {}) { models { model share } steps { reason } } }');
    expect(routeExplain.models.map(({ model }) => model)).toEqual([second, first]);
    expect(routeExplain.models[0]?.share).toBe(1);
    expect(routeExplain.steps.map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(/^openai\/gpt-5.6-luna failed too often lately: last until 20/),
    );
  });

  it('is closed by the first text of one probe', async () => {
    const [one, two] = [await open({ BREAKER_OPEN_MS: '2000' }), await open({ BREAKER_OPEN_MS: '2000' })];
    await shut(one);
    await stateIs(two, 'OPEN');
    const gate = gated(['Dear '], ['Ada']);
    openai = { pieces: gate.pieces };
    const before = calls();
    const probe = eventually(async () => {
      const letter = await writeWith(one.url, one, 'auto');
      return letter.attempts[0]?.model === first && letter;
    });
    await stateIs(two, 'CLOSED');
    // The probe has not ended yet.
    expect(calls() - before).toBe(1);
    gate.open();
    expect(await probe).toMatchObject({ status: 'SUCCEEDED' });
    expect(await healthOf(two)).toMatchObject({ state: 'CLOSED', failures: 0 });
  });

  it('stays open however many names of models others make up', async () => {
    const [one, two] = [await open(), await open()];
    const own = 'openai/of-the-house';
    const isOpen = async (app: TestApp, model: string) => (await healthOf(app, model))?.state === 'OPEN';
    await shut(one);
    await writeWith(one.url, one, own);
    await writeWith(one.url, one, own);
    await eventually(() => isOpen(two, own), 5_000, own);
    // As processes tell of them.
    await one.sql`
      insert into model_health (model, told_at)
      select 'openai/made-up-' || n, now() + n * interval '1 second' from generate_series(1, 1500) n`;
    const namesAt = async (app: TestApp) => {
      const { providers: all } = await app.ask<{ providers: { id: string; modelCount: number }[] }>(
        '{ providers { id modelCount } }',
      );
      return all.find(({ id }) => id === 'openai')?.modelCount ?? 0;
    };
    for (const app of [one, two]) await eventually(async () => (await namesAt(app)) > 900, 5_000, 'the names');
    // More are of no use to anybody.
    for (const app of [one, two]) expect(await namesAt(app)).toBeLessThan(1_100);

    const before = calls();
    for (const app of [one, two])
      for (const model of [first, own]) {
        expect(await isOpen(app, model), model).toBe(true);
        expect(await writeWith(app.url, app, model)).toMatchObject({
          attempts: [],
          skipped: [{ model, reason: 'BREAKER_OPEN' }],
        });
      }
    expect(calls()).toBe(before);

    // Another one finds room, and what was told of longest ago makes it.
    openai = {};
    expect(await writeWith(two.url, two, 'openai/another')).toMatchObject({ status: 'SUCCEEDED' });
    const isTold = async () => (await one.sql`select 1 from model_health where model = 'openai/another'`).length === 1;
    await eventually(isTold, 5_000, 'the other model');
    const [row] = await one.sql<{ all: number; own: number; oldest: number }>`
      select count(*)::int as all, count(*) filter (where model in (${first}, ${own}))::int as own,
             min(split_part(model, 'made-up-', 2)::int) filter (where model like '%made-up-%') as oldest
      from model_health`;
    expect(row?.own).toBe(2);
    expect(row?.oldest).toBeGreaterThan(590);
    expect(row?.all).toBeLessThan(920);
  });

  it('takes no notice of bad requests, or of limits that a tenant met with its own key', async () => {
    const app = await open({ MASTER_KEY: newMasterKey() });
    openai = { ...down, status: 400 };
    for (let failed = 0; failed < 6; failed++)
      expect(await writeWith(app.url, app, first)).toMatchObject({ failure: { code: 'INVALID_REQUEST' } });
    const { id } = await setKey(app, 'openai', 'sk-own-of-the-tenant');
    openai = { ...down, status: 429, headers: { ...down.headers, 'retry-after': '3600' } };
    for (let failed = 0; failed < 6; failed++)
      expect(await writeWith(app.url, app, first)).toMatchObject({ failure: { code: 'RATE_LIMITED' } });
    await app.ask('mutation ($id: ID!) { providerCredentialDelete(input: { id: $id }) { errors { code } } }', {
      id,
    });
    // The first call that counts.
    openai = {};
    expect(await writeWith(app.url, app, first)).toMatchObject({ status: 'SUCCEEDED' });
    await eventually(async () => (await healthOf(app))?.latencyMs);
    expect(await healthOf(app)).toMatchObject({ state: 'CLOSED', failures: 0 });
  });
});

describe('an end without a word', () => {
  it('at the limit of tokens is not tried again: the next model is asked, or it is said what to do', async () => {
    const app = await open();
    openai = { pieces: [], finish: 'length' };
    expect(await writeWith(app.url, app, first)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'EMPTY_COMPLETION', message: expect.stringContaining('raise maxOutputTokens') },
      attempts: [{ model: first }],
    });
    expect(calls()).toBe(1);
    expect(await writeWith(app.url, app, 'auto')).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [{ model: first }, { model: second }],
    });
    expect(calls()).toBe(2);
  });

  it('of one prompt shuts no model for others, however often it is tried', async () => {
    const app = await open();
    openai = { pieces: [], finish: 'stop' };
    for (let letter = 0; letter < 2; letter++)
      expect(await writeWith(app.url, app, first)).toMatchObject({ failure: { code: 'EMPTY_COMPLETION' } });
    expect(calls()).toBe(8);
    openai = down;
    await writeWith(app.url, app, 'auto');
    await eventually(async () => (await healthOf(app))?.failures === 1);
    expect(await healthOf(app)).toMatchObject({ state: 'CLOSED' });
  });
});

it('shows a name that nobody listed to nobody but who runs the installation', async () => {
  const app = await open();
  const other = await (await openSeed(app)).tenant();
  const own = 'openai/acme-secret-project';
  await writeWith(app.url, askerAt(app.url, other.key), own);
  await eventually(() => healthOf(app, own));
  const third = await (await openSeed(app)).tenant();
  const { providers: found } = await third.ask<{ providers: Provider[] }>(providers);
  const ids = found.flatMap(({ models }) => models).map(({ id }) => id);
  expect(ids).toContain(first);
  expect(ids).not.toContain(own);
});

it('lists no more models than it is asked for, those that do worst first', async () => {
  const app = await open();
  for (const model of ['openai/b', 'openai/a']) await writeWith(app.url, app, model);
  openai = down;
  await writeWith(app.url, app, 'auto');
  await eventually(async () => (await healthOf(app))?.failures === 1);
  const list = async (args: string) => {
    const { data, errors } = await app.answer(`{ providers { id modelCount models${args} { id health { failures } } } }`);
    const found = data?.['providers'] as { id: string; modelCount: number; models: { id: string }[] }[] | undefined;
    const { modelCount = 0, models = [] } = found?.find(({ id }) => id === 'openai') ?? {};
    return { modelCount, ids: models.map(({ id }) => id), code: errors?.[0]?.extensions?.['code'] };
  };
  const { modelCount, ids } = await list('');
  expect(ids).toEqual([first, ...ids.slice(1).toSorted()]);
  expect(ids).toEqual(expect.arrayContaining(['openai/a', 'openai/b']));
  expect(ids).toHaveLength(modelCount);
  expect(await list('(first: 1)')).toEqual({ modelCount, ids: [first], code: undefined });
  for (const args of ['(first: 0)', '(first: 101)']) expect(await list(args)).toMatchObject({ ids: [], code: 'INVALID_INPUT' });
});

describe('providerHealthStream', () => {
  it.each(['websocket', 'sse'] as const)('says how all models do, then what changes, over %s', async (transport) => {
    const app = await open();
    const seen: Provider[][] = [];
    const take = (data: unknown): void => {
      seen.push((data as { providerHealthStream: { providers: Provider[] } }).providerHealthStream.providers);
    };
    const client = wsClient(app.url, app.key);
    const overSse = transport === 'sse' ? await sse(app.url, { query: stream }, { key: app.key }) : null;
    const reading = (async () => {
      if (overSse) for await (const { result } of overSse.events) take(result?.data);
      else for await (const { data } of client.iterate({ query: stream })) take(data);
    })();
    await soon(() => expect(seen[0]?.map(({ id }) => id).toSorted()).toEqual(['anthropic', 'offline', 'openai']));
    await shut(app);
    await soon(() => {
      const last = seen
        .slice(1)
        .flat()
        .findLast(({ id }) => id === 'openai');
      expect(last).toMatchObject({ health: { state: 'OPEN' }, models: [{ id: first, health: { state: 'OPEN', failures: 5 } }] });
    });
    overSse?.stop();
    await client.dispose();
    await reading;
  });
});

describe('places for calls', () => {
  it('are as many as configured; who gets none in time goes to the next model', async () => {
    const app = await open({ PROVIDER_MAX_CONCURRENT: 'openai:1', PROVIDER_WAIT_MS: '100', METRICS_TOKEN: 'scraper' });
    const gate = gated(['Dear '], ['Ada']);
    openai = { pieces: gate.pieces };
    const holder = writeWith(app.url, app, first);
    await eventually(() => calls() === 1);
    expect(await writeWith(app.url, app, 'auto')).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [{ model: second }],
      skipped: [{ model: first, reason: 'NO_PLACE' }],
    });
    expect(calls()).toBe(1);
    gate.open();
    expect(await holder).toMatchObject({ status: 'SUCCEEDED' });
    openai = {};
    expect(await writeWith(app.url, app, 'auto')).toMatchObject({ status: 'SUCCEEDED', attempts: [{ model: first }] });
    expect(await healthOf(app)).toMatchObject({ state: 'CLOSED' });
    const metrics = await (await fetch(`${app.url}/metrics`, { headers: { authorization: 'Bearer scraper' } })).text();
    expect(metrics).toContain(`draftwire_model_calls_total{provider="openai",model="${first}",outcome="OK"} 2`);
    expect(metrics).toContain(`draftwire_model_calls_total{provider="openai",model="${first}",outcome="NO_PLACE"} 1`);
    expect(metrics).toContain(`draftwire_breaker_state{model="${first}"} 0`);
    expect(metrics).toContain('draftwire_model_calls_running{provider="openai"} 0');
  });

  it('are as many for models that are tried', async () => {
    const app = await open({ PROVIDER_MAX_CONCURRENT: 'openai:1', PROVIDER_WAIT_MS: '100' });
    const gate = gated(['Dear '], ['Ada']);
    openai = { pieces: gate.pieces };
    const holder = writeWith(app.url, app, first);
    await eventually(() => calls() === 1);
    const test = async () =>
      (
        await app.ask<{ routeTest: { verdicts: { failure: { code: string; message: string; retryable: boolean } | null }[] } }>(
          'mutation ($model: String!) { routeTest(input: { model: $model }) { verdicts { failure { code message retryable } } } }',
          { model: first },
        )
      ).routeTest.verdicts;
    const message = 'there are as many calls to openai as are allowed at a time';
    expect(await test()).toEqual([{ failure: { code: 'OVERLOADED', message, retryable: true } }]);
    gate.open();
    expect(await holder).toMatchObject({ status: 'SUCCEEDED' });
    openai = {};
    expect(await test()).toEqual([{ failure: null }]);
  });

  it('are given on to who waits', async () => {
    const app = await open({ PROVIDER_MAX_CONCURRENT: '1', PROVIDER_WAIT_MS: '60000' });
    const gate = gated(['Dear '], ['Ada']);
    openai = { pieces: gate.pieces };
    const holder = writeWith(app.url, app, first);
    await eventually(() => calls() === 1);
    openai = {};
    const next = writeWith(app.url, app, first);
    gate.open();
    expect([await holder, await next].map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(calls()).toBe(2);
  });
});
