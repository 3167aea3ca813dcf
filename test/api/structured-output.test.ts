import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { runAdmin } from '../harness/command.ts';
import { eventually } from '../harness/eventually.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { publishRoute } from '../harness/routes.ts';
import { StreamReader } from '../harness/stream-reader.ts';

const libraryDir = fileURLToPath(new URL('../fixtures/library', import.meta.url));
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;
const retry = `mutation ($id: ID!) { generationRetry(input: { id: $id }) { generation { id } errors { code message path } } }`;
const whole = `query ($id: ID!) {
  generation(id: $id) { status text attempts { model base endedBy } templateVersion { outputSchema } }
}`;
const explain = 'query ($input: RouteExplainInput!) { routeExplain(input: $input) { models { model } steps { reason } } }';
const variables = { applicant: 'Ada "the first" Osei', position: 'Engineer', company: 'Northwind' };
const written = ['{"subject":"A",', '"tone":"warm",', '"paragraphs":["One. ', 'Two."]}'];

interface Started {
  readonly generation: { readonly id: string } | null;
  readonly errors: readonly object[];
}

let mock: MockProvider;
let app: TestApp;

beforeAll(async () => {
  mock = await MockProvider.open();
  app = await openTestApp({
    libraryDir,
    env: {
      OPENAI_API_KEY: 'sk-one',
      OPENAI_BASE_URL: `${mock.url}/v1`,
      ANTHROPIC_API_KEY: 'sk-two',
      ANTHROPIC_BASE_URL: mock.url,
      DEFAULT_MODEL: 'openai/m',
    },
  });
});
beforeEach(() => mock.reset());
afterAll(async () => {
  await app.stop();
  await mock.close();
});

const begin = async (model: string): Promise<Started> =>
  (
    await app.ask<{ generationStart: Started }>(start, {
      input: { template: 'cover-letter-parts', variables, model },
    })
  ).generationStart;
const idOf = ({ generation, errors }: Started): string => {
  if (!generation) throw new Error(JSON.stringify(errors));
  return generation.id;
};
const ended = async (id: string) => {
  const reader = await new StreamReader(app, id).toEnd();
  const { generation } = await app.ask<{ generation: Record<string, unknown> }>(whole, { id });
  return { generation, reader };
};
const admin = (...args: string[]) => runAdmin(['models', ...args], { NODE_ENV: 'production', DATABASE_URL: app.database.url });

describe('a template with an output', () => {
  it.each([
    ['openai/m', 'response_format'],
    ['anthropic/m', 'output_config'],
  ])('holds %s to it, at the start and at a retry', async (model, field) => {
    mock.always({ pieces: written });
    const id = idOf(await begin(model));
    const { generation } = await ended(id);
    expect(generation).toMatchObject({ status: 'SUCCEEDED', text: written.join('') });
    expect(generation['templateVersion']).toMatchObject({ outputSchema: { required: ['subject', 'tone', 'paragraphs'] } });

    const { generationRetry } = await app.ask<{ generationRetry: Started }>(retry, { id });
    await ended(idOf(generationRetry));
    for (const { body } of mock.calls)
      expect(JSON.stringify(body[field])).toContain('"required":["subject","tone","paragraphs"]');
    expect(mock.calls).toHaveLength(2);
  });

  it('is written by the offline provider as its draft, which fits', async () => {
    const { generation } = await ended(idOf(await begin('offline/draft')));
    expect(generation).toMatchObject({ status: 'SUCCEEDED' });
    expect(JSON.parse(generation['text'] as string)).toEqual({
      subject: 'Application for Engineer',
      tone: 'plain',
      paragraphs: ['I apply for the position of Engineer at Northwind.'],
    });
  });

  it('is begun anew when a model fails in the middle, whatever its policy is', async () => {
    await publishRoute(app, 'both', {
      route: { mode: 'fallback', among: [{ model: 'openai/m' }, { model: 'anthropic/m' }] },
      retry: { OVERLOAD: { tries: 1 } },
    });
    mock.script({ pieces: ['{"subject":"First. Second. ', 'Third'], finish: null, lastly: 'cut' }, { pieces: written });

    const { generation, reader } = await ended(idOf(await begin('both')));

    expect(generation).toMatchObject({
      status: 'SUCCEEDED',
      text: written.join(''),
      attempts: [
        { model: 'openai/m', base: 0, endedBy: 'FAILED' },
        { model: 'anthropic/m', base: 0, endedBy: 'FINISHED' },
      ],
    });
    expect(reader.text).toBe(written.join(''));
    expect(JSON.stringify(mock.calls[1]?.body)).not.toContain('Second.');
  });

  it('refuses a model that cannot be held to it, and routes leave that out', async () => {
    await publishRoute(app, 'one', { route: { model: 'openai/m' } });
    await publishRoute(app, 'two', { route: { mode: 'fallback', among: [{ model: 'openai/m' }, { model: 'anthropic/m' }] } });
    await admin('set', '--id', 'openai/m', '--set', 'STRUCTURED_OUTPUT=false');
    const message = 'the model openai/m cannot be held to a JSON Schema, which the template asks for';
    await eventually(async () => (await begin('openai/m')).errors.length > 0, 10_000, 'the setting');

    expect(await begin('openai/m')).toEqual({
      generation: null,
      errors: [{ code: 'INVALID_INPUT', message: expect.stringContaining(message) as string, path: ['input', 'model'] }],
    });
    expect(await begin('one')).toMatchObject({
      generation: null,
      errors: [{ code: 'INVALID_INPUT', message: expect.stringContaining('or cannot be held to a JSON Schema') as string }],
    });
    const asked = { model: 'two', template: 'cover-letter-parts' };
    expect(await app.ask(explain, { input: asked })).toMatchObject({ routeExplain: { models: [{ model: 'anthropic/m' }] } });
    expect(JSON.stringify(await app.ask(explain, { input: asked }))).toContain(`${message}: left out`);
    mock.reset();
    mock.always({ pieces: written });
    expect((await ended(idOf(await begin('two')))).generation).toMatchObject({ attempts: [{ model: 'anthropic/m' }] });
    expect(mock.calls).toHaveLength(1);
  });
});
