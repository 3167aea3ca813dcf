import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, sse } from '../harness/clients.ts';
import { runAdmin } from '../harness/command.ts';
import { eventually } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const limits = '{ viewer { limits { name most ceiling left resetAt } } }';
const update = `mutation ($input: TenantLimitsUpdateInput!) {
  tenantLimitsUpdate(input: $input) { limits { name most ceiling } errors { code message path } }
}`;
const createKey = `mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { apiKey { id requestsPerMinute maxSockets } secret errors { code message path } }
}`;
const updateKey = `mutation ($input: ApiKeyUpdateInput!) {
  apiKeyUpdate(input: $input) { apiKey { requestsPerMinute startsPerMinute maxSockets } errors { code message path } }
}`;
const rotateKey = `mutation ($input: ApiKeyRotateInput!) {
  apiKeyRotate(input: $input) { apiKey { requestsPerMinute maxSockets } errors { code message path } }
}`;
const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';

interface Limit {
  readonly name: string;
  readonly most: number | null;
  readonly ceiling: number | null;
  readonly left: number | null;
  readonly resetAt: string | null;
}
interface Key {
  readonly apiKeyCreate: {
    readonly apiKey: {
      readonly id: string;
      readonly requestsPerMinute: number | null;
      readonly maxSockets: number | null;
    } | null;
    readonly secret: string;
    readonly errors: readonly unknown[];
  };
}

let app: TestApp;
let other: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  const env = {
    OFFLINE_TOKENS_PER_SECOND: '1',
    RATE_LIMIT_MEMBER: '1000',
    RATE_LIMIT_STARTS: '100',
    MAX_SOCKETS_PER_MEMBER: '10',
    MAX_SUBSCRIPTIONS_PER_MEMBER: '20',
    MAX_GENERATIONS_PER_TENANT: '30',
  };
  app = await openTestApp({ env });
  other = await openTestApp({ env, database: app.database });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await other.stop();
  await app.stop();
});

const asked = async (query: string, key: string, variables: Record<string, unknown> = {}, url = app.url) =>
  (await post(url, { query, variables }, { key })).body;
const limitsOf = async (key: string, url = app.url) => {
  const { data } = await asked(limits, key, {}, url);
  const { viewer } = data as unknown as { viewer: { limits: Limit[] } };
  return new Map(viewer.limits.map((limit) => [limit.name, limit]));
};
const set = async (caller: Caller, wanted: readonly { name: string; most?: number | null }[]) =>
  (
    await caller.ask<{
      tenantLimitsUpdate: { limits: Limit[] | null; errors: { code: string; message: string; path: string[] }[] };
    }>(update, {
      input: { limits: wanted },
    })
  ).tenantLimitsUpdate;
const newKey = async (input: Record<string, unknown>, key = owner.key) =>
  (
    (await asked(createKey, key, { input: { name: 'limited', permissions: ['keys:write', 'generations:read'], ...input } }))
      .data as unknown as Key
  ).apiKeyCreate;
const admin = (args: readonly string[]) => runAdmin(args, { DATABASE_URL: app.database.url });

describe('viewer { limits }', () => {
  it('shows what holds, what is left now and when all of it is there again', async () => {
    const id = await startGeneration(owner);
    const open = [await acknowledged(app.url, owner.key), await acknowledged(other.url, owner.key)];
    const events = await sse(app.url, { query: stream, variables: { id } }, { key: owner.key });
    // What the other process holds in reserve is back within seconds of its last use; this one's is never counted.
    const found = await eventually(async () => {
      const all = await limitsOf(owner.key);
      return all.get('SOCKETS_PER_MEMBER')?.left === 8 && all;
    }, 20_000);

    expect([...found.keys()]).toEqual([
      'REQUESTS_PER_MEMBER',
      'REQUESTS_PER_TENANT',
      'STARTS_PER_MEMBER',
      'GENERATIONS_PER_MEMBER',
      'GENERATIONS_PER_TENANT',
      'SOCKETS_PER_MEMBER',
      'SOCKETS_PER_TENANT',
      'SUBSCRIPTIONS_PER_MEMBER',
      'SUBSCRIPTIONS_PER_TENANT',
    ]);
    const none = { most: null, ceiling: null, left: null, resetAt: null };
    expect(found.get('STARTS_PER_MEMBER')).toMatchObject({ most: 100, ceiling: 100, left: 99, resetAt: expect.any(String) });
    expect(found.get('GENERATIONS_PER_TENANT')).toMatchObject({ most: 30, left: 29, resetAt: null });
    expect(found.get('SUBSCRIPTIONS_PER_MEMBER')).toMatchObject({ most: 20, left: 19, resetAt: null });
    expect(found.get('REQUESTS_PER_TENANT')).toEqual({ name: 'REQUESTS_PER_TENANT', ...none });
    const { left = null, resetAt } = found.get('REQUESTS_PER_MEMBER') ?? {};
    expect(left).toBeLessThan(1_000);
    expect(Math.abs(Date.parse(resetAt ?? '') - Date.now())).toBeLessThan(61_000);
    events.stop();
    for (const raw of open) {
      raw.socket.close();
      await raw.closed;
    }
  });

  it('shows the limits of the key in use', async () => {
    const { secret } = await newKey({ requestsPerMinute: 7, maxSockets: 2 });
    const found = await limitsOf(secret);
    expect(found.get('REQUESTS_PER_KEY')).toMatchObject({ most: 7, ceiling: null, left: 6, resetAt: expect.any(String) });
    expect(found.get('SOCKETS_PER_KEY')).toEqual({ name: 'SOCKETS_PER_KEY', most: 2, ceiling: null, left: 2, resetAt: null });
    expect(found.size).toBe(11);
    expect((await limitsOf(owner.key)).size).toBe(9);
  });
});

describe('tenantLimitsUpdate', () => {
  it('lowers a limit below what the installation allows, on every process, and lifts it again; no other tenant’s', async () => {
    const neighbour = await seed.tenant();
    await limitsOf(owner.key, other.url);
    const { limits: now, errors } = await set(owner, [
      { name: 'SOCKETS_PER_MEMBER', most: 1 },
      { name: 'REQUESTS_PER_TENANT', most: 500 },
    ]);
    expect(errors).toEqual([]);
    expect(now).toContainEqual({ name: 'SOCKETS_PER_MEMBER', most: 1, ceiling: 10 });
    await eventually(async () => (await limitsOf(owner.key, other.url)).get('SOCKETS_PER_MEMBER')?.most === 1, 5_000);

    const raw = await acknowledged(app.url, owner.key);
    await expect(acknowledged(other.url, owner.key)).rejects.toThrow('1013');
    const { headers } = await post(other.url, { query: '{ __typename }' }, { key: owner.key });
    expect(headers.get('ratelimit-policy')).toBe('"member";q=1000;w=60, "tenant";q=500;w=60');
    expect((await limitsOf(neighbour.key)).get('SOCKETS_PER_MEMBER')?.most).toBe(10);

    await set(owner, [{ name: 'SOCKETS_PER_MEMBER', most: null }]);
    await eventually(async () => (await limitsOf(owner.key, other.url)).get('SOCKETS_PER_MEMBER')?.most === 10, 5_000);
    const second = await eventually(() => acknowledged(other.url, owner.key).catch(() => null));
    for (const each of [raw, second]) {
      each.socket.close();
      await each.closed;
    }
    expect((await limitsOf(owner.key)).get('REQUESTS_PER_TENANT')?.most).toBe(500);
  });

  it.each([
    [
      'more than the installation allows',
      [{ name: 'SOCKETS_PER_MEMBER', most: 11 }],
      'SOCKETS_PER_MEMBER is 11, above the 10 that the installation allows',
      'most',
    ],
    ['nothing', [{ name: 'SOCKETS_PER_MEMBER', most: 0 }], 'SOCKETS_PER_MEMBER is 0, not 1 to 100000000', 'most'],
    ['less than nothing', [{ name: 'SOCKETS_PER_TENANT', most: -1 }], 'SOCKETS_PER_TENANT is -1, not 1 to 100000000', 'most'],
    ['a limit of keys', [{ name: 'SOCKETS_PER_KEY', most: 1 }], 'SOCKETS_PER_KEY is set on the key, with apiKeyUpdate', 'name'],
  ])('refuses %s, and changes nothing', async (_what, wanted, message, field) => {
    const { limits: now, errors } = await set(owner, [{ name: 'STARTS_PER_MEMBER', most: 3 }, ...wanted]);
    expect({ now, errors }).toEqual({
      now: null,
      errors: [{ code: 'INVALID_INPUT', message, path: ['input', 'limits', '1', field] }],
    });
    expect((await limitsOf(owner.key)).get('STARTS_PER_MEMBER')?.most).toBe(100);
  });

  it('refuses a limit twice, and no limit at all', async () => {
    const twice = [
      { name: 'STARTS_PER_MEMBER', most: 3 },
      { name: 'STARTS_PER_MEMBER', most: 4 },
    ];
    expect((await set(owner, twice)).errors).toMatchObject([
      { code: 'INVALID_INPUT', message: 'STARTS_PER_MEMBER is there twice' },
    ]);
    expect((await set(owner, [])).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'limits'] }]);
  });

  it('needs limits:write', async () => {
    const member = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'limits:write') });
    expect((await set(member, [{ name: 'SOCKETS_PER_MEMBER', most: 1 }])).errors).toEqual([
      { code: 'FORBIDDEN', message: 'this needs the permission limits:write', path: null },
    ]);
    expect((await limitsOf(owner.key)).get('SOCKETS_PER_MEMBER')?.most).toBe(10);
  });
});

describe('npm run admin -- limits', () => {
  it('sets what a tenant is allowed, within seconds; what the tenant has set stays below', async () => {
    await set(owner, [{ name: 'SOCKETS_PER_MEMBER', most: 5 }]);
    const { code, stdout } = await admin([
      'limits',
      '--tenant',
      owner.tenantId,
      '--set',
      'SOCKETS_PER_MEMBER=3',
      '--set',
      'STARTS_PER_MEMBER=0',
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'SOCKETS_PER_MEMBER  3; set to 5 by the tenant\nSTARTS_PER_MEMBER  any amount\n',
    });
    await eventually(async () => (await limitsOf(owner.key)).get('SOCKETS_PER_MEMBER')?.most === 3, 5_000);
    expect((await limitsOf(owner.key)).get('STARTS_PER_MEMBER')).toMatchObject({ most: null, ceiling: null });

    await admin(['limits', '--tenant', owner.tenantId, '--set', 'SOCKETS_PER_MEMBER=default']);
    await eventually(async () => (await limitsOf(owner.key)).get('SOCKETS_PER_MEMBER')?.most === 5, 5_000);
    expect((await set(owner, [{ name: 'STARTS_PER_MEMBER', most: 1_000 }])).errors).toEqual([]);
  });

  it('names what is wrong', async () => {
    expect(await admin(['limits', '--tenant', owner.tenantId, '--set', 'SOCKETS=3'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no limit SOCKETS, only REQUESTS_PER_MEMBER,'),
    });
    expect(await admin(['limits', '--tenant', 'ten_01j00000000000000000000000'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no tenant ten_01j00000000000000000000000'),
    });
  });
});

describe('the limits of a key', () => {
  it('count its requests beside those of its member: over HTTP, WebSocket and SSE; other keys go on', async () => {
    const { secret } = await newKey({ requestsPerMinute: 2 });
    const answers = [];
    for (let calls = 0; calls < 3; calls++) answers.push(await post(app.url, { query: '{ __typename }' }, { key: secret }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit')).toMatch(/^"member";r=\d+;t=\d+, "key";r=1;t=60$/);
    const message = 'the limit of 2 requests of a key in 60 s is reached';
    expect(answers[2]?.body.errors).toMatchObject([{ message, extensions: { code: 'RATE_LIMITED' } }]);
    expect((await sse(app.url, { query: stream, variables: { id: 'x' } }, { key: secret })).status).toBe(429);
    const raw = await acknowledged(other.url, secret);
    raw.send({ id: '1', type: 'subscribe', payload: { query: stream, variables: { id: 'x' } } });
    expect(await raw.next()).toMatchObject({ type: 'error', payload: [{ message, extensions: { code: 'RATE_LIMITED' } }] });
    raw.socket.close();
    await raw.closed;
    expect((await post(app.url, { query: '{ __typename }' }, { key: owner.key })).status).toBe(200);
  });

  it('change on every process; absent fields stay, null is none', async () => {
    const { apiKey, secret } = await newKey({ requestsPerMinute: 1, maxSockets: 1 });
    await post(other.url, { query: '{ __typename }' }, { key: secret });
    expect((await post(other.url, { query: '{ __typename }' }, { key: secret })).status).toBe(429);
    expect(await owner.ask(updateKey, { input: { id: apiKey?.id, requestsPerMinute: 50 } })).toEqual({
      apiKeyUpdate: { apiKey: { requestsPerMinute: 50, startsPerMinute: null, maxSockets: 1 }, errors: [] },
    });
    await eventually(async () => (await post(other.url, { query: '{ __typename }' }, { key: secret })).status === 200, 5_000);
    expect(await owner.ask(updateKey, { input: { id: apiKey?.id, requestsPerMinute: null } })).toMatchObject({
      apiKeyUpdate: { apiKey: { requestsPerMinute: null, maxSockets: 1 } },
    });
  });

  it('are inherited and never exceeded by the keys it makes, changes and rotates', async () => {
    const { apiKey: free } = await newKey({});
    const { secret, apiKey: limited } = await newKey({ requestsPerMinute: 20 });
    const child = await newKey({ maxSockets: 3 }, secret);
    expect(child.apiKey).toMatchObject({ requestsPerMinute: 20, maxSockets: 3 });
    const tooMuch = {
      code: 'FORBIDDEN',
      message: 'nobody hands out more than they have: the key in use has a requestsPerMinute of 20',
    };
    expect((await newKey({ requestsPerMinute: 21 }, secret)).errors).toEqual([
      { ...tooMuch, path: ['input', 'requestsPerMinute'] },
    ]);
    expect((await asked(updateKey, secret, { input: { id: limited?.id, requestsPerMinute: 21 } })).data).toMatchObject({
      apiKeyUpdate: { apiKey: null, errors: [{ ...tooMuch, path: ['input', 'requestsPerMinute'] }] },
    });
    expect((await asked(updateKey, secret, { input: { id: limited?.id, requestsPerMinute: null } })).data).toMatchObject({
      apiKeyUpdate: { apiKey: { requestsPerMinute: 20 }, errors: [] },
    });
    expect((await asked(rotateKey, secret, { input: { id: free?.id } })).data).toEqual({
      apiKeyRotate: { apiKey: null, errors: [{ ...tooMuch, path: ['input', 'id'] }] },
    });
    expect((await asked(rotateKey, secret, { input: { id: limited?.id } })).data).toMatchObject({
      apiKeyRotate: { apiKey: { requestsPerMinute: 20 }, errors: [] },
    });
  });

  it.each([0, -1, 100_000_001])('refuses %i', async (requestsPerMinute) => {
    const message = `requestsPerMinute is ${requestsPerMinute}, not 1 to 100000000`;
    expect(await newKey({ requestsPerMinute })).toEqual({
      apiKey: null,
      secret: null,
      errors: [{ code: 'INVALID_INPUT', message, path: ['input', 'requestsPerMinute'] }],
    });
  });

  it('of another tenant are not to be changed', async () => {
    const { apiKey } = await newKey({ requestsPerMinute: 20 });
    const stranger = await seed.tenant();
    const gone = {
      apiKeyUpdate: { apiKey: null, errors: [{ code: 'NOT_FOUND', message: 'no such key', path: ['input', 'id'] }] },
    };
    expect(await stranger.ask(updateKey, { input: { id: apiKey?.id, requestsPerMinute: 1 } })).toEqual(gone);
    const member = await seed.member({ of: owner, can: ['keys:read'] });
    expect((await member.answer(updateKey, { input: { id: apiKey?.id, requestsPerMinute: 1 } })).data).toMatchObject({
      apiKeyUpdate: { errors: [{ code: 'FORBIDDEN', message: 'this needs the permission keys:write' }] },
    });
  });
});
