import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, get, post, sse } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const query = '{ viewer { permissions } }';
const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';
const nobody = 'gen_01j00000000000000000000000';
const startMutation = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path retryAfterMs } }
}`;
interface Started {
  readonly generationStart: { readonly generation: { id: string } | null; readonly errors: readonly Record<string, unknown>[] };
}

let app: TestApp;
let seed: Seed;
let variables: Record<string, unknown>;

beforeAll(async () => {
  app = await openTestApp({ env: { RATE_LIMIT_MEMBER: '3', RATE_LIMIT_TENANT: '5', RATE_LIMIT_STARTS: '2' } });
  seed = await openSeed(app);
  variables = await sampleVariables(app);
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

/** Uses up the three requests of a member. */
async function exhaust({ key }: Caller): Promise<void> {
  for (let used = 0; used < 3; used++) expect((await post(app.url, { query }, { key })).status).toBe(200);
}

const refused = {
  message: 'the limit of 3 requests of a member in 60 s is reached',
  extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) },
};

/** As an operator does: for a member and their starts, and none for the tenant. */
const setCeilings = ({ tenantId }: Caller, member: number, starts: number | null = null) => app.sql`
  insert into tenant_limits (tenant_id, name, ceiling)
  values (${uuidOf(tenantId)}, 'REQUESTS_PER_MEMBER', ${member}), (${uuidOf(tenantId)}, 'REQUESTS_PER_TENANT', 0),
    (${uuidOf(tenantId)}, 'STARTS_PER_MEMBER', ${starts})`;

/** What is counted of this caller. */
const usedBy = async ({ memberId }: Caller, kind = 'requests') => {
  const rows = await app.sql<{
    used: number;
  }>`select used from rate_buckets where subject = ${uuidOf(memberId)} and kind = ${kind}`;
  return rows[0]?.used ?? 0;
};

describe('a member above the limit', () => {
  it.each([
    ['a plain request', (key: string) => post(app.url, { query }, { key })],
    ['a request that Apollo answers', (key: string) => get(app.url, { query }, { key })],
  ])('is refused over HTTP: %s', async (_name, ask) => {
    const caller = await seed.tenant();
    await exhaust(caller);
    const { status, headers, body } = await ask(caller.key);

    expect({ status, body }).toEqual({ status: 429, body: { errors: [refused] } });
    const retryAfterMs = Number(body.errors?.[0]?.extensions?.['retryAfterMs']);
    expect(retryAfterMs).toBeGreaterThan(30_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(headers.get('retry-after')).toBe(String(Math.ceil(retryAfterMs / 1_000)));
    expect(headers.get('ratelimit-policy')).toBe('"member";q=3;w=60');
    expect(headers.get('ratelimit')).toMatch(/^"member";r=0;t=\d\d$/);
    expect(await usedBy(caller)).toBe(3);
  });

  it('is refused over SSE before the stream opens', async () => {
    const caller = await seed.tenant();
    await exhaust(caller);
    const { status, headers, events } = await sse(app.url, { query: stream, variables: { id: nobody } }, { key: caller.key });
    const { value } = await events.next();

    expect({ status, value }).toEqual({ status: 429, value: { event: 'error', id: null, result: { errors: [refused] } } });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(30);
    expect(headers.get('ratelimit')).toMatch(/^"member";r=0;t=\d\d$/);
  });

  it('is refused over WebSocket, one subscription at a time; the socket stays', async () => {
    const caller = await seed.tenant();
    await exhaust(caller);
    const raw = await acknowledged(app.url, caller.key);
    for (const id of ['1', '2']) {
      raw.send({ id, type: 'subscribe', payload: { query: stream, variables: { id: nobody } } });
      expect(await raw.next()).toEqual({ id, type: 'error', payload: [refused] });
    }
    raw.socket.close();
    await raw.closed;
  });
});

it('counts each operation of each transport once', async () => {
  const caller = await seed.tenant();
  const { key } = caller;
  await post(app.url, { query }, { key });
  expect(await usedBy(caller)).toBe(1);
  const { events } = await sse(app.url, { query: stream, variables: { id: nobody } }, { key });
  const codes = [];
  for await (const { result } of events) if (result) codes.push(result.errors?.[0]?.extensions?.['code']);
  expect(codes).toEqual(['NOT_FOUND']);
  expect(await usedBy(caller)).toBe(2);
  const raw = await acknowledged(app.url, key);
  raw.send({ id: '1', type: 'subscribe', payload: { query: stream, variables: { id: nobody } } });
  expect((await raw.next()).id).toBe('1');
  expect(await usedBy(caller)).toBe(3);
  raw.socket.close();
  await raw.closed;
});

it('counts what is not well-formed, too', async () => {
  const caller = await seed.tenant();
  const { status, headers } = await post(app.url, { query: '{ nope' }, { key: caller.key });
  expect({ status, used: await usedBy(caller) }).toEqual({ status: 400, used: 1 });
  expect(headers.get('ratelimit')).toMatch(/^"member";r=2;t=60, "tenant";r=4;t=60$/);
});

describe('what a transport refuses by itself', () => {
  const malformed = '{"query":5}';
  const asJson = { 'content-type': 'application/json', accept: 'application/json;q=0.5' };
  const send = async (path: string, { key }: Caller, init: RequestInit) => {
    const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) };
    const { status, headers: shown, body } = await fetch(`${app.url}${path}`, { ...init, headers });
    await body?.cancel();
    return { status, left: shown.get('ratelimit')?.slice(0, 12) };
  };
  const preflighted = { 'apollo-require-preflight': '1' };
  it.each<[string, string, RequestInit]>([
    ['a query that is no string', '/graphql', { method: 'POST', headers: asJson, body: malformed }],
    ['a body that is a list', '/graphql', { method: 'POST', headers: asJson, body: '[]' }],
    ['a GET without a query', '/graphql', { headers: preflighted }],
    ['variables that are no JSON', '/graphql?query={hello}&variables={', { headers: preflighted }],
    ['a method that is none', '/graphql', { method: 'DELETE', headers: preflighted }],
    ['a stream whose variables are no JSON', '/graphql/stream?query=x&variables={', { headers: preflighted }],
    ['a body that is no JSON', '/graphql', { method: 'POST', headers: asJson, body: '{"query":' }],
    ['a stream whose body is no JSON', '/graphql/stream', { method: 'POST', headers: asJson, body: '{"query":' }],
    ['a body with a key that is never taken', '/graphql', { method: 'POST', headers: asJson, body: '{"__proto__":{}}' }],
    ['a stream whose body is a list', '/graphql/stream', { method: 'POST', headers: asJson, body: '[]' }],
  ])('counts: %s', async (_name, path, init) => {
    const caller = await seed.tenant();
    const answers = [];
    for (let sent = 0; sent < 4; sent++) answers.push(await send(path, caller, init));
    const [first, , third, last] = answers;
    expect([first?.left, third?.left, await usedBy(caller)]).toEqual(['"member";r=2', '"member";r=0', 3]);
    expect([first?.status === 400 || first?.status === 405, last?.status]).toEqual([true, 429]);
  });

  it('counts over WebSocket: an id that is too long', async () => {
    const caller = await seed.tenant();
    const raw = await acknowledged(app.url, caller.key);
    const codes = [];
    for (let sent = 0; sent < 4; sent++) {
      raw.send({ id: 'x'.repeat(129 + sent), type: 'subscribe', payload: { query: stream } });
      const { payload } = await raw.next();
      codes.push((payload as { extensions: { code: string } }[])[0]?.extensions.code);
    }
    expect(codes).toEqual(['BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'RATE_LIMITED']);
    raw.socket.close();
    await raw.closed;
  });
});

it('says what is left, and pages may read it', async () => {
  const { key } = await seed.tenant();
  const { headers } = await post(app.url, { query }, { key, headers: { origin: 'http://localhost:3000' } });
  expect(headers.get('ratelimit-policy')).toBe('"member";q=3;w=60, "tenant";q=5;w=60');
  expect(headers.get('ratelimit')).toBe('"member";r=2;t=60, "tenant";r=4;t=60');
  expect(headers.get('access-control-expose-headers')).toContain('ratelimit, ratelimit-policy');
});

it('refuses a tenant as a whole, without a charge to its members, and no other tenant', async () => {
  const owner = await seed.tenant();
  const other = await seed.tenant();
  const member = await seed.member({ of: owner });
  await exhaust(owner);
  const statuses = [];
  for (let sent = 0; sent < 3; sent++) statuses.push((await post(app.url, { query }, { key: member.key })).status);
  const { body } = await post(app.url, { query }, { key: member.key });

  expect(statuses).toEqual([200, 200, 429]);
  expect(body.errors?.[0]?.message).toBe('the limit of 5 requests of a tenant in 60 s is reached');
  expect(await usedBy(member)).toBe(2);
  expect((await post(app.url, { query }, { key: other.key })).status).toBe(200);
});

it('gives a tenant limits of its own within seconds, and 0 is none', async () => {
  const caller = await seed.tenant();
  await exhaust(caller);
  expect((await post(app.url, { query }, { key: caller.key })).status).toBe(429);
  await setCeilings(caller, 10);

  const headers = await eventually(async () => {
    const answer = await post(app.url, { query }, { key: caller.key });
    return answer.status === 200 && answer.headers;
  });
  expect(headers.get('ratelimit-policy')).toBe('"member";q=10;w=60');
  expect(headers.get('ratelimit')).toMatch(/^"member";r=6;t=\d\d$/);
});

describe('starts', () => {
  const start = async (caller: Caller, idempotencyKey?: string) => {
    const input = { template: 'cover-letter-classic', variables, idempotencyKey };
    return (await caller.answer(startMutation, { input })).data as unknown as Started;
  };
  /** Requests without a limit, two starts. */
  const starter = async () => {
    const caller = await seed.tenant();
    await setCeilings(caller, 0);
    return caller;
  };

  it('above the limit are refused in the payload, with nothing started', async () => {
    const caller = await starter();
    const answers = [await start(caller), await start(caller), await start(caller)];

    expect(answers.map(({ generationStart }) => generationStart.generation !== null)).toEqual([true, true, false]);
    expect(answers[2]?.generationStart.errors).toEqual([
      {
        code: 'RATE_LIMITED',
        message: 'the limit of 2 generations that a member starts in 60 s is reached',
        path: null,
        retryAfterMs: expect.any(Number),
      },
    ]);
    const rows = await app.sql`select from generations where tenant_id = ${uuidOf(caller.tenantId)}`;
    expect(rows.length).toBe(2);
  });

  it('cost nothing when they are repeats, one after the other or at once', async () => {
    const caller = await starter();
    const first = await start(caller, 'same');
    const again = await Promise.all(Array.from({ length: 5 }, () => start(caller, 'same')));
    const ids = [first, ...again].map(({ generationStart }) => generationStart.generation?.id);

    expect(new Set(ids).size).toBe(1);
    expect(await usedBy(caller, 'starts')).toBe(1);
    const together = await Promise.all([start(caller, 'new'), start(caller, 'new')]);
    expect(together.some(({ generationStart }) => generationStart.generation !== null)).toBe(true);
    expect(await usedBy(caller, 'starts')).toBe(2);
    expect((await start(caller, 'new')).generationStart.generation).not.toBeNull();
    expect((await start(caller, 'third')).generationStart.errors[0]?.['code']).toBe('RATE_LIMITED');
  });

  it('cost nothing when their input is refused', async () => {
    const caller = await starter();
    const { generationStart } = (await caller.answer(startMutation, { input: { template: 'none', variables: {} } }))
      .data as unknown as Started;
    expect(generationStart.errors[0]?.['code']).toBe('NOT_FOUND');
    expect(await usedBy(caller, 'starts')).toBe(0);
  });

  it('of requests that are refused start nothing and cost nothing', async () => {
    const caller = await seed.tenant();
    await setCeilings(caller, 4, 10);
    // What opens a window stays counted in it.
    await start(caller);
    const input = { template: 'cover-letter-classic', variables };
    const together = Array.from({ length: 8 }, () =>
      post(app.url, { query: startMutation, variables: { input } }, { key: caller.key }),
    );
    const statuses = (await Promise.all(together)).map(({ status }) => status);

    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    const rows = await app.sql`select from generations where tenant_id = ${uuidOf(caller.tenantId)}`;
    expect(rows.length).toBe(4);
    expect(await usedBy(caller, 'starts')).toBe(4);
  });

  it('one after the other are counted once each, begin, are on record, and end at the limit', async () => {
    const caller = await seed.tenant();
    await setCeilings(caller, 100);
    // Requests and starts are limited: all but the first go behind the count of their requests.
    const answers: Started[] = [];
    for (let index = 0; index < 3; index++) answers.push(await start(caller));

    expect(answers.map(({ generationStart }) => generationStart.errors[0]?.['code'] ?? null)).toEqual([
      null,
      null,
      'RATE_LIMITED',
    ]);
    expect([await usedBy(caller, 'starts'), await usedBy(caller, 'requests')]).toEqual([2, 3]);
    const tenant = uuidOf(caller.tenantId);
    const rows = await app.sql`select from generations where tenant_id = ${tenant}`;
    const attempts = await app.sql`select from attempts where tenant_id = ${tenant}`;
    const records = await app.sql<{ isCounted: boolean }>`
      select a.txid::text::bigint % 4294967296 = b.xmin::text::bigint as "isCounted" from audit_entries a
      join rate_buckets b on b.tenant_id = a.tenant_id and b.kind = 'starts'
      where a.tenant_id = ${tenant} and a.operation = 'generationStart' and a.code is null order by a.txid`;
    expect([rows.length, attempts.length]).toEqual([2, 2]);
    // The second was counted by the statement that began it.
    expect(records.map(({ isCounted }) => isCounted)).toEqual([false, true]);
    await eventually(async () => {
      const done = await app.sql`select from generations where tenant_id = ${tenant} and status = 'SUCCEEDED'`;
      return done.length === 2;
    });
  });

  it('of a retry count, too', async () => {
    const caller = await starter();
    const { generation } = (await start(caller)).generationStart;
    const retry = `mutation ($id: ID!) { generationRetry(input: { id: $id }) { generation { id } errors { code } } }`;
    const repeat = () =>
      eventually(async () => {
        const { generationRetry: found } = await caller.ask<{ generationRetry: { errors: { code: string }[] } }>(retry, {
          id: generation?.id,
        });
        // Not before the first has ended.
        return found.errors[0]?.code !== 'CONFLICT' && found;
      });
    expect((await repeat()).errors).toEqual([]);
    expect((await repeat()).errors).toEqual([{ code: 'RATE_LIMITED' }]);
  });
});

it('shows what was admitted and refused', async () => {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  for (const kind of ['requests', 'starts'])
    for (const outcome of ['admitted', 'refused'])
      expect(text).toMatch(new RegExp(`^draftwire_admissions_total\\{kind="${kind}",outcome="${outcome}"\\} [1-9]`, 'm'));
  expect(text).toMatch(/^graphql_refused_requests_total\{transport="websocket",code="RATE_LIMITED"\} 3$/m);
});
