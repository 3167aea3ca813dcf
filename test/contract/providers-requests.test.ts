import { describe, expect, it, vi } from 'vitest';
import { anthropic as anthropicAt } from '../../src/providers/anthropic.ts';
import { google } from '../../src/providers/google.ts';
import { openProviders } from '../../src/providers/list.ts';
import { openai } from '../../src/providers/openai.ts';
import type { PromptMessage, Provider } from '../../src/providers/port.ts';
import { canaryKey, outcomeOf, textRequest } from '../harness/providers.ts';

const everything = openProviders({
  openai: { apiKey: canaryKey, baseUrl: null },
  anthropic: { apiKey: canaryKey, baseUrl: null },
  google: { apiKey: canaryKey, baseUrl: null },
  endpoints: [{ id: 'groq', api: 'chat', baseUrl: 'https://api.groq.com/openai/v1', apiKey: canaryKey, models: [] }],
  offline: { tokensPerSecond: 0 },
});
const [own, anthropic] = everything as [Provider, Provider, Provider];
const named = (id: string) => everything.find((provider) => provider.id === id) as Provider;

/** Where a provider would send this, and what. */
async function sent(provider: Provider, change: Parameters<typeof textRequest>[0] = {}) {
  const seen: { url: string; body: Record<string, unknown> }[] = [];
  const recording: typeof fetch = (input, init) => {
    seen.push({ url: new Request(input).url, body: JSON.parse(init?.body as string) as Record<string, unknown> });
    return Promise.resolve(new Response('', { status: 500 }));
  };
  await outcomeOf(provider.stream(textRequest(change), { signal: new AbortController().signal, fetch: recording }));
  expect(seen).toHaveLength(1);
  return seen[0];
}

const messages = [
  { role: 'system', content: 'You write letters.' },
  { role: 'user', content: 'Write one to Ms 山田.' },
];

it('speaks Responses to OpenAI itself and asks it to store nothing', async () => {
  await expect(sent(own, { temperature: 0.4 })).resolves.toEqual({
    url: 'https://api.openai.com/v1/responses',
    body: { model: 'draft', input: messages, max_output_tokens: 800, temperature: 0.4, store: false, stream: true },
  });
});

it('speaks Chat Completions elsewhere, with the limit under its older name', async () => {
  const compatible = openai({ id: 'local', apiKey: canaryKey, baseURL: 'http://127.0.0.1:9/v1' });

  await expect(sent(compatible, { temperature: 1.5 })).resolves.toEqual({
    url: 'http://127.0.0.1:9/v1/chat/completions',
    body: { model: 'draft', messages, max_tokens: 800, temperature: 1.5, stream: true, stream_options: { include_usage: true } },
  });
  expect(compatible).toMatchObject({ id: 'local', models: [], acceptsUnknownModels: true });
});

it('speaks Chat Completions to OpenAI itself when told to, with the limit under its newer name', async () => {
  const chat = openai({ apiKey: canaryKey, api: 'chat' });

  await expect(sent(chat)).resolves.toEqual({
    url: 'https://api.openai.com/v1/chat/completions',
    body: { model: 'draft', messages, max_completion_tokens: 800, stream: true, stream_options: { include_usage: true } },
  });
});

it('sends Anthropic the system text apart and no temperature above its 1', async () => {
  await expect(sent(anthropic, { temperature: 1.5 })).resolves.toEqual({
    url: 'https://api.anthropic.com/v1/messages',
    body: {
      model: 'draft',
      system: [{ type: 'text', text: 'You write letters.' }],
      messages: [messages[1]],
      max_tokens: 800,
      temperature: 1,
      stream: true,
    },
  });
});

it('sends Google the system text apart, its own names for turns and limits, and its key in a header', async () => {
  await expect(sent(named('google'), { temperature: 0.5 })).resolves.toEqual({
    url: 'https://generativelanguage.googleapis.com/v1beta/models/draft:streamGenerateContent?alt=sse',
    body: {
      contents: [{ role: 'user', parts: [{ text: messages[1]?.content }] }],
      systemInstruction: { role: 'user', parts: [{ text: 'You write letters.' }] },
      generationConfig: { maxOutputTokens: 800, temperature: 0.5 },
    },
  });
});

it('sends an endpoint of the configuration what all compatible servers take', async () => {
  await expect(sent(named('groq'))).resolves.toMatchObject({
    url: 'https://api.groq.com/openai/v1/chat/completions',
    body: { model: 'draft', messages, max_tokens: 800, stream: true },
  });
});

/** What the vendors' SDKs read in the environment of whoever uses them; what we are told to send is said in our own settings. */
const environment = {
  OPENAI_CUSTOM_HEADERS: 'x-gateway: canary-header\nauthorization: Bearer canary-header',
  OPENAI_ADMIN_KEY: 'canary-header',
  OPENAI_ORG_ID: 'canary-header',
  OPENAI_PROJECT_ID: 'canary-header',
  ANTHROPIC_CUSTOM_HEADERS: 'x-gateway: canary-header\nx-api-key: canary-header',
  ANTHROPIC_AUTH_TOKEN: 'canary-header',
  GEMINI_API_KEY: 'canary-header',
  GOOGLE_API_KEY: 'canary-header',
  OPENAI_BASE_URL: 'https://canary-header.example/v1',
  ANTHROPIC_BASE_URL: 'https://canary-header.example',
  GOOGLE_GEMINI_BASE_URL: 'https://canary-header.example',
  GOOGLE_GENAI_USE_VERTEXAI: 'true',
};

it.each<[string, () => Provider]>([
  ['OpenAI', () => openai({ apiKey: canaryKey })],
  ['Anthropic', () => anthropicAt({ apiKey: canaryKey })],
  ['Google', () => google({ apiKey: canaryKey })],
  ['a tenant’s own OpenAI', () => openai({ apiKey: canaryKey }).at?.('https://own.example/v1', 'sk-own') as Provider],
  ['a tenant’s own Anthropic', () => anthropicAt({ apiKey: canaryKey }).at?.('https://own.example', 'sk-own') as Provider],
  ['a tenant’s own Google', () => google({ apiKey: canaryKey }).at?.('https://own.example', 'sk-own') as Provider],
])('sends %s nothing of what its SDK finds in the environment', async (_name, open) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const provider = open();
  const seen: Request[] = [];
  const recording: typeof fetch = (input, init) => {
    seen.push(new Request(input, { ...init, signal: null }));
    return Promise.resolve(new Response('', { status: 500 }));
  };
  const by = { signal: new AbortController().signal, fetch: recording };
  await outcomeOf(provider.stream(textRequest(), by));
  await provider.listModels?.(by).catch(() => undefined);
  expect(seen).toHaveLength(2);
  for (const { url, headers } of seen) expect(`${url} ${JSON.stringify([...headers])}`).not.toContain('canary-header');
});

const outputSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['subject', 'score', 'parts'],
  properties: {
    subject: { type: 'string', format: 'single-line', maxLength: 80, description: 'A line.' },
    score: { type: 'integer', minimum: 0, maximum: 9, description: 'A number.' },
    parts: { type: 'array', minItems: 1, maxItems: 3, description: 'Parts.', items: { type: 'string', enum: ['a', 'b'] } },
  },
};
const fixed = { type: 'object', additionalProperties: false, required: outputSchema.required };
/** What OpenAI and Google take of it; what they know nothing of is told in words. */
const bounded = {
  ...fixed,
  properties: {
    ...outputSchema.properties,
    subject: { type: 'string', description: 'A line. (format: "single-line", maxLength: 80)' },
  },
};
const unbounded = {
  ...fixed,
  properties: {
    subject: { type: 'string', description: 'A line. (format: "single-line", maxLength: 80)' },
    score: { type: 'integer', description: 'A number. (minimum: 0, maximum: 9)' },
    parts: { type: 'array', description: 'Parts. (minItems: 1, maxItems: 3)', items: { type: 'string', enum: ['a', 'b'] } },
  },
};

it.each<[string, Provider, Record<string, unknown>]>([
  ['Responses', own, { text: { format: { type: 'json_schema', name: 'letter', schema: bounded, strict: true } } }],
  [
    'Chat Completions',
    openai({ apiKey: canaryKey, api: 'chat' }),
    { response_format: { type: 'json_schema', json_schema: { name: 'letter', schema: bounded, strict: true } } },
  ],
  [
    'a compatible server',
    named('groq'),
    { response_format: { type: 'json_schema', json_schema: { name: 'letter', schema: bounded, strict: true } } },
  ],
  ['Anthropic', anthropic, { output_config: { format: { type: 'json_schema', schema: unbounded } } }],
  [
    'Google',
    named('google'),
    {
      generationConfig: {
        maxOutputTokens: 800,
        responseMimeType: 'application/json',
        responseJsonSchema: bounded,
      },
    },
  ],
])('tells %s which schema the text has to fit, in its own words', async (_name, provider, expected) => {
  const plain = await sent(provider);
  expect((await sent(provider, { outputSchema }))?.body).toEqual({ ...plain?.body, ...expected });
  expect((await sent(provider, { outputSchema: null }))?.body).toEqual(plain?.body);
});

describe('the beginning that is the same in every prompt', () => {
  const stable = [{ role: 'system', content: 'You write letters.', isStable: true }, messages[1]] as PromptMessage[];
  const other = [stable[0], { role: 'user', content: 'Another one.' }] as PromptMessage[];
  const whole = stable.map((message) => ({ ...message, isStable: true }));

  it('is marked for the cache of Anthropic, up to its last message', async () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const [system, user] = stable.map(({ content }) => ({ type: 'text', text: content }));

    expect((await sent(anthropic, { messages: stable }))?.body).toMatchObject({
      system: [{ ...system, ...mark }],
      messages: [messages[1]],
    });
    expect((await sent(anthropic, { messages: whole }))?.body).toMatchObject({
      system: [system],
      messages: [{ role: 'user', content: [{ ...user, ...mark }] }],
    });
    expect(JSON.stringify(await sent(anthropic))).not.toContain('cache_control');
  });

  it.each([
    ['Responses', own],
    ['Chat Completions', openai({ apiKey: canaryKey, api: 'chat' })],
  ])(
    'has a name in the cache of OpenAI, by %s: one for all prompts that begin so, and no part of them',
    async (_name, provider) => {
      const keyOf = async (asked: PromptMessage[]) => (await sent(provider, { messages: asked }))?.body['prompt_cache_key'];

      expect(await keyOf(stable)).toMatch(/^prefix-[0-9a-f]{32}$/);
      expect(await keyOf(other)).toBe(await keyOf(stable));
      expect(await keyOf(whole)).not.toBe(await keyOf(stable));
      expect(await keyOf(messages as PromptMessage[])).toBeUndefined();
    },
  );

  it.each([
    ['a compatible server, which may refuse what it does not know', named('groq')],
    ['Google, which finds it by itself', named('google')],
  ])('is not told to %s', async (_name, provider) => {
    expect((await sent(provider, { messages: stable }))?.body).toEqual((await sent(provider))?.body);
  });
});

it('offers what is configured, and the offline provider always', () => {
  expect(everything.map(({ id }) => id)).toEqual(['openai', 'anthropic', 'google', 'groq', 'offline']);
  expect(
    openProviders({ openai: null, anthropic: null, google: null, endpoints: [], offline: { tokensPerSecond: 0 } }).map(
      ({ id }) => id,
    ),
  ).toEqual(['offline']);
});

it.each([
  ['chat', 'http://127.0.0.1:9/v1/chat/completions'],
  ['responses', 'http://127.0.0.1:9/v1/responses'],
  ['anthropic', 'http://127.0.0.1:9/v1/v1/messages'],
  ['google', 'http://127.0.0.1:9/v1/v1beta/models/draft:streamGenerateContent?alt=sse'],
])('speaks %s to a provider of the configuration that does', async (api, url) => {
  const endpoint = { id: 'own', api, baseUrl: 'http://127.0.0.1:9/v1', apiKey: canaryKey, models: [] };
  const nobody = { openai: null, anthropic: null, google: null, offline: { tokensPerSecond: 0 } };
  const [provider] = openProviders({ ...nobody, endpoints: [endpoint] });
  expect(provider).toMatchObject({ id: 'own', models: [] });
  expect((await sent(provider as Provider))?.url).toBe(url);
  expect(() => openProviders({ ...nobody, endpoints: [{ ...endpoint, api: 'toString' }] })).toThrow(
    'PROVIDERS: own: there is no api toString, only chat, responses, anthropic, google',
  );
});

it('names each model once, and where its prices are found', () => {
  const ids = everything.flatMap(({ id, models }) => models.map(({ name }) => `${id}/${name}`));

  expect(new Set(ids).size).toBe(ids.length);
  expect(everything.map(({ id, isFree = false, endpoint = null }) => ({ id, isFree, endpoint }))).toEqual([
    { id: 'openai', isFree: false, endpoint: 'https://api.openai.com/v1' },
    { id: 'anthropic', isFree: false, endpoint: 'https://api.anthropic.com' },
    { id: 'google', isFree: false, endpoint: 'https://generativelanguage.googleapis.com' },
    { id: 'groq', isFree: false, endpoint: 'https://api.groq.com/openai/v1' },
    { id: 'offline', isFree: true, endpoint: null },
  ]);
});
