import { createHash } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TrustedDocuments } from '../../src/kernel/manifest.ts';
import { acknowledged } from '../harness/clients.ts';
import { done, openTinyApp, type TinyApp } from '../harness/tiny-api.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const byHash = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

interface Sent {
  readonly query?: string;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}
interface Seen {
  readonly status: number | null;
  readonly data: unknown;
  readonly code: unknown;
  readonly message: string | undefined;
}

const seen = (status: number | null, { data, errors }: ExecutionResult): Seen => ({
  status,
  data,
  code: errors?.[0]?.extensions?.['code'],
  message: errors?.[0]?.message,
});

async function http(url: string, sent: Sent, init: { method: 'GET' | 'POST'; accept?: string; path?: string }): Promise<Seen> {
  const { method, accept = '*/*', path = '/graphql' } = init;
  const fields = Object.entries(sent).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const search = method === 'GET' ? `?${new URLSearchParams(Object.fromEntries(fields) as Record<string, string>)}` : '';
  const response = await fetch(`${url}${path}${search}`, {
    method,
    headers: { accept, authorization: 'Bearer all', 'content-type': 'application/json' },
    ...(method === 'POST' && { body: JSON.stringify(sent) }),
  });
  const text = await response.text();
  const first = /^event: next\ndata: (.*)$/m.exec(text.replace(/^id: .*\n/gm, ''))?.[1] ?? text;
  return seen(response.status, JSON.parse(first) as ExecutionResult);
}

async function socket(url: string, sent: Sent): Promise<Seen> {
  const raw = await acknowledged(url, 'all');
  // The protocol wants a string; a document that is known by its hash is empty.
  raw.send({ type: 'subscribe', id: '1', payload: { query: '', ...sent } });
  const { type, payload } = await raw.next();
  raw.socket.close();
  return seen(null, (type === 'error' ? { errors: payload } : payload) as ExecutionResult);
}

const roads = {
  'POST, plain': { text: '{ hello }', ask: (url: string, sent: Sent) => http(url, sent, { method: 'POST' }) },
  'POST, by Apollo': {
    text: '{ hello }',
    ask: (url: string, sent: Sent) => http(url, sent, { method: 'POST', accept: 'application/json;q=0.5' }),
  },
  GET: { text: '{ hello }', ask: (url: string, sent: Sent) => http(url, sent, { method: 'GET' }) },
  'SSE, POST': {
    text: 'subscription { ticks(to: 1) { number } }',
    ask: (url: string, sent: Sent) => http(url, sent, { method: 'POST', path: '/graphql/stream' }),
  },
  'SSE, GET': {
    text: 'subscription { ticks(to: 1) { number } }',
    ask: (url: string, sent: Sent) => http(url, sent, { method: 'GET', path: '/graphql/stream' }),
  },
  WebSocket: { text: 'subscription { ticks(to: 1) { number } }', ask: socket },
} as const;
const everyRoad = Object.entries(roads);
const dataOf = (text: string) => (text.startsWith('{') ? { hello: 'hello world' } : { ticks: { number: 1 } });

describe('persisted queries', () => {
  let app: TinyApp;
  beforeAll(async () => {
    app = await openTinyApp();
  });
  afterAll(() => app.close());

  it.each(everyRoad)('are asked for, taken, then known: %s', async (name, { text, ask }) => {
    // A document of its own for each road, for the store is one.
    const query = `${text} # ${name}`;
    const extensions = byHash(hashOf(query));
    const status = name === 'WebSocket' ? null : 200;
    expect(await ask(app.url, { extensions })).toEqual({
      status,
      data: undefined,
      code: 'PERSISTED_QUERY_NOT_FOUND',
      message: 'PersistedQueryNotFound',
    });
    const answer = { status, data: dataOf(text), code: undefined, message: undefined };
    expect(await ask(app.url, { query, extensions })).toEqual(answer);
    expect(await ask(app.url, { extensions })).toEqual(answer);
  });

  it.each(everyRoad)('are refused when they lie about themselves: %s', async (_name, { text, ask }) => {
    const lie = byHash(hashOf('another'));
    expect(await ask(app.url, { query: text, extensions: lie })).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await ask(app.url, { extensions: lie })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
    for (const extensions of [byHash(hashOf(text), 2), byHash(5), byHash(''), byHash('x'.repeat(200)), { persistedQuery: 'x' }]) {
      expect(await ask(app.url, { query: text, extensions })).toMatchObject({ code: 'BAD_REQUEST' });
    }
    expect(await ask(app.url, { extensions: {} })).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it.each(everyRoad)('are not taken when they are not valid: %s', async (name, { text, ask }) => {
    const query = `${text.replace('{', '{ nope')} # ${name}`;
    const extensions = byHash(hashOf(query));
    expect(await ask(app.url, { query, extensions })).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(await ask(app.url, { extensions })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  it('carry variables, and no mutation over GET', async () => {
    const query = 'query ($n: String) { hello(name: $n) }';
    const sent = { query, variables: { n: 'you' }, extensions: byHash(hashOf(query)) };
    for (const ask of [roads.GET.ask, roads['POST, plain'].ask, roads['POST, by Apollo'].ask]) {
      expect((await ask(app.url, sent)).data).toEqual({ hello: 'hello you' });
    }
    const mutation = 'mutation { thingMake(input: { name: "persisted" }) { thing { id } } }';
    const extensions = byHash(hashOf(mutation));
    const before = done.length;
    expect((await roads.GET.ask(app.url, { query: mutation, extensions })).status).toBe(405);
    expect((await roads.GET.ask(app.url, { extensions })).status).toBe(405);
    expect(done).toHaveLength(before);
    expect((await roads['POST, plain'].ask(app.url, { extensions })).status).toBe(200);
    expect(done).toHaveLength(before + 1);
  });

  it('are forgotten beyond a thousand', async () => {
    const first = '{ hello } # first';
    const ask = roads['POST, plain'].ask;
    await ask(app.url, { query: first, extensions: byHash(hashOf(first)) });
    for (let index = 0; index < 1_000; index += 50) {
      const batch = Array.from({ length: 50 }, (_, offset) => `{ hello } # ${index + offset}`);
      await Promise.all(batch.map((query) => ask(app.url, { query, extensions: byHash(hashOf(query)) })));
    }
    expect((await ask(app.url, { extensions: byHash(hashOf(first)) })).code).toBe('PERSISTED_QUERY_NOT_FOUND');
  });
});

describe('trusted documents', () => {
  let app: TinyApp;
  afterEach(() => app.close());
  const open = async (mode: TrustedDocuments['mode']): Promise<void> => {
    const listed = [...new Set(everyRoad.map(([, { text }]) => text))];
    const byId = new Map(listed.map((text) => [hashOf(text), text]));
    app = await openTinyApp({ pipelineOptions: { trustedDocuments: { mode, byId } } });
  };

  it.each(everyRoad)('alone run when that is enforced: %s', async (name, { text, ask }) => {
    await open('enforce');
    const other = `${text} # other`;
    expect((await ask(app.url, { query: text })).data).toEqual(dataOf(text));
    expect((await ask(app.url, { extensions: byHash(hashOf(text)) })).data).toEqual(dataOf(text));
    for (const sent of [
      { query: other },
      { query: other, extensions: byHash(hashOf(other)) },
      { extensions: byHash(hashOf(other)) },
    ]) {
      const { status, code, data } = await ask(app.url, sent);
      expect([status, code, data]).toEqual([name === 'WebSocket' ? null : 403, 'DOCUMENT_NOT_TRUSTED', undefined]);
    }
    expect((await ask(app.url, { query: other, extensions: byHash(hashOf(text)) })).code).toBe('BAD_REQUEST');
  });

  it.each(everyRoad)('are told from others in the log when that is audited, by hash: %s', async (_name, { text, ask }) => {
    await open('audit');
    const other = `${text} # canary`;
    expect((await ask(app.url, { query: text })).data).toEqual(dataOf(text));
    expect((await ask(app.url, { query: other })).data).toEqual(dataOf(text));
    expect((await ask(app.url, { query: other, extensions: byHash(hashOf(other)) })).data).toEqual(dataOf(text));
    expect(app.logged.map((line) => (JSON.parse(line) as { hash?: string }).hash)).toEqual([hashOf(other)]);
    expect(app.logged.join('')).not.toContain('canary');
  });
});
