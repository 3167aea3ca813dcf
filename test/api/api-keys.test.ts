import { createConnection } from 'node:net';
import type { ExecutionResult } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { idOfUuid, newId } from '../../src/kernel/id.ts';
import { allPermissions, type Permission } from '../../src/kernel/scope.ts';
import { newKeyText } from '../../src/access/key-text.ts';
import { KeyService } from '../../src/access/key.service.ts';
import { LastUse } from '../../src/access/last-use.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { trailOf } from '../harness/audit-trail.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post, rawSocket, sse } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const parts = 'id name fingerprint permissions member { id } createdAt expiresAt lastUsedAt revokedAt';
const create = `mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { ${parts} } secret errors { code message path } } }`;
const rotate = `mutation ($input: ApiKeyRotateInput!) {
  apiKeyRotate(input: $input) { apiKey { ${parts} } replaced { ${parts} } secret errors { code message path } } }`;
const revoke = `mutation ($input: ApiKeyRevokeInput!) { apiKeyRevoke(input: $input) { apiKey { ${parts} } errors { code message path } } }`;
const list = `query ($first: Int, $after: String) { apiKeys(first: $first, after: $after) { nodes { ${parts} } pageInfo { hasNextPage endCursor } } }`;
const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';
const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}
interface ListAnswer {
  readonly apiKeys: { readonly nodes: Key[]; readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string } };
}
interface Made {
  readonly apiKey: Key;
  readonly secret: string;
  readonly errors: readonly object[];
}

let app: TestApp;
let seed: Seed;
let owner: Caller;
let database: Database;
const silent = openLog({ level: 'silent' });

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
  database = await openDatabase(
    { ...databaseDefaults, url: app.database.url, maxConnections: 6 },
    { log: silent, clock: systemClock },
  );
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await database.close();
  await seed.close();
  await app.stop();
});

async function made(input: object = {}, by: Caller = owner): Promise<Made> {
  const whole = { name: 'Partner', permissions: ['generations:read'], ...input };
  return (await by.ask<{ apiKeyCreate: Made }>(create, { input: whole })).apiKeyCreate;
}
async function rotated(id: string, input: object = {}): Promise<Made & { replaced: Key }> {
  return (await owner.ask<{ apiKeyRotate: Made & { replaced: Key } }>(rotate, { input: { id, ...input } })).apiKeyRotate;
}
async function usedAt(id: string): Promise<Date | null> {
  const [row] = await app.sql<{ at: Date | null }>`select last_used_at as at from api_keys where id = ${uuidOf(id)}`;
  return row?.at ?? null;
}
/** What a call with a key is told, and its status. */
async function proof(key: string): Promise<[number, unknown]> {
  const { status, body } = await post(app.url, { query: '{ viewer { permissions } }' }, { key });
  return [status, body.errors?.[0]?.extensions?.['code'] ?? body.data];
}
/** All that is stored of a tenant's keys. */
const stored = (of: Caller = owner) =>
  app.sql`select id, name, permissions, member_id, expires_at, revoked_at, replaces_id, secret_hash from api_keys where tenant_id = ${uuidOf(of.tenantId)} order by id`;

const refusedWith = (code: string, message: string, path: string[] | null) => ({
  errors: [{ code, message, path }],
});
const noKey = { apiKey: null, secret: null };

describe('apiKeyCreate', () => {
  it('makes a key that acts as its maker, with these permissions only; its secret is shown this once', async () => {
    const { apiKey, secret, errors } = await made({
      name: '  Partner ',
      permissions: ['models:read', 'generations:read', 'models:read'],
    });
    expect(errors).toEqual([]);
    expect(secret).toMatch(/^dw_live_[0-9a-z]{26}_[\w-]{43}$/);
    expect(apiKey).toEqual({
      id: expect.stringMatching(/^key_/),
      name: 'Partner',
      fingerprint: secret.slice(0, 34),
      permissions: ['generations:read', 'models:read'],
      member: { id: owner.memberId },
      createdAt: expect.any(String),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    });
    expect(await proof(secret)).toEqual([200, { viewer: { permissions: ['generations:read', 'models:read'] } }]);
    expect(JSON.stringify(await owner.ask(list))).not.toContain(secret);
  });

  it.each([null, new Date(Date.now() + 7_200_000).toISOString()])(
    'makes no key that outlives the one it was made with, asked for %s',
    async (asked) => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const { secret } = await made({ permissions: ['keys:write', 'generations:read'], expiresAt });
      const { body } = await post(
        app.url,
        { query: create, variables: { input: { name: 'Child', permissions: ['generations:read'], expiresAt: asked } } },
        { key: secret },
      );
      expect(body).toMatchObject({ data: { apiKeyCreate: { apiKey: { expiresAt }, errors: [] } } });
    },
  );

  it('leaves the secret out of the table, the log and the metrics', async () => {
    const { secret } = await made();
    await proof(secret);
    const end = secret.slice(35);
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    for (const text of [JSON.stringify(await stored()), app.lines.join('\n'), metrics]) expect(text).not.toContain(end);
  });

  it.each([
    ['an empty name', { name: '  ' }, 'a name has 1 to 200 characters, not 0', ['input', 'name']],
    ['a long name', { name: '𝒢'.repeat(201) }, 'a name has 1 to 200 characters, not 201', ['input', 'name']],
    ['no permission', { permissions: [] }, 'a key needs a permission', ['input', 'permissions']],
    ['an unknown one', { permissions: ['models:read', 'root'] }, 'no such permission', ['input', 'permissions', '1']],
    ['a word of JavaScript', { permissions: ['__proto__'] }, 'no such permission', ['input', 'permissions', '0']],
    [
      'an end beyond the last year',
      { expiresAt: '9999-12-31T23:59:59-14:00' },
      'expiresAt is outside the years 1 to 9999',
      ['input', 'expiresAt'],
    ],
    ['an end that is past', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt is not in the future', ['input', 'expiresAt']],
  ])('refuses %s', async (_what, input, message, path) => {
    const before = await stored();
    expect(await made(input)).toEqual({ ...noKey, ...refusedWith('INVALID_INPUT', message, path) });
    expect(await stored()).toEqual(before);
  });

  it('takes a name of 200 characters', async () => {
    expect((await made({ name: '𝒢'.repeat(200) })).errors).toEqual([]);
  });

  it('lets nobody hand out what they do not have', async () => {
    const maker = await seed.member({ of: owner, can: ['keys:write', 'models:read'] });
    const before = await stored();
    expect(await made({ permissions: ['models:read', 'tenant:write'] }, maker)).toEqual({
      ...noKey,
      ...refusedWith('FORBIDDEN', 'nobody hands out what they do not have: tenant:write', ['input', 'permissions', '1']),
    });
    expect(await stored()).toEqual(before);
    expect((await made({ permissions: ['models:read', 'keys:write'] }, maker)).errors).toEqual([]);
  });
});

describe('apiKeys', () => {
  it('pages through the keys of the tenant, newest first, revoked ones too', async () => {
    const keys = [await made({ name: 'a' }), await made({ name: 'b' }), await made({ name: 'c' })];
    await seed.tenant();
    await owner.ask(revoke, { input: { id: keys[1]?.apiKey.id } });
    const names: string[] = [];
    for (let after: string | null = null, isMore = true; isMore;) {
      const { apiKeys }: ListAnswer = await owner.ask(list, { first: 2, after });
      names.push(...apiKeys.nodes.map(({ name, revokedAt }) => name + (revokedAt === null ? '' : ' revoked')));
      ({ endCursor: after, hasNextPage: isMore } = apiKeys.pageInfo);
    }
    expect(names).toEqual(['c', 'b revoked', 'a', 'owner']);
  });

  it('refuses a cursor of another list, and pages too large', async () => {
    for (const [variables, code] of [
      [{ after: Buffer.from(JSON.stringify(['generations', newId('gen')])).toString('base64url') }, 'INVALID_CURSOR'],
      [{ first: 101 }, 'INVALID_INPUT'],
    ] as const)
      expect((await owner.answer(list, variables)).errors?.[0]?.extensions?.['code']).toBe(code);
  });

  it('are nodes', async () => {
    const { apiKey } = await made();
    expect(await owner.ask(node, { id: apiKey.id })).toEqual({ node: { __typename: 'ApiKey', id: apiKey.id } });
    const other = await seed.tenant();
    expect(await other.ask(node, { id: apiKey.id })).toEqual({ node: null });
  });

  it('say when they were used: noted as they are, written later', async () => {
    const { apiKey, secret } = await made();
    const process = await openTestApp({ database: app.database });
    await post(process.url, { query: '{ viewer { permissions } }' }, { key: secret });
    expect(await usedAt(apiKey.id)).toBeNull();
    // A process that stops writes what it has noted.
    await process.stop();
    expect(Date.now() - Number(await usedAt(apiKey.id))).toBeLessThan(60_000);
  });

  it('have that written at most once a minute', async () => {
    const { apiKey } = await made();
    const lastUse = new LastUse({ database, log: silent });
    const use = async () => {
      lastUse.note(apiKey.id);
      await lastUse.write();
      return usedAt(apiKey.id);
    };
    const first = await use();
    expect(first).not.toBeNull();
    expect(await use()).toEqual(first);
    await app.sql`update api_keys set last_used_at = now() - interval '61 seconds' where id = ${uuidOf(apiKey.id)}`;
    expect(Number(await use())).toBeGreaterThanOrEqual(Number(first));
  });
});

describe('apiKeyRotate', () => {
  it('makes a new key beside the old one, which runs out after the overlap', async () => {
    const { apiKey: old, secret } = await made({ permissions: ['models:read'] });
    const { apiKey, replaced, secret: next, errors } = await rotated(old.id);
    expect(errors).toEqual([]);
    expect(apiKey).toMatchObject({
      name: 'Partner',
      permissions: ['models:read'],
      expiresAt: null,
      member: { id: owner.memberId },
    });
    expect(apiKey.id).not.toBe(old.id);
    const left = (Date.parse(replaced.expiresAt ?? '') - Date.now()) / 1_000;
    expect(left).toBeGreaterThan(86_400 - 60);
    expect(left).toBeLessThan(86_400 + 60);
    for (const key of [secret, next]) expect((await proof(key))[0]).toBe(200);
  });

  it('ends the old one at once without an overlap', async () => {
    const { apiKey: old, secret } = await made();
    expect((await proof(secret))[0]).toBe(200);
    const { secret: next } = await rotated(old.id, { overlapSeconds: 0 });
    expect(await proof(secret)).toEqual([401, 'UNAUTHENTICATED']);
    expect((await proof(next))[0]).toBe(200);
  });

  it('keeps two valid at most: what was replaced before ends', async () => {
    const first = await made();
    const second = await rotated(first.apiKey.id);
    const third = await rotated(second.apiKey.id);
    const statuses = await Promise.all([first, second, third].map(async ({ secret }) => (await proof(secret))[0]));
    expect(statuses).toEqual([401, 200, 200]);
    const trail = (await trailOf(app, owner.tenantId)).filter(({ operation }) => operation === 'apiKeyRotate');
    expect(trail.slice(-3).map(({ thing }) => thing)).toEqual([third.apiKey.id, second.apiKey.id, first.apiKey.id]);
    const ended = trail.at(-1);
    expect(Date.parse(String(ended?.after?.['expiresAt']))).toBeLessThan(Date.parse(String(ended?.before?.['expiresAt'])));
  });

  it('gives the new key as long a life, and never lengthens that of the old one', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { apiKey: old } = await made({ expiresAt });
    const { apiKey, replaced } = await rotated(old.id);
    expect(replaced.expiresAt).toBe(expiresAt);
    expect(Math.abs(Date.parse(apiKey.expiresAt ?? '') - Date.parse(expiresAt))).toBeLessThan(60_000);
  });

  it('of a key by itself gives no more time than it has', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { apiKey: old, secret } = await made({ expiresAt, permissions: ['keys:write'] });
    await app.sql`update api_keys set created_at = created_at - interval '30 days' where id = ${uuidOf(old.id)}`;
    const byItself = await post(app.url, { query: rotate, variables: { input: { id: old.id } } }, { key: secret });
    const { apiKey } = (byItself.body.data as { apiKeyRotate: Made }).apiKeyRotate;
    expect(apiKey.expiresAt).toBe(expiresAt);
    const { apiKeyRotate: second } = (
      await post(
        app.url,
        { query: rotate, variables: { input: { id: apiKey.id, overlapSeconds: 0 } } },
        { key: (byItself.body.data as { apiKeyRotate: Made }).apiKeyRotate.secret },
      )
    ).body.data as { apiKeyRotate: Made };
    expect(second.apiKey.expiresAt).toBe(expiresAt);
  });

  it('of a key for everything is refused to one that names all there is', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    const [whole] = await app.sql<{ id: string }>`select id from api_keys where member_id = ${uuidOf(member.memberId)}`;
    const held = (await member.ask<{ viewer: { permissions: string[] } }>('{ viewer { permissions } }')).viewer.permissions;
    const narrow = (await member.ask<{ apiKeyCreate: Made }>(create, { input: { name: 'Partner', permissions: held } }))
      .apiKeyCreate;
    const input = { id: idOfUuid('key', whole?.id ?? '') };
    const path = ['input', 'id'];
    const before = await stored();

    expect((await post(app.url, { query: rotate, variables: { input } }, { key: narrow.secret })).body.data).toEqual({
      apiKeyRotate: {
        ...noKey,
        replaced: null,
        ...refusedWith('FORBIDDEN', 'this key may do all that its member ever may: only one that may as well rotates it', path),
      },
    });
    expect(await stored()).toEqual(before);
    expect(await member.ask(rotate, { input })).toMatchObject({ apiKeyRotate: { replaced: { id: input.id }, errors: [] } });
  });

  it('goes no further than the year 9999', async () => {
    const { apiKey: old } = await made({ expiresAt: '9999-12-31T23:59:58Z' });
    await app.sql`update api_keys set created_at = created_at - interval '1 day' where id = ${uuidOf(old.id)}`;
    expect((await rotated(old.id)).apiKey.expiresAt).toBe('9999-12-31T23:59:59.000Z');
  });

  it('happens once, whoever asks at the same time', async () => {
    const { apiKey } = await made();
    const answers = await Promise.all(Array.from({ length: 5 }, () => rotated(apiKey.id)));
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    expect(answers.flatMap(({ errors }) => errors)).toEqual(
      Array.from({ length: 4 }, () => ({ code: 'CONFLICT', message: 'this key was rotated already', path: ['input', 'id'] })),
    );
    expect(await stored()).toHaveLength(3);
  });

  it('refuses keys that are over, that are somebody else’s, or that may do more', async () => {
    const { apiKey } = await made();
    await owner.ask(revoke, { input: { id: apiKey.id } });
    const strong = await made({ permissions: ['tenant:write'] });
    const weak = await made({ permissions: ['keys:write', 'models:read'] });
    const colleague = await seed.member({ of: owner });
    const before = await stored();
    const none = { ...noKey, replaced: null };
    const path = ['input', 'id'];
    expect(await rotated(apiKey.id)).toEqual({
      ...none,
      ...refusedWith('CONFLICT', 'this key was revoked or has expired', path),
    });
    expect(await rotated('key_nonsense')).toEqual({ ...none, ...refusedWith('NOT_FOUND', 'no such key', path) });
    for (const overlapSeconds of [-1, 2_592_001]) {
      const message = `overlapSeconds is ${overlapSeconds}, not 0 to 2592000`;
      expect(await rotated(strong.apiKey.id, { overlapSeconds })).toEqual({
        ...none,
        ...refusedWith('INVALID_INPUT', message, ['input', 'overlapSeconds']),
      });
    }
    const input = { id: strong.apiKey.id };
    expect((await post(app.url, { query: rotate, variables: { input } }, { key: weak.secret })).body.data).toEqual({
      apiKeyRotate: { ...none, ...refusedWith('FORBIDDEN', 'nobody hands out what they do not have: tenant:write', path) },
    });
    expect(await colleague.ask(rotate, { input })).toEqual({
      apiKeyRotate: {
        ...none,
        ...refusedWith('FORBIDDEN', 'only the person a key acts as can rotate it; anybody else can revoke it', path),
      },
    });
    expect(await stored()).toEqual(before);
  });
});

describe('apiKeyRevoke', () => {
  it('ends a key at once in this process, and once: again changes nothing', async () => {
    const { apiKey, secret } = await made();
    expect((await proof(secret))[0]).toBe(200);
    const first = await owner.ask<{ apiKeyRevoke: { apiKey: Key } }>(revoke, { input: { id: apiKey.id } });
    expect(first.apiKeyRevoke).toMatchObject({ apiKey: { id: apiKey.id, revokedAt: expect.any(String) }, errors: [] });
    expect(await proof(secret)).toEqual([401, 'UNAUTHENTICATED']);
    expect(await owner.ask(revoke, { input: { id: apiKey.id } })).toEqual(first);
  });

  it('ends it in another process before that would look by itself', async () => {
    const { apiKey, secret } = await made();
    const elsewhere = await openTestApp({ database: app.database });
    const statusThere = async () => (await post(elsewhere.url, { query: '{ viewer { permissions } }' }, { key: secret })).status;
    expect(await statusThere()).toBe(200);
    await owner.ask(revoke, { input: { id: apiKey.id } });
    // A key that is good is remembered for 3 s.
    await eventually(async () => (await statusThere()) === 401, 2_000, 'the refusal');
    await elsewhere.stop();
  });

  it('lets a colleague end a key, who reaches keys of others', async () => {
    const { apiKey, secret } = await made();
    const near = await seed.member({ of: owner, can: ['keys:read', 'keys:write'] });
    expect(await near.ask(revoke, { input: { id: apiKey.id } })).toEqual({
      apiKeyRevoke: { apiKey: null, ...refusedWith('NOT_FOUND', 'no such key', ['input', 'id']) },
    });
    expect(await near.ask(node, { id: apiKey.id })).toEqual({ node: null });
    expect((await near.ask<ListAnswer>(list)).apiKeys.nodes.map(({ name }) => name)).toEqual(['seed']);
    expect((await proof(secret))[0]).toBe(200);
    const colleague = await seed.member({ of: owner, can: ['keys:write', 'keys:others'] });
    expect(await colleague.ask(revoke, { input: { id: apiKey.id } })).toMatchObject({ apiKeyRevoke: { errors: [] } });
    expect(await proof(secret)).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('knows no key that is not there', async () => {
    for (const id of ['', 'nonsense', newId('key'), newId('gen'), owner.tenantId]) {
      expect(await owner.ask(revoke, { input: { id } }), id).toEqual({
        apiKeyRevoke: { apiKey: null, ...refusedWith('NOT_FOUND', 'no such key', ['input', 'id']) },
      });
    }
  });
});

describe('who may do what', () => {
  const others = (...wanted: Permission[]) => allPermissions.filter((permission) => !wanted.includes(permission));
  const codesOf = ({ data, errors }: ExecutionResult): unknown => {
    const [payload] = Object.values(data ?? {}) as ({ errors?: { code: string }[] } | null)[];
    return errors?.[0]?.extensions?.['code'] ?? payload?.errors?.[0]?.code ?? 'OK';
  };
  /** By hand: operation, caller, what comes of it. */
  const table = [
    ['apiKeys', 'all but keys:read', 'FORBIDDEN'],
    ['apiKeys', 'keys:read alone', 'OK'],
    ['node', 'all but keys:read', 'FORBIDDEN'],
    ['apiKeyCreate', 'all but keys:write', 'FORBIDDEN'],
    ['apiKeyRotate', 'all but keys:write', 'FORBIDDEN'],
    ['apiKeyRotate', 'another tenant', 'NOT_FOUND'],
    ['apiKeyRotate', 'nobody', 'UNAUTHENTICATED'],
    ['apiKeyRevoke', 'all but keys:write', 'FORBIDDEN'],
    ['apiKeyRevoke', 'another tenant', 'NOT_FOUND'],
    ['apiKeyRevoke', 'nobody', 'UNAUTHENTICATED'],
    ['apiKeyCreate', 'nobody', 'UNAUTHENTICATED'],
    ['apiKeys', 'nobody', 'UNAUTHENTICATED'],
  ] as const;

  it.each(table)('%s by %s: %s, and nothing changes', async (operation, who, expected) => {
    const { id } = (await made()).apiKey;
    const asked = {
      apiKeys: { query: list },
      node: { query: node, variables: { id } },
      apiKeyCreate: { query: create, variables: { input: { name: 'x', permissions: ['models:read'] } } },
      apiKeyRotate: { query: rotate, variables: { input: { id } } },
      apiKeyRevoke: { query: revoke, variables: { input: { id } } },
    }[operation];
    const callers = {
      'all but keys:read': () => seed.member({ of: owner, can: others('keys:read') }),
      'all but keys:write': () => seed.member({ of: owner, can: others('keys:write') }),
      'keys:read alone': () => seed.member({ of: owner, can: ['keys:read'] }),
      'another tenant': () => seed.tenant(),
      nobody: () => Promise.resolve({ key: null }),
    };
    const { key } = await callers[who]();
    const before = await stored();
    const { body } = await post(app.url, asked, { key });
    expect(codesOf(body)).toBe(expected);
    expect(await stored()).toEqual(before);
  });
});

describe('keys that prove nobody', () => {
  it('expires on every transport', async () => {
    const { apiKey, secret } = await made({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    await app.sql`update api_keys set expires_at = now() where id = ${uuidOf(apiKey.id)}`;
    expect(await proof(secret)).toEqual([401, 'UNAUTHENTICATED']);
    expect((await sse(app.url, { query: stream, variables: { id: newId('gen') } }, { key: secret })).status).toBe(401);
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${secret}` } });
    expect(await raw.closed).toBe(4401);
  });

  it('is not remembered past its end', async () => {
    const { secret } = await made({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
    expect((await proof(secret))[0]).toBe(200);
    await eventually(async () => (await proof(secret))[0] === 401, 2_500, 'the refusal');
  });

  it('are refused without a query when they are made up, and are looked for once when they were ours', async () => {
    const { apiKey, secret } = await made();
    const keys = new KeyService(database, 'development');
    const isRefused = (key: string) =>
      expect(keys.authenticate({ authorization: `Bearer ${key}` }), key.slice(0, 100)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    using query = vi.spyOn(database.engine, 'sql');
    const swapped = `${secret.slice(0, 50)}${secret[50] === 'A' ? 'B' : 'A'}${secret.slice(51)}`;
    const foreign = newKeyText(apiKey.id, 'another secret of 32 characters.');
    const doubled = `${secret}, Bearer ${secret}`;
    const bad = [swapped, foreign, secret.slice(0, -1), `${secret}A`, secret.toUpperCase(), doubled, 'x'.repeat(100_000), ''];
    for (const key of bad) await isRefused(key);
    expect(query).toHaveBeenCalledTimes(0);
    expect(await proof(swapped)).toEqual([401, 'UNAUTHENTICATED']);
    await owner.ask(revoke, { input: { id: apiKey.id } });
    for (let each = 0; each < 20; each++) await isRefused(secret);
    expect(query).toHaveBeenCalledTimes(1);
  });

  it('are two at once', async () => {
    const { secret } = await made();
    for (const path of ['/graphql', '/graphql/stream']) {
      const body = JSON.stringify({
        query: path === '/graphql' ? '{ viewer { permissions } }' : 'subscription { generationStream(id: "x") { __typename } }',
      });
      const { hostname, port } = new URL(app.url);
      const socket = createConnection(Number(port), hostname);
      const header = `authorization: Bearer ${secret}\r\n`;
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${header}${header}content-length: ${body.length}\r\n\r\n${body}`,
      );
      const answer = (await socket.setEncoding('utf8').toArray()).join('');
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toContain('"UNAUTHENTICATED"');
    }
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${secret}`, authorization: `Bearer ${secret}` } });
    expect(await raw.closed).toBe(4401);
  });

  it('are 100 KB long', async () => {
    const long = `Bearer dw_live_${'0'.repeat(100_000)}`;
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { Authorization: long } });
    expect(await raw.closed).toBe(4401);
    for (const path of ['/graphql', '/graphql/stream']) {
      const response = await fetch(`${app.url}${path}`, { method: 'POST', headers: { authorization: long } });
      // Node reads no more than 16 KB of headers.
      expect(response.status).toBe(431);
    }
  });
});
