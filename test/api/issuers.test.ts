import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { generateKeyPair } from 'jose';
import { builtInRoles } from '../../src/access/roles.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { setBudget } from '../harness/budgets.ts';
import { post } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { register, roles } from '../harness/registered.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const fields = `id name url audience algorithms subjectClaim emailClaim roleClaim roles { value role } defaultRole isEnabled`;
const create = `mutation ($input: IssuerCreateInput!) { issuerCreate(input: $input) { issuer { ${fields} } errors { code message path } } }`;
const update = `mutation ($input: IssuerUpdateInput!) { issuerUpdate(input: $input) { issuer { ${fields} } errors { code message path } } }`;
const remove = `mutation ($input: IssuerDeleteInput!) { issuerDelete(input: $input) { deletedId errors { code message path } } }`;
const list = `query ($first: Int, $after: String) { issuers(first: $first, after: $after) { nodes { id isEnabled } pageInfo { hasNextPage endCursor } } }`;

let app: TestApp;
let seed: Seed;
let issuer: TestIssuer;
let odd: Server;
let oddUrl: string;
/** What the odd issuer answers with, by path. */
let pages: Record<string, { status?: number; body: string }>;

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({ env: issuer.env });
  seed = await openSeed(app);
  odd = createServer((request, response) => {
    const page = pages[request.url ?? ''];
    response.writeHead(page?.status ?? (page ? 200 : 404), { location: `${issuer.url}/jwks` }).end(page?.body);
  });
  odd.listen(0, '127.0.0.1');
  await once(odd, 'listening');
  oddUrl = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  odd.closeAllConnections();
  await new Promise((resolve) => odd.close(resolve));
  await issuer[Symbol.asyncDispose]();
});

type Input = Readonly<Record<string, unknown>>;

interface Payload {
  readonly issuer: Record<string, unknown> | null;
  readonly errors: readonly { code: string; message: string; path: string[] | null }[];
}

/** Shows a token of the issuer where the audience is given, unless the input brings its own. */
const created = async (caller: Caller, { audience, ...rest }: Input): Promise<Payload> => {
  const token = typeof audience === 'string' && audience !== '' ? await issuer.token({ audience, claims: { oid: 'ada' } }) : null;
  return asked(caller, { ...(audience !== undefined && { audience }), token, ...rest });
};
const asked = async (caller: Caller, input: Input): Promise<Payload> =>
  (await caller.ask<{ issuerCreate: Payload }>(create, { input: { url: issuer.url, roleClaim: 'roles', roles, ...input } }))
    .issuerCreate;
const updated = async (caller: Caller, input: Input): Promise<Payload> =>
  (await caller.ask<{ issuerUpdate: Payload }>(update, { input })).issuerUpdate;
const deleted = async (caller: Caller, id: string) =>
  (await caller.ask<{ issuerDelete: { deletedId: string | null; errors: Payload['errors'] } }>(remove, { input: { id } }))
    .issuerDelete;

const now = (): number => Math.floor(Date.now() / 1_000);
const rows = async (): Promise<number> => (await app.sql`select from issuers`).length;
const status = async (token: string): Promise<number> =>
  (await post(app.url, { query: '{ viewer { permissions } }' }, { key: token })).status;
/** What a built-in role may do, in the order in which it is told. */
const permissionsOf = (role: string) => allPermissions.filter((each) => builtInRoles.get(role)?.includes(each));
const permissions = async (token: string): Promise<unknown> =>
  (await post(app.url, { query: '{ viewer { permissions } }' }, { key: token })).body.data?.['viewer'];

describe('issuerCreate', () => {
  it('registers one with what is usual', async () => {
    const owner = await seed.tenant();

    expect(await created(owner, {})).toEqual({
      issuer: {
        id: expect.stringMatching(/^iss_/) as string,
        name: new URL(issuer.url).host,
        url: issuer.url,
        audience: owner.tenantId,
        // What the issuer says of itself.
        algorithms: ['ES256'],
        subjectClaim: 'sub',
        emailClaim: 'email',
        roleClaim: 'roles',
        roles,
        defaultRole: null,
        isEnabled: true,
      },
      errors: [],
    });
  });

  it('takes all that can be said', async () => {
    const owner = await seed.tenant();
    const input = {
      name: ' Acme ',
      audience: 'client-1',
      algorithms: ['ES256', 'EdDSA', 'ES256'],
      subjectClaim: 'oid',
      emailClaim: null,
      roleClaim: 'realm_access.roles',
      defaultRole: 'analyst',
    };

    const { issuer: made, errors } = await created(owner, input);
    expect(errors).toEqual([]);
    expect(made).toMatchObject({ ...input, name: 'Acme', algorithms: ['ES256', 'EdDSA'] });
  });

  it('is not for a key that a budget counts, nor for one that such a key made; what narrows is', async () => {
    const owner = await seed.tenant();
    const { issuer: before } = await created(owner, { audience: 'before' });
    const { apiKeys } = await owner.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
    const create = 'mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } secret } }';
    const input = { name: 'made', permissions: ['issuers:read', 'issuers:write'] };
    const { apiKeyCreate } = await owner.ask<{ apiKeyCreate: { secret: string } }>(create, { input });
    const free: Pick<Caller, 'ask'> = {
      ask: async <T>(query: string, variables?: Record<string, unknown>) =>
        (await post(app.url, { query, variables }, { key: apiKeyCreate.secret })).body.data as T,
    };
    const budget = await setBudget(owner, { keyId: apiKeys.nodes[0]?.id });
    const message = `this key is under a budget (${budget.id}) that would not count what an issuer’s tokens start: use another one`;
    const refusal = { issuer: null, errors: [{ code: 'FORBIDDEN', message, path: null }] };

    for (const caller of [owner, free as Caller]) {
      expect(await created(caller, { audience: 'after' })).toEqual(refusal);
      expect(await updated(caller, { id: before?.['id'], defaultRole: 'analyst' })).toEqual(refusal);
    }
    expect((await updated(owner, { id: before?.['id'], name: 'Named' })).errors).toEqual([]);
    expect((await updated(owner, { id: before?.['id'], isEnabled: false })).errors).toEqual([]);
    expect((await updated(owner, { id: before?.['id'], isEnabled: true })).errors).toEqual(refusal.errors);
    expect((await deleted(owner, String(before?.['id']))).errors).toEqual([]);
  });

  const needsToken = 'an audience that is not the id of your tenant needs a valid token that is for it';
  const inToken = ['token'];
  const proofs: readonly (readonly [string, () => Promise<Input>, string, readonly string[]])[] = [
    ['no token', async () => ({}), needsToken, inToken],
    ['null for a token', async () => ({ token: null }), needsToken, inToken],
    ['what is no token', async () => ({ token: 'eyJ' }), 'this token is no JWT', inToken],
    [
      'a token for another audience',
      async () => ({ token: await issuer.token({ audience: 'mine' }) }),
      'this token’s claim aud is missing or does not fit',
      inToken,
    ],
    [
      'a token that has run out',
      async () => ({ token: await issuer.forge({ iss: issuer.url, aud: 'wanted', sub: 'ada', exp: now() - 61 }) }),
      'this token has run out (exp): get a fresh one',
      inToken,
    ],
    [
      'a token of another issuer',
      async () => ({ token: await issuer.forge({ iss: 'https://idp.example', aud: 'wanted', sub: 'ada', exp: now() + 60 }) }),
      'this token’s claim iss is missing or does not fit',
      inToken,
    ],
    [
      'a token that somebody else signed',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        return { token: await issuer.forge({ iss: issuer.url, aud: 'wanted', sub: 'ada', exp: now() + 60 }, {}, privateKey) };
      },
      'the signature of this token does not fit',
      inToken,
    ],
    [
      'a token without the claim that is to name people',
      async () => ({ token: await issuer.token({ audience: 'wanted' }), subjectClaim: 'oid' }),
      'this token does not say whom it is about, in the claim oid',
      inToken,
    ],
  ];

  it.each(proofs)('gives an audience that anybody could name to nobody with %s', async (_what, input, message, path) => {
    const owner = await seed.tenant();

    expect(await asked(owner, { audience: 'wanted', ...(await input()) })).toEqual({
      issuer: null,
      errors: [{ code: 'INVALID_INPUT', message, path: ['input', ...path] }],
    });
    expect(await app.sql`select from issuers where audience = 'wanted'`).toHaveLength(0);
  });

  it('keeps nothing of the token that proves an audience', async () => {
    const owner = await seed.tenant();
    const token = await issuer.token({ audience: 'proved' });
    expect((await asked(owner, { audience: 'proved', token })).errors).toEqual([]);

    const [signature = ''] = token.split('.').slice(-1);
    const kept = await app.sql<{ all: string }>`
      select (select string_agg(i::text, '') from issuers i) || (select string_agg(a::text, '') from audit_entries a)
        || coalesce((select string_agg(k::text, '') from idempotency_keys k), '') as all`;
    expect(kept[0]?.all).toContain('proved');
    expect(kept[0]?.all).not.toContain(signature);
    expect(app.lines.join('')).not.toContain(signature);
  });

  it('gives the same issuer for the same key to who may not see it, with a fresh token, and without asking the issuer', async () => {
    const owner = await seed.tenant();
    const writer = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'issuers:read') });
    const input = { audience: 'repeated', idempotencyKey: 'k', defaultRole: 'member' };
    const first = await created(writer, input);
    expect(first.errors).toEqual([]);
    const token = await issuer.token({ audience: 'repeated', lifeSeconds: 300 });
    issuer.become('away');
    try {
      const same = { emailClaim: 'email', subjectClaim: null, algorithms: null, name: null };
      expect(await asked(writer, { ...input, token, ...same })).toEqual(first);
      expect((await asked(writer, { ...input, token, emailClaim: null })).errors).toEqual([
        { code: 'CONFLICT', message: 'this idempotency key was used with another input', path: ['input', 'idempotencyKey'] },
      ]);
    } finally {
      issuer.become('here');
    }
    expect(await app.sql`select from issuers where audience = 'repeated'`).toHaveLength(1);
  });

  it('and roleDelete at the same time leave no issuer that gives a role which is gone', async () => {
    for (let round = 0; round < 8; round++) {
      const owner = await seed.tenant();
      const { roleCreate } = await owner.ask<{ roleCreate: { role: { id: string } } }>(
        'mutation { roleCreate(input: { name: "clerk", permissions: ["models:read"] }) { role { id } } }',
      );
      const drop = 'mutation ($id: ID!) { roleDelete(input: { id: $id }) { deletedId errors { code message } } }';
      const [registered, dropped] = await Promise.all([
        created(owner, { defaultRole: 'clerk', name: 'Acme' }),
        owner.ask<{ roleDelete: { deletedId: string | null; errors: object[] } }>(drop, { id: roleCreate.role.id }),
      ]);
      if (registered.issuer) {
        expect(dropped.roleDelete).toEqual({
          deletedId: null,
          errors: [{ code: 'CONFLICT', message: 'the issuer Acme gives this role: change that first' }],
        });
      } else {
        expect(registered.errors).toEqual([{ code: 'NOT_FOUND', message: 'no such role', path: ['input', 'defaultRole'] }]);
        expect(dropped.roleDelete.errors).toEqual([]);
      }
    }
  });

  const cases: readonly (readonly [string, Input, string, string, readonly string[]])[] = [
    [
      'a name that is empty',
      { name: ' ' },
      'INVALID_INPUT',
      'a name has 1 to 200 characters, none of them a control character',
      ['name'],
    ],
    [
      'no URL',
      { url: 'accounts.example' },
      'INVALID_INPUT',
      'a URL of an issuer begins with https:// and has at most 512 characters, no query and no fragment',
      ['url'],
    ],
    [
      'a URL with a query',
      { url: 'https://accounts.example/?a' },
      'INVALID_INPUT',
      'a URL of an issuer begins with https:// and has at most 512 characters, no query and no fragment',
      ['url'],
    ],
    [
      'http',
      { url: 'http://accounts.example' },
      'INVALID_INPUT',
      'this issuer cannot be used: its discovery document cannot be read: only https is called',
      ['url'],
    ],
    [
      'a private address',
      { url: 'https://10.0.0.1' },
      'INVALID_INPUT',
      'this issuer cannot be used: its discovery document cannot be read: the address is not one of the public internet',
      ['url'],
    ],
    [
      'metadata',
      { url: 'https://169.254.169.254' },
      'INVALID_INPUT',
      'this issuer cannot be used: its discovery document cannot be read: the address is not one of the public internet',
      ['url'],
    ],
    [
      'a user in the URL',
      { url: 'https://a:b@accounts.example' },
      'INVALID_INPUT',
      'this issuer cannot be used: its discovery document cannot be read: a URL holds no user and no password here',
      ['url'],
    ],
    [
      'an audience that is another tenant',
      { audience: 'ten_01hzzzzzzzzzzzzzzzzzzzzzzz' },
      'INVALID_INPUT',
      'this is the id of another tenant',
      ['audience'],
    ],
    [
      'an audience that is empty',
      { audience: '' },
      'INVALID_INPUT',
      'an audience has 1 to 512 characters of ASCII',
      ['audience'],
    ],
    ['no algorithm', { algorithms: [] }, 'INVALID_INPUT', 'an issuer needs an algorithm', ['algorithms']],
    [
      'a claim without a name',
      { subjectClaim: '' },
      'INVALID_INPUT',
      'the name of a claim has 1 to 200 characters, none of them a control character',
      ['subjectClaim'],
    ],
    ['roles without a claim', { roleClaim: null }, 'INVALID_INPUT', 'roles need the claim that they are in', ['roleClaim']],
    [
      'nobody with a role',
      { roles: [] },
      'INVALID_INPUT',
      'nobody could have a role: give roles and their claim, or defaultRole',
      ['roles'],
    ],
    ['no such role', { defaultRole: 'king' }, 'NOT_FOUND', 'no such role', ['defaultRole']],
    [
      'no such role for a role',
      { roles: [roles[0], { value: 'a', role: 'king' }] },
      'NOT_FOUND',
      'no such role',
      ['roles', '1', 'role'],
    ],
    ['a role twice', { roles: [roles[0], roles[0]] }, 'INVALID_INPUT', 'the role writer is there twice', ['roles', '1', 'value']],
    [
      '101 roles',
      { roles: Array.from({ length: 101 }, (_, index) => ({ value: `r${index}`, role: 'member' })) },
      'INVALID_INPUT',
      'an issuer gives at most 100 roles, not 101',
      ['roles'],
    ],
  ];

  it.each(cases)('refuses %s', async (_what, input, code, message, path) => {
    const owner = await seed.tenant();
    const before = await rows();

    expect(await created(owner, input)).toEqual({ issuer: null, errors: [{ code, message, path: ['input', ...path] }] });
    expect(await rows()).toBe(before);
  });

  const good = { issuer: '', jwks_uri: '/jwks' };
  const document = (more: object = {}) => JSON.stringify({ ...good, issuer: oddUrl, jwks_uri: `${oddUrl}/jwks`, ...more });
  const published: readonly (readonly [string, () => Record<string, { status?: number; body: string }>, string])[] = [
    ['nothing', () => ({}), 'its discovery document cannot be read: status 404 where 200 is expected'],
    [
      'a redirect',
      () => ({ '/.well-known/openid-configuration': { status: 302, body: '' } }),
      'its discovery document cannot be read: status 302 where 200 is expected',
    ],
    [
      'HTML',
      () => ({ '/.well-known/openid-configuration': { body: '<html>' } }),
      'its discovery document cannot be read: it is no JSON object',
    ],
    [
      'too much',
      () => ({ '/.well-known/openid-configuration': { body: 'x'.repeat(300_000) } }),
      'its discovery document cannot be read: the answer is longer than 262144 bytes',
    ],
    [
      'another name',
      () => ({ '/.well-known/openid-configuration': { body: document({ issuer: 'https://idp.example/' }) } }),
      'it calls itself https://idp.example/: register it under exactly this name',
    ],
    [
      'no name',
      () => ({ '/.well-known/openid-configuration': { body: document({ issuer: null }) } }),
      'it calls itself nothing that could be a name: register it under exactly this name',
    ],
    [
      'no place of keys',
      () => ({ '/.well-known/openid-configuration': { body: document({ jwks_uri: 7 }) } }),
      'its discovery document names no jwks_uri',
    ],
    [
      'keys on a private address',
      () => ({ '/.well-known/openid-configuration': { body: document({ jwks_uri: 'https://192.168.0.1/jwks' }) } }),
      'its keys cannot be read: the address is not one of the public internet',
    ],
    [
      'keys in a file',
      () => ({ '/.well-known/openid-configuration': { body: document({ jwks_uri: 'file:///etc/passwd' }) } }),
      'its keys cannot be read: only https is called',
    ],
    [
      'no keys',
      () => ({ '/.well-known/openid-configuration': { body: document() }, '/jwks': { body: '{"keys":[]}' } }),
      'it publishes no keys',
    ],
    [
      'keys that are none',
      () => ({ '/.well-known/openid-configuration': { body: document() }, '/jwks': { body: '{"keys":"all"}' } }),
      'its keys are no JSON Web Key Set',
    ],
    [
      '101 keys',
      () => ({
        '/.well-known/openid-configuration': { body: document() },
        '/jwks': { body: JSON.stringify({ keys: Array.from({ length: 101 }, () => ({})) }) },
      }),
      'it has 101 keys, more than 100',
    ],
  ];

  it.each(published)('refuses an issuer that publishes %s', async (_what, answers, why) => {
    const owner = await seed.tenant();
    pages = answers();

    expect(await created(owner, { url: oddUrl })).toEqual({
      issuer: null,
      errors: [{ code: 'INVALID_INPUT', message: `this issuer cannot be used: ${why}`, path: ['input', 'url'] }],
    });
  });

  it('takes a pair of URL and audience once, whoever asks, and a tenant’s own id is free', async () => {
    const [one, two] = [await seed.tenant(), await seed.tenant()];
    expect((await created(one, { audience: 'shared' })).errors).toEqual([]);

    for (const caller of [one, two]) {
      expect(await created(caller, { audience: 'shared' })).toEqual({
        issuer: null,
        errors: [
          {
            code: 'CONFLICT',
            message: 'this issuer is registered with this audience already: give it an audience that is yours alone',
            path: ['input', 'audience'],
          },
        ],
      });
    }
    expect((await created(two, {})).errors).toEqual([]);
    expect((await created(one, {})).errors).toEqual([]);
  });

  it('gives no permission that its maker does not have', async () => {
    const member = await seed.member({ can: ['issuers:write', ...(builtInRoles.get('reviewer') ?? [])] });

    expect(await created(member, {})).toEqual({
      issuer: null,
      errors: [
        {
          code: 'FORBIDDEN',
          message: 'nobody hands out what they do not have: generations:write',
          path: ['input', 'roles', '0', 'role'],
        },
      ],
    });
  });
});

describe('issuerUpdate', () => {
  it('changes what it is told, and leaves the rest', async () => {
    const owner = await seed.tenant();
    const { id } = await register(owner, issuer);

    const { issuer: changed } = await updated(owner, {
      id,
      name: 'New',
      roleClaim: 'groups',
      emailClaim: null,
      defaultRole: 'analyst',
    });
    expect(changed).toMatchObject({
      id,
      name: 'New',
      roleClaim: 'groups',
      emailClaim: null,
      defaultRole: 'analyst',
      subjectClaim: 'sub',
      isEnabled: true,
    });
    const { issuer: again } = await updated(owner, { id, defaultRole: null, name: null });
    expect(again).toMatchObject({ name: 'New', defaultRole: null, roleClaim: 'groups' });
  });

  it('is so for tokens that are in use, at once in the same process', async () => {
    const owner = await seed.tenant();
    const { id, audience } = await register(owner, issuer);
    const token = await issuer.token({ audience, claims: { roles: ['reader'] } });
    expect(await permissions(token)).toEqual({ permissions: permissionsOf('reviewer') });

    await updated(owner, { id, roles: [{ value: 'reader', role: 'analyst' }] });
    expect(await permissions(token)).toEqual({ permissions: permissionsOf('analyst') });
    await updated(owner, { id, isEnabled: false });
    expect(await status(token)).toBe(401);
    await updated(owner, { id, isEnabled: true });
    expect(await status(token)).toBe(200);
    await updated(owner, { id, algorithms: ['RS256'] });
    expect(await status(token)).toBe(401);
  });

  it('refuses what would leave nobody, unknown ones and other tenants’', async () => {
    const [owner, other] = [await seed.tenant(), await seed.tenant()];
    const { id } = await register(owner, issuer);
    const missing = { issuer: null, errors: [{ code: 'NOT_FOUND', message: 'no such issuer', path: ['input', 'id'] }] };

    expect((await updated(owner, { id, roles: [] })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'roles'] }]);
    expect((await updated(owner, { id, roleClaim: null })).errors).toMatchObject([
      { code: 'INVALID_INPUT', path: ['input', 'roleClaim'] },
    ]);
    expect(await updated(other, { id, name: 'Mine' })).toEqual(missing);
    expect(await updated(owner, { id: 'iss_01hzzzzzzzzzzzzzzzzzzzzzzz', name: 'Mine' })).toEqual(missing);
    expect(await updated(owner, { id: owner.tenantId, name: 'Mine' })).toEqual(missing);
  });

  it('lets somebody who may do less turn it off and name it, but not on', async () => {
    const owner = await seed.tenant();
    const { id } = await register(owner, issuer);
    const member = await seed.member({ of: owner, can: ['issuers:write', 'issuers:read'] });

    expect((await updated(member, { id, isEnabled: false, name: 'Off' })).errors).toEqual([]);
    expect((await updated(member, { id, isEnabled: true })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await updated(owner, { id, isEnabled: true })).errors).toEqual([]);
    expect((await updated(member, { id, subjectClaim: 'nickname' })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});

describe('issuerDelete', () => {
  it('ends its tokens, and keeps its people and its pair for the tenant', async () => {
    const [owner, other] = [await seed.tenant(), await seed.tenant()];
    const { id, audience } = await register(owner, issuer, { audience: 'kept' });
    const token = await issuer.token({ audience, claims: { roles: ['reader'] } });
    const me = '{ viewer { actor { id } } }';
    const before = (await post(app.url, { query: me }, { key: token })).body.data;
    expect(await status(token)).toBe(200);

    expect(await deleted(owner, id)).toEqual({ deletedId: id, errors: [] });
    expect(await status(token)).toBe(401);
    expect((await owner.ask<{ node: unknown }>('query ($id: ID!) { node(id: $id) { id } }', { id })).node).toBeNull();
    expect((await created(other, { audience: 'kept' })).errors).toMatchObject([{ code: 'CONFLICT' }]);
    expect((await deleted(owner, id)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);

    expect(await register(owner, issuer, { audience: 'kept' })).toMatchObject({ id });
    await eventually(async () => (await status(token)) === 200, 5_000, 'the token');
    expect((await post(app.url, { query: me }, { key: token })).body.data).toEqual(before);
  });

  it('is NOT_FOUND for another tenant’s', async () => {
    const [owner, other] = [await seed.tenant(), await seed.tenant()];
    const { id } = await register(owner, issuer);

    expect((await deleted(other, id)).errors).toEqual([{ code: 'NOT_FOUND', message: 'no such issuer', path: ['input', 'id'] }]);
    expect((await owner.ask<{ issuers: { nodes: unknown[] } }>(list)).issuers.nodes).toEqual([{ id, isEnabled: true }]);
  });
});

describe('issuers', () => {
  it('lists the own ones, newest first, page by page', async () => {
    const [owner, other] = [await seed.tenant(), await seed.tenant()];
    const ids: string[] = [];
    for (const audience of ['a', 'b', 'c'])
      ids.unshift((await register(owner, issuer, { audience: `${owner.tenantId} ${audience}` })).id);
    await deleted(owner, ids[1] ?? '');

    type Issuers = { issuers: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
    const { issuers: first } = await owner.ask<Issuers>(list, { first: 1 });
    expect(first).toMatchObject({ nodes: [{ id: ids[0] }], pageInfo: { hasNextPage: true } });
    const { issuers: rest } = await owner.ask<Issuers>(list, { first: 10, after: first.pageInfo.endCursor });
    expect(rest).toMatchObject({ nodes: [{ id: ids[2] }], pageInfo: { hasNextPage: false } });
    expect((await other.ask<Issuers>(list)).issuers.nodes).toEqual([]);
  });

  it('has at most 50 for a tenant', async () => {
    const owner = await seed.tenant();
    await register(owner, issuer);
    await app.sql`
      insert into issuers (id, tenant_id, name, url, audience, algorithms, subject_claim, roles)
      select gen_random_uuid(), ${uuidOf(owner.tenantId)}, 'IdP', 'https://idp.example', ${owner.tenantId} || n, '{ES256}', 'sub', '[]' from generate_series(2, 50) n`;

    expect((await created(owner, { audience: `${owner.tenantId} more` })).errors).toEqual([
      { code: 'CONFLICT', message: 'a tenant has 50 issuers at most, 500 with those it deleted', path: null },
    ]);
  });

  it('needs its permissions', async () => {
    const owner = await seed.tenant();
    const { id } = await register(owner, issuer);
    const reader = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'issuers:write') });
    const writer = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'issuers:read') });
    const refused = [{ code: 'FORBIDDEN', message: 'this needs the permission issuers:write', path: null }];

    expect((await created(reader, { audience: 'other' })).errors).toEqual(refused);
    expect((await updated(reader, { id, name: 'Mine' })).errors).toEqual(refused);
    expect((await deleted(reader, id)).errors).toEqual(refused);
    for (const query of [list, `{ node(id: "${id}") { id } }`]) {
      expect((await writer.answer(query)).errors?.map(({ message }) => message)).toEqual([
        'this needs the permission issuers:read',
      ]);
    }
    expect((await reader.ask<{ issuers: { nodes: unknown[] } }>(list)).issuers.nodes).toEqual([{ id, isEnabled: true }]);
  });
});
