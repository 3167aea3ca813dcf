import { randomBytes } from 'node:crypto';
import { getNamedType, isInputObjectType, isLeafType, isObjectType, type GraphQLField, type GraphQLOutputType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { buildSchemas } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { finishedGeneration, sampleVariables } from '../harness/letters.ts';
import { register } from '../harness/registered.ts';
import { setBudget } from '../harness/budgets.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

// Every mutation leaves its record, and every one that makes or sends something can be repeated. A new mutation needs a row here.

/** What a call is made of: somebody new, as the owner of a tenant of their own. */
interface World {
  readonly app: TestApp;
  readonly issuer: TestIssuer;
  readonly seed: Seed;
  readonly owner: Caller;
}

/** An input that is somebody else's to send. */
class As {
  constructor(
    readonly key: string,
    readonly input: object,
  ) {}
}

/** By mutation: the input of a call that succeeds, without an idempotency key. What it needs is made by other means, or by other mutations. */
const calls: Readonly<Record<string, (world: World) => Promise<object> | object>> = {
  apiKeyCreate: () => ({ name: 'Partner', permissions: ['generations:read'] }),
  apiKeyRevoke: async ({ owner }) => ({ id: await keyOf(owner) }),
  apiKeyRotate: async ({ owner }) => ({ id: await keyOf(owner) }),
  apiKeyUpdate: async ({ owner }) => ({ id: await keyOf(owner), requestsPerMinute: 5 }),
  budgetDelete: async ({ owner }) => ({ id: (await setBudget(owner)).id }),
  budgetSet: () => ({ unit: 'TOKENS', period: 'WEEK', most: 1_000_000 }),
  generationCancel: async ({ app, owner }) => ({ id: (await finishedGeneration(app, owner)).id }),
  generationDelete: async ({ app, owner }) => ({ id: (await finishedGeneration(app, owner)).id }),
  generationRetry: async ({ app, owner }) => ({ id: (await finishedGeneration(app, owner)).id }),
  generationStart: async ({ owner }) => ({ template: 'cover-letter-classic', variables: await sampleVariables(owner) }),
  invitationAccept: async ({ owner }) => new As((await invitationOf(owner)).token, {}),
  invitationCreate: () => ({ email: 'ada@example.org', role: 'member' }),
  invitationRevoke: async ({ owner }) => ({ id: (await invitationOf(owner)).invitation.id }),
  issuerCreate: ({ issuer }) => ({ url: issuer.url, defaultRole: 'member' }),
  issuerDelete: async ({ issuer, owner }) => ({ id: (await register(owner, issuer)).id }),
  issuerUpdate: async ({ issuer, owner }) => ({ id: (await register(owner, issuer)).id, isEnabled: false }),
  memberRemove: async ({ seed, owner }) => ({ id: (await seed.member({ of: owner })).memberId }),
  memberUpdate: async ({ seed, owner }) => ({ id: (await seed.member({ of: owner })).memberId, role: 'editor' }),
  providerCredentialDelete: async ({ owner }) => ({ id: await credentialOf(owner) }),
  providerCredentialSet: () => ({ provider: 'openai', apiKey: 'sk-of-the-tenant' }),
  providerCredentialTest: async ({ owner }) => ({ id: await credentialOf(owner) }),
  roleCreate: () => ({ name: 'proofreader', permissions: ['generations:read'] }),
  roleDelete: async ({ owner }) => ({ id: await roleOf(owner) }),
  roleUpdate: async ({ owner }) => ({ id: await roleOf(owner), permissions: ['templates:read'] }),
  tenantCreate: async ({ app, owner }) => {
    await app.sql`update tenants set runs_installation = true where id = ${uuidOf(owner.tenantId)}`;
    return { name: 'Customer', ownerEmail: 'ada@customer.example' };
  },
  routeDelete: async ({ owner }) => ({ id: (await publishRoute(owner, 'fast')).id }),
  routePublish: () => ({ name: 'fast', definition: { route: { model: 'offline/draft' } } }),
  routeRollback: async ({ owner }) => ({ id: (await publishRoute(owner, 'fast')).id, version: 1 }),
  routeTest: () => ({ model: 'offline/draft' }),
  tenantDelete: async ({ owner }) => ({
    name: (await owner.ask<{ viewer: { tenant: { name: string } } }>('{ viewer { tenant { name } } }')).viewer.tenant.name,
  }),
  tenantLimitsUpdate: () => ({ limits: [{ name: 'SOCKETS_PER_MEMBER', most: 5 }] }),
  tenantUpdate: () => ({ generationRetentionDays: 30 }),
};

/** The names of mutations that make or send something; a test sends what it asks, and that costs. */
const makes = /(Accept|Create|Start|Invite|Retry|Rotate|Set|Send|Register|Add|Import|Publish|Test)$/;

async function keyOf(owner: Caller): Promise<string> {
  const { apiKeyCreate } = await owner.ask<{ apiKeyCreate: { apiKey: { id: string } } }>(
    'mutation { apiKeyCreate(input: { name: "One", permissions: ["generations:read"] }) { apiKey { id } } }',
  );
  return apiKeyCreate.apiKey.id;
}

async function roleOf(owner: Caller): Promise<string> {
  const { roleCreate } = await owner.ask<{ roleCreate: { role: { id: string } } }>(
    'mutation { roleCreate(input: { name: "proofreader", permissions: ["generations:read"] }) { role { id } } }',
  );
  return roleCreate.role.id;
}

async function invitationOf(owner: Caller): Promise<{ token: string; invitation: { id: string } }> {
  const { invitationCreate } = await owner.ask<{ invitationCreate: { token: string; invitation: { id: string } } }>(
    'mutation { invitationCreate(input: { email: "ada@example.org", role: "member" }) { token invitation { id } } }',
  );
  return invitationCreate;
}

async function credentialOf(owner: Caller): Promise<string> {
  const { providerCredentialSet } = await owner.ask<{ providerCredentialSet: { providerCredential: { id: string } } }>(
    'mutation { providerCredentialSet(input: { provider: "openai", apiKey: "sk-of-the-tenant" }) { providerCredential { id } } }',
  );
  return providerCredentialSet.providerCredential.id;
}

const masterKey = { MASTER_KEY: randomBytes(32).toString('base64') };

const mutations = Object.values(
  buildSchemas({} as never)
    .api.getMutationType()
    ?.getFields() ?? {},
);

/** What shows whether two answers are one: ids, secrets and what else is plain, two objects deep; not what changes while it is looked at. */
function answerOf(type: GraphQLOutputType, depth = 2): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  const fields = Object.values(named.getFields()).filter(({ args, name }) => args.length === 0 && name !== 'errors');
  const isThing = fields.some(({ name }) => name === 'id');
  const parts = fields.flatMap(({ name, type: of }) => {
    if (isLeafType(getNamedType(of))) return !isThing || ['id', 'createdAt'].includes(name) ? [name] : [];
    const inner = depth === 0 || isThing ? '' : answerOf(of, depth - 1);
    return inner === '' ? [] : [`${name} ${inner}`];
  });
  return parts.length === 0 ? '' : `{ ${parts.join(' ')} }`;
}

function inputOf(mutation: GraphQLField<unknown, unknown>) {
  const type = mutation.args[0] && getNamedType(mutation.args[0].type);
  if (!isInputObjectType(type)) throw new Error(`${mutation.name} has no input`);
  return { name: type.name, isRepeatable: 'idempotencyKey' in type.getFields() };
}

describe('mutations', () => {
  let app: TestApp;
  let beside: TestApp;
  let seed: Seed;
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await openIssuer();
    const env = { OPENAI_API_KEY: 'sk-of-the-house', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', ...masterKey, ...issuer.env };
    app = await openTestApp({ env });
    beside = await openTestApp({ env, database: app.database });
    seed = await openSeed(app);
  });
  afterAll(async () => {
    await seed.close();
    await beside.stop();
    await app.stop();
    await issuer[Symbol.asyncDispose]();
  });

  const recorded = async (owner: Caller, operation: string) => {
    const rows = await app.sql<{ actor: string; transport: string; proof_id: string; code: string | null }>`
      select actor, transport, proof_id, code from audit_entries where tenant_id = ${uuidOf(owner.tenantId)} and operation = ${operation}`;
    return rows.map((row) => ({ ...row }));
  };

  it('each have a row in the table above, and no row is of none', () => {
    expect(mutations.map(({ name }) => name).toSorted()).toEqual(Object.keys(calls).toSorted());
  });

  it('take an idempotency key where they make or send something', () => {
    expect(mutations.filter((each) => makes.test(each.name) && !inputOf(each).isRepeatable).map(({ name }) => name)).toEqual([]);
  });

  it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s leaves one record, also repeated',
    async (name, mutation) => {
      const owner = await seed.tenant();
      const called = await calls[name]?.({ app, issuer, seed, owner });
      const { key, input } = called instanceof As ? called : { key: owner.key, input: called };
      const before = await recorded(owner, name);
      const { name: type, isRepeatable } = inputOf(mutation);
      const document = `mutation ($input: ${type}!) { ${name}(input: $input) { errors { code message path } } }`;
      const variables = { input: { ...input, ...(isRepeatable && { idempotencyKey: 'once' }) } };
      const call = async () => (await post(app.url, { query: document, variables }, { key })).body.data;

      const expected = { [name]: { errors: [] } };
      expect(await call()).toEqual(expected);
      if (isRepeatable) expect(await call()).toEqual(expected);

      const [entry, ...others] = (await recorded(owner, name)).slice(before.length);
      expect(entry).toEqual({
        actor: expect.stringMatching(/^person_[\w-]{22}$/),
        transport: 'http',
        proof_id: expect.stringMatching(/^(key|inv)_/),
        code: null,
      });
      // Some acts are on several things, which a repeat does not tell of again.
      expect(others.length).toBeLessThanOrEqual(name === 'apiKeyRotate' ? 1 : 0);
    },
  );

  it.each(mutations.filter((mutation) => inputOf(mutation).isRepeatable).map((mutation) => [mutation.name, mutation] as const))(
    '%s, fifty times at once over two processes with one key, is one act with one answer',
    async (name, mutation) => {
      const owner = await seed.tenant();
      const called = await calls[name]?.({ app, issuer, seed, owner });
      const { key, input } = called instanceof As ? called : { key: owner.key, input: called };
      const before = await recorded(owner, name);
      const answer = answerOf(mutation.type);
      expect(answer).toMatch(/\w/);
      const errors = 'errors { code message path }';
      const document = `mutation ($input: ${inputOf(mutation).name}!) { ${name}(input: $input) ${answer.replace(/\}$/, `${errors} }`)} }`;
      const variables = { input: { ...input, idempotencyKey: 'at once' } };
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          post([app, beside][index % 2]?.url ?? '', { query: document, variables }, { key }),
        ),
      );

      const [first] = answers.map(({ body }) => body);
      expect(first).toMatchObject({ data: { [name]: { errors: [] } } });
      for (const { body } of answers) expect(body.data).toEqual(first?.data);
      // A second key that is replaced at once is told of along with the first.
      expect((await recorded(owner, name)).length - before.length).toBe(name === 'apiKeyRotate' ? 2 : 1);
      const claims = await app.sql`
        select from idempotency_keys where tenant_id = ${uuidOf(owner.tenantId)} and operation = ${name}`;
      expect(claims).toHaveLength(1);
    },
  );
});
