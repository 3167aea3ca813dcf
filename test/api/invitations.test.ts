import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newKeyText } from '../../src/access/key-text.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, sse, type RawSocket } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const parts = 'id email status role { name } invitedBy { id } member { id } createdAt expiresAt acceptedAt revokedAt';
const create = `mutation ($input: InvitationCreateInput!) { invitationCreate(input: $input) { invitation { ${parts} } token errors { code message path } } }`;
const revoke = `mutation ($input: InvitationRevokeInput!) { invitationRevoke(input: $input) { invitation { id status } errors { code message path } } }`;
const accept = `mutation ($input: InvitationAcceptInput!) {
  invitationAccept(input: $input) { member { id email name status role { name } } apiKey { id name member { id } permissions } secret errors { code message path } }
}`;
const list = `query ($first: Int, $after: String) { invitations(first: $first, after: $after) { nodes { ${parts} } pageInfo { hasNextPage endCursor } } }`;

interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly status: string;
  readonly expiresAt: string;
}
interface Made {
  readonly invitation: Invitation;
  readonly token: string;
  readonly errors: readonly object[];
}
interface Accepted {
  readonly member: { readonly id: string } | null;
  readonly secret: string;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

let app: TestApp;
let seed: Seed;
let owner: Caller;
let number = 0;

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

const uniqueEmail = () => `ada-${(number += 1)}@example.org`;
async function made(input: object = {}, by: Caller = owner): Promise<Made> {
  const whole = { email: uniqueEmail(), role: 'member', ...input };
  return (await by.ask<{ invitationCreate: Made }>(create, { input: whole })).invitationCreate;
}
/** What accepting with a token answers: the payload, or the status and the refusal of the request. */
async function accepted(token: string, input: object = {}, url = app.url): Promise<Accepted | [number, string | undefined]> {
  const { status, body } = await post(url, { query: accept, variables: { input } }, { key: token });
  return status === 200 ? (body.data as { invitationAccept: Accepted }).invitationAccept : [status, body.errors?.[0]?.message];
}
/** The same for one of many at once: who is told that there is no room now comes back, as any client would. */
async function acceptedAmongMany(token: string, input: object, url: string): Promise<Accepted | [number, string | undefined]> {
  for (let tries = 0; ; tries++) {
    const answer = await accepted(token, input, url);
    const isTurnedAway = Array.isArray(answer) ? answer[0] === 503 : answer.errors[0]?.code === 'UNAVAILABLE';
    if (!isTurnedAway || tries === 10) return answer;
  }
}
/** Why an operation is refused: before it began, or as its first result. */
async function refusalOn(socket: RawSocket) {
  for (;;) {
    const { type, payload } = await socket.next();
    const errors = type === 'error' ? payload : type === 'next' ? (payload as { errors: unknown }).errors : null;
    if (errors) return (errors as { message: string; extensions: { code: string } }[])[0];
  }
}
const stored = (of: Caller = owner) => app.sql<{ id: string }>`
  select id, email, role from members where tenant_id = ${uuidOf(of.tenantId)} union all
  select id, email, role || coalesce(' revoked ' || revoked_at, '') from invitations where tenant_id = ${uuidOf(of.tenantId)} order by id`;
const keysOf = async (of: Caller = owner) =>
  (await app.sql<{ keys: number }>`select count(*)::int as keys from api_keys where tenant_id = ${uuidOf(of.tenantId)}`)[0]?.keys;

describe('invitationCreate and invitationAccept', () => {
  it('make a member with the role, and their first key', async () => {
    const { invitation, token, errors } = await made({ email: ' Ada@Example.org ', role: 'editor' });
    expect(errors).toEqual([]);
    expect(token).toMatch(/^dw_invite_[0-9a-z]{26}_[\w-]{43}$/);
    expect(invitation).toEqual({
      id: expect.stringMatching(/^inv_/),
      email: 'ada@example.org',
      status: 'PENDING',
      role: { name: 'editor' },
      invitedBy: { id: owner.memberId },
      member: null,
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      acceptedAt: null,
      revokedAt: null,
    });
    const days = (Date.parse(invitation.expiresAt) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(7);

    const answer = (await accepted(token, { name: ' Ada ' })) as Accepted;
    const member = {
      id: expect.stringMatching(/^mem_/),
      email: 'ada@example.org',
      name: 'Ada',
      status: 'ACTIVE',
      role: { name: 'editor' },
    };
    expect(answer).toEqual({
      member,
      apiKey: {
        id: expect.stringMatching(/^key_/),
        name: 'first',
        member: { id: answer.member?.id },
        permissions: allPermissions,
      },
      secret: expect.stringMatching(/^dw_live_/),
      errors: [],
    });
    const { body } = await post(
      app.url,
      { query: '{ viewer { tenant { id } actor { id } role { name } } }' },
      { key: answer.secret },
    );
    expect(body.data).toEqual({
      viewer: { tenant: { id: owner.tenantId }, actor: { id: answer.member?.id }, role: { name: 'editor' } },
    });
    expect(await owner.ask(list)).toMatchObject({
      invitations: { nodes: [{ id: invitation.id, status: 'ACCEPTED', member: { id: answer.member?.id } }] },
    });
  });

  it('leave the token out of tables, log and metrics', async () => {
    const { token } = await made();
    await accepted(token, {});
    const end = token.slice(38);
    const rows = await app.sql`select * from invitations where tenant_id = ${uuidOf(owner.tenantId)}`;
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    for (const text of [JSON.stringify(rows), app.lines.join('\n'), metrics]) expect(text).not.toContain(end);
  });

  it('make one member, whoever accepts at the same time on two processes', async () => {
    const { token } = await made();
    const second = await openTestApp({ database: app.database });
    const before = await stored();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => acceptedAmongMany(token, {}, index % 2 ? app.url : second.url)),
    );
    await second.stop();
    const won = answers.filter((each) => !Array.isArray(each) && each.member !== null);
    expect(won).toHaveLength(1);
    for (const each of answers) {
      if (each === won[0]) continue;
      // Who was let in before it was used, and who came after.
      if (Array.isArray(each)) expect(each).toEqual([401, 'this invitation was used already']);
      else expect(each.errors).toEqual([{ code: 'CONFLICT', message: 'this invitation was used, or is over', path: null }]);
    }
    expect(await stored()).toHaveLength(before.length + 1);
    expect(await keysOf()).toBe(2);
  });

  it('give the same member and key to a repeat, one for any number of calls at once on two processes', async () => {
    const { token } = await made();
    const second = await openTestApp({ database: app.database });
    const before = await stored();
    const input = { name: 'Ada', idempotencyKey: 'once' };
    const call = (index: number) => acceptedAmongMany(token, input, index % 2 ? app.url : second.url) as Promise<Accepted>;
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => call(index)));
    const again = await Promise.all([call(0), call(1)]);
    await second.stop();

    expect(answers[0]).toMatchObject({ member: { name: 'Ada' }, secret: expect.stringMatching(/^dw_live_/), errors: [] });
    for (const each of [...answers, ...again]) expect(each).toEqual(answers[0]);
    expect(await stored()).toHaveLength(before.length + 1);
    expect(await keysOf()).toBe(2);
    const told = await app.sql`
      select from audit_entries where tenant_id = ${uuidOf(owner.tenantId)} and operation = 'invitationAccept'`;
    expect(told).toHaveLength(1);
    const { body } = await post(app.url, { query: '{ viewer { actor { id } } }' }, { key: answers[0]?.secret ?? '' });
    expect(body.data).toEqual({ viewer: { actor: { id: answers[0]?.member?.id } } });
  });

  it('give nothing to a repeat with another input or key, nor a day later, nor to who is kept out', async () => {
    const { token } = await made();
    const input = { name: 'Ada', idempotencyKey: 'once' };
    expect(await accepted(token, input)).toMatchObject({ errors: [] });
    const before = await stored();
    const used = [{ code: 'CONFLICT', message: 'this invitation was used, or is over', path: null }];
    const other = {
      code: 'CONFLICT',
      message: 'this idempotency key was used with another input',
      path: ['input', 'idempotencyKey'],
    };
    expect(await accepted(token, { ...input, name: 'Eve' })).toMatchObject({ member: null, secret: null, errors: [other] });
    for (const bad of [{ name: 'Ada' }, { ...input, idempotencyKey: 'twice' }])
      expect(await accepted(token, bad)).toMatchObject({ member: null, secret: null, errors: used });
    await app.sql`update tenants set suspended_at = now() where id = ${uuidOf(owner.tenantId)}`;
    expect(await accepted(token, input)).toEqual([403, 'this tenant is suspended']);
    await app.sql`update tenants set suspended_at = null where id = ${uuidOf(owner.tenantId)}`;
    // After its own time it is over for everything but the answer it gave.
    await app.sql`update invitations set expires_at = now() where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(await accepted(token, input)).toMatchObject({ errors: [] });
    await app.sql`update idempotency_keys set expires_at = now() where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(await accepted(token, input)).toEqual([401, 'this invitation was used already']);
    expect(await stored()).toEqual(before);
  });

  it('refuse what is used, revoked, expired, of a suspended tenant, or made up', async () => {
    const [used, revoked, expired, suspended] = [await made(), await made(), await made(), await made({}, await seed.tenant())];
    await accepted(used.token);
    await owner.ask(revoke, { input: { id: revoked.invitation.id } });
    await app.sql`update invitations set expires_at = now() where id = ${uuidOf(expired.invitation.id)}`;
    await app.sql`update tenants set suspended_at = now() where id = (select tenant_id from invitations where id = ${uuidOf(suspended.invitation.id)})`;
    const before = await stored();
    const cases = [
      [used.token, 401, 'this invitation was used already'],
      [revoked.token, 401, 'this invitation was revoked'],
      [expired.token, 401, 'this invitation has expired'],
      [suspended.token, 403, 'this tenant is suspended'],
      [newKeyText(newId('inv'), 'development', 'inv'), 401, 'this invitation is not valid'],
      [newKeyText(newId('inv'), 'somebody else', 'inv'), 401, 'this key is not valid'],
      [`${used.token}x`, 401, 'this key is not valid'],
      [used.token.replace('dw_invite', 'dw_live'), 401, 'this key is not valid'],
      [owner.key.replace('dw_live', 'dw_invite'), 401, 'this key is not valid'],
    ] as const;
    for (const [token, status, message] of cases) {
      expect(await accepted(token), message).toEqual([status, message]);
      const stream = await sse(app.url, { query: 'subscription { generationStream(id: "x") { cursor } }' }, { key: token });
      expect(stream.status, message).toBe(status);
      stream.stop();
      const socket = await rawSocket(app.url);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
      expect(await socket.closed, message).toBe(status === 401 ? 4401 : 4403);
    }
    expect(await stored()).toEqual(before);
  });

  it('let a token keep nothing open, and take none of its worth', async () => {
    const { token } = await made();
    const socket = await acknowledged(app.url, token);
    const refusal = await eventually(async () => {
      socket.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { generationStream(id: "x") { cursor } }' } });
      const refused = await refusalOn(socket);
      expect(refused?.extensions.code).toBe('FORBIDDEN');
      return refused?.message.startsWith('this needs') ? null : refused?.message;
    });
    expect(refusal).toBe('nothing stays open with this invitation');
    socket.socket.close();
    await socket.closed;
    expect(await accepted(token)).toMatchObject({ errors: [] });
  });

  it('refuse a key in the place of the token', async () => {
    const before = await stored();
    expect(await accepted(owner.key)).toEqual({
      member: null,
      apiKey: null,
      secret: null,
      errors: [
        { code: 'FORBIDDEN', message: 'only an invitation accepts: send it as authorization: Bearer <token>', path: null },
      ],
    });
    expect(await stored()).toEqual(before);
  });

  it('refuse a name that is none, and leave the invitation open', async () => {
    const { token } = await made();
    expect(await accepted(token, { name: ' ' })).toMatchObject({ errors: [{ code: 'INVALID_INPUT', path: ['input', 'name'] }] });
    expect(await accepted(token, { name: 'Ada' })).toMatchObject({ errors: [] });
  });

  it('let a token do nothing else, and say for whom it is', async () => {
    const { token } = await made();
    const asked = async (query: string) => (await post(app.url, { query }, { key: token })).body;
    expect((await asked('{ viewer { tenant { id } role { name } permissions } }')).data).toEqual({
      viewer: { tenant: { id: owner.tenantId }, role: null, permissions: [] },
    });
    expect((await asked('{ viewer { actor { id } } }')).errors?.[0]).toMatchObject({
      message: 'nobody yet: accept the invitation first',
      extensions: { code: 'FORBIDDEN' },
    });
    for (const query of [
      '{ members { nodes { id } } }',
      '{ roles { id } }',
      '{ invitations { nodes { id } } }',
      '{ generations { nodes { id } } }',
      '{ templates { nodes { id } } }',
      '{ models { id } }',
      '{ apiKeys { nodes { id } } }',
      '{ __schema { types { name } } }',
      `{ node(id: "${owner.memberId}") { id } }`,
    ])
      expect((await asked(query)).errors?.[0]?.extensions?.['code'], query).toBe('FORBIDDEN');
    expect((await asked('{ explainPermission(permission: "members:read") { allowed reason } }')).data).toEqual({
      explainPermission: { allowed: false, reason: 'ROLE' },
    });
  });
});

describe('invitationCreate', () => {
  it.each([
    ['no address', { email: 'ada' }, 'INVALID_INPUT', 'this is no email address', ['input', 'email']],
    ['a long one', { email: `${'a'.repeat(250)}@x.org` }, 'INVALID_INPUT', 'this is no email address', ['input', 'email']],
    ['an unknown role', { role: 'king' }, 'NOT_FOUND', 'no such role', ['input', 'role']],
    [
      'too short',
      { expiresInSeconds: 59 },
      'INVALID_INPUT',
      'expiresInSeconds is 59, not 60 to 2592000',
      ['input', 'expiresInSeconds'],
    ],
    [
      'too long',
      { expiresInSeconds: 2_592_001 },
      'INVALID_INPUT',
      'expiresInSeconds is 2592001, not 60 to 2592000',
      ['input', 'expiresInSeconds'],
    ],
  ])('refuses %s', async (_what, input, code, message, path) => {
    const before = await stored();
    expect(await made(input)).toEqual({ invitation: null, token: null, errors: [{ code, message, path }] });
    expect(await stored()).toEqual(before);
  });

  it('invites nobody who is a member; somebody who was removed may come back', async () => {
    const email = uniqueEmail();
    const first = (await accepted((await made({ email })).token)) as Accepted;
    expect(await made({ email: email.toUpperCase() })).toMatchObject({
      errors: [{ code: 'CONFLICT', message: 'somebody with this address is a member already', path: ['input', 'email'] }],
    });
    await owner.ask('mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }', { id: first.member?.id });
    const again = (await accepted((await made({ email })).token)) as Accepted;
    expect(again.errors).toEqual([]);
    expect(again.member?.id).not.toBe(first.member?.id);
  });

  it('makes one member of two invitations to the same address', async () => {
    const email = uniqueEmail();
    const invitations = [await made({ email }), await made({ email })];
    const answers = await Promise.all(invitations.map(({ token }) => accepted(token)));
    expect(answers.filter((each) => (each as Accepted).member !== null)).toHaveLength(1);
    expect(answers.flatMap((each) => (each as Accepted).errors)).toEqual([
      { code: 'CONFLICT', message: 'somebody with this address is a member already', path: null },
    ]);
  });

  it('lets nobody invite to more than they may do', async () => {
    const admin = await seed.member({ of: owner, role: 'admin' });
    const before = await stored();
    expect(await made({ role: 'owner' }, admin)).toMatchObject({
      errors: [{ code: 'FORBIDDEN', message: 'nobody hands out what they do not have: tenant:delete', path: ['input', 'role'] }],
    });
    expect(await stored()).toEqual(before);
    expect((await made({ role: 'admin' }, admin)).errors).toEqual([]);
  });
});

describe('an invitation by somebody who may no longer give it', () => {
  it.each([
    ['is removed', 'mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }'],
    ['has a smaller role', 'mutation ($id: ID!) { memberUpdate(input: { id: $id, role: "member" }) { errors { code } } }'],
  ])('is over when its maker %s', async (_what, change) => {
    const admin = await seed.member({ of: owner, role: 'admin' });
    const open = await made({ role: 'admin' }, admin);
    const kept = await made({ role: 'admin' });
    await owner.ask(change, { id: admin.memberId });
    expect(await accepted(open.token)).toEqual([401, expect.stringContaining('revoked')]);
    expect(await accepted(kept.token)).toMatchObject({ errors: [] });
  });
});

it('is over when the role of its maker comes to allow less, or its own comes to allow more than its maker may', async () => {
  const roles =
    'mutation ($name: String!, $can: [String!]!) { roleCreate(input: { name: $name, permissions: $can }) { role { id } } }';
  const change =
    'mutation ($id: ID!, $can: [String!]!) { roleUpdate(input: { id: $id, permissions: $can }) { errors { code } } }';
  const roleOf = async (name: string, can: string[]) =>
    (await owner.ask<{ roleCreate: { role: { id: string } } }>(roles, { name, can })).roleCreate.role.id;
  const boss = await roleOf('boss', ['members:write', 'models:read', 'health:read']);
  const clerk = await roleOf('clerk', ['models:read']);
  const maker = await seed.member({ of: owner, role: 'boss' });
  const [one, two, three] = [
    await made({ role: 'clerk' }, maker),
    await made({ role: 'clerk' }, maker),
    await made({ role: 'clerk' }, maker),
  ];
  const over = [{ code: 'CONFLICT', message: 'whoever invited you may not do so any more' }];
  const before = await stored();

  await owner.ask(change, { id: clerk, can: ['models:read', 'tenant:write'] });
  expect(await accepted(one.token)).toMatchObject({ member: null, errors: over });
  await owner.ask(change, { id: clerk, can: ['models:read'] });
  await owner.ask(change, { id: boss, can: ['models:read'] });
  expect(await accepted(two.token)).toMatchObject({ member: null, errors: over });
  expect(await stored()).toEqual(before);
  await owner.ask(change, { id: boss, can: ['members:write', 'models:read'] });
  expect(await accepted(three.token)).toMatchObject({ errors: [] });
});

it('is given again to whoever may invite and not look', async () => {
  const inviter = await seed.member({
    of: owner,
    can: [
      'members:write',
      'generations:read',
      'generations:write',
      'templates:read',
      'models:read',
      'keys:read',
      'keys:write',
      'schema:introspect',
    ],
  });
  const input = { email: uniqueEmail(), role: 'member', idempotencyKey: 'once' };
  const first = await made(input, inviter);
  expect(first.errors).toEqual([]);
  expect(await made(input, inviter)).toMatchObject({ token: first.token, errors: [] });
});

describe('invitationRevoke', () => {
  it('ends one for good, once; not one that was accepted', async () => {
    const { invitation } = await made();
    const revoked = { invitationRevoke: { invitation: { id: invitation.id, status: 'REVOKED' }, errors: [] } };
    expect(await owner.ask(revoke, { input: { id: invitation.id } })).toEqual(revoked);
    const before = await stored();
    expect(await owner.ask(revoke, { input: { id: invitation.id } })).toEqual(revoked);
    expect(await stored()).toEqual(before);
    const used = await made();
    await accepted(used.token);
    expect(await owner.ask(revoke, { input: { id: used.invitation.id } })).toMatchObject({
      invitationRevoke: { errors: [{ code: 'CONFLICT', path: ['input', 'id'] }] },
    });
  });

  it('knows none of another tenant', async () => {
    const other = await seed.tenant();
    const foreign = await made({}, other);
    const before = await stored(other);
    for (const id of ['', 'nonsense', newId('inv'), owner.tenantId, foreign.invitation.id]) {
      expect(await owner.ask(revoke, { input: { id } }), id).toEqual({
        invitationRevoke: {
          invitation: null,
          errors: [{ code: 'NOT_FOUND', message: 'no such invitation', path: ['input', 'id'] }],
        },
      });
      expect(
        await owner.ask('query ($id: ID!) { node(id: $id) { ... on Invitation { id } } }', { id: foreign.invitation.id }),
      ).toEqual({ node: null });
    }
    expect(await stored(other)).toEqual(before);
  });
});

describe('invitations', () => {
  it('pages through them, newest first', async () => {
    const emails = [uniqueEmail(), uniqueEmail(), uniqueEmail()];
    for (const email of emails) await made({ email });
    const seen: string[] = [];
    for (let after: string | null = null, isMore = true; isMore;) {
      const { invitations }: { invitations: { nodes: Invitation[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } =
        await owner.ask(list, { first: 2, after });
      seen.push(...invitations.nodes.map(({ email }) => email));
      ({ endCursor: after, hasNextPage: isMore } = invitations.pageInfo);
    }
    expect(seen).toEqual(emails.toReversed());
  });

  it.each([
    [create, { email: 'ada@example.org', role: 'member' }, 'members:write'],
    [revoke, { id: newId('inv') }, 'members:write'],
    [list, null, 'members:read'],
  ] as const)('%s needs its permission', async (operation, input, permission) => {
    const caller = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== permission) });
    const before = await stored();
    expect(JSON.stringify(await caller.answer(operation, input ? { input } : {}))).toContain(
      `this needs the permission ${permission}`,
    );
    expect(await stored()).toEqual(before);
  });
});
