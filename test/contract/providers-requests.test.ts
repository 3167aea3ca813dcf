import { expect, it } from 'vitest';
import { openProviders } from '../../src/providers/list.ts';
import { openai } from '../../src/providers/openai.ts';
import type { Provider } from '../../src/providers/port.ts';
import { canaryKey, outcomeOf, textRequest } from '../harness/providers.ts';

const everything = openProviders({
  openai: { apiKey: canaryKey, baseUrl: null },
  anthropic: { apiKey: canaryKey, baseUrl: null },
  google: { apiKey: canaryKey, baseUrl: null },
  endpoints: [{ id: 'groq', baseUrl: 'https://api.groq.com/openai/v1', apiKey: canaryKey, models: [] }],
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
      system: 'You write letters.',
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

it('offers what is configured, and the offline provider always', () => {
  expect(everything.map(({ id }) => id)).toEqual(['openai', 'anthropic', 'google', 'groq', 'offline']);
  expect(
    openProviders({ openai: null, anthropic: null, google: null, endpoints: [], offline: { tokensPerSecond: 0 } }).map(
      ({ id }) => id,
    ),
  ).toEqual(['offline']);
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
