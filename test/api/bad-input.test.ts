import { request, type IncomingMessage } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged, get, post, rawSocket, sse, wsClient, type Asked } from '../harness/clients.ts';
import { done, openTinyApp, running, type TinyApp } from '../harness/tiny-api.ts';

let app: TinyApp;
beforeAll(async () => {
  app = await openTinyApp({ limits: { initTimeoutMs: 100 } });
});
afterAll(() => app.close());

/** One way in: the kind of operation that it carries, and how to get the refusal of a request. */
interface Way {
  readonly name: string;
  readonly root: 'query' | 'subscription';
  /** A root field with an optional `name: String`. */
  field(args?: string): string;
  refusal(asked: Asked | string, key?: string | null): Promise<GraphQLFormattedError>;
}

const asQuery = { root: 'query', field: (args = '') => `hello${args}` } as const;
const asSubscription = { root: 'subscription', field: (args = '') => `forever${args} { number }` } as const;

const ways: readonly Way[] = [
  {
    name: 'HTTP POST',
    ...asQuery,
    refusal: async (asked, key = 'all') => firstOf((await post(app.url, asked, { key })).body.errors),
  },
  {
    name: 'HTTP GET',
    ...asQuery,
    refusal: async (asked, key = 'all') => firstOf((await get(app.url, askedOf(asked), { key })).body.errors),
  },
  { name: 'WebSocket', ...asSubscription, refusal: overWebSocket },
  {
    name: 'SSE',
    ...asSubscription,
    async refusal(asked, key = 'all') {
      const stream = await sse(app.url, asked, { key });
      const { value } = await stream.events.next();
      stream.stop();
      return firstOf(value?.result?.errors);
    },
  },
];

/** A bad operation costs that one operation: the next one on the same socket works. */
async function overWebSocket(asked: Asked | string, key: string | null = 'all'): Promise<GraphQLFormattedError> {
  const raw = await acknowledged(app.url, key ?? '');
  const payload = typeof asked === 'string' ? asked : JSON.stringify(asked);
  raw.send(`{"type":"subscribe","id":"bad","payload":${payload}}`);
  const refused = await raw.next();
  raw.send({ type: 'subscribe', id: 'good', payload: { query: 'subscription { ticks(to: 1) { number } }' } });
  expect(await raw.next()).toEqual({ type: 'next', id: 'good', payload: { data: { ticks: { number: 1 } } } });
  raw.socket.close();
  await raw.closed;
  expect(refused).toMatchObject({ type: 'error', id: 'bad' });
  return firstOf(refused.payload as GraphQLFormattedError[]);
}

function askedOf(asked: Asked | string): Asked {
  return typeof asked === 'string' ? (JSON.parse(asked) as Asked) : asked;
}

function firstOf(errors: readonly GraphQLFormattedError[] | undefined): GraphQLFormattedError {
  const [first] = errors ?? [];
  if (!first) throw new Error('expected an error');
  return first;
}

const nested = (depth: number): string => (depth === 0 ? 'id' : `nodes { ${nested(depth - 1)} }`);
const lonely = String.fromCharCode(0xd800);

/** What is sent, and what comes back, whatever the way. */
const cases: readonly { name: string; asked: (way: Way) => Asked; code: string; path?: readonly (string | number)[] }[] = [
  { name: 'no query', asked: () => ({ query: '' }), code: 'BAD_REQUEST' },
  { name: 'a syntax error', asked: () => ({ query: '{ hello ' }), code: 'GRAPHQL_PARSE_FAILED' },
  { name: 'an unknown field', asked: ({ root }) => ({ query: `${root} { helo }` }), code: 'GRAPHQL_VALIDATION_FAILED' },
  {
    name: 'a literal of the wrong type',
    asked: ({ root, field }) => ({ query: `${root} { ${field('(name: 5)')} }` }),
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  {
    name: 'a variable of the wrong type',
    asked: ({ root, field }) => ({ query: `${root} ($name: String) { ${field('(name: $name)')} }`, variables: { name: 5 } }),
    code: 'INVALID_INPUT',
    path: ['name'],
  },
  {
    name: 'NUL in a variable',
    asked: ({ root, field }) => ({ query: `${root} ($name: String) { ${field('(name: $name)')} }`, variables: { name: 'a\0' } }),
    code: 'INVALID_INPUT',
    path: ['name'],
  },
  {
    name: 'half a surrogate pair in a variable',
    asked: ({ root, field }) => ({ query: `${root} ($name: String) { ${field('(name: $name)')} }`, variables: { name: lonely } }),
    code: 'INVALID_INPUT',
    path: ['name'],
  },
  {
    name: 'NUL in a literal',
    asked: ({ root, field }) => ({ query: `${root} { ${field('(name: "a\\u0000")')} }` }),
    code: 'INVALID_INPUT',
    path: ['name'],
  },
  {
    name: 'half a surrogate pair in a literal',
    asked: ({ root, field }) => ({ query: `${root} { ${field('(name: "\\uD800")')} }` }),
    code: 'GRAPHQL_PARSE_FAILED',
  },
  {
    name: 'variables nested without end',
    asked: ({ root, field }) => ({
      query: `${root} { ${field()} }`,
      variables: { a: JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) as unknown },
    }),
    code: 'INVALID_INPUT',
    path: ['a', 0, 0, 0, 0, 0, 0, 0],
  },
  {
    name: 'a literal nested 65 deep',
    asked: ({ root, field }) => ({ query: `${root} { ${field(`(name: ${'['.repeat(65)}${']'.repeat(65)})`)} }` }),
    code: 'INVALID_INPUT',
    path: ['name', 0, 0, 0, 0, 0, 0, 0],
  },
  {
    name: 'a literal nested as deep as a stack',
    asked: ({ root, field }) => ({ query: `${root} { ${field(`(name: ${'['.repeat(4_000)})`)} }` }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'an operation name that is not there',
    asked: ({ root, field }) => ({ query: `${root} A { ${field()} }`, operationName: 'B' }),
    code: 'BAD_REQUEST',
  },
  {
    name: 'more than 2,000 tokens',
    asked: ({ root, field }) => ({ query: `${root} { ${field()} ${'# \n'.repeat(10)} ${'x '.repeat(2_001)} }` }),
    code: 'LIMIT_EXCEEDED',
  },
  { name: 'a depth of 13', asked: ({ root }) => ({ query: `${root} { things { ${nested(12)} } }` }), code: 'LIMIT_EXCEEDED' },
  {
    name: 'a depth hidden in fragments',
    asked: ({ root }) => ({
      query: `${root} { ...A } fragment A on Query { things { ...B } } fragment B on ThingConnection { ${nested(11)} }`,
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: '31 aliases',
    asked: ({ root, field }) => ({
      query: `${root} { ${Array.from({ length: 31 }, (_, index) => `a${index}: ${field()}`).join(' ')} }`,
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: '31 aliases of __typename',
    asked: ({ root }) => ({
      query: `${root} { ${Array.from({ length: 31 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'fragments that multiply',
    asked: ({ root }) => ({
      query: `${root} { ...F9 } fragment F0 on Query { hello } ${Array.from({ length: 9 }, (_, index) => `fragment F${index + 1} on Query { ...F${index} ...F${index} }`).join(' ')}`,
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: '401 fields, most of them in fragments',
    asked: ({ root }) => ({
      query: `${root} { hello ${'...F '.repeat(4)} } fragment F on Query { ${'hello '.repeat(100)} }`,
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'fragments in a circle',
    asked: ({ root }) => ({ query: `${root} { ...A } fragment A on Query { ...B } fragment B on Query { ...A }` }),
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  {
    name: '51 directives',
    asked: ({ root, field }) => ({ query: `${root} { ${field(' @skip(if: false)'.repeat(51))} }` }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: '11 operations',
    asked: ({ root, field }) => ({
      query: Array.from({ length: 11 }, (_, index) => `${root} A${index} { ${field()} }`).join(' '),
      operationName: 'A1',
    }),
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a document that graphql-js cannot validate',
    asked: () => ({
      query: 'subscription ($s: Boolean!) { a: forever @skip(if: $s) { number } b: forever { number } }',
      variables: { s: false },
    }),
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  {
    name: 'two root fields of a subscription',
    asked: () => ({ query: 'subscription { forever { number } missing { number } }' }),
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  ...['forever @skip(if: true) { number }', '... @include(if: false) { forever { number } }', '...A @skip(if: true)', '...A'].map(
    (root) => ({
      name: `a subscription of ${root}`,
      asked: () => ({
        query: `subscription { ${root} } ${root.includes('...A') ? 'fragment A on Subscription { forever @skip(if: true) { number } }' : ''}`,
      }),
      code: 'GRAPHQL_VALIDATION_FAILED',
    }),
  ),
];

describe.each(ways)('$name', (way) => {
  it.each(cases)('refuses $name', async ({ asked, code, path }) => {
    const error = await way.refusal(asked(way));
    expect(error.extensions).toEqual({ code, ...(path && { path }) });
    expect(JSON.stringify(error)).not.toMatch(/Did you mean|stacktrace|node_modules/);
  });

  it('names nothing that was not written to who may not ask about the schema', async () => {
    const messages = async (rest: string) => {
      const asked = { query: `${way.root} ${rest}` };
      return [(await way.refusal(asked, 'little')).message, (await way.refusal(asked, 'all')).message];
    };
    const type = way.root === 'query' ? 'Query' : 'Subscription';
    expect(await messages('{ nope }')).toEqual([
      'Cannot query field "nope" on type "...".',
      `Cannot query field "nope" on type "${type}".`,
    ]);
    const [withheld, whole] = await messages(`{ ${way.field('(nam: "x")')} }`);
    expect(withheld).toBe('Unknown argument "nam" on field "...".');
    expect(whole).toContain(`on field "${type}.`);
    expect(await messages(`($n: Strin) { ${way.field('(name: $n)')} }`)).toEqual([
      'Unknown type "Strin".',
      'Unknown type "Strin".',
    ]);
  });

  it('refuses introspection without the permission', async () => {
    const { extensions } = await way.refusal(
      {
        query:
          way.root === 'query'
            ? '{ __schema { types { name } } }'
            : 'subscription { forever { number } __schema { types { name } } }',
      },
      'little',
    );
    expect(extensions?.code).toBe(way.root === 'query' ? 'FORBIDDEN' : 'GRAPHQL_VALIDATION_FAILED');
  });

  it('refuses operations that it does not carry, and does not run them', async () => {
    const before = done.length;
    const query =
      way.root === 'query'
        ? 'subscription { forever { number } }'
        : 'mutation { thingMake(input: { name: "no" }) { thing { id } } }';
    const error = await way.refusal({ query });
    expect(error.extensions?.code).toBe('OPERATION_NOT_SUPPORTED');
    expect(done.length).toBe(before);
  });
});

it.each(['1', 'null', '[]', '"x"'])('refuses variables that are %s', async (variables) => {
  const asked = `{"query":"{ hello }","variables":${variables}}`;
  const { status, body } = await post(app.url, asked, { key: 'all' });
  if (variables === 'null') return expect(body).toEqual({ data: { hello: 'hello world' } });
  expect([status, body.errors?.[0]?.extensions?.code]).toEqual([400, 'BAD_REQUEST']);
});

describe('pages', () => {
  const query = 'query ($first: Int) { things(first: $first) { nodes { id } } }';
  it.each([0, 101, -1])('refuses first: %s, as literal and as variable', async (first) => {
    for (const asked of [
      { query: `{ things(first: ${first}) { nodes { id } } }` },
      { query, variables: { first } },
      { query: query.replace('Int', `Int = ${first}`) },
    ]) {
      const { status, body } = await post(app.url, asked, { key: 'all' });
      expect(status).toBe(400);
      expect(body).toEqual({ errors: [expect.objectContaining({ extensions: { code: 'INVALID_INPUT', path: ['first'] } })] });
    }
  });
  it('takes 1 and 100', async () => {
    for (const first of [1, 100]) {
      const { body } = await post(app.url, { query, variables: { first } }, { key: 'all' });
      expect((body.data as { things: { nodes: unknown[] } }).things.nodes).toHaveLength(first);
    }
  });
  it('refuses an answer that could be too large, sizes in variables included', async () => {
    const small = await openTinyApp({ pipelineOptions: { limits: { answerValues: 1_000 } } });
    const asked = (pages: number) => ({
      query: `query ($first: Int) { ${Array.from({ length: pages }, (_, index) => `a${index}: things(first: $first) { nodes { id } }`).join(' ')} }`,
      variables: { first: 100 },
    });
    try {
      expect((await post(small.url, asked(9), { key: 'all' })).status).toBe(200);
      const { status, body } = await post(small.url, asked(10), { key: 'all' });
      const message = 'the answer could hold more than 1000 fields';
      expect([status, body]).toEqual([400, { errors: [{ message, extensions: { code: 'LIMIT_EXCEEDED' } }] }]);
    } finally {
      await small.close();
    }
  });
});

describe('bodies and messages', () => {
  const large = JSON.stringify({ query: '{ hello }', variables: { text: 'x'.repeat(300 * 1_024) } });

  it('answers malformed JSON as GraphQL', async () => {
    const { status, body } = await post(app.url, '{"query":', { key: 'all' });
    expect([status, body]).toEqual([400, { errors: [{ message: 'the body is not JSON', extensions: { code: 'BAD_REQUEST' } }] }]);
    const stream = await sse(app.url, '{"query":', { key: 'all' });
    expect([stream.status, (await stream.events.next()).value?.result?.errors?.[0]?.extensions?.code]).toEqual([
      400,
      'BAD_REQUEST',
    ]);
    const raw = await acknowledged(app.url, 'all');
    raw.send('{"type":');
    expect(await raw.closed).toBe(4400);
  });

  it('refuses bytes that are no UTF-8, and takes the mark that some put before it', async () => {
    const text = (name: string | Uint8Array) =>
      Buffer.concat([Buffer.from('{"query":"{ hello(name: \\"'), Buffer.from(name), Buffer.from('\\") }"}')]);
    const send = async (path: string, body: Buffer) => {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer all' };
      const response = await fetch(`${app.url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) });
      return [response.status, await response.json()];
    };
    const refused = [400, { errors: [{ message: 'the body is not UTF-8', extensions: { code: 'BAD_REQUEST' } }] }];
    const latin1 = text(Buffer.from('José', 'latin1'));
    expect(await send('/graphql', latin1)).toEqual(refused);
    expect(await send('/graphql/stream', latin1)).toEqual(refused);
    expect((await send('/graphql', Buffer.concat([Buffer.from('\uFEFF'), text('José')])))[0]).toBe(200);
    const raw = await acknowledged(app.url, 'all');
    raw.socket.send(latin1, { binary: false });
    expect(await raw.closed).toBe(1007);
  });

  it('answers 300 KiB as GraphQL', async () => {
    const { status, body } = await post(app.url, large, { key: 'all' });
    expect([status, body.errors?.[0]?.extensions?.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const stream = await sse(app.url, large, { key: 'all' });
    expect([stream.status, (await stream.events.next()).value?.result?.errors?.[0]?.extensions?.code]).toEqual([
      413,
      'PAYLOAD_TOO_LARGE',
    ]);
    const raw = await acknowledged(app.url, 'all');
    raw.send(large);
    expect(await raw.closed).toBe(1009);
  });

  it('refuses what a foreign page can post without a preflight', async () => {
    for (const [type, status] of [
      ['text/plain', 415],
      ['application/x-www-form-urlencoded', 415],
      ['multipart/form-data; boundary=x', 415],
    ] as const) {
      for (const path of ['/graphql', '/graphql/stream']) {
        const response = await fetch(`${app.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': type, authorization: 'Bearer all' },
          body: '{"query":"{ hello }"}',
        });
        expect([
          response.status,
          ((await response.json()) as { errors: GraphQLFormattedError[] }).errors[0]?.extensions?.code,
        ]).toEqual([status, 'BAD_REQUEST']);
      }
    }
    const simple = await fetch(`${app.url}/graphql?query={hello}`, { headers: { authorization: 'Bearer all' } });
    expect(simple.status).toBe(400);
  });

  it('refuses mutations over GET', async () => {
    const before = done.length;
    const { status, headers } = await get(
      app.url,
      { query: 'mutation { thingMake(input: { name: "no" }) { thing { id } } }' },
      { key: 'all' },
    );
    expect([status, headers.get('allow'), done.length]).toEqual([405, 'POST', before]);
  });
});

describe('keys', () => {
  it.each([null, 'unknown', ''])('answers UNAUTHENTICATED to the key %s', async (key) => {
    for (const answer of [
      await post(app.url, { query: '{ hello }' }, { key }),
      await get(app.url, { query: '{ hello }' }, { key }),
    ]) {
      expect([answer.status, answer.headers.get('www-authenticate'), answer.body]).toEqual([
        401,
        'Bearer',
        { errors: [{ message: 'no such key', extensions: { code: 'UNAUTHENTICATED' } }] },
      ]);
    }
    const stream = await sse(app.url, { query: 'subscription { ticks(to: 1) { number } }' }, { key });
    expect([stream.status, (await stream.events.next()).value?.result?.errors?.[0]?.extensions?.code]).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
    const client = wsClient(app.url, key);
    const failure = await new Promise((resolve) => {
      client.subscribe(
        { query: 'subscription { ticks(to: 1) { number } }' },
        { next: () => resolve('data'), error: resolve, complete: () => resolve('complete') },
      );
    });
    expect(failure).toMatchObject({ code: 4401, reason: 'UNAUTHENTICATED' });
  });

  it('reads the key under any spelling of its name', async () => {
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { AUTHORIZATION: 'Bearer all' } });
    expect((await raw.next()).type).toBe('connection_ack');
    raw.socket.close();
  });

  it('closes 4400 at what only servers say, and at a ping too deep to be answered, without a word in the log', async () => {
    const deep = `{"type":"ping","payload":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    const messages = ['connection_ack', 'next', 'error'].map((type) =>
      JSON.stringify({ type, id: '1', payload: type === 'error' ? [{ message: 'x' }] : {} }),
    );
    for (const message of [...messages, deep]) {
      for (const open of [() => rawSocket(app.url), () => acknowledged(app.url, 'all')]) {
        const raw = await open();
        raw.send(message);
        expect(await raw.closed, message.slice(0, 40)).toBe(4400);
      }
    }
    expect(app.logged.filter((line) => line.includes('unexpected'))).toEqual([]);
  });

  it('answers what is no handshake as GraphQL', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '5' };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(`${app.url}/graphql`, { headers }, resolve).on('error', reject).end();
    const response = await promise;
    expect([response.statusCode, response.headers['x-content-type-options']]).toEqual([400, 'nosniff']);
    expect(JSON.parse((await response.toArray()).join(''))).toEqual({
      errors: [{ message: 'this is no WebSocket handshake', extensions: { code: 'BAD_REQUEST' } }],
    });
  });

  it('closes 4429 at a second connection_init and 4408 without a first', async () => {
    const twice = await acknowledged(app.url, 'all');
    twice.send({ type: 'connection_init' });
    expect(await twice.closed).toBe(4429);
    const silent = await rawSocket(app.url);
    expect(await silent.closed).toBe(4408);
    const early = await rawSocket(app.url);
    early.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks(to: 1) { number } }' } });
    expect(await early.closed).toBe(4401);
  });
});

describe('origins', () => {
  const headers = { origin: 'https://evil.example.com' };
  it('refuses unknown ones everywhere', async () => {
    expect((await post(app.url, { query: '{ hello }' }, { key: 'all', headers })).body.errors?.[0]?.extensions?.code).toBe(
      'FORBIDDEN',
    );
    expect((await get(app.url, { query: '{ hello }' }, { key: 'all', headers })).status).toBe(403);
    expect((await sse(app.url, { query: 'subscription { ticks(to: 1) { number } }' }, { key: 'all', headers })).status).toBe(403);
    await expect(rawSocket(app.url, { origin: headers.origin })).rejects.toThrow('HTTP 403');
  });
  it('lets the listed ones in, with CORS', async () => {
    const origin = 'https://app.example.com';
    const { status, headers: answered } = await post(app.url, { query: '{ hello }' }, { key: 'all', headers: { origin } });
    expect([status, answered.get('access-control-allow-origin'), answered.get('vary')]).toEqual([200, origin, 'origin']);
    const preflight = await fetch(`${app.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      expect.stringContaining('authorization'),
    ]);
    const raw = await rawSocket(app.url, { origin });
    raw.socket.close();
  });
  it('runs nothing for a HEAD of what is a stream', async () => {
    const search = new URLSearchParams({ query: 'subscription { forever { number } }' });
    const headers = { authorization: 'Bearer all', 'apollo-require-preflight': '1' };
    expect((await fetch(`${app.url}/graphql/stream?${search}`, { method: 'HEAD', headers })).status).toBe(404);
  });

  it('knows no other path', async () => {
    await expect(rawSocket(app.url, { path: '/other' })).rejects.toThrow('HTTP 404');
    expect((await fetch(`${app.url}/other`)).status).toBe(404);
  });
});

it('leaves nothing running', () => {
  expect([...running]).toEqual([]);
});
