import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import type { ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged, get, post, sse, wsClient, type SseEvent } from '../harness/clients.ts';
import { batches, openTinyApp, running, type TinyApp } from '../harness/tiny-api.ts';
import { soon } from '../harness/eventually.ts';

let app: TinyApp;
beforeAll(async () => {
  app = await openTinyApp();
});
afterAll(() => app.close());

const ticks = { query: 'subscription ($after: String) { ticks(to: 3, after: $after) { number cursor } }' };

async function gauge(name: string, of: TinyApp = app): Promise<number[]> {
  const metric = await of.metrics.registry.getSingleMetric(name)?.get();
  return metric?.values.map(({ value }) => value) ?? [];
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const numbersOf = (results: (ExecutionResult | null)[]) =>
  results.map((result) => (result?.data as { ticks: { number: number } } | undefined)?.ticks.number);

describe('queries and mutations', () => {
  it('answers over POST and GET, with a request id and no cache', async () => {
    const { status, headers, body } = await post(
      app.url,
      { query: 'query Known($n: String) { hello(name: $n) }', variables: { n: 'you' } },
      { key: 'all', headers: { 'x-request-id': 'my-request-1' } },
    );
    expect([status, body]).toEqual([200, { data: { hello: 'hello you' } }]);
    expect([headers.get('x-request-id'), headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      'my-request-1',
      'no-store',
      'nosniff',
    ]);
    expect((await get(app.url, { query: '{ hello }' }, { key: 'all' })).body).toEqual({ data: { hello: 'hello world' } });
  });

  it('answers clients that offer another protocol with the request as if they had not', async () => {
    const body = JSON.stringify({ query: '{ hello }' });
    const url = new URL(app.url);
    const socket = connect(Number(url.port), url.hostname);
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n` +
        `HTTP2-Settings: AAMAAABkAAQAAP__\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const answer = (await all(socket.setEncoding('utf8'))).join('');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('{"data":{"hello":"hello world"}}');
  });

  it('gives expected failures as values in payloads and with their code elsewhere', async () => {
    const query = 'mutation ($input: ThingMakeInput!) { thingMake(input: $input) { thing { id } errors { code message path } } }';
    expect((await post(app.url, { query, variables: { input: { name: 'x' } } }, { key: 'all' })).body).toEqual({
      data: { thingMake: { thing: { id: 'x' }, errors: [] } },
    });
    expect((await post(app.url, { query, variables: { input: { name: '' } } }, { key: 'all' })).body).toEqual({
      data: {
        thingMake: { thing: null, errors: [{ code: 'INVALID_INPUT', message: 'the name is empty', path: ['input', 'name'] }] },
      },
    });
    const bad = { query, variables: { input: { name: 'x', variables: { a: [{ b: 'c\0' }] } } } };
    expect((await post(app.url, bad, { key: 'all' })).body.errors?.[0]?.extensions).toEqual({
      code: 'INVALID_INPUT',
      path: ['input', 'variables', 'a', 0, 'b'],
    });
    const { status, body } = await post(app.url, { query: '{ refused { id } }' }, { key: 'all' });
    expect([status, body]).toEqual([
      200,
      {
        data: { refused: null },
        errors: [
          expect.objectContaining({
            message: 'no such thing',
            path: ['refused'],
            extensions: { code: 'NOT_FOUND', path: ['id'] },
          }),
        ],
      },
    ]);
  });

  it('hides what is unexpected behind the request id and logs it once', async () => {
    const before = app.logged.length;
    const { body, headers } = await post(app.url, { query: '{ broken { id } }' }, { key: 'all' });
    const requestId = headers.get('x-request-id');
    expect(body).toEqual({
      data: { broken: null },
      errors: [expect.objectContaining({ message: 'internal error', extensions: { code: 'INTERNAL', requestId } })],
    });
    const lines = app.logged.slice(before).map((line) => JSON.parse(line) as { requestId: string; err: { message: string } });
    expect(lines.map((line) => [line.requestId, line.err.message])).toEqual([[requestId, 'canary-secret at db://host']]);
  });

  it('batches reads within one operation', async () => {
    batches.length = 0;
    const { body } = await post(app.url, { query: '{ a: friends(of: ["x", "y"]) b: friends(of: ["y", "z"]) }' }, { key: 'all' });
    expect(body.data).toEqual({ a: ['friend of x', 'friend of y'], b: ['friend of y', 'friend of z'] });
    expect(batches).toEqual([['x', 'y', 'z']]);
  });
});

describe('subscriptions', () => {
  it('streams over a graphql-ws client', async () => {
    const client = wsClient(app.url, 'all');
    const results = await all(client.iterate(ticks) as AsyncIterable<ExecutionResult>);
    expect(numbersOf(results)).toEqual([1, 2, 3]);
    await client.dispose();
  });

  it.each(['POST', 'GET'] as const)('streams over SSE, %s, each event with its cursor', async (method) => {
    const { status, headers, events } = await sse(app.url, ticks, { key: 'all', method });
    expect([status, headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
    const found = await all<SseEvent>(events);
    expect(found.map(({ event, id }) => [event, id])).toEqual([
      ['next', '1'],
      ['next', '2'],
      ['next', '3'],
      ['complete', null],
    ]);
    expect(numbersOf(found.slice(0, 3).map(({ result }) => result))).toEqual([1, 2, 3]);
  });

  it.each([
    ['the variable that feeds it', ticks.query],
    ['its literal', 'subscription { ticks(to: 3, after: "0") { number } }'],
    ['its absence', 'subscription { ticks(to: 3) { number } }'],
    ['its literal in a fragment', 'subscription { ...F } fragment F on Subscription { ticks(after: "0", to: 3) { number } }'],
  ])('goes on behind Last-Event-ID, which replaces %s', async (_what, query) => {
    const { events } = await sse(app.url, { query, variables: { after: '0' } }, { key: 'all', lastEventId: '2' });
    expect((await all<SseEvent>(events)).map(({ event, id }) => [event, id])).toEqual([
      ['next', '3'],
      ['complete', null],
    ]);
  });

  it('says why a stream did not start or broke off, without telling secrets', async () => {
    const missing = await sse(app.url, { query: 'subscription { missing { number } }' }, { key: 'all' });
    expect(
      (await all<SseEvent>(missing.events)).map(({ event, result }) => [event, result?.errors?.[0]?.extensions?.code]),
    ).toEqual([
      ['next', 'NOT_FOUND'],
      ['complete', undefined],
    ]);
    const failing = await sse(app.url, { query: 'subscription { failing { number } }' }, { key: 'all' });
    expect((await all<SseEvent>(failing.events)).map(({ event, result }) => [event, result?.errors?.[0]?.message])).toEqual([
      ['next', undefined],
      ['next', 'internal error'],
      ['complete', undefined],
    ]);
    const raw = await acknowledged(app.url, 'all');
    raw.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { failing { number } }' } });
    expect((await raw.next()).type).toBe('next');
    expect(await raw.next()).toMatchObject({
      type: 'error',
      payload: [{ message: 'internal error', extensions: { code: 'INTERNAL' } }],
    });
    raw.socket.close();
    await raw.closed;
    await soon(async () =>
      expect([await gauge('graphql_running_subscriptions'), await gauge('graphql_open_connections')]).toEqual([
        [0, 0],
        [0, 0],
      ]),
    );
  });

  it('ends what a reader leaves: unsubscribe, closed socket, cut SSE', async () => {
    const forever = { query: 'subscription { forever { number } }' };
    const raw = await acknowledged(app.url, 'all');
    for (const id of ['1', '2']) {
      raw.send({ type: 'subscribe', id, payload: forever });
      expect((await raw.next()).type).toBe('next');
    }
    const stream = await sse(app.url, forever, { key: 'all' });
    await stream.events.next();
    expect(running.size).toBe(3);
    raw.send({ type: 'complete', id: '1' });
    await soon(() => expect(running.size).toBe(2));
    raw.socket.terminate();
    await soon(() => expect(running.size).toBe(1));
    stream.stop();
    await soon(() => expect(running.size).toBe(0));
    await soon(async () =>
      expect([await gauge('graphql_running_subscriptions'), await gauge('graphql_open_connections')]).toEqual([
        [0, 0],
        [0, 0],
      ]),
    );
  });

  it('takes 10,000 subscribe and complete on one socket', async () => {
    const raw = await acknowledged(app.url, 'all');
    for (let id = 1; id <= 10_000; id++) {
      raw.send({ type: 'subscribe', id: String(id), payload: { query: 'subscription { forever { number } }' } });
      if (id % 2 === 0) expect((await raw.next()).type).toBe('next');
      raw.send({ type: 'complete', id: String(id) });
    }
    raw.send({ type: 'subscribe', id: 'last', payload: { query: 'subscription { ticks(to: 1) { number } }' } });
    for (let message = await raw.next(); message.id !== 'last'; message = await raw.next()) expect(message.type).toBe('next');
    await soon(async () => expect(await gauge('graphql_running_subscriptions')).toEqual([0, 0]));
    expect(running.size).toBe(0);
    raw.socket.close();
    await raw.closed;
    await soon(async () => expect(await gauge('graphql_open_connections')).toEqual([0, 0]));
  });

  it('bounds the operations of one socket', async () => {
    const small = await openTinyApp({ limits: { operationsPerSocket: 2 } });
    const raw = await acknowledged(small.url, 'all');
    for (const id of ['1', '2', '3'])
      raw.send({ type: 'subscribe', id, payload: { query: 'subscription { forever { number } }' } });
    const messages = [await raw.next(), await raw.next(), await raw.next()];
    expect(messages.find(({ type }) => type === 'error')).toMatchObject({
      id: '3',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    await small.close();
    expect(await raw.closed).toBe(1001);
  });
});

describe('readers that take nothing', () => {
  it('are let go: 1013 over WebSocket, cut over SSE, and one result is all they hold', async () => {
    const impatient = await openTinyApp({ limits: { undrainedMs: 200, keepAliveMs: 60_000 } });
    const raw = await acknowledged(impatient.url, 'all');
    raw.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { flood }' } });
    await raw.next();
    raw.socket.pause();
    await soon(async () => expect(await gauge('graphql_open_connections', impatient)).toEqual([0]));
    raw.socket.resume();
    // The close frame may be lost behind what was never taken.
    expect([1013, 1006]).toContain(await raw.closed);

    const body = JSON.stringify({ query: 'subscription { flood }' });
    const frozen = connect(Number(new URL(impatient.url).port), '127.0.0.1');
    frozen.write(
      `POST /graphql/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    frozen.pause();
    const cut = new Promise((resolve) => frozen.once('close', resolve));
    frozen.on('error', () => undefined);
    await soon(async () => expect(await gauge('graphql_running_subscriptions', impatient)).toEqual([0, 1]));
    await soon(async () => expect(await gauge('graphql_running_subscriptions', impatient)).toEqual([0, 0]));
    frozen.resume();
    await cut;
    expect(running.size).toBe(0);
    await impatient.close();
  });
});

describe('drain', () => {
  it('sends readers away, refuses new ones, turns readiness false and answers what runs', async () => {
    const leaving = await openTinyApp();
    const forever = { query: 'subscription { forever { number } }' };
    const raw = await acknowledged(leaving.url, 'all');
    raw.send({ type: 'subscribe', id: '1', payload: forever });
    await raw.next();
    const stream = await sse(leaving.url, forever, { key: 'all' });
    expect((await stream.events.next()).value?.event).toBe('next');
    leaving.beginDrain();
    expect(await raw.closed).toBe(1001);
    expect(await all<SseEvent>(stream.events)).toEqual([]);
    const ready = await fetch(`${leaving.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining' }]);
    await expect(acknowledged(leaving.url, 'all')).rejects.toThrow('HTTP 503');
    const late = await sse(leaving.url, forever, { key: 'all' });
    expect([late.status, (await late.events.next()).value?.result?.errors?.[0]?.extensions?.code]).toEqual([503, 'UNAVAILABLE']);
    expect((await post(leaving.url, { query: '{ hello }' }, { key: 'all' })).body).toEqual({ data: { hello: 'hello world' } });
    await leaving.close();
    await expect(fetch(leaving.url)).rejects.toThrow();
    expect(running.size).toBe(0);
  });
});

describe('beside GraphQL', () => {
  it('tells the detail of readiness to keys with health:read only', async () => {
    const ask = async (key?: string) =>
      (await fetch(`${app.url}/readyz`, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } })).json();
    expect([await ask(), await ask('little'), await ask('unknown'), await ask('all')]).toEqual([
      { status: 'ready' },
      { status: 'ready' },
      { status: 'ready' },
      { status: 'ready', database: 'up' },
    ]);
    expect(await (await fetch(`${app.url}/livez`)).json()).toEqual({ status: 'ok' });
  });

  it('guards /metrics with its token', async () => {
    const guarded = await openTinyApp({ metricsToken: 'secret' });
    const ask = async (headers: Record<string, string>) => (await fetch(`${guarded.url}/metrics`, { headers })).status;
    expect([await ask({}), await ask({ authorization: 'Bearer other!' }), await ask({ authorization: 'Bearer secret' })]).toEqual(
      [401, 401, 200],
    );
    await guarded.close();
  });

  it('serves GraphiQL in development, with the key where no other name can read it', async () => {
    const developing = await openTinyApp({ isDevelopment: true, developmentKey: 'dev-key-1' });
    const headers = { accept: 'text/html' };
    const page = await (await fetch(`${developing.url}/graphql`, { headers })).text();
    expect(page).toContain('dev-key-1');
    expect(page).not.toMatch(/(src|href)="https?:/);
    const other = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(developing.url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (data: Buffer) => (text += data.toString())).once('close', () => resolve(text));
      socket.write('GET /graphql HTTP/1.1\r\nHost: rebound.example.com\r\nAccept: text/html\r\nConnection: close\r\n\r\n');
    });
    expect(other).toContain('renderYogaGraphiQL');
    expect(other).not.toContain('dev-key-1');
    await developing.close();
    expect((await fetch(`${app.url}/graphql`, { headers })).status).not.toBe(200);
  });
});

describe('metrics', () => {
  it('count every operation of every transport, and failed parses and validations, with bounded names', async () => {
    const counted = await openTinyApp();
    await post(counted.url, { query: 'query Known { hello }' }, { key: 'all' });
    await post(counted.url, { query: 'query Known { hello }' }, { key: 'all' });
    await post(counted.url, { query: 'query MadeUp { hello }' }, { key: 'all' });
    const client = wsClient(counted.url, 'all');
    await all(client.iterate(ticks));
    await all((await sse(counted.url, ticks, { key: 'all' })).events);
    for (const query of ['{ hello', '{ hello', '{ nope }', '{ nope }']) {
      await post(counted.url, { query }, { key: 'all' });
      await all((await sse(counted.url, { query }, { key: 'all' })).events);
      await new Promise((resolve) =>
        client.subscribe({ query }, { next: () => undefined, error: resolve, complete: () => resolve(null) }),
      );
    }
    await client.dispose();
    await post(counted.url, { query: '{ broken { id } }' }, { key: 'all' });
    const text = await counted.metrics.text();
    const valueOf = (name: string, labels: Record<string, string>): number => {
      const line = text
        .split('\n')
        .find(
          (candidate) =>
            candidate.startsWith(`${name}{`) &&
            Object.entries(labels).every(([key, value]) => candidate.includes(`${key}="${value}"`)),
        );
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    expect(valueOf('graphql_operations_total', { transport: 'http', operation_name: 'Known', operation_type: 'query' })).toBe(2);
    expect(valueOf('graphql_operations_total', { transport: 'http', operation_name: 'other' })).toBe(1);
    expect(text).not.toContain('MadeUp');
    for (const transport of ['websocket', 'sse'])
      expect(valueOf('graphql_operations_total', { transport, operation_type: 'subscription' })).toBe(1);
    for (const transport of ['http', 'websocket', 'sse']) {
      expect([transport, valueOf('graphql_errors_total', { transport, phase: 'parse' })]).toEqual([transport, 2]);
      expect([transport, valueOf('graphql_errors_total', { transport, phase: 'validate' })]).toEqual([transport, 2]);
      expect(valueOf('graphql_refused_requests_total', { transport, code: 'GRAPHQL_PARSE_FAILED' })).toBe(2);
    }
    expect(valueOf('graphql_errors_total', { transport: 'http', phase: 'execute' })).toBe(1);
    expect(valueOf('graphql_operation_duration_seconds_count', { transport: 'http', operation_name: 'Known' })).toBe(2);
    await counted.close();
  });

  it.skipIf(spawnSync('promtool', ['--version']).error !== undefined)('are as promtool wants them', async () => {
    const answer = await fetch(`${app.url}/metrics`);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await answer.text() });
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', '']);
  });
});
