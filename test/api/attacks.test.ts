import { createConnection } from 'node:net';
import type { GraphQLFormattedError } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopwatch } from '../harness/stopwatch.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, sse, type RawSocket } from '../harness/clients.ts';

// Attacks on the door that need no particular feature; each with its exact answer, on each way in that it can come by.

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app.stop());

const query = '{ viewer { permissions } }';
const subscription = 'subscription { generationStream(id: "gen_x") { cursor } }';

const codeOf = (errors: readonly GraphQLFormattedError[] | undefined) => errors?.[0]?.extensions?.['code'];

async function overHttp(body: string, key: string | null = app.key) {
  const answer = await post(app.url, body, { key });
  return [answer.status, codeOf(answer.body.errors)];
}

async function overSse(body: string, key: string | null = app.key) {
  const stream = await sse(app.url, body, { key });
  const { value } = await stream.events.next();
  stream.stop();
  return [stream.status, codeOf(value?.result?.errors)];
}

/** Sends bytes as they are, and reads until the server closes. */
async function overTcp(text: string): Promise<string> {
  const { hostname, port } = new URL(app.url);
  const socket = createConnection(Number(port), hostname);
  socket.write(text);
  return (await socket.setEncoding('utf8').toArray()).join('');
}

describe('a key whose check is wrong', () => {
  const forged = () => {
    const at = app.key.length - 5;
    return `${app.key.slice(0, at)}${app.key[at] === 'A' ? 'B' : 'A'}${app.key.slice(at + 1)}`;
  };

  it('is UNAUTHENTICATED over HTTP, SSE and WebSocket', async () => {
    expect(await overHttp(JSON.stringify({ query }), forged())).toEqual([401, 'UNAUTHENTICATED']);
    expect(await overSse(JSON.stringify({ query: subscription }), forged())).toEqual([401, 'UNAUTHENTICATED']);
    await expect(acknowledged(app.url, forged())).rejects.toThrow('the socket closed with 4401');
    expect(await overHttp(JSON.stringify({ query }))).toEqual([200, undefined]);
  });
});

describe('two Authorization headers', () => {
  const request = (path: string, headers: string) => {
    const body = JSON.stringify({ query: path === '/graphql' ? query : subscription });
    return `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
  };

  it.each(['/graphql', '/graphql/stream'])(
    'are UNAUTHENTICATED at %s, whichever of them is good, and however they are spelt',
    async (path) => {
      const good = `authorization: Bearer ${app.key}\r\n`;
      const bad = 'Authorization: Bearer dw_live_0\r\n';
      for (const headers of [`${good}${bad}`, `${bad}${good}`, `${good}${good}`, `${good}AUTHORIZATION: \r\n`]) {
        const answer = await overTcp(request(path, headers));
        expect(answer, headers).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\nwww-authenticate: Bearer\r\n/i);
        expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toEqual({
          errors: [{ message: 'there are two authorizations: send one', extensions: { code: 'UNAUTHENTICATED' } }],
        });
      }
    },
  );

  it('on the upgrade to a WebSocket prove nothing, nor does one', async () => {
    const socket = await rawSocket(app.url, { headers: { authorization: `Bearer ${app.key}` } });
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toBe(4401);
  });
});

describe('Authorization headers', () => {
  const upgrade =
    'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: graphql-transport-ws\r\n' +
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const json = 'content-type: application/json\r\ncontent-length: 2\r\n';

  it.each([
    ['over HTTP', 'POST /graphql', json],
    ['over SSE', 'POST /graphql/stream', json],
    ['on the upgrade to a WebSocket', 'GET /graphql', upgrade],
  ])('of 100 KB are answered with 431 and a code: %s', async (_way, line, headers) => {
    const large = `authorization: Bearer ${'x'.repeat(100_000)}\r\n`;
    const answer = await overTcp(`${line} HTTP/1.1\r\nhost: x\r\n${headers}${large}\r\n${line.startsWith('POST') ? '{}' : ''}`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(answer).toContain('content-type: application/json; charset=utf-8\r\n');
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toEqual({
      errors: [{ message: 'the headers are too large', extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
    });
    expect(await overHttp(JSON.stringify({ query }))).toEqual([200, undefined]);
  });
});

describe('__proto__', () => {
  const poisons = [
    `{"query":${JSON.stringify(query)},"__proto__":{"operationName":"x"}}`,
    `{"query":${JSON.stringify(query)},"variables":{"__proto__":{"a":1}}}`,
    `{"query":${JSON.stringify(query)},"extensions":{"__proto__":{"a":1}}}`,
    `{"query":${JSON.stringify(query)},"extensions":{"persistedQuery":{"__proto__":{"sha256Hash":"x"},"version":1}}}`,
    `{"query":${JSON.stringify(query)},"variables":{"constructor":{"prototype":{"a":1}}}}`,
    `{"query":${JSON.stringify(query)},"variables":{"\\u005f_proto__":{"a":1}}}`,
  ];

  it.each(poisons)('in a body: %s', async (body) => {
    expect(await overHttp(body)).toEqual([400, 'BAD_REQUEST']);
    expect(await overSse(body)).toEqual([400, 'BAD_REQUEST']);
    const socket = await acknowledged(app.url, app.key);
    socket.send(`{"type":"subscribe","id":"1","payload":${body.replace(JSON.stringify(query), JSON.stringify(subscription))}}`);
    expect(await socket.next()).toMatchObject({ type: 'error', id: '1', payload: [{ extensions: { code: 'BAD_REQUEST' } }] });
    socket.socket.close();
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it('in what a socket shows is no key', async () => {
    const key = JSON.stringify(`Bearer ${app.key}`);
    for (const payload of [`{"__proto__":{"Authorization":${key}}}`, `{"a":{"Authorization":${key}}}`, `[${key}]`, key]) {
      const socket = await rawSocket(app.url);
      socket.send(`{"type":"connection_init","payload":${payload}}`);
      expect([4400, 4401], payload).toContain(await socket.closed);
    }
  });
});

describe('a socket', () => {
  it('that says nothing is closed with 4408 after 3 s', async () => {
    const openedAt = performance.now();
    const elapsed = stopwatch();
    const silent = await rawSocket(app.url);
    expect(await silent.closed).toBe(4408);
    const tookMs = performance.now() - openedAt;
    expect(tookMs).toBeGreaterThan(2_800);
    expect(elapsed()).toBeLessThan(6_000);
  });

  it('that begins twice is closed with 4429, before and after the answer', async () => {
    const init = { type: 'connection_init', payload: { Authorization: `Bearer ${app.key}` } };
    const hasty = await rawSocket(app.url);
    hasty.send(init);
    hasty.send(init);
    expect(await hasty.closed).toBe(4429);
    const slow = await acknowledged(app.url, app.key);
    slow.send(init);
    expect(await slow.closed).toBe(4429);
  });

  it.each<[string, (socket: RawSocket) => void]>([
    ['one frame', (socket) => socket.send('x'.repeat(1_000_000))],
    ['JSON', (socket) => socket.send({ type: 'connection_init', payload: { text: 'x'.repeat(1_000_000) } })],
    ['bytes', (socket) => socket.socket.send(Buffer.alloc(1_000_000))],
    [
      'a thousand pieces',
      ({ socket }) => {
        for (let piece = 0; piece < 1_000; piece++) socket.send('x'.repeat(1_000), { fin: piece === 999 });
      },
    ],
    ['a ping', (socket) => socket.send({ type: 'ping', payload: { text: 'x'.repeat(1_000_000) } })],
  ])('that sends a megabyte as %s is closed with 1009, known or not', async (_name, send) => {
    const stranger = await rawSocket(app.url);
    send(stranger);
    expect(await stranger.closed).toBe(1009);
    const known = await acknowledged(app.url, app.key);
    send(known);
    expect(await known.closed).toBe(1009);
  });
});

it('a megabyte over HTTP and SSE is PAYLOAD_TOO_LARGE, also to strangers', async () => {
  const large = JSON.stringify({ query, variables: { text: 'x'.repeat(1_000_000) } });
  for (const key of [app.key, null]) {
    expect(await overHttp(large, key)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await overSse(large, key)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  }
});
