import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtInRoles } from '../../src/access/roles.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { idOfName, newId } from '../../src/kernel/id.ts';
import { allPermissions, type Permission } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { finishedGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const create = `mutation ($input: RoleCreateInput!) { roleCreate(input: $input) { role { id name permissions isBuiltIn } errors { code message path } } }`;
const update = `mutation ($input: RoleUpdateInput!) { roleUpdate(input: $input) { role { id permissions } errors { code message path } } }`;
const remove = `mutation ($input: RoleDeleteInput!) { roleDelete(input: $input) { deletedId errors { code message path } } }`;
const list = '{ roles { id name permissions isBuiltIn } }';
const explain =
  'query ($permission: String!, $id: ID) { explainPermission(permission: $permission, nodeId: $id) { allowed reason } }';

interface Role {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
}
interface Errors {
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path: readonly string[] | null }[];
}

let app: TestApp;
let seed: Seed;
let owner: Caller;

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

async function made(input: object, by: Caller = owner): Promise<{ role: Role } & Errors> {
  return (await by.ask<{ roleCreate: { role: Role } & Errors }>(create, { input })).roleCreate;
}
const permissionsOf = async (caller: Caller) =>
  (await caller.ask<{ viewer: { permissions: Permission[] } }>('{ viewer { permissions } }')).viewer.permissions;
const stored = () => app.sql`select id, name, permissions from roles where tenant_id = ${uuidOf(owner.tenantId)} order by name`;

describe('a role', () => {
  it('bounds what each key of its members may do', async () => {
    for (const [name, permissions] of builtInRoles) {
      const whole = await seed.member({ of: owner, role: name });
      expect(await permissionsOf(whole), name).toEqual(allPermissions.filter((each) => permissions.includes(each)));
      expect(await whole.ask('{ viewer { role { name isBuiltIn } actor { role { name } status } } }')).toEqual({
        viewer: { role: { name, isBuiltIn: true }, actor: { role: { name }, status: 'ACTIVE' } },
      });
    }
    const narrow = await seed.member({
      of: owner,
      role: 'member',
      can: ['generations:read', 'tenant:write', 'generations:others'],
    });
    expect(await permissionsOf(narrow)).toEqual(['generations:read']);
  });

  it('that is not there any more may do nothing', async () => {
    const lost = await seed.member({ of: owner, role: 'nobody made it' });
    expect(await permissionsOf(lost)).toEqual([]);
    expect(await lost.ask('{ viewer { role { name } } }')).toEqual({ viewer: { role: null } });
  });

  it('of another tenant with the same name is another role', async () => {
    await made({ name: 'reader', permissions: ['models:read'] });
    const other = await seed.tenant();
    const stranger = await seed.member({ of: other, role: 'reader' });
    expect(await permissionsOf(stranger)).toEqual([]);
  });
});

describe('roles', () => {
  it('lists the built-in ones, then the own ones by name', async () => {
    await made({ name: 'writer', permissions: ['generations:write', 'generations:read', 'generations:read'] });
    await made({ name: '  auditor ', permissions: ['members:read'] });
    const { roles } = await owner.ask<{ roles: Role[] }>(list);
    expect(roles.map(({ name }) => name)).toEqual([...builtInRoles.keys(), 'auditor', 'writer']);
    expect(roles.at(-1)).toEqual({
      id: expect.stringMatching(/^rol_/),
      name: 'writer',
      permissions: ['generations:read', 'generations:write'],
      isBuiltIn: false,
    });
    for (const { id } of roles)
      expect(await owner.ask('query ($id: ID!) { node(id: $id) { __typename id } }', { id })).toEqual({
        node: { __typename: 'Role', id },
      });
    const other = await seed.tenant();
    expect(await other.ask('query ($id: ID!) { node(id: $id) { id } }', { id: roles.at(-1)?.id })).toEqual({ node: null });
    expect((await other.ask<{ roles: Role[] }>(list)).roles.map(({ name }) => name)).toEqual([...builtInRoles.keys()]);
  });
});

describe('roleCreate', () => {
  it.each([
    [
      'an empty name',
      { name: ' ', permissions: ['models:read'] },
      'INVALID_INPUT',
      'a name has 1 to 60 characters, not 0',
      ['input', 'name'],
    ],
    ['no permission', { name: 'x', permissions: [] }, 'INVALID_INPUT', 'a role needs a permission', ['input', 'permissions']],
    [
      'an unknown one',
      { name: 'x', permissions: ['__proto__'] },
      'INVALID_INPUT',
      'no such permission',
      ['input', 'permissions', '0'],
    ],
    [
      'the name of a built-in one',
      { name: 'Owner', permissions: ['models:read'] },
      'CONFLICT',
      'this is the name of a built-in role',
      ['input', 'name'],
    ],
  ])('refuses %s', async (_what, input, code, message, path) => {
    expect(await made(input)).toEqual({ role: null, errors: [{ code, message, path }] });
    expect(await stored()).toEqual([]);
  });

  it('refuses a name that is taken, whoever asks at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => made({ name: 'reader', permissions: ['models:read'] })));
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    expect(answers.flatMap(({ errors }) => errors)).toEqual(
      Array.from({ length: 4 }, () => ({ code: 'CONFLICT', message: 'there is a role with this name', path: ['input', 'name'] })),
    );
    expect(await stored()).toHaveLength(1);
  });

  it('lets nobody give what they do not have: the role, or the key', async () => {
    const byRole = await seed.member({ of: owner, role: 'admin' });
    const byKey = await seed.member({ of: owner, can: ['roles:write', 'models:read'] });
    for (const [who, permission] of [
      [byRole, 'tenant:delete'],
      [byKey, 'members:write'],
    ] as const) {
      expect(await made({ name: 'x', permissions: ['models:read', permission] }, who)).toEqual({
        role: null,
        errors: [
          {
            code: 'FORBIDDEN',
            message: `nobody hands out what they do not have: ${permission}`,
            path: ['input', 'permissions', '1'],
          },
        ],
      });
    }
    expect(await stored()).toEqual([]);
  });
});

describe('roleUpdate', () => {
  it('changes what its members may do at once', async () => {
    const { role } = await made({ name: 'reader', permissions: ['models:read', 'templates:read'] });
    const member = await seed.member({ of: owner, role: 'reader' });
    expect(await permissionsOf(member)).toEqual(['templates:read', 'models:read']);
    const { roleUpdate } = await owner.ask<{ roleUpdate: object }>(update, {
      input: { id: role.id, permissions: ['models:read'] },
    });
    expect(roleUpdate).toEqual({ role: { id: role.id, permissions: ['models:read'] }, errors: [] });
    expect(await permissionsOf(member)).toEqual(['models:read']);
  });

  it('refuses who may do less than the role, before or after', async () => {
    const { role } = await made({ name: 'reader', permissions: ['models:read', 'tenant:delete'] });
    const admin = await seed.member({ of: owner, role: 'admin' });
    const before = await stored();
    expect(await admin.ask(update, { input: { id: role.id, permissions: ['models:read'] } })).toEqual({
      roleUpdate: {
        role: null,
        errors: [{ code: 'FORBIDDEN', message: 'they may do what you may not: tenant:delete', path: ['input', 'id'] }],
      },
    });
    const { roleUpdate } = await admin.ask<{ roleUpdate: Errors }>(update, {
      input: { id: role.id, permissions: ['tenant:delete'] },
    });
    expect(roleUpdate.errors.map(({ code }) => code)).toEqual(['FORBIDDEN']);
    expect(await admin.ask(remove, { input: { id: role.id } })).toMatchObject({
      roleDelete: { errors: [{ code: 'FORBIDDEN' }] },
    });
    expect(await stored()).toEqual(before);
  });

  it('knows no built-in, unknown or foreign role', async () => {
    const other = await seed.tenant();
    const foreign = await made({ name: 'theirs', permissions: ['models:read'] }, other);
    for (const [id, code, message] of [
      [idOfName('rol', 'owner'), 'CONFLICT', 'built-in roles stay as they are'],
      [newId('rol'), 'NOT_FOUND', 'no such role'],
      ['nonsense', 'NOT_FOUND', 'no such role'],
      [owner.memberId, 'NOT_FOUND', 'no such role'],
      [foreign.role.id, 'NOT_FOUND', 'no such role'],
    ]) {
      const errors = [{ code, message, path: ['input', 'id'] }];
      expect(await owner.ask(update, { input: { id, permissions: ['models:read'] } }), id).toEqual({
        roleUpdate: { role: null, errors },
      });
      expect(await owner.ask(remove, { input: { id } }), id).toEqual({ roleDelete: { deletedId: null, errors } });
    }
  });
});

describe('roleDelete', () => {
  it('deletes a role that nobody has', async () => {
    const { role } = await made({ name: 'reader', permissions: ['models:read'] });
    const member = await seed.member({ of: owner, role: 'reader' });
    const errors = [{ code: 'CONFLICT', message: 'somebody has this role, or is invited to it', path: ['input', 'id'] }];
    expect(await owner.ask(remove, { input: { id: role.id } })).toEqual({ roleDelete: { deletedId: null, errors } });
    await owner.ask('mutation ($id: ID!) { memberUpdate(input: { id: $id, role: "member" }) { errors { code } } }', {
      id: member.memberId,
    });
    await owner.ask('mutation { invitationCreate(input: { email: "ada@example.org", role: "reader" }) { errors { code } } }');
    expect(await owner.ask(remove, { input: { id: role.id } })).toEqual({ roleDelete: { deletedId: null, errors } });
    await app.sql`update invitations set revoked_at = now() where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(await owner.ask(remove, { input: { id: role.id } })).toEqual({ roleDelete: { deletedId: role.id, errors: [] } });
    expect(await stored()).toEqual([]);
  });
});

describe('the permissions of roles', () => {
  it.each([
    [create, { name: 'x', permissions: ['models:read'] }, 'roles:write'],
    [update, { id: newId('rol'), permissions: ['models:read'] }, 'roles:write'],
    [remove, { id: newId('rol') }, 'roles:write'],
    [list, null, 'members:read'],
  ] as const)('%s', async (operation, input, permission) => {
    const others = allPermissions.filter((each) => each !== permission);
    const caller = await seed.member({ of: owner, can: others });
    const answer = await caller.answer(operation, input ? { input } : {});
    expect(JSON.stringify(answer)).toContain(`this needs the permission ${permission}`);
    expect(await stored()).toEqual([]);
  });
});

describe('explainPermission', () => {
  it('names the wall: the role, the key, another’s thing, no thing', async () => {
    const letter = await finishedGeneration(app, owner);
    const admin = await seed.member({ of: owner, role: 'admin', can: ['generations:read'] });
    const member = await seed.member({ of: owner, role: 'member' });
    const stranger = await seed.tenant();
    const cases: [Caller, string, string | null, boolean, string][] = [
      [owner, 'generations:read', letter.id, true, 'GRANTED'],
      [owner, 'tenant:delete', null, true, 'GRANTED'],
      [admin, 'tenant:delete', null, false, 'ROLE'],
      [admin, 'members:read', letter.id, false, 'KEY'],
      [admin, 'generations:read', letter.id, false, 'OTHERS'],
      [member, 'generations:write', null, true, 'GRANTED'],
      [member, 'generations:write', letter.id, false, 'OTHERS'],
      [member, 'generations:others', letter.id, false, 'ROLE'],
      [member, 'generations:read', newId('gen'), false, 'UNKNOWN'],
      [member, 'generations:read', 'nonsense', false, 'UNKNOWN'],
      [stranger, 'generations:read', letter.id, false, 'UNKNOWN'],
      [stranger, 'tenant:write', owner.tenantId, false, 'UNKNOWN'],
    ];
    for (const [caller, permission, id, allowed, reason] of cases)
      expect(await caller.ask(explain, { permission, id }), `${permission} ${reason}`).toEqual({
        explainPermission: { allowed, reason },
      });
  });

  it('says of people and roles what becomes of a change of theirs', async () => {
    const admin = await seed.member({ of: owner, role: 'admin' });
    const [member, gone] = [await seed.member({ of: owner, role: 'member' }), await seed.member({ of: owner, role: 'member' })];
    await owner.ask('mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }', { id: gone.memberId });
    const { role: small } = await made({ name: 'small', permissions: ['models:read'] });
    const { role: great } = await made({ name: 'great', permissions: ['tenant:delete'] });
    const change = 'mutation ($id: ID!) { it: memberUpdate(input: { id: $id, name: "Ada" }) { errors { code } } }';
    const reshape =
      'mutation ($id: ID!) { it: roleUpdate(input: { id: $id, permissions: ["models:read"] }) { errors { code } } }';
    const cases = [
      ['members:write', member.memberId, change, 'GRANTED', null],
      ['members:write', admin.memberId, change, 'GRANTED', null],
      ['members:write', owner.memberId, change, 'BEYOND', 'FORBIDDEN'],
      ['members:write', gone.memberId, change, 'UNKNOWN', 'NOT_FOUND'],
      ['roles:write', small.id, reshape, 'GRANTED', null],
      ['roles:write', great.id, reshape, 'BEYOND', 'FORBIDDEN'],
      ['roles:write', idOfName('rol', 'member'), reshape, 'BEYOND', 'CONFLICT'],
      ['roles:write', newId('rol'), reshape, 'UNKNOWN', 'NOT_FOUND'],
    ] as const;
    for (const [permission, id, operation, reason, code] of cases) {
      expect(await admin.ask(explain, { permission, id }), id).toEqual({
        explainPermission: { allowed: code === null, reason },
      });
      expect(await admin.ask(operation, { id }), id).toEqual({ it: { errors: code === null ? [] : [{ code }] } });
    }
    // Everybody sees themselves.
    const reading = { permission: 'members:read', id: member.memberId };
    expect(await member.ask(explain, reading)).toEqual({ explainPermission: { allowed: true, reason: 'GRANTED' } });
    expect(await member.ask(explain, { ...reading, id: admin.memberId })).toEqual({
      explainPermission: { allowed: false, reason: 'ROLE' },
    });
  });

  it('refuses what is no permission', async () => {
    const { errors } = await owner.answer(explain, { permission: 'root' });
    expect(errors?.[0]?.extensions).toEqual({ code: 'INVALID_INPUT', path: ['permission'] });
  });
});
