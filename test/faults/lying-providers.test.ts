import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { readGeneration, type Reader } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { MockProvider, mockLetter, type Script } from '../harness/mock-provider.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { mockEnv } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;
const whole = `query ($id: ID!) { generation(id: $id) {
  status text finishReason failure { code } attempts { model base endedBy failureCode usage { outputTokens } }
} }`;

interface Started {
  generationStart: { generation: { id: string } | null; errors: { code: string; path: string[] }[] };
}

let libraryDir: string;
let mock: MockProvider;
let app: TestApp;
let seed: Seed;
let owner: Caller;
let variables: Record<string, unknown>;
beforeAll(async () => {
  libraryDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-library-'));
  await cp(fileURLToPath(new URL('../../templates', import.meta.url)), libraryDir, { recursive: true });
  for (const policy of ['RESTART', 'CONTINUE', 'STOP']) {
    const folder = path.join(libraryDir, 'cover-letter', policy.toLowerCase());
    await cp(path.join(libraryDir, 'cover-letter/classic'), folder, { recursive: true });
    const file = path.join(folder, 'template.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^failoverPolicy: .*$/m, `failoverPolicy: ${policy}`));
  }
  mock = await MockProvider.open();
  const google = { GOOGLE_BASE_URL: mock.url, GOOGLE_API_KEY: 'google-test' };
  app = await openTestApp({ libraryDir, env: { ...mockEnv(mock), ...google } });
  seed = await openSeed(app);
  variables = await sampleVariables(app);
});
beforeEach(async () => {
  mock.reset();
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  await mock.close();
  await rm(libraryDir, { recursive: true });
});

/** A letter that is written as the scripts say, to its end; its reader has just its text. */
async function written(scripts: readonly Script[], policy = 'restart', model = 'auto') {
  mock.script(...scripts);
  const input = { template: `cover-letter-${policy}`, variables, model };
  const { generationStart } = await owner.ask<Started>(start, { input });
  const { id } = generationStart.generation ?? {};
  if (id === undefined) throw new Error(JSON.stringify(generationStart.errors));
  await using reader: Reader = readGeneration({ urls: [app.url], key: owner.key, id });
  await reader.ended;
  const { generation } = await owner.ask<{ generation: { text: string } }>(whole, { id });
  expect(reader.text).toBe(generation.text);
  return generation;
}
const letter = mockLetter.join('');
const asked = () => mock.calls.map(({ body }) => body['model']);
const chunk = (said: object): Script => ({ raw: `data: ${JSON.stringify(said)}\n\n` });
const ended = (word: string): Script => ({
  raw: `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Dear Ada. I am ' }, finish_reason: word }] })}\n\n`,
});

describe('a refusal whose words never end', () => {
  it.each([
    [429, 'RATE_LIMITED', 'openai/limited'],
    [401, 'PROVIDER_AUTH', 'openai/keyless'],
    [400, 'INVALID_REQUEST', 'openai/other'],
  ])('is what its status %i says, and leads where that leads', async (status, failureCode, next) => {
    const on = { RATE_LIMIT: { model: 'openai/limited' }, AUTH: { model: 'openai/keyless' }, OTHER: { model: 'openai/other' } };
    await publishRoute(owner, 'auto', { route: { model: 'openai/a' }, on });
    const elapsed = stopwatch();
    const stalled: Script = { status, raw: '{"error":', lastly: 'stall', headers: { 'content-type': 'application/json' } };

    expect(await written([stalled])).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [
        { model: 'openai/a', failureCode },
        { model: next, failureCode: null },
      ],
    });
    expect(elapsed()).toBeLessThan(10_000);
    expect(await mock.calls[0]?.over).toBe('closed by client');
  });
});

describe('an error inside of a stream', () => {
  it.each([
    [429, 'RATE_LIMITED', 'openai/limited'],
    [401, 'PROVIDER_AUTH', 'openai/keyless'],
    [402, 'PROVIDER_QUOTA', 'openai/keyless'],
    [502, 'OVERLOADED', 'openai/busy'],
  ])('that says it is a %i is one', async (code, failureCode, next) => {
    const on = { RATE_LIMIT: { model: 'openai/limited' }, AUTH: { model: 'openai/keyless' }, OVERLOAD: { model: 'openai/busy' } };
    await publishRoute(owner, 'auto', { route: { model: 'openai/a' }, on });

    expect(await written([chunk({ error: { code, message: 'no' } })])).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [{ failureCode }, { model: next }],
    });
  });
});

describe('a finish that says the model was broken off', () => {
  it.each(['error', 'abort', 'insufficient_system_resource', 'network_error'])('(%s) is no success', async (word) => {
    expect(await written([ended(word)])).toMatchObject({
      status: 'SUCCEEDED',
      text: letter,
      attempts: [{ endedBy: 'FAILED', failureCode: 'OVERLOADED' }, { endedBy: 'FINISHED' }],
    });
  });

  it('keeps the text where the template wants that, and says it is not whole', async () => {
    expect(await written([ended('error')], 'stop')).toMatchObject({
      status: 'INCOMPLETE',
      text: 'Dear Ada. I am ',
      failure: { code: 'OVERLOADED' },
    });
  });

  it.each(['max_tokens', 'model_length', 'model_context_window_exceeded'])('or at a limit (%s) is not whole', async (word) => {
    expect(await written([ended(word)])).toMatchObject({ status: 'INCOMPLETE', finishReason: 'LENGTH', text: 'Dear Ada. I am ' });
  });

  it('is none of Google’s either', async () => {
    const raw = (finishReason: string): Script =>
      chunk({ candidates: [{ content: { parts: [{ text: 'Dear Ada. I am ' }] }, finishReason }] });
    const whole = { status: 'SUCCEEDED', text: letter, attempts: [{ failureCode: 'OVERLOADED' }, { endedBy: 'FINISHED' }] };

    expect(await written([raw('OTHER')], 'restart', 'google/some')).toMatchObject(whole);
    expect(await written([raw('MALFORMED_RESPONSE')], 'restart', 'google/some')).toMatchObject(whole);
  });
});

describe('an answer of nothing but white space', () => {
  it.each(['restart', 'continue', 'stop'])('is no letter (%s)', async (policy) => {
    expect(await written([{ pieces: [' ', '\n\n', ' '] }], policy)).toMatchObject({
      status: 'SUCCEEDED',
      text: letter,
      attempts: [{ failureCode: 'EMPTY_COMPLETION' }, { base: 0 }],
    });
  });
});

describe('a provider that never stops writing', () => {
  const endless = (): Script => ({
    pieces: (function* () {
      for (;;) yield 'word '.repeat(2_000);
    })(),
  });

  it('is stopped long before it fills the database, and the next model writes', async () => {
    await publishRoute(owner, 'auto', { route: { mode: 'fallback', among: [{ model: 'openai/a' }, { model: 'openai/b' }] } });

    expect(await written([endless()])).toMatchObject({
      status: 'SUCCEEDED',
      text: letter,
      attempts: [
        { model: 'openai/a', endedBy: 'FAILED', failureCode: 'STREAM_MALFORMED' },
        { model: 'openai/b', endedBy: 'FINISHED' },
      ],
    });
    expect(await mock.calls[0]?.over).toBe('closed by client');
  }, 60_000);
});

describe('a model that refuses behind some text', () => {
  const refusal: Script = { pieces: ['Dear Ms Ito. I am '], finish: 'filter' };
  const kept = { status: 'INCOMPLETE', text: 'Dear Ms Ito. I am ', finishReason: 'CONTENT_FILTER', failure: null };
  const open = { route: { model: 'openai/a' }, on: { CONTENT_REFUSED: { model: 'openai/open' } } };

  it.each([
    ['restart', 0, letter],
    ['continue', 'Dear Ms Ito. '.length, `Dear Ms Ito. ${letter}`],
  ])('is followed by the one that the route has for it (%s)', async (policy, base, text) => {
    await publishRoute(owner, 'auto', open);

    expect(await written([refusal], policy)).toMatchObject({
      status: 'SUCCEEDED',
      text,
      attempts: [
        { model: 'openai/a', endedBy: 'FAILED', failureCode: 'CONTENT_REFUSED', usage: { outputTokens: 34 } },
        { model: 'openai/open', base, endedBy: 'FINISHED' },
      ],
    });
  });

  it('leaves the text as it is where the template wants that, and where that one refuses too', async () => {
    await publishRoute(owner, 'auto', open);

    expect(await written([refusal], 'stop')).toMatchObject(kept);
    expect(asked()).toEqual(['a']);
    mock.reset();
    expect(await written([refusal, refusal])).toMatchObject(kept);
    expect(asked()).toEqual(['a', 'open']);
  });

  it('leaves it as it is where the route says nothing of that', async () => {
    await publishRoute(owner, 'auto', { route: { mode: 'fallback', among: [{ model: 'openai/a' }, { model: 'openai/b' }] } });

    expect(await written([refusal])).toMatchObject(kept);
    expect(asked()).toEqual(['a']);
  });
});

describe('a model that goes on', () => {
  it.each([
    ['“I will!', '” I said.', '“I will!” I said.'],
    ['他说：“好。”', '我来了。', '他说：“好。”我来了。'],
    ['Great‼', '\ufe0f Yes.', 'Great‼\ufe0f Yes.'],
    ['I am glad. 👩', 'I am glad. 👩‍💻 writes.', 'I am glad. 👩‍💻 writes.'],
  ])('behind %s with %s makes one text of both', async (before, behind, text) => {
    expect(await written([{ pieces: [before], finish: null }, { pieces: [behind] }], 'continue')).toMatchObject({
      status: 'SUCCEEDED',
      text,
    });
  });
});

describe('a model whose name would lead its call elsewhere', () => {
  it.each([
    'google/%2e%2e/cachedContents#',
    'google/x#',
    'google/../x',
    'google/x?alt=json',
    'google/a\\b',
    'openai/a\nb',
    'google/.',
  ])('is none: %j', async (model) => {
    const { generationStart } = await owner.ask<Started>(start, {
      input: { template: 'cover-letter-restart', variables, model },
    });

    expect(generationStart).toMatchObject({ generation: null, errors: [{ code: 'INVALID_INPUT', path: ['input', 'model'] }] });
    await expect(publishRoute(owner, 'auto', { route: { model } })).rejects.toThrow('INVALID_INPUT');
    expect(mock.calls).toEqual([]);
  });

  it.each([
    'openai/meta-llama/Llama-3.1-8B-Instruct',
    'openai/@cf/meta/llama',
    'openai/hf.co/x/y:Q4_K_M',
    'google/gemini-2.5-pro',
  ])('is none of those that vendors have: %s', async (model) => {
    expect(await written([], 'restart', model)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ model }] });
  });
});
