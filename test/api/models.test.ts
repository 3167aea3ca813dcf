import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developmentTenant } from '../../src/access/new-tenant.service.ts';
import type { Provider } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { byService, trailOf } from '../harness/audit-trail.ts';
import { runAdmin } from '../harness/command.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { publishRoute } from '../harness/routes.ts';

const catalogue = `{ models {
  id contextWindow maxOutputTokens hasStructuredOutput retiresAt isRetired isDefault
  price { source from tiers { above input cachedInput cacheWrite output } batch { input } }
} }`;
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { model } errors { code message path } }
}`;
const explain = `query ($input: RouteExplainInput!) { routeExplain(input: $input) { models { model share } } }`;

interface Listed {
  readonly id: string;
  readonly isRetired: boolean;
  readonly retiresAt: string | null;
}

/** The limits that the vendor was called with. */
const limits: number[] = [];
const vendor: Provider = {
  id: 'test',
  endpoint: 'https://api.openai.com/v1',
  models: ['gpt-5.6-luna', 'gpt-5.6-sol'].map((name) => ({ name, contextWindow: 1_000, maxOutputTokens: 100 })),
  acceptsUnknownModels: true,
  async *stream({ model, maxOutputTokens }) {
    limits.push(maxOutputTokens);
    yield { type: 'text', text: `written by ${model}` };
    yield { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } };
  },
};

describe('the catalogue of models', () => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await openTestApp({ providers: [vendor] });
    other = await openTestApp({ providers: [vendor], database: app.database });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  const admin = (...args: string[]) => runAdmin(['models', ...args], { NODE_ENV: 'production', DATABASE_URL: app.database.url });
  const listed = async (of: TestApp = app) => (await of.ask<{ models: Listed[] }>(catalogue)).models;
  const find = async (id: string, of: TestApp = app) => (await listed(of)).find((each) => each.id === id);
  const begin = async (model: string) =>
    (
      await app.ask<{ generationStart: { generation: { model: string } | null; errors: unknown[] } }>(start, {
        input: { template: 'cover-letter-classic', variables: await sampleVariables(app), model },
      })
    ).generationStart;

  it('says what each can and costs', async () => {
    expect(await find('test/gpt-5.6-luna')).toEqual({
      id: 'test/gpt-5.6-luna',
      contextWindow: 1_000,
      maxOutputTokens: 100,
      hasStructuredOutput: null,
      retiresAt: null,
      isRetired: false,
      isDefault: true,
      price: {
        source: 'GENAI_PRICES',
        from: '2026-07-30',
        tiers: [
          { above: 0, input: 200_000, cachedInput: 20_000, cacheWrite: 250_000, output: 1_200_000 },
          { above: 271_999, input: 400_000, cachedInput: 40_000, cacheWrite: 500_000, output: 1_800_000 },
        ],
        batch: null,
      },
    });
    expect(await find('offline/draft')).toMatchObject({ price: { source: 'FREE' }, hasStructuredOutput: false });
  });

  it('is what operators say, on every process, until they take it back', async () => {
    const id = 'test/new';
    const prices = '[{"input":1,"cachedInput":0.1,"output":2}]';
    const set = await admin('set', '--id', id, '--set', 'CONTEXT_WINDOW=5', '--set', `PRICES=${prices}`);
    const line = `${id}  CONTEXT_WINDOW=5 PRICES=[{"from":null,"above":0,"isBatch":false,"input":1,"cachedInput":0.1,"cacheWrite":1,"output":2}]\n`;

    expect(set).toEqual({ code: 0, stdout: line, stderr: '' });
    expect((await admin('list')).stdout).toContain(`${id}  CONTEXT_WINDOW=5 PRICES=`);
    for (const each of [app, other]) {
      await eventually(() => find(id, each));
      expect(await find(id, each)).toMatchObject({
        contextWindow: 5,
        maxOutputTokens: null,
        price: { source: 'OPERATOR', tiers: [{ input: 1_000_000, cachedInput: 100_000, output: 2_000_000 }] },
      });
    }

    expect(await admin('remove', '--id', id)).toMatchObject({ code: 0, stdout: `${id}  as built in\n` });
    await eventually(async () => (await find(id, other)) === undefined);
    expect(await admin('remove', '--id', id)).toMatchObject({ code: 1, stderr: `nothing is set of ${id}\n` });
  });

  it('is told to all processes when an operator changes it, and on record in the tenant that runs the installation', async () => {
    const id = 'test/recorded';
    const listener = postgres(app.database.url, { max: 1, onnotice: () => undefined });
    const hints: unknown[] = [];
    await listener.listen('draftwire', (payload) => {
      const { kind, ids } = JSON.parse(payload) as { kind: string; ids: string[] };
      if (kind === 'model.changed') hints.push(ids);
    });
    await admin('set', '--id', id, '--set', 'CONTEXT_WINDOW=5');
    await admin('set', '--id', id, '--set', 'RETIRES_AT=2099-01-01');
    await admin('remove', '--id', id);
    await eventually(() => hints.length === 3);
    await listener.end();
    const [before, retiresAt] = [{ contextWindow: 5 }, '2099-01-01T00:00:00.000Z'];
    const about = (await trailOf(app, developmentTenant)).filter(({ thing }) => thing === id);

    expect(hints).toEqual([[id], [id], [id]]);
    expect(about).toEqual([
      byService('admin', 'modelSet', { thing: id, after: before }),
      byService('admin', 'modelSet', { thing: id, before, after: { ...before, retiresAt } }),
      byService('admin', 'modelReset', { thing: id, before: { ...before, retiresAt } }),
    ]);
    expect(await app.ask('{ auditVerify { isIntact } }')).toEqual({ auditVerify: { isIntact: true } });
  });

  it('loses nothing when it is changed by two at once', async () => {
    const id = 'test/both';
    await Promise.all([
      admin('set', '--id', id, '--set', 'CONTEXT_WINDOW=5'),
      admin('set', '--id', id, '--set', 'MAX_OUTPUT_TOKENS=6'),
      admin('set', '--id', id, '--set', 'STRUCTURED_OUTPUT=true'),
    ]);

    expect((await admin('list')).stdout).toContain(`${id}  CONTEXT_WINDOW=5 MAX_OUTPUT_TOKENS=6 STRUCTURED_OUTPUT=true\n`);
    await admin('remove', '--id', id);
  });

  it('says what is wrong with a setting, and stores nothing of it', async () => {
    const wrong = await admin('set', '--id', 'test/x', '--set', 'CONTEXT_WINDOW=5', '--set', 'RETIRES_AT=soon');

    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('RETIRES_AT: a day such as') });
    expect(await admin('set', '--id', 'nonsense', '--set', 'CONTEXT_WINDOW=5')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('<provider>/<name>'),
    });
    expect(await admin('set', '--id', 'test/x')).toMatchObject({ code: 2 });
    expect(await app.sql`select id from model_settings where id in ('test/x', 'nonsense')`).toEqual([]);
  });

  it('asks no model for more than it can write', async () => {
    const asked = async (model: string): Promise<number | undefined> => {
      limits.length = 0;
      await begin(model);
      return eventually(() => limits[0]);
    };
    expect(await asked('test/gpt-5.6-sol')).toBe(100);
    expect(await asked('test/unlisted')).toBe(1_200);
    await admin('set', '--id', 'test/gpt-5.6-sol', '--set', 'MAX_OUTPUT_TOKENS=700');
    await eventually(async () => (await asked('test/gpt-5.6-sol')) === 700);
    await admin('remove', '--id', 'test/gpt-5.6-sol');
    await eventually(async () => (await asked('test/gpt-5.6-sol')) === 100);
  });

  it('refuses a model after its last day, and routes go on with the others', async () => {
    const [luna, sol] = ['test/gpt-5.6-luna', 'test/gpt-5.6-sol'];
    const among = [
      { weight: 3, route: { model: luna } },
      { weight: 1, route: { model: sol } },
    ];
    const definition = { route: { mode: 'weighted', among } };
    await publishRoute(app, 'both', definition);
    await publishRoute(app, 'gone', { route: { model: luna } });
    await admin('set', '--id', luna, '--set', 'RETIRES_AT=2026-01-31');
    await eventually(async () => (await find(luna))?.isRetired === true);

    expect(await begin(luna)).toEqual({
      generation: null,
      errors: [
        {
          code: 'INVALID_INPUT',
          message: `the model ${luna} was retired on 2026-01-31; left are: ${sol}, offline/draft`,
          path: ['input', 'model'],
        },
      ],
    });
    const published = await app.ask<{ routePublish: unknown }>(
      'mutation ($input: RoutePublishInput!) { routePublish(input: $input) { route { id } errors { code message path } } }',
      { input: { name: 'new', definition } },
    );
    expect(published.routePublish).toEqual({
      route: null,
      errors: [
        {
          code: 'INVALID_INPUT',
          message: `the model ${luna} was retired on 2026-01-31; \`models\` lists them`,
          path: ['input', 'definition', 'route', 'among', '0', 'route', 'model'],
        },
      ],
    });
    expect(await begin('gone')).toMatchObject({
      generation: null,
      errors: [{ code: 'INVALID_INPUT', path: ['input', 'model'] }],
    });
    expect(await begin('both')).toMatchObject({ generation: { model: sol }, errors: [] });
    expect(await begin('auto')).toMatchObject({ generation: { model: sol }, errors: [] });
    expect((await app.ask<{ routeExplain: object }>(explain, { input: { definition } })).routeExplain).toEqual({
      models: [{ model: sol, share: 1 }],
    });
    // Asked of a moment it answers for that one, before its last day and after a day to come.
    const at = async (moment: string) =>
      (
        await app.ask<{ routeExplain: { models: { model: string }[] } }>(explain, { input: { definition, at: moment } })
      ).routeExplain.models.map(({ model }) => model);
    expect((await at('2026-01-30T12:00:00Z')).toSorted()).toEqual([luna, sol]);
    await admin('set', '--id', luna, '--set', 'RETIRES_AT=2099-01-01');
    await eventually(async () => (await find(luna))?.isRetired === false);
    expect([(await at('2098-12-31T23:59:59Z')).toSorted(), await at('2099-01-01T00:00:00Z')]).toEqual([[luna, sol], [sol]]);

    await admin('set', '--id', luna, '--set', 'RETIRES_AT=default');
    await eventually(async () => (await find(luna))?.retiresAt === null);
    expect(await begin(luna)).toMatchObject({ generation: { model: luna } });
  });

  it('puts the cheapest first in a route by cost', async () => {
    const among = ['test/gpt-5.6-sol', 'test/unheard-of', 'test/gpt-5.6-luna'].map((model) => ({ model }));
    const { routeExplain } = await app.ask<{ routeExplain: { models: { model: string }[] } }>(explain, {
      input: { definition: { route: { mode: 'cost', among } } },
    });

    expect(routeExplain.models.map(({ model }) => model)).toEqual(['test/gpt-5.6-luna', 'test/gpt-5.6-sol', 'test/unheard-of']);
  });
});
