import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { nothingUsed, ProviderError, type Provider } from '../../src/providers/port.ts';
import { newId } from '../../src/kernel/id.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { budgetsOf, setBudget } from '../harness/budgets.ts';
import { post } from '../harness/clients.ts';
import { finishedGeneration, sampleVariables } from '../harness/letters.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const publish = `mutation ($input: RoutePublishInput!) {
  routePublish(input: $input) { route { id name current { number note definition publishedBy { id } } } errors { code message path } } }`;
const rollback = `mutation ($input: RouteRollbackInput!) {
  routeRollback(input: $input) { route { id current { number } } errors { code message path } } }`;
const remove = `mutation ($input: RouteDeleteInput!) { routeDelete(input: $input) { deletedId errors { code message path } } }`;
const test = `mutation ($input: RouteTestInput!) {
  routeTest(input: $input) { verdicts { model failure { code message retryable } costMicros } errors { code path } } }`;
const explain = `query ($input: RouteExplainInput!) {
  routeExplain(input: $input) { routeId version models { model share } branches { cause models } steps { at mode reason } } }`;
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id model requestedModel } errors { code message path } } }`;

/** The models that were called, in order. */
const called: string[] = [];

/** Writes at once, or fails as its name says. */
const writers: Provider = {
  id: 'test',
  models: ['one', 'two', 'refuses'].map((name) => ({ name, contextWindow: null, maxOutputTokens: null })),
  acceptsUnknownModels: false,
  async *stream({ model }) {
    called.push(model);
    if (model === 'refuses') throw new ProviderError('PROVIDER_AUTH', 'the key is not accepted', { retryable: false });
    yield { type: 'text', text: `written by ${model}` };
    yield { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } };
  },
};
const to = (model: string) => ({ route: { model: `test/${model}` } });

interface Started {
  readonly generationStart: { generation: { id: string; model: string; requestedModel: string } | null; errors: unknown[] };
}

let app: TestApp;
let beside: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  app = await openTestApp({ providers: [writers] });
  beside = await openTestApp({ providers: [writers], database: app.database });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await beside.stop();
  await app.stop();
});

async function started(model?: string, more: object = {}, by = owner): Promise<Started['generationStart']> {
  const input = { template: 'cover-letter-classic', variables: await sampleVariables(by), model, ...more };
  return (await by.ask<Started>(start, { input })).generationStart;
}
const modelOf = async (model?: string, more: object = {}) => (await started(model, more)).generation?.model;
const asked = async <T>(document: string, input: object, by = owner) =>
  Object.values(await by.ask<Record<string, T>>(document, { input }))[0] as T;

describe('a route', () => {
  it('named auto gives the tenant another model, from the next generation on and here alone', async () => {
    const other = await seed.tenant();
    expect(await modelOf()).toBe('test/one');
    await publishRoute(owner, 'auto', to('two'));
    expect(await modelOf()).toBe('test/two');
    expect((await started(undefined, {}, other)).generation?.model).toBe('test/one');
    const stored = await app.sql<{
      plan: { route: { version: number } } | null;
    }>`select plan from generations order by created_at`;
    expect(stored.map(({ plan }) => plan?.route.version ?? null)).toEqual([null, 1, null]);
  });

  it('is known to the other process as soon as it is published', async () => {
    const there = async () => {
      const input = { template: 'cover-letter-classic', variables: await sampleVariables(owner) };
      const { body } = await post(beside.url, { query: start, variables: { input } }, { key: owner.key });
      return (body.data as unknown as Started).generationStart.generation?.model;
    };
    expect(await there()).toBe('test/one');
    await publishRoute(owner, 'auto', to('two'));
    const deadline = Date.now() + 4_000;
    let model = await there();
    while (model !== 'test/two' && Date.now() < deadline) model = await there();
    expect(model).toBe('test/two');
  });

  it('is rolled back to exactly what it was, and goes on from its highest version', async () => {
    const { id } = await publishRoute(owner, 'letters', to('one'));
    await publishRoute(owner, 'letters', to('two'));
    expect(await modelOf('letters')).toBe('test/two');
    const before = await asked(explain, { model: 'letters' });

    expect(await asked(rollback, { id, version: 1 })).toEqual({ route: { id, current: { number: 1 } }, errors: [] });
    expect(await modelOf('letters')).toBe('test/one');
    await asked(rollback, { id, version: 2 });
    expect(await asked(explain, { model: 'letters' })).toEqual(before);
    await asked(rollback, { id, version: 1 });
    expect((await publishRoute(owner, 'letters', to('two'))).current.number).toBe(3);

    const { routes } = await owner.ask<{ routes: { name: string; versions: { nodes: { number: number }[] } }[] }>(
      '{ routes { name versions(first: 2) { nodes { number } } } }',
    );
    expect(routes).toEqual([{ name: 'letters', versions: { nodes: [{ number: 3 }, { number: 2 }] } }]);
    expect(await asked(rollback, { id, version: 9 })).toEqual({
      route: null,
      errors: [{ code: 'NOT_FOUND', message: 'the route has no such version', path: ['input', 'version'] }],
    });
  });

  it('is not published over a version that its author has not seen', async () => {
    await publishRoute(owner, 'letters', to('one'));
    const input = { name: 'letters', definition: to('two'), basedOn: 0 };
    expect(await asked(publish, input)).toEqual({
      route: null,
      errors: [{ code: 'CONFLICT', message: 'version 1 is in use, not 0', path: ['input', 'basedOn'] }],
    });
    const route = {
      name: 'letters',
      current: { number: 2, note: 'why', definition: to('two'), publishedBy: { id: owner.memberId } },
    };
    expect(await asked(publish, { ...input, basedOn: 1, note: 'why' })).toMatchObject({ route, errors: [] });
  });

  it('is not there any more for a repeat of what published it, once it is deleted', async () => {
    const input = { name: 'letters', definition: to('one'), idempotencyKey: 'once' };
    const { route } = await asked<{ route: { id: string } }>(publish, input);
    await asked(remove, { id: route.id });

    expect(await asked(publish, input)).toEqual({
      route: null,
      errors: [{ code: 'NOT_FOUND', message: 'no such route', path: ['input', 'idempotencyKey'] }],
    });
  });

  it('is one for any number of authors at once, each with a version of their own', async () => {
    const made = await Promise.all(Array.from({ length: 12 }, () => publishRoute(owner, 'letters', to('one'))));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const { routes } = await owner.ask<{ routes: { versions: { nodes: { number: number }[] } }[] }>(
      '{ routes { versions { nodes { number } } } }',
    );
    expect(routes[0]?.versions.nodes.map(({ number }) => number)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('that is deleted is gone, and the installation’s auto is back', async () => {
    const { id } = await publishRoute(owner, 'auto', to('two'));
    expect(await asked(remove, { id })).toEqual({ deletedId: id, errors: [] });
    expect(await modelOf()).toBe('test/one');
    expect(await asked(remove, { id })).toEqual({
      deletedId: null,
      errors: [{ code: 'NOT_FOUND', message: 'no such route', path: ['input', 'id'] }],
    });
  });

  it('follows the facts of each generation', async () => {
    await publishRoute(owner, 'auto', {
      route: {
        mode: 'conditional',
        cases: [{ when: { fact: 'metadata.tier', is: 'gold' }, route: { model: 'test/two' } }],
        otherwise: { model: 'test/one' },
      },
    });
    expect([await modelOf(undefined, { metadata: { tier: 'gold' } }), await modelOf()]).toEqual(['test/two', 'test/one']);
  });

  it('goes on where a cause leads', async () => {
    await publishRoute(owner, 'auto', { route: { model: 'test/refuses' }, on: { AUTH: { model: 'test/two' } } });
    const letter = await finishedGeneration(app, owner);
    expect(letter.text).toBe('written by two');
  });

  it.each<[string, object, string, string, (string | number)[]]>([
    ['with no name', { name: 'Fast!', definition: to('one') }, 'INVALID_INPUT', 'a name has 1 to 40', ['input', 'name']],
    [
      'with a model that is none',
      { name: 'fast', definition: to('nine') },
      'INVALID_INPUT',
      'there is no model test/nine',
      ['input', 'definition', 'route', 'model'],
    ],
    [
      'with a long note',
      { name: 'fast', definition: to('one'), note: 'x'.repeat(501) },
      'INVALID_INPUT',
      'a note has at most',
      ['input', 'note'],
    ],
    [
      'that is too long',
      { name: 'fast', definition: { ...to('one'), on: { AUTH: { model: 'x'.repeat(33_000) } } } },
      'INVALID_INPUT',
      'a definition has at most',
      ['input', 'definition'],
    ],
  ])('%s is refused, and nothing is stored', async (_name, input, code, message, path) => {
    const { route, errors } = await asked<{ route: null; errors: { code: string; message: string; path: string[] }[] }>(
      publish,
      input,
    );
    expect([route, errors.map((error) => [error.code, error.message.slice(0, message.length), error.path])]).toEqual([
      null,
      [[code, message, path]],
    ]);
    expect(await owner.ask('{ routes { id } }')).toEqual({ routes: [] });
  });

  it('that nobody made is named in the refusal', async () => {
    await publishRoute(owner, 'letters', to('one'));
    expect(await started('reports')).toEqual({
      generation: null,
      errors: [
        {
          code: 'INVALID_INPUT',
          message: 'there is no route reports, only auto, letters; models are named <provider>/<name>',
          path: ['input', 'model'],
        },
      ],
    });
  });
});

describe('routeExplain', () => {
  it('says which model would write, how often and why, and calls none', async () => {
    const shares = [
      { weight: 1, route: { model: 'test/one' } },
      { weight: 3, route: { model: 'test/two' } },
    ];
    const { id } = await publishRoute(owner, 'letters', {
      route: { mode: 'weighted', among: shares },
      on: { RATE_LIMIT: { model: 'offline/draft' } },
    });
    const told = await asked<{ models: { model: string; share: number }[]; steps: { at: string; mode: string }[] }>(explain, {
      model: 'letters',
      template: 'cover-letter-classic',
      variables: await sampleVariables(owner),
    });
    expect({ ...told, models: told.models.toSorted((a, b) => a.share - b.share), steps: told.steps[0] }).toEqual({
      routeId: id,
      version: 1,
      models: [
        { model: 'test/one', share: 0.25 },
        { model: 'test/two', share: 0.75 },
      ],
      branches: [{ cause: 'RATE_LIMIT', models: ['offline/draft'] }],
      steps: { at: 'route', mode: 'weighted', reason: expect.stringMatching(/^by chance: entry [01], with [13] of 4$/) },
    });
  });

  it('tries a definition before it is published, at any moment and for any member', async () => {
    const definition = {
      route: {
        mode: 'conditional',
        cases: [{ when: { time: { from: '22:00', until: '06:00', zone: 'Europe/Berlin' } }, route: { model: 'test/two' } }],
        otherwise: { model: 'test/one' },
      },
    };
    const at = async (moment: string) =>
      (await asked<{ models: { model: string }[] }>(explain, { definition, at: moment })).models[0]?.model;
    expect([await at('2026-11-18T22:30:00Z'), await at('2026-11-18T12:00:00Z')]).toEqual(['test/two', 'test/one']);
    const sticky = {
      route: {
        mode: 'sticky',
        by: 'member',
        among: ['one', 'two'].map((name) => ({ weight: 1, route: { model: `test/${name}` } })),
      },
    };
    const member = await seed.member({ of: owner });
    const first = await asked(explain, { definition: sticky, memberId: member.memberId });
    expect(await asked(explain, { definition: sticky, memberId: member.memberId })).toEqual(first);
  });

  it('explains nothing for a limit that no generation has', async () => {
    const { errors } = await owner.answer(explain, { input: { maxOutputTokens: -1 } });

    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', path: ['input', 'maxOutputTokens'] } }]);
  });

  it('is asked for people of the tenant, who are there', async () => {
    const gone = await seed.member({ of: owner });
    await owner.ask('mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }', { id: gone.memberId });
    const stranger = await seed.tenant();
    for (const memberId of ['garbage', '', gone.memberId, stranger.memberId, newId('mem'), newId('gen')]) {
      const { data, errors } = await owner.answer(explain, { input: { memberId } });
      expect([data, errors]).toEqual([null, [expect.objectContaining({ message: 'no such member' })]]);
      expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', path: ['input', 'memberId'] } }]);
    }
    expect(await asked(explain, { memberId: owner.memberId })).toMatchObject({ models: [{ model: 'test/one' }] });
  });

  it('explains what there is without a route', async () => {
    expect(await asked(explain, {})).toMatchObject({
      routeId: null,
      version: null,
      models: [{ model: 'test/one', share: 1 }],
    });
    expect(await asked(explain, { model: 'offline/draft' })).toMatchObject({ models: [{ model: 'offline/draft', share: 1 }] });
  });
});

describe('routeTest', () => {
  it('gives the verdict of each model now, and stays on record without what they said', async () => {
    await publishRoute(owner, 'letters', {
      route: { mode: 'fallback', among: [{ model: 'test/one' }, { model: 'test/refuses' }] },
      on: { TIMEOUT: { model: 'offline/draft' } },
    });
    expect(await asked(test, { model: 'letters' })).toEqual({
      verdicts: [
        { model: 'test/one', failure: null, costMicros: null },
        {
          model: 'test/refuses',
          failure: { code: 'PROVIDER_AUTH', message: 'the key is not accepted', retryable: false },
          costMicros: null,
        },
        { model: 'offline/draft', failure: null, costMicros: 0 },
      ],
      errors: [],
    });
    const [entry] = await app.sql<{
      after: unknown;
    }>`select after from audit_entries where operation = 'routeTest' order by id desc limit 1`;
    expect(entry?.after).toEqual({
      tested: [
        { model: 'test/one', failure: null, costMicros: null },
        { model: 'test/refuses', failure: 'PROVIDER_AUTH', costMicros: null },
        { model: 'offline/draft', failure: null, costMicros: 0 },
      ],
    });
  });

  it('is under the budgets of the caller: who has no room is not called, what was called counts, and no generation', async () => {
    await publishRoute(owner, 'letters', {
      route: { mode: 'fallback', among: [{ model: 'test/one' }, { model: 'offline/draft' }] },
    });
    const generations = await setBudget(owner, { most: 0 });
    const tokens = await setBudget(owner, { unit: 'TOKENS', most: 0 });
    const { length } = called;
    const failure = { code: 'BUDGET_EXCEEDED', retryable: true };
    expect(await asked(test, { model: 'letters' })).toMatchObject({
      verdicts: [
        { model: 'test/one', failure, costMicros: 0 },
        { model: 'offline/draft', failure, costMicros: 0 },
      ],
    });
    expect(called).toHaveLength(length);

    await setBudget(owner, { unit: 'TOKENS', most: 10_000 });
    await setBudget(owner, { unit: 'COST_MICROS', most: 10_000 });
    expect(await asked(test, { model: 'letters' })).toMatchObject({
      verdicts: [
        { model: 'test/one', failure: { code: 'PRICE_UNKNOWN', retryable: false } },
        { model: 'offline/draft', failure: null },
      ],
    });
    const most = Buffer.byteLength('Answer with the word OK.') + 64;
    expect(await budgetsOf(owner)).toMatchObject([
      { id: generations.id, settled: 0, outstanding: 0 },
      { id: tokens.id, settled: most, outstanding: 0 },
      { settled: 0, outstanding: 0 },
    ]);
    expect(await app.sql`select from budget_holds`).toHaveLength(0);
  });

  it('is in a usage of its own, with what it cost at most where nobody says more, and in none of the generations', async () => {
    // One says what it used and has nothing to say, one refuses, and others are ended by their first text.
    const priced: Provider = {
      ...writers,
      id: 'priced',
      endpoint: 'https://api.openai.com/v1',
      models: ['gpt-4o-mini', 'gpt-4o', 'of-our-own', 'gpt-4'].map((name) => ({
        name,
        contextWindow: null,
        maxOutputTokens: null,
      })),
      async *stream({ model }) {
        const usage = { inputTokens: 9, outputTokens: model === 'gpt-4o-mini' ? 64 : 0, cachedInputTokens: 0 };
        if (model === 'gpt-4') throw new ProviderError('RATE_LIMITED', 'not now', { retryable: true, usage: nothingUsed });
        if (model === 'gpt-4o-mini') throw new ProviderError('EMPTY_COMPLETION', 'no word', { retryable: false, usage });
        yield { type: 'text', text: 'OK' };
      },
    };
    const own = await openTestApp({ providers: [priced], database: app.database });
    try {
      const range = { from: new Date(Date.now() - 60_000).toISOString(), to: new Date(Date.now() + 600_000).toISOString() };
      const usageOf = async (of: string | null, by = owner) => {
        const variables = { of, range };
        const { body } = await post(
          own.url,
          {
            query: `query ($of: UsageSource, $range: UsageRangeInput!) { usage(of: $of, groupBy: [MODEL, TEMPLATE, MEMBER], range: $range) { nodes {
              model template memberId generations unfinished inputTokens unknownUsage costMicros unknownCost
              estimate { generations inputTokens costMicros hedgingCostMicros unknownCost } } } }`,
            variables,
          },
          { key: by.key },
        );
        return (body.data as { usage: { nodes: object[] } }).usage.nodes;
      };
      const among = priced.models.map(({ name }) => ({ model: `priced/${name}` }));
      const input = { definition: { route: { mode: 'fallback', among } } };
      for (let count = 0; count < 2; count++) await post(own.url, { query: test, variables: { input } }, { key: owner.key });

      const most = Math.ceil((Buffer.byteLength('Answer with the word OK.') * 2_500_000 + 64 * 10_000_000) / 1_000_000);
      const nothing = { generations: 0, inputTokens: null, costMicros: null, hedgingCostMicros: null, unknownCost: 0 };
      const each = { template: null, memberId: owner.memberId, generations: 2, unfinished: 0 };
      const unsaid = { ...each, inputTokens: null, unknownUsage: 2, costMicros: null, unknownCost: 2 };
      expect(await usageOf('MODEL_TESTS')).toEqual([
        { ...unsaid, model: 'priced/gpt-4o', estimate: { ...nothing, generations: 2, costMicros: 2 * most } },
        {
          ...each,
          model: 'priced/gpt-4o-mini',
          inputTokens: 18,
          unknownUsage: 0,
          costMicros: 80,
          unknownCost: 0,
          estimate: nothing,
        },
        { ...unsaid, model: 'priced/of-our-own', estimate: { ...nothing, generations: 2, unknownCost: 2 } },
      ]);
      expect(await usageOf('GENERATIONS')).toEqual([]);
      expect(await usageOf(null)).toEqual([]);
      expect(await usageOf('MODEL_TESTS', await seed.tenant())).toEqual([]);

      // They are kept for longer than a usage looks back at once, and no longer.
      await app.sql`update model_trials set created_at = created_at - interval '401 days' where model <> 'priced/of-our-own'`;
      await post(own.url, { query: test, variables: { input: { model: 'priced/of-our-own' } } }, { key: owner.key });
      const left =
        await app.sql`select model from model_trials t join members m on m.id = t.member_id where m.id = ${uuidOf(owner.memberId)}`;
      expect(left.map(({ model }) => model)).toEqual(Array.from({ length: 3 }, () => 'priced/of-our-own'));
    } finally {
      await own.stop();
    }
  });

  it('asks nobody again for the same idempotency key, also when the route has gone', async () => {
    const { id } = await publishRoute(owner, 'letters', {
      route: { mode: 'fallback', among: [{ model: 'test/one' }, { model: 'test/refuses' }] },
    });
    const once = { model: 'letters', idempotencyKey: 'once' };
    const verdicts = await asked(test, once);
    expect(verdicts).toMatchObject({ verdicts: [{ model: 'test/one' }, { model: 'test/refuses' }], errors: [] });
    const { length } = called;
    await owner.ask('mutation ($id: ID!) { routeDelete(input: { id: $id }) { errors { code } } }', { id });
    expect(await asked(test, once)).toEqual(verdicts);
    expect(called).toHaveLength(length);
    expect(await asked(test, { ...once, model: 'offline/draft' })).toMatchObject({
      verdicts: null,
      errors: [{ code: 'CONFLICT', path: ['input', 'idempotencyKey'] }],
    });
  });
});
