import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { acknowledged, get, post, rawSocket, sse } from '../harness/clients.ts';
import { openTinyApp, running, type TinyApp } from '../harness/tiny-api.ts';
import { AppError, type ErrorCode } from '../../src/kernel/errors.ts';
import { eventually, soon } from '../harness/eventually.ts';

const ticks = { query: 'subscription { ticks(to: 1) { number } }' };

interface Line {
  readonly msg: string;
  readonly transport: string;
  readonly address: string;
  readonly status: number;
}

const refusedIn = (app: TinyApp, from = 0) =>
  app.logged
    .slice(from)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === 'refused')
    .map(({ transport, address, status }) => [transport, address, status]);

describe('the log of refused requests', () => {
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.5' };

  it.each([
    ['believes a proxy of ours', ['127.0.0.0/8'], '203.0.113.5'],
    ['believes nobody else', ['10.0.0.0/8'], '127.0.0.1'],
  ])('%s, over every transport', async (_name, trustedProxies, address) => {
    const app = await openTinyApp({ trustedProxies });
    await post(app.url, { query: '{ hello }' }, { key: 'none', headers });
    await sse(app.url, ticks, { key: 'none', headers }).then(({ events }) => events.next());
    await expect(rawSocket(app.url, { origin: 'https://evil.example.com', headers })).rejects.toThrow('HTTP 403');
    const socket = await rawSocket(app.url, { headers });
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer none' } });
    expect(await socket.closed).toBe(4401);
    await soon(() =>
      expect(refusedIn(app)).toEqual([
        ['http', address, 401],
        ['sse', address, 401],
        ['websocket', address, 403],
        ['websocket', address, 4401],
      ]),
    );
    expect(app.logged.join('')).not.toContain('Bearer');
    await app.close();
  });

  it('has no line for what is answered, and a bounded number for a flood', async () => {
    const clock = { monotonic: () => 5_000, now: () => new Date() };
    const app = await openTinyApp({ clock });
    await post(app.url, { query: '{ hello }' }, { key: 'all' });
    await post(app.url, { query: '{ nope }' }, { key: 'all' });
    expect(refusedIn(app)).toEqual([]);
    await Promise.all(Array.from({ length: 50 }, () => post(app.url, { query: '{ hello }' }, { key: 'none' })));
    expect(refusedIn(app)).toHaveLength(20);
    await app.close();
  });
});

const guards = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What a server says to these bytes until it closes. */
function rawAnswer(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString())).once('close', () => resolve(text));
    socket.once('error', reject);
  });
}

/** A peer that opens a socket by hand, says what it says, and then neither answers a close nor hangs up. */
async function deafPeer(
  url: string,
  says: object | null,
  headers = '',
): Promise<{ readonly read: () => string; cut(): Promise<void> }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1'))).on('error', () => undefined);
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: x\r\n${upgrade}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n${headers}\r\n`,
  );
  await soon(() => expect(text).toContain('\r\n\r\n'));
  const message = says && Buffer.from(JSON.stringify(says));
  // One frame of text, masked with zeros.
  if (message) socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message]));
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    read: () => text,
    cut() {
      socket.destroy();
      return gone;
    },
  };
}

/** Connections that this process holds, at both of their ends. */
const heldHere = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;

describe('every answer', () => {
  let app: TinyApp;
  beforeAll(async () => {
    app = await openTinyApp({ isDevelopment: true });
  });
  afterAll(() => app.close());

  const posted = (body: string, type = 'application/json') => ({
    method: 'POST',
    body,
    headers: { 'content-type': type, authorization: 'Bearer all' },
  });
  it.each<[string, number, string, RequestInit]>([
    ['a result', 200, '/graphql', posted('{"query":"{ hello }"}')],
    ['a refusal of Apollo', 400, '/graphql?query={hello}', {}],
    [
      'a refusal of ours',
      401,
      '/graphql',
      { ...posted('{"query":"{ hello }"}'), headers: { 'content-type': 'application/json' } },
    ],
    ['a stream', 200, '/graphql/stream', posted(JSON.stringify(ticks))],
    ['a stream that is refused', 400, '/graphql/stream', posted('{"query":"{ hello }"}')],
    ['another media type', 415, '/graphql', posted('x', 'text/plain')],
    ['what is not JSON', 400, '/graphql', posted('{')],
    ['no such path', 404, '/nowhere', {}],
    ['a URL that cannot be read', 400, '/%zz', {}],
    ['a foreign origin', 403, '/graphql', { headers: { origin: 'https://evil.example.com' } }],
    ['a preflight', 204, '/graphql', { method: 'OPTIONS', headers: { origin: 'http://localhost:1' } }],
    ['/livez', 200, '/livez', {}],
    ['/metrics', 200, '/metrics', {}],
  ])('has the security headers: %s', async (_name, status, path, init) => {
    const response = await fetch(`${app.url}${path}`, init);
    await response.text();
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([status, expect.objectContaining(guards)]);
  });

  it.each<[string, string, string, string]>([
    ['what is not HTTP', 'nonsense\r\n\r\n', '400 Bad Request', 'BAD_REQUEST'],
    [
      'headers that are too large',
      `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'a socket of a foreign origin',
      'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example.com\r\n\r\n',
      '403 Forbidden',
      'FORBIDDEN',
    ],
  ])('has them where there is no more than a socket: %s', async (_name, bytes, status, code) => {
    const answer = await rawAnswer(app.url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
    for (const [name, value] of Object.entries(guards)) expect(answer).toContain(`${name}: ${value}\r\n`);
    expect(answer).toContain(`"code":"${code}"`);
  });

  it('lets the script of GraphiQL’s page run, and no other', async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(async () => {
        const response = await fetch(`${app.url}/graphql`, { headers: { accept: 'text/html' } });
        const policy = response.headers.get('content-security-policy') ?? '';
        return { policy, page: await response.text(), nonce: /script-src 'nonce-([\w-]+)'/.exec(policy)?.[1] ?? '' };
      }),
    );
    const { page = '', nonce = '' } = first ?? {};
    const [, script = ''] = page.split(`<script nonce="${nonce}">`);
    expect(page.split(/^ *<script/m).length).toBe(2);
    // All that it runs is one script, which has to be one: what it holds as text is not changed.
    expect(() => new Script(script.slice(0, script.lastIndexOf('</script>')))).not.toThrow();
    // To where its subscriptions go, and how: not to its own address, and by a GET only with a header that it does not set.
    expect(script).toContain('"subscriptionsEndpoint":"/graphql/stream","subscriptionsProtocol":"GRAPHQL_SSE","method":"POST"');
    expect(script.slice(script.lastIndexOf('renderYogaGraphiQL('))).not.toContain('"endpoint"');
    expect(first?.policy).toContain("default-src 'none'");
    expect(first?.nonce).not.toBe(second?.nonce);
  });
});

describe('what a foreign page could send without a preflight', () => {
  let app: TinyApp;
  beforeAll(async () => {
    app = await openTinyApp();
  });
  afterAll(() => app.close());

  it.each<[string, Record<string, string>, number]>([
    ['nothing', {}, 400],
    ['a key alone, as Apollo has it', { authorization: 'Bearer all' }, 400],
    ['the media type of a form', { authorization: 'Bearer all', 'content-type': 'text/plain' }, 400],
    ['an empty header', { authorization: 'Bearer all', 'apollo-require-preflight': '' }, 400],
    ['the header', { authorization: 'Bearer all', 'apollo-require-preflight': '1' }, 200],
    ['the name of the operation', { authorization: 'Bearer all', 'x-apollo-operation-name': 'Any' }, 200],
    ['a JSON media type', { authorization: 'Bearer all', 'content-type': 'application/json' }, 200],
  ])('is judged alike over HTTP and SSE: GET with %s', async (_name, headers, status) => {
    const query = (text: string) => new URLSearchParams({ query: text }).toString();
    const [http, stream] = await Promise.all(
      [`/graphql?${query('{ hello }')}`, `/graphql/stream?${query(ticks.query)}`].map(async (path) => {
        const response = await fetch(`${app.url}${path}`, { headers });
        return { status: response.status, body: await response.text() };
      }),
    );
    expect([http?.status, stream?.status]).toEqual([status, status]);
    if (status === 400) {
      expect(http?.body).toContain('"code":"BAD_REQUEST"');
      expect(stream?.body).toContain('"code":"BAD_REQUEST"');
    }
  });
});

describe('origins', () => {
  it.each<[string, boolean, string, boolean]>([
    ['a listed one', false, 'https://app.example.com', true],
    ['Apollo’s Sandbox in development', true, 'https://studio.apollographql.com', true],
    ['Apollo’s Sandbox in production', false, 'https://studio.apollographql.com', false],
    ['this machine in development', true, 'http://localhost:5173', true],
    ['this machine in production', false, 'http://localhost:5173', false],
    ['a sandboxed frame', true, 'null', false],
    ['a name that ends like a listed one', false, 'https://evil-app.example.com', false],
  ])('are judged alike over every transport: %s', async (_name, isDevelopment, origin, isAllowed) => {
    const app = await openTinyApp({ isDevelopment });
    const http = await post(app.url, { query: '{ hello }' }, { key: 'all', headers: { origin } });
    const stream = await sse(app.url, ticks, { key: 'all', headers: { origin } });
    await stream.events.next().then(() => stream.stop());
    const socket = await rawSocket(app.url, { origin }).then(
      (raw) => (raw.socket.close(), 101),
      (error: unknown) => (error as Error).message,
    );
    expect([http.status, stream.status, socket]).toEqual(isAllowed ? [200, 200, 101] : [403, 403, 'HTTP 403']);
    for (const { headers } of [http, stream]) {
      expect(headers.get('access-control-allow-origin')).toBe(isAllowed ? origin : null);
    }
    await app.close();
  });

  it('lets the Sandbox read the schema in development, with a key that may', async () => {
    const app = await openTinyApp({ isDevelopment: true });
    const headers = { origin: 'https://studio.apollographql.com' };
    const ask = (key: string) => post(app.url, { query: '{ __schema { queryType { name } } }' }, { key, headers });
    expect((await ask('all')).body).toEqual({ data: { __schema: { queryType: { name: 'Query' } } } });
    expect((await ask('little')).body.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    const preflight = await fetch(`${app.url}/graphql`, {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-private-network': 'true' },
    });
    expect(preflight.headers.get('access-control-allow-private-network')).toBe('true');
    await app.close();
  });
});

describe('connections', () => {
  const patience = { headersTimeoutMs: 150, requestTimeoutMs: 300, timeoutCheckMs: 30 };

  it.each([
    ['a connection that says nothing', ''],
    ['headers that do not end', 'POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    [
      'a body that does not end',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
    ],
  ])('are closed with 408 when a request does not arrive: %s', async (_name, bytes) => {
    const app = await openTinyApp({ limits: patience });
    const answer = await rawAnswer(app.url, bytes);
    expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
    expect(answer).toContain('"code":"TIMEOUT"');
    await app.close();
  });

  it('that live long are not touched by those deadlines', async () => {
    const app = await openTinyApp({ limits: { ...patience, keepAliveMs: 100 } });
    const stream = await sse(app.url, { query: 'subscription { forever { number } }' }, { key: 'all' });
    const socket = await acknowledged(app.url, 'all');
    await stream.events.next();
    // Meanwhile one that is slow runs out of time twice over.
    await rawAnswer(app.url, '');
    await rawAnswer(app.url, '');
    socket.send({ type: 'ping' });
    expect((await socket.next()).type).toBe('pong');
    expect([...running]).toHaveLength(1);
    stream.stop();
    await stream.events.next();
    await soon(() => expect([...running]).toEqual([]));
    socket.socket.close();
    await app.close();
  });

  it('name their operations in 128 characters, and may not twice', async () => {
    const app = await openTinyApp();
    const raw = await acknowledged(app.url, 'all');
    const forever = { query: 'subscription { forever { number } }' };
    raw.send({ id: 'x'.repeat(129), type: 'subscribe', payload: forever });
    expect(await raw.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_REQUEST' } }] });
    const id = 'x'.repeat(128);
    raw.send({ id, type: 'subscribe', payload: forever });
    raw.send({ id, type: 'subscribe', payload: forever });
    expect(await raw.closed).toBe(4409);
    await app.close();
  });

  it('above the limit are closed unread', async () => {
    const app = await openTinyApp({ limits: { connections: 2 } });
    const first = await rawSocket(app.url);
    const second = await rawSocket(app.url);
    expect(await rawAnswer(app.url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => '')).toBe('');
    first.socket.close();
    await first.closed;
    await soon(async () => expect((await fetch(`${app.url}/livez`)).status).toBe(200));
    second.socket.close();
    await app.close();
  });

  it('of one address are counted, over WebSocket and SSE, and others go on', async () => {
    const app = await openTinyApp({ limits: { perAddress: 2 }, trustedProxies: ['127.0.0.1'] });
    const [one, other] = ['203.0.113.5', '203.0.113.6'].map((address) => ({ 'x-forwarded-for': address }));
    const forever = { query: 'subscription { forever { number } }' };
    const sockets = [await rawSocket(app.url, { headers: one }), await rawSocket(app.url, { headers: one })];
    await expect(rawSocket(app.url, { headers: one })).rejects.toThrow('HTTP 429');
    sockets.push(await rawSocket(app.url, { headers: other }));
    const stream = (headers: Record<string, string> = {}) => sse(app.url, forever, { key: 'all', headers });
    const streams = [await stream(one), await stream(one)];
    const refused = await stream(one);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await refused.events.next()).value?.result?.errors?.[0]?.extensions).toEqual({
      code: 'RATE_LIMITED',
      retryAfterMs: 5_000,
    });
    streams.push(await stream(other));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const each of streams) {
      await each.events.next();
      each.stop();
      await each.events.next();
    }
    for (const { socket } of sockets) socket.close();
    await soon(async () => {
      const again = await rawSocket(app.url, { headers: one });
      again.socket.close();
    });
    await soon(async () => {
      const again = await sse(app.url, ticks, { key: 'all', headers: one });
      expect(again.status).toBe(200);
      for await (const _event of again.events);
    });
    expect([...running]).toEqual([]);
    await app.close();
  });

  const deaf = 200;
  const init = (authorization: string) => ({ type: 'connection_init', payload: { authorization } });
  /** A close frame with this code, as it arrives. */
  const closeFrame = (code: number) => String.fromCharCode(code >> 8, code & 255);
  const throwing = (code: ErrorCode) => ({ authenticate: () => Promise.reject(new AppError(code, 'not now')) });
  it.each<[string, number, object | null, Parameters<typeof openTinyApp>[0]]>([
    ['nothing was said in time', 4408, null, { limits: { initTimeoutMs: 50 } }],
    ['nobody was proved', 4401, init('Bearer none'), {}],
    ['somebody may not', 4403, init('Bearer all'), { pipelineOptions: throwing('FORBIDDEN') }],
    ['there was no room', 1013, init('Bearer all'), { pipelineOptions: throwing('RATE_LIMITED') }],
    ['the server goes away', 1001, init('Bearer all'), {}],
  ])('whose peers do not answer a close are cut within seconds: %s', async (_name, code, says, options) => {
    const app = await openTinyApp(options);
    const before = heldHere();
    const peers = await Promise.all(Array.from({ length: deaf }, () => deafPeer(app.url, says)));
    if (code === 1001) {
      await soon(() => expect(peers.every(({ read }) => read().includes('connection_ack'))).toBe(true));
      app.beginDrain();
    }
    await soon(() => expect(peers.filter(({ read }) => read().includes(closeFrame(code)))).toHaveLength(deaf));
    // Their own ends stay.
    await eventually(() => heldHere() < before + deaf + deaf / 4, 5_000, 'the cut');
    await Promise.all(peers.map((peer) => peer.cut()));
    await app.close();
  });

  it('that were refused before they were sockets are cut within seconds, too', async () => {
    const app = await openTinyApp();
    const before = heldHere();
    const peers = await Promise.all(
      Array.from({ length: deaf }, () => deafPeer(app.url, null, 'Origin: https://evil.example.com\r\n')),
    );
    expect(peers.filter(({ read }) => read().startsWith('HTTP/1.1 403 '))).toHaveLength(deaf);
    await eventually(() => heldHere() < before + deaf + deaf / 4, 5_000, 'the cut');
    await Promise.all(peers.map((peer) => peer.cut()));
    await app.close();
  });

  it('are closed with 1009 at a frame of 1 MB', async () => {
    const app = await openTinyApp();
    const socket = await acknowledged(app.url, 'all');
    socket.send('x'.repeat(1_000_000));
    expect(await socket.closed).toBe(1009);
    await app.close();
  });
});

describe('__proto__ in JSON', () => {
  let app: TinyApp;
  beforeAll(async () => {
    app = await openTinyApp();
  });
  afterAll(() => app.close());

  const make = 'mutation ($input: ThingMakeInput!) { thingMake(input: $input) { thing { id } } }';
  const variables = '{"input":{"name":"x","variables":{"a":{"__proto__":{"isAdmin":true}}}}}';

  it('is refused in a body, in variables of a GET, on a socket and in a document', async () => {
    const body = await post(app.url, `{"query":${JSON.stringify(make)},"variables":${variables}}`, { key: 'all' });
    expect([body.status, body.body.errors?.[0]?.extensions?.code]).toEqual([400, 'BAD_REQUEST']);
    const asked = { query: ticks.query, variables: JSON.parse('{"__proto__":{"to":1}}') as Record<string, unknown> };
    const hello = await get(app.url, { ...asked, query: '{ hello }' }, { key: 'all' });
    expect(hello.body.errors?.[0]?.extensions?.code).toBe('BAD_REQUEST');
    for (const method of ['GET', 'POST'] as const) {
      const stream = await sse(app.url, asked, { key: 'all', method });
      expect([stream.status, (await stream.events.next()).value?.result?.errors?.[0]?.extensions?.code]).toEqual([
        400,
        'BAD_REQUEST',
      ]);
    }
    const socket = await acknowledged(app.url, 'all');
    socket.send({ type: 'subscribe', id: '1', payload: asked });
    expect(await socket.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_REQUEST' } }] });
    socket.socket.close();
    const literal = 'mutation { thingMake(input: { name: "x", variables: { __proto__: { a: 1 } } }) { thing { id } } }';
    expect((await post(app.url, { query: literal }, { key: 'all' })).body.errors?.[0]?.extensions?.code).toBe('BAD_REQUEST');
  });
});

describe('usage reporting', () => {
  const asked = { query: 'query Known($n: String) { hello(name: $n) }', variables: { n: 'canary-variable' } };

  it('reports plain requests too, without variables and keys', async () => {
    const sent: { url: string; key: string | null; body: string }[] = [];
    const fetcher: typeof fetch = (url, init) => {
      const body = gunzipSync(init?.body as unknown as Buffer).toString('latin1');
      sent.push({
        url: url instanceof Request ? url.url : url.toString(),
        key: new Headers(init?.headers).get('x-api-key'),
        body,
      });
      return Promise.resolve(new Response('{}'));
    };
    const app = await openTinyApp({ usageReporting: { key: 'service:tiny:1', graphRef: 'tiny@current', fetcher } });
    expect((await post(app.url, asked, { key: 'all' })).body).toEqual({ data: { hello: 'hello canary-variable' } });
    await app.close();
    expect(sent.map(({ url, key }) => [new URL(url).hostname, key])).toEqual([
      ['usage-reporting.api.apollographql.com', 'service:tiny:1'],
    ]);
    expect(sent[0]?.body).toContain('query Known');
    expect(sent[0]?.body).not.toMatch(/canary|Bearer/);
  });

  it('sends nothing without its settings, whatever Apollo finds in the environment', async () => {
    vi.stubEnv('APOLLO_KEY', 'service:tiny:1');
    vi.stubEnv('APOLLO_GRAPH_REF', 'tiny@current');
    vi.stubEnv('APOLLO_SCHEMA_REPORTING', 'true');
    const fetched = vi.spyOn(globalThis, 'fetch');
    const app = await openTinyApp();
    await post(app.url, asked, { key: 'all' });
    await get(app.url, asked, { key: 'all' });
    await app.close();
    const hosts = fetched.mock.calls.map(([url]) => new URL(url instanceof Request ? url.url : url).hostname);
    vi.unstubAllEnvs();
    fetched.mockRestore();
    expect(hosts).toEqual(['127.0.0.1', '127.0.0.1']);
  });
});
