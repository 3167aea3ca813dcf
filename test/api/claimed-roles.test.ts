import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtInRoles } from '../../src/access/roles.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { idOfUuid } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { trailOf } from '../harness/audit-trail.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { register, type Registered } from '../harness/registered.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

// People who come through an issuer: the roles that the claims of their last token gave are what counts.

const update =
  'mutation ($input: MemberUpdateInput!) { memberUpdate(input: $input) { member { role { name } } errors { code message path } } }';
const remove =
  'mutation ($input: MemberRemoveInput!) { memberRemove(input: $input) { member { status } errors { code message path } } }';
const issuerUpdate =
  'mutation ($input: IssuerUpdateInput!) { issuerUpdate(input: $input) { issuer { id } errors { code message } } }';
const roleCreate =
  'mutation ($name: String!, $can: [String!]!) { roleCreate(input: { name: $name, permissions: $can }) { role { id } errors { code } } }';
const roleDelete = 'mutation ($id: ID!) { roleDelete(input: { id: $id }) { deletedId errors { code message path } } }';
const explain = 'query ($permission: String!) { explainPermission(permission: $permission) { allowed reason } }';
const viewer = '{ viewer { actor { id role { name } roles { name } } role { name } permissions } }';

const roles = [
  { value: 'chief', role: 'owner' },
  { value: 'boss', role: 'admin' },
  { value: 'reader', role: 'reviewer' },
  { value: 'looker', role: 'operator' },
];

/** Somebody with a token. */
interface Person {
  readonly id: string;
  readonly token: string;
}
interface Errors {
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path?: readonly string[] | null }[];
}

let app: TestApp;
let second: TestApp;
let seed: Seed;
let issuer: TestIssuer;
let owner: Caller;
let registered: Registered;

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({ env: issuer.env });
  second = await openTestApp({ env: issuer.env, database: app.database });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
  registered = await register(owner, issuer, { roles });
});
afterAll(async () => {
  await seed.close();
  await second.stop();
  await app.stop();
  await issuer[Symbol.asyncDispose]();
});

const now = (): number => Math.floor(Date.now() / 1_000);
const by = async <T = Record<string, unknown>>(
  key: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<T> => {
  const { body } = await post(app.url, { query, variables }, { key });
  if (body.errors) throw new Error(JSON.stringify(body.errors));
  return body.data as T;
};
/** A person seen with these roles at their issuer, in a token that was issued some seconds ago. */
async function seen(sub: string, given: readonly string[], ago = 0): Promise<Person> {
  const iat = now() - ago;
  const token = await issuer.forge({ iss: issuer.url, aud: registered.audience, sub, roles: [...given], iat, exp: iat + 900 });
  const { viewer: found } = await by<{ viewer: { actor: { id: string } } }>(token, viewer);
  return { id: found.actor.id, token };
}
const updated = async (key: string, input: object) => (await by<{ memberUpdate: Errors }>(key, update, { input })).memberUpdate;
const removed = async (key: string, id: string) =>
  (await by<{ memberRemove: Errors }>(key, remove, { input: { id } })).memberRemove;
const roleOf = async (name: string, can: string[]) =>
  (await owner.ask<{ roleCreate: { role: { id: string } } }>(roleCreate, { name, can })).roleCreate.role.id;
const refusal = (code: string, message: string, path: string[] | null) => ({ errors: [{ code, message, path }] });
const permissionsOf = async (key: string) => (await by<{ viewer: { permissions: string[] } }>(key, viewer)).viewer.permissions;
const listed = (name: string) => allPermissions.filter((each) => builtInRoles.get(name)?.includes(each));
const stored = () => app.sql`
  select id, role, claimed_roles, removed_at is not null as removed from members where tenant_id = ${uuidOf(owner.tenantId)} order by id`;

describe('the roles of somebody with a token', () => {
  it('are those of their last token, all of them, for everybody who looks', async () => {
    await seen('ada', ['boss'], 60);
    const { token, id } = await seen('ada', ['looker', 'reader']);
    expect(await by(token, viewer)).toMatchObject({
      viewer: {
        actor: { id, role: { name: 'reviewer' }, roles: [{ name: 'reviewer' }, { name: 'operator' }] },
        role: { name: 'reviewer' },
      },
    });
    expect(
      await owner.ask('query ($id: ID!) { node(id: $id) { ... on Member { role { name } roles { name } } } }', { id }),
    ).toEqual({
      node: { role: { name: 'reviewer' }, roles: [{ name: 'reviewer' }, { name: 'operator' }] },
    });
    expect(await owner.ask('{ viewer { actor { roles { name } } } }')).toEqual({
      viewer: { actor: { roles: [{ name: 'owner' }] } },
    });
  });

  it('are not changed by an older token, which still is good for what it says', async () => {
    const { id } = await seen('ada', ['reader'], 30);
    const before = await stored();
    const old = await seen('ada', ['boss'], 90);
    expect(old.id).toBe(id);
    expect(await permissionsOf(old.token)).toEqual(listed('admin'));
    expect(await stored()).toEqual(before);
    expect((await seen('ada', ['looker'], 20)).id).toBe(id);
    expect(await stored()).not.toEqual(before);
    // The same again, in a newer token, is no news.
    await seen('ada', ['looker'], 10);
    const trail = await trailOf(app, owner.tenantId);
    expect(
      trail.filter(({ proof_kind: kind }) => kind === 'token').map((each) => [each.operation, each.before, each.after]),
    ).toEqual([
      ['memberJoin', null, { roles: ['reviewer'] }],
      ['memberClaims', { roles: ['reviewer'] }, { roles: ['operator'] }],
    ]);
  });

  it('bound the keys that they made, on every process', async () => {
    const { token } = await seen('ada', ['boss', 'looker'], 30);
    const { apiKeyCreate } = await by<{ apiKeyCreate: { secret: string } }>(
      token,
      'mutation { apiKeyCreate(input: { name: "mine", permissions: ["members:write", "models:read", "health:read"] }) { secret errors { code } } }',
    );
    const { secret } = apiKeyCreate;
    expect(await permissionsOf(secret)).toEqual(['models:read', 'members:write', 'health:read']);
    await seen('ada', ['looker']);
    await eventually(async () => (await permissionsOf(secret)).length === 2, 5_000, 'the key to follow its person');
    expect(await permissionsOf(secret)).toEqual(['models:read', 'health:read']);
  });

  it('decide who may change or remove them', async () => {
    const admin = await seed.member({ of: owner, role: 'admin' });
    const { id } = await seen('ada', ['reader'], 60);
    await seen('ada', ['chief'], 30);
    const before = await stored();
    expect(await removed(admin.key, id)).toMatchObject(
      refusal('FORBIDDEN', 'they may do what you may not: tenant:delete', ['input', 'id']),
    );
    expect(await updated(admin.key, { id, name: 'Ada' })).toMatchObject({ errors: [{ code: 'FORBIDDEN' }] });
    expect(await stored()).toEqual(before);
    await seen('ada', ['reader']);
    expect(await removed(admin.key, id)).toMatchObject({ member: { status: 'REMOVED' }, errors: [] });
  });

  it('are decided by their issuer, until there is none', async () => {
    const { id } = await seen('ada', ['reader']);
    const issuerName = new URL(issuer.url).host;
    const before = await stored();
    const message = `the issuer ${issuerName} decides about their roles: change them there`;
    expect(await updated(owner.key, { id, role: 'admin' })).toMatchObject(refusal('CONFLICT', message, ['input', 'role']));
    expect(await stored()).toEqual(before);
    expect(await updated(owner.key, { id, role: 'reviewer', name: 'Ada' })).toMatchObject({ errors: [] });
    await owner.ask(issuerUpdate, { input: { id: registered.id, isEnabled: false } });
    expect(await updated(owner.key, { id, role: 'admin' })).toMatchObject({ member: { role: { name: 'admin' } }, errors: [] });
  });

  it('make no last owner: the one whose role was given here stays', async () => {
    const { id, token } = await seen('ada', ['chief']);
    const message = 'a tenant keeps its last owner';
    const before = await stored();
    expect(await removed(token, owner.memberId)).toMatchObject(refusal('CONFLICT', message, ['input', 'id']));
    expect(await updated(owner.key, { id: owner.memberId, role: 'admin' })).toMatchObject(
      refusal('CONFLICT', message, ['input', 'id']),
    );
    expect(await stored()).toEqual(before);
    expect(await removed(owner.key, id)).toMatchObject({ errors: [] });
  });

  it('are what explainPermission goes by', async () => {
    await seen('ada', ['boss'], 60);
    const { token } = await seen('ada', ['reader']);
    for (const permission of allPermissions) {
      const isHeld = listed('reviewer').includes(permission);
      expect(await by(token, explain, { permission }), permission).toEqual({
        explainPermission: { allowed: isHeld, reason: isHeld ? 'GRANTED' : 'ROLE' },
      });
    }
  });
});

describe('a change of people with a token', () => {
  // Let in on the other process, which then is told nothing: what it remembers is for 3 s.
  const cases: readonly (readonly [string, (person: Person) => Promise<unknown>, string])[] = [
    [
      'its issuer is turned off',
      () => app.sql`update issuers set is_enabled = false, revision = revision + 1 where id = ${uuidOf(registered.id)}`,
      'the issuer of this token was changed or deleted',
    ],
    [
      'its issuer is deleted',
      () => app.sql`update issuers set deleted_at = now() where id = ${uuidOf(registered.id)}`,
      'the issuer of this token was changed or deleted',
    ],
    [
      'its roles mean something else',
      () => app.sql`update issuers set revision = revision + 1 where id = ${uuidOf(registered.id)}`,
      'the issuer of this token was changed or deleted',
    ],
    [
      'its person was removed',
      ({ id }) => app.sql`update members set removed_at = now() where id = ${uuidOf(id)}`,
      'you are no member any more',
    ],
    [
      'its tenant was suspended',
      () => app.sql`update tenants set suspended_at = now() where id = ${uuidOf(owner.tenantId)}`,
      'this tenant is suspended',
    ],
  ];

  it.each(cases)('is refused as soon as %s', async (_what, change, message) => {
    const target = await seed.member({ of: owner, role: 'member' });
    const boss = await seen('ada', ['boss']);
    expect((await post(second.url, { query: viewer }, { key: boss.token })).status).toBe(200);
    await change(boss);
    const before = await stored();
    const { body } = await post(
      second.url,
      { query: update, variables: { input: { id: target.memberId, role: 'editor' } } },
      { key: boss.token },
    );
    expect(body.data).toEqual({ memberUpdate: { member: null, errors: [{ code: 'FORBIDDEN', message, path: null }] } });
    expect(await stored()).toEqual(before);
  });

  it('is refused as soon as its own role allows less', async () => {
    const lead = await roleOf('lead', ['members:write', ...listed('member')]);
    await owner.ask(issuerUpdate, { input: { id: registered.id, roles: [{ value: 'lead', role: 'lead' }] } });
    const target = await seed.member({ of: owner, role: 'member' });
    const person = await seen('ada', ['lead']);
    expect((await post(second.url, { query: viewer }, { key: person.token })).status).toBe(200);
    await app.sql`update roles set permissions = '{models:read}' where id = ${uuidOf(lead)}`;
    const input = { id: target.memberId, name: 'Ada' };
    const { body } = await post(second.url, { query: update, variables: { input } }, { key: person.token });
    expect(body.data).toEqual({
      memberUpdate: { member: null, errors: [{ code: 'FORBIDDEN', message: 'your role was changed just now', path: null }] },
    });
  });

  it('is refused as soon as a key is revoked', async () => {
    const target = await seed.member({ of: owner, role: 'member' });
    const boss = await seed.member({ of: owner, role: 'admin' });
    expect((await post(second.url, { query: viewer }, boss)).status).toBe(200);
    await app.sql`update api_keys set revoked_at = now() where member_id = ${uuidOf(boss.memberId)}`;
    const { body } = await post(second.url, { query: remove, variables: { input: { id: target.memberId } } }, boss);
    expect(body.data).toEqual({
      memberRemove: { member: null, errors: [{ code: 'FORBIDDEN', message: 'this key was revoked or has expired', path: null }] },
    });
  });
});

describe('a key', () => {
  const make =
    'mutation { apiKeyCreate(input: { name: "mine", permissions: ["models:read"] }) { secret errors { code message } } }';
  const turn = 'mutation ($id: ID!) { apiKeyRotate(input: { id: $id }) { secret errors { code message } } }';
  const stays = () =>
    app.sql`select id, expires_at, revoked_at from api_keys where tenant_id = ${uuidOf(owner.tenantId)} order by id`;

  it('is not made or rotated by a key that was revoked, where that is not known yet', async () => {
    const boss = await seed.member({ of: owner, role: 'admin' });
    expect((await post(second.url, { query: viewer }, boss)).status).toBe(200);
    const [own] = await app.sql<{ id: string }>`
      update api_keys set revoked_at = now() where member_id = ${uuidOf(boss.memberId)} returning id`;
    const before = await stays();
    const errors = [{ code: 'FORBIDDEN', message: 'this key was revoked or has expired' }];
    expect((await post(second.url, { query: make }, boss)).body.data).toEqual({ apiKeyCreate: { secret: null, errors } });
    const variables = { id: idOfUuid('key', own?.id ?? '') };
    expect((await post(second.url, { query: turn, variables }, boss)).body.data).toEqual({
      apiKeyRotate: { secret: null, errors },
    });
    expect(await stays()).toEqual(before);
  });

  it('is not made by a token whose issuer was turned off, where that is not known yet', async () => {
    const { token } = await seen('ada', ['reader']);
    expect((await post(second.url, { query: viewer }, { key: token })).status).toBe(200);
    await app.sql`update issuers set is_enabled = false, revision = revision + 1 where id = ${uuidOf(registered.id)}`;
    const before = await stays();
    expect((await post(second.url, { query: make }, { key: token })).body.data).toEqual({
      apiKeyCreate: { secret: null, errors: [{ code: 'FORBIDDEN', message: 'the issuer of this token was changed or deleted' }] },
    });
    expect(await stays()).toEqual(before);
  });
});

describe('a token', () => {
  it('leaves nothing of what its issuer was before a change that is not known yet', async () => {
    const { token } = await seen('ada', ['reader'], 30);
    // Its issuer is known on this process from now on.
    expect((await post(second.url, { query: viewer }, { key: token })).status).toBe(200);
    const iat = now();
    const made = (sub: string, role: string) =>
      issuer.forge({ iss: issuer.url, aud: registered.audience, sub, roles: [role], iat, exp: iat + 600 });
    await app.sql`
      update issuers set revision = revision + 1, roles = '[{"value":"reader","role":"analyst"}]' where id = ${uuidOf(registered.id)}`;
    const before = await stored();
    for (const sub of ['ada', 'bob'])
      expect((await post(second.url, { query: viewer }, { key: await made(sub, 'boss') })).status, sub).toBe(403);
    expect(await stored()).toEqual(before);
    expect((await post(second.url, { query: viewer }, { key: await made('ada', 'reader') })).body.data).toMatchObject({
      viewer: { role: { name: 'analyst' }, actor: { roles: [{ name: 'analyst' }] } },
    });
  });
});

describe('roleDelete', () => {
  it.each([
    ['for a value', { roles: [{ value: 'clerk', role: 'clerk' }] }],
    ['for all others', { roles, defaultRole: 'clerk' }],
  ])('is refused while an issuer gives the role %s, on or off', async (_what, input) => {
    const id = await roleOf('clerk', ['models:read']);
    await owner.ask(issuerUpdate, { input: { id: registered.id, name: 'Acme', ...input } });
    const refused = {
      roleDelete: {
        deletedId: null,
        ...refusal('CONFLICT', 'the issuer Acme gives this role: change that first', ['input', 'id']),
      },
    };
    expect(await owner.ask(roleDelete, { id })).toEqual(refused);
    await owner.ask(issuerUpdate, { input: { id: registered.id, isEnabled: false } });
    expect(await owner.ask(roleDelete, { id })).toEqual(refused);
    await owner.ask(issuerUpdate, { input: { id: registered.id, roles, defaultRole: null } });
    expect(await owner.ask(roleDelete, { id })).toEqual({ roleDelete: { deletedId: id, errors: [] } });
  });

  it('takes the role from who had it by a token, whatever is called the same later', async () => {
    const id = await roleOf('clerk', ['models:read', 'keys:write', 'keys:read']);
    await owner.ask(issuerUpdate, { input: { id: registered.id, roles: [{ value: 'clerk', role: 'clerk' }] } });
    const { token, id: memberId } = await seen('ada', ['clerk']);
    const { apiKeyCreate } = await by<{ apiKeyCreate: { secret: string } }>(
      token,
      'mutation { apiKeyCreate(input: { name: "mine", permissions: ["models:read"] }) { secret errors { code } } }',
    );
    await owner.ask(issuerUpdate, { input: { id: registered.id, roles } });
    expect(await owner.ask(roleDelete, { id })).toMatchObject({ roleDelete: { errors: [] } });
    await roleOf('clerk', ['models:read']);
    await eventually(async () => (await permissionsOf(apiKeyCreate.secret)).length === 0, 5_000, 'the key to end');
    expect(
      await owner.ask('query ($id: ID!) { node(id: $id) { ... on Member { role { name } roles { name } } } }', { id: memberId }),
    ).toEqual({
      node: { role: null, roles: [] },
    });
  });
});
