import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { allPermissions, type Permission } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { byService, trailOf } from '../harness/audit-trail.ts';
import { post } from '../harness/clients.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const create = `mutation ($input: TenantCreateInput!) {
  tenantCreate(input: $input) { tenant { id name generationRetentionDays createdAt } ownerKey errors { code message path } }
}`;
const input = { name: ' Customer ', ownerEmail: ' Ada@Customer.example ' };

interface Created {
  readonly tenant: { readonly id: string; readonly name: string } | null;
  readonly ownerKey: string | null;
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path: readonly string[] | null }[];
}

let app: TestApp;
let seed: Seed;
/** The owner of a tenant that runs the installation. */
let operator: Caller;

const newOperator = async (): Promise<Caller> => {
  const caller = await seed.tenant();
  await app.sql`update tenants set runs_installation = true where id = ${uuidOf(caller.tenantId)}`;
  return caller;
};

beforeAll(async () => {
  app = await openTestApp({ env: { TENANTS_PER_DAY: '8' } });
  seed = await openSeed(app);
});
beforeEach(async () => {
  operator = await newOperator();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

const made = async (wanted: object = input, by = operator, url = app.url): Promise<Created> => {
  const { body } = await post(url, { query: create, variables: { input: wanted } }, { key: by.key });
  if (body.errors) throw new Error(JSON.stringify(body.errors));
  return (body.data as { tenantCreate: Created }).tenantCreate;
};
const tenantsNow = async () => (await app.sql<{ n: number }>`select count(*)::int as n from tenants`)[0]?.n ?? 0;
const refused = (code: string, message: string, path: readonly string[] | null = null): Created => ({
  tenant: null,
  ownerKey: null,
  errors: [{ code, message, path }],
});

describe('tenantCreate', () => {
  it('makes a tenant with an owner, whose key is all there is to begin with', async () => {
    const { tenant, ownerKey, errors } = await made();
    expect(errors).toEqual([]);
    expect(tenant).toEqual({
      id: expect.stringMatching(/^ten_/),
      name: 'Customer',
      generationRetentionDays: null,
      createdAt: expect.any(String),
    });
    const query = '{ viewer { tenant { id } actor { email } permissions } members { nodes { id } } }';
    const { body } = await post(app.url, { query }, { key: ownerKey });
    const others = allPermissions.filter((permission) => permission !== 'tenants:create');
    expect(body.data).toEqual({
      viewer: { tenant: { id: tenant?.id }, actor: { email: 'ada@customer.example' }, permissions: others },
      members: { nodes: [expect.anything()] },
    });
    // It is a tenant like any other: who made it is a stranger there.
    expect(await operator.ask('query ($id: ID!) { node(id: $id) { id } }', { id: tenant?.id })).toEqual({ node: null });
  });

  it('is on record in both tenants, in each without the other’s people', async () => {
    const { tenant, ownerKey } = await made();
    const id = tenant?.id ?? '';
    expect(await trailOf(app, operator.tenantId)).toEqual([
      {
        operation: 'tenantCreate',
        actor: expect.stringMatching(/^person_/),
        proof_kind: 'key',
        proof_id: expect.stringMatching(/^key_/),
        thing: id,
        before: null,
        after: { name: 'Customer' },
      },
    ]);
    const key = { name: 'owner', permissions: ['*'] };
    expect(await trailOf(app, id)).toEqual([
      byService('installation', 'tenantCreate', { thing: id, after: { name: 'Customer' } }),
      byService('installation', 'apiKeyCreate', { thing: expect.stringMatching(/^key_/) as string, after: key }),
    ]);
    const all = JSON.stringify(await app.sql`select * from audit_entries`);
    for (const secret of [ownerKey ?? '', 'customer.example']) expect(all).not.toContain(secret);
  });

  it('makes one of any number of calls with the same key, also at once on two processes', async () => {
    const second = await openTestApp({ database: app.database });
    const before = await tenantsNow();
    const wanted = { ...input, idempotencyKey: 'customer-1' };
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => made(wanted, operator, index % 2 === 0 ? app.url : second.url)),
    );
    await second.stop();
    expect(await tenantsNow()).toBe(before + 1);
    expect(answers[0]?.ownerKey).toMatch(/^dw_live_/);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await trailOf(app, operator.tenantId)).toHaveLength(1);
    expect(await made({ ...wanted, name: 'Other' })).toEqual(
      refused('CONFLICT', 'this idempotency key was used with another input', ['input', 'idempotencyKey']),
    );
    // A key that allows less, or ends sooner, gets no secret that it did not make.
    const [, other] = await app.sql<{ name: string }>`select name from api_keys where tenant_id = ${uuidOf(operator.tenantId)}`;
    expect(other).toBeUndefined();
    const { apiKeyCreate } = await operator.ask<{ apiKeyCreate: { secret: string } }>(
      'mutation { apiKeyCreate(input: { name: "x", permissions: ["tenants:create"] }) { secret } }',
    );
    expect((await made(wanted, { ...operator, key: apiKeyCreate.secret })).errors).toMatchObject([{ code: 'CONFLICT' }]);
  });

  it.each([
    [{ name: ' ' }, 'a name has 1 to 200 characters, not 0', 'name'],
    [{ name: 'x'.repeat(201) }, 'a name has 1 to 200 characters, not 201', 'name'],
    [{ ownerEmail: 'nobody' }, 'this is no email address', 'ownerEmail'],
    [{ ownerEmail: `${'x'.repeat(250)}@y.example` }, 'this is no email address', 'ownerEmail'],
  ])('refuses %j', async (bad, message, field) => {
    const before = await tenantsNow();
    expect(await made({ ...input, ...bad })).toEqual(refused('INVALID_INPUT', message, ['input', field]));
    expect(await tenantsNow()).toBe(before);
  });

  it('makes exactly as many in a day as are allowed, however many are wanted at once; what fails is not counted', async () => {
    const second = await openTestApp({ database: app.database, env: { TENANTS_PER_DAY: '8' } });
    const before = await tenantsNow();
    await made({ ...input, name: '' });
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => made(input, operator, index % 2 === 0 ? app.url : second.url)),
    );
    await second.stop();
    const limited = answers.filter(({ tenant }) => tenant === null);
    expect([limited.length, (await tenantsNow()) - before]).toEqual([16, 8]);
    expect(limited[0]).toEqual(refused('RATE_LIMITED', 'a tenant makes at most 8 tenants in a day'));
    // Another's count is another's, and a day later there is room again.
    expect((await made(input, await newOperator())).errors).toEqual([]);
    await app.sql`
      update rate_buckets set window_started_at = now() - interval '25 hours' where kind = 'tenants' and tenant_id = ${uuidOf(operator.tenantId)}`;
    expect((await made()).errors).toEqual([]);
  });
});

describe('tenants:create', () => {
  const missing = refused('FORBIDDEN', 'this needs the permission tenants:create');

  it('is the owner’s and the admin’s, where the tenant runs the installation', async () => {
    const permissionsOf = async (caller: Caller) =>
      (await caller.ask<{ viewer: { permissions: Permission[] } }>('{ viewer { permissions } }')).viewer.permissions;
    for (const role of ['owner', 'admin', 'editor', 'operator', 'member']) {
      const caller = await seed.member({ of: operator, role });
      const isRuling = role === 'owner' || role === 'admin';
      expect([role, (await permissionsOf(caller)).includes('tenants:create')]).toEqual([role, isRuling]);
      const { errors } = await made(input, caller);
      expect([role, errors.length === 0]).toEqual([role, isRuling]);
    }
    const roles = await operator.ask<{ roles: { name: string; permissions: string[] }[] }>('{ roles { name permissions } }');
    expect(roles.roles.filter((role) => role.permissions.includes('tenants:create')).map(({ name }) => name)).toEqual([
      'owner',
      'admin',
    ]);
  });

  it('can be given on there, in a role and in a key', async () => {
    await operator.ask('mutation { roleCreate(input: { name: "sales", permissions: ["tenants:create"] }) { errors { code } } }');
    const seller = await seed.member({ of: operator, role: 'sales' });
    expect((await made(input, seller)).errors).toEqual([]);
    expect(await made(input, await seed.member({ of: operator, can: ['tenant:write'] }))).toEqual(missing);
  });

  it('is nobody’s elsewhere, whatever is stored there', async () => {
    const stranger = await seed.tenant();
    const before = await tenantsNow();
    const wanted =
      'mutation { roleCreate(input: { name: "sales", permissions: ["tenants:create"] }) { errors { code message } } }';
    expect(await stranger.ask(wanted)).toEqual({
      roleCreate: { errors: [{ code: 'FORBIDDEN', message: 'nobody hands out what they do not have: tenants:create' }] },
    });
    await app.sql`insert into roles (tenant_id, id, name, permissions) values (${uuidOf(stranger.tenantId)}, gen_random_uuid(), 'sales', '{tenants:create}')`;
    const seller = await seed.member({ of: stranger, role: 'sales' });
    for (const caller of [stranger, seller, await seed.member({ of: stranger, can: ['tenants:create'] })])
      expect(await made(input, caller)).toEqual(missing);
    const explain = '{ explainPermission(permission: "tenants:create") { allowed reason } }';
    expect(await stranger.ask(explain)).toEqual({ explainPermission: { allowed: false, reason: 'ROLE' } });
    expect(await tenantsNow()).toBe(before);
  });

  it('is the development tenant’s', async () => {
    expect(await app.ask('{ explainPermission(permission: "tenants:create") { allowed } }')).toEqual({
      explainPermission: { allowed: true },
    });
  });
});
