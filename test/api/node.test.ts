import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { finishedGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const nodes = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';
const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';

let app: TestApp;
let seed: Seed;
let other: Caller;
/** An id of each Node type, all of the development tenant or of everybody. */
let ids: Record<'Generation' | 'Template' | 'TemplateVersion' | 'Tenant' | 'Member' | 'ApiKey', string>;

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
  other = await seed.tenant();
  const letter = await finishedGeneration(app);
  const { viewer } = await app.ask<{ viewer: { tenant: { id: string }; actor: { id: string } } }>(
    '{ viewer { tenant { id } actor { id } } }',
  );
  const { apiKeys } = await app.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
  ids = {
    Generation: letter.id,
    Template: letter.template.id,
    TemplateVersion: letter.templateVersion.id,
    Tenant: viewer.tenant.id,
    Member: viewer.actor.id,
    ApiKey: apiKeys.nodes[0]?.id ?? '',
  };
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

describe('node', () => {
  it('finds a thing of each type by its global id', async () => {
    for (const [type, id] of Object.entries(ids)) {
      expect(await app.ask(node, { id }), type).toEqual({ node: { __typename: type, id } });
    }
  });

  it('is null for what is unknown', async () => {
    for (const prefix of ['gen', 'tpl', 'tpv', 'ten', 'mem', 'key'] as const) {
      expect(await app.ask(node, { id: newId(prefix) }), prefix).toEqual({ node: null });
    }
  });

  it('is null for what is no id of ours', async () => {
    const generation = ids.Generation;
    const malformed = [
      '',
      'gen_',
      'nonsense',
      '018f2b6e-7c5a-7cc1-a2f0-7a9f0f3c1d11',
      generation.slice(0, -1),
      `${generation}0`,
      generation.toUpperCase(),
      // One more than 128 bits hold.
      `gen_8${generation.slice('gen_'.length + 1)}`,
      // The right digits under a prefix that is not theirs, or nobody's.
      generation.replace('gen_', 'ten_'),
      generation.replace('gen_', 'xyz_'),
      'constructor_01j00000000000000000000000',
    ];
    for (const id of malformed) expect(await app.ask(node, { id }), id).toEqual({ node: null });
  });

  it('is null for what is another tenant’s, as if it were unknown', async () => {
    for (const type of ['Generation', 'Tenant', 'Member'] as const) {
      expect(await other.ask(node, { id: ids[type] }), type).toEqual({ node: null });
    }
    expect(await app.ask(node, { id: other.tenantId })).toEqual({ node: null });
    expect(await app.ask(node, { id: other.memberId })).toEqual({ node: null });
    // The library belongs to everybody.
    expect(await other.ask(node, { id: ids.Template })).toEqual({ node: { __typename: 'Template', id: ids.Template } });
  });

  it('asks for the permission of the thing', async () => {
    const reader = await seed.member({ can: ['templates:read'] });
    const { data, errors } = await reader.answer(node, { id: ids.Generation });
    expect(data).toEqual({ node: null });
    expect(errors?.map(({ message, extensions, path }) => [message, extensions?.code, path])).toEqual([
      ['this needs the permission generations:read', 'FORBIDDEN', ['node']],
    ]);
    expect(await reader.ask(node, { id: ids.Template })).toEqual({ node: { __typename: 'Template', id: ids.Template } });
  });
});

describe('nodes', () => {
  it('keeps the order asked for, with null for each that there is not', async () => {
    const asked = [
      ids.Member,
      newId('gen'),
      ids.Generation,
      'nonsense',
      other.tenantId,
      ids.Template,
      ids.Generation,
      ids.Tenant,
    ];
    const { nodes: found } = await app.ask<{ nodes: ({ id: string } | null)[] }>(nodes, { ids: asked });
    expect(found.map((one) => one?.id ?? null)).toEqual([
      ids.Member,
      null,
      ids.Generation,
      null,
      null,
      ids.Template,
      ids.Generation,
      ids.Tenant,
    ]);
  });

  it('takes 0 to 100 ids', async () => {
    expect(await app.ask(nodes, { ids: [] })).toEqual({ nodes: [] });
    const hundred = Array.from({ length: 99 }, () => newId('gen'));
    const { nodes: found } = await app.ask<{ nodes: unknown[] }>(nodes, { ids: [...hundred, ids.Generation] });
    expect(found).toEqual([...hundred.map(() => null), { __typename: 'Generation', id: ids.Generation }]);
    const { data, errors } = await app.answer(nodes, { ids: [...hundred, ids.Generation, ids.Tenant] });
    expect(data ?? null).toBeNull();
    expect(errors).toEqual([expect.objectContaining({ message: 'ids has 101 entries, not up to 100' })]);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', path: ['ids'] });
  });

  it('refuses a null among the ids', async () => {
    const { data, errors } = await app.answer(nodes, { ids: [ids.Generation, null] });
    expect([data, errors?.[0]?.extensions?.code]).toEqual([undefined, 'INVALID_INPUT']);
  });

  it('gives what is allowed beside what is not', async () => {
    const reader = await seed.member({ can: ['templates:read'] });
    const { data, errors } = await reader.answer(nodes, { ids: [ids.Template, ids.Generation, ids.Tenant] });
    expect(data).toEqual({
      nodes: [{ __typename: 'Template', id: ids.Template }, null, { __typename: 'Tenant', id: ids.Tenant }],
    });
    expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([[['nodes', 1], 'FORBIDDEN']]);
  });
});

describe('viewer', () => {
  const viewer = '{ viewer { tenant { id name generationRetentionDays } actor { id email } permissions } }';

  it('says who asks, for whom, and what the key may do', async () => {
    expect(await app.ask(viewer)).toEqual({
      viewer: {
        tenant: { id: ids.Tenant, name: 'Development', generationRetentionDays: null },
        actor: { id: ids.Member, email: 'developer@localhost' },
        permissions: allPermissions,
      },
    });
    const little = await seed.member({ of: other, can: ['models:read', 'generations:read'] });
    expect(await little.ask('{ viewer { tenant { id } actor { id } permissions } }')).toEqual({
      viewer: {
        tenant: { id: other.tenantId },
        actor: { id: little.memberId },
        permissions: ['generations:read', 'models:read'],
      },
    });
  });

  it('needs no permission, but a key', async () => {
    const nobody = await seed.member({ can: [] });
    expect(await nobody.ask(viewer)).toMatchObject({ viewer: { permissions: [], actor: { id: nobody.memberId } } });
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: viewer }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect([response.status, errors.map(({ extensions }) => extensions.code)]).toEqual([401, ['UNAUTHENTICATED']]);
  });
});

describe('models', () => {
  const models = '{ models { id provider name contextWindow maxOutputTokens isDefault } }';

  it('lists what generationStart takes, one of them the default', async () => {
    const { models: listed } = await app.ask<{ models: { id: string; provider: string; name: string; isDefault: boolean }[] }>(
      models,
    );
    expect(listed).toContainEqual(
      expect.objectContaining({ id: 'offline/draft', provider: 'offline', name: 'draft', isDefault: true }),
    );
    expect(listed.filter(({ isDefault }) => isDefault)).toHaveLength(1);
    expect(listed.map(({ id }) => id)).toEqual(listed.map(({ provider, name }) => `${provider}/${name}`));
  });

  it('requires models:read', async () => {
    const { data, errors } = await (await seed.member({ can: ['generations:read'] })).answer(models);
    expect([data ?? null, errors?.[0]?.message, errors?.[0]?.extensions?.code]).toEqual([
      null,
      'this needs the permission models:read',
      'FORBIDDEN',
    ]);
  });
});
