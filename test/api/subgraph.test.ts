import { readFile } from 'node:fs/promises';
import { isInterfaceType, Kind, parse, type DocumentNode, type ObjectTypeDefinitionNode } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { Lane } from '../../src/db/lane.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { newId, uuidOfId } from '../../src/kernel/id.ts';
import { buildSchemas } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { finishedGeneration, startGeneration } from '../harness/letters.ts';
import { setBudget } from '../harness/budgets.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const printed = await readFile(new URL('../../schema/subgraph.graphql', import.meta.url), 'utf8');
const service = '{ _service { sdl } }';
const entities = `query ($of: [_Any!]!) {
  _entities(representations: $of) {
    __typename
    ... on Generation { id status }
    ... on Template { id slug }
    ... on TemplateVersion { id number }
    ... on Tenant { id name }
    ... on Member { id email }
    ... on ApiKey { id name }
    ... on Issuer { id url }
    ... on AuditEntry { id operation }
    ... on Role { id name permissions }
    ... on Invitation { id email }
    ... on AuditEntry { id operation }
    ... on ProviderCredential { id provider }
    ... on Route { id name }
    ... on RouteVersion { id number }
    ... on Budget { id most }
  }
}`;

interface Reference {
  readonly __typename: string;
  readonly id: string;
}

let app: TestApp;
let seed: Seed;
let other: Caller;
/** One thing of each Node type. */
let own: Reference[];

beforeAll(async () => {
  // A key of one's own is for a provider that is offered; the model stays the offline one.
  app = await openTestApp({ env: { OPENAI_API_KEY: 'sk-ours', DEFAULT_MODEL: 'offline/draft' } });
  seed = await openSeed(app);
  other = await seed.tenant();
  const letter = await finishedGeneration(app);
  const { viewer } = await app.ask<{ viewer: { tenant: { id: string }; actor: { id: string } } }>(
    '{ viewer { tenant { id } actor { id } } }',
  );
  const { apiKeys } = await app.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
  const issuer = newId('iss');
  await app.sql`
    insert into issuers (id, tenant_id, name, url, audience, algorithms, subject_claim, roles)
    values (${uuidOf(issuer)}, ${uuidOf(viewer.tenant.id)}, 'IdP', 'https://idp.example', 'letters', '{ES256}', 'sub', '[]')`;
  const { roleCreate, invitationCreate, providerCredentialSet } = await app.ask<{
    providerCredentialSet: { providerCredential: { id: string } };
    roleCreate: { role: { id: string } };
    invitationCreate: { invitation: { id: string } };
  }>(`mutation {
    roleCreate(input: { name: "proofreader", permissions: ["generations:read"] }) { role { id } }
    invitationCreate(input: { email: "ada@example.org", role: "proofreader" }) { invitation { id } }
    providerCredentialSet(input: { provider: "openai", apiKey: "sk-test-0123456789" }) { providerCredential { id } }
  }`);
  const route = await publishRoute(app, 'letters');
  const { auditLog } = await app.ask<{ auditLog: { nodes: { id: string }[] } }>('{ auditLog(first: 1) { nodes { id } } }');
  own = [
    { __typename: 'Generation', id: letter.id },
    { __typename: 'Template', id: letter.template.id },
    { __typename: 'TemplateVersion', id: letter.templateVersion.id },
    { __typename: 'Tenant', id: viewer.tenant.id },
    { __typename: 'Member', id: viewer.actor.id },
    { __typename: 'ApiKey', id: apiKeys.nodes[0]?.id ?? '' },
    { __typename: 'Issuer', id: issuer },
    { __typename: 'Role', id: roleCreate.role.id },
    { __typename: 'Invitation', id: invitationCreate.invitation.id },
    { __typename: 'ProviderCredential', id: providerCredentialSet.providerCredential.id },
    { __typename: 'AuditEntry', id: auditLog.nodes[0]?.id ?? '' },
    { __typename: 'Budget', id: (await setBudget(app)).id },
    { __typename: 'Route', id: route.id },
    { __typename: 'RouteVersion', id: route.current.id },
  ];
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

async function resolved(of: readonly Reference[], caller: Pick<Caller, 'ask'> = app): Promise<(Reference | null)[]> {
  return (await caller.ask<{ _entities: (Reference | null)[] }>(entities, { of }))._entities;
}

function objectTypes(document: DocumentNode): ObjectTypeDefinitionNode[] {
  return document.definitions.filter((definition) => definition.kind === Kind.OBJECT_TYPE_DEFINITION);
}

describe('_service', () => {
  it('serves the printed subgraph, and behind it only what federation itself defines', async () => {
    const { _service } = await app.ask<{ _service: { sdl: string } }>(service);
    expect(_service.sdl.startsWith(printed.trimEnd())).toBe(true);
    for (const definition of parse(_service.sdl.slice(printed.trimEnd().length)).definitions) {
      const name = 'name' in definition ? definition.name?.value : undefined;
      expect(name).toMatch(/^(link|key|shareable|cost|listSize|link__\w+|federation__\w+|_Any|_Entity|_Service|Query)$/);
    }
  });

  it('links Federation 2 and gives every Node type its key', async () => {
    const document = parse(printed);
    expect(printed).toMatch(
      /@link\(url: "https:\/\/specs\.apollo\.dev\/federation\/v2\.\d+", import: \["@key", "@shareable", "@cost", "@listSize"\]\)/,
    );
    const { api } = buildSchemas({} as never);
    const node = api.getType('Node');
    const nodes = isInterfaceType(node) ? api.getPossibleTypes(node).map(({ name }) => name) : [];
    const keyed = objectTypes(document).filter(({ directives }) => directives?.some(({ name }) => name.value === 'key'));
    expect(keyed.map(({ name }) => name.value).toSorted()).toEqual(nodes.toSorted());
    expect(nodes.toSorted()).toEqual(own.map(({ __typename }) => __typename).toSorted());
  });
});

describe('_entities', () => {
  it('finds a thing of each Node type', async () => {
    expect(await resolved(own)).toEqual(own.map((reference) => expect.objectContaining(reference)));
  });

  it('is null for another type’s id, unknown and malformed ones, in their places', async () => {
    const [generation, template] = own as [Reference, Reference];
    const of = [
      { __typename: 'Template', id: generation.id },
      generation,
      { __typename: 'Generation', id: template.id },
      { __typename: 'Generation', id: newId('gen') },
      { __typename: 'Generation', id: '' },
      { __typename: 'Generation', id: 'nonsense' },
      { __typename: 'Generation', id: '018f2b6e-7c5a-7cc1-a2f0-7a9f0f3c1d11' },
      template,
    ];
    expect((await resolved(of)).map((one) => one?.id ?? null)).toEqual([
      null,
      generation.id,
      null,
      null,
      null,
      null,
      null,
      template.id,
    ]);
  });

  it('is null for an id that is no text, and breaks nothing beside it', async () => {
    for (const id of [5, null, {}, ['gen_'], true]) {
      const { data } = await app.answer(entities, { of: [{ __typename: 'Generation', id }, own[0]] });
      expect(data?._entities, JSON.stringify(id)).toEqual([null, expect.objectContaining(own[0])]);
    }
    const { data } = await app.answer(entities, { of: [{ __typename: 'Generation' }, own[0]] });
    expect(data?._entities).toEqual([null, expect.objectContaining(own[0])]);
  });

  it('refuses what is no reference to an entity', async () => {
    const id = own[0]?.id;
    const typed = [
      'Nope',
      '__proto__',
      'constructor',
      'Query',
      'String',
      'Node',
      'GenerationMessage',
      'Viewer',
      '_Entity',
      '',
      5,
    ];
    for (const odd of [5, 'x', [], [own[0]], {}, { id }, ...typed.map((__typename) => ({ __typename, id }))]) {
      const { data, errors } = await app.answer(entities, { of: [own[0], odd] });
      expect(data, JSON.stringify(odd)).toBeNull();
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'INVALID_INPUT', path: ['representations', '1'] }]);
    }
  });

  it('is null for an id inside a list', async () => {
    const of = own.map(({ __typename, id }) => ({ __typename, id: [id] }));
    expect(await app.answer(entities, { of })).toEqual({ data: { _entities: own.map(() => null) } });
  });

  it('is null for what is another tenant’s', async () => {
    expect((await resolved(own, other)).map((one) => one?.__typename ?? null)).toEqual([
      null,
      'Template',
      'TemplateVersion',
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('reads all references of a type with one statement', async () => {
    const letters = await Promise.all(Array.from({ length: 20 }, () => startGeneration(app)));
    const of = [...letters.map((id) => ({ __typename: 'Generation', id })), ...own, ...own];
    const asked = vi.spyOn(Lane.prototype, 'send');
    expect((await resolved(of)).map((one) => one?.id)).toEqual(of.map(({ id }) => id));
    const reads = asked.mock.calls.map(([{ text, parameters }]) => ({ text, parameters }));
    const id = letters[7] ?? '';
    for (const table of [
      'templates',
      'template_versions',
      'tenants',
      'members',
      'api_keys',
      'issuers',
      'roles',
      'invitations',
      'provider_credentials',
    ]) {
      const selects = reads.filter(({ text }) => /^\s*select/i.test(text) && text.includes(`from "${table}"`));
      expect(selects, table).toHaveLength(1);
    }
    // The engine reads generations too while letters run; only this read names twenty-one of them for one caller.
    const selects = reads.filter(({ text }) => /^\s*select/i.test(text) && /from "?generations"?\b/.test(text));
    expect(selects.filter(({ parameters }) => JSON.stringify(parameters).includes(uuidOfId(id) ?? 'no uuid'))).toHaveLength(1);
  });

  it('is for keys with schema:federate, whatever else a key may do', async () => {
    const others = allPermissions.filter((permission) => permission !== 'schema:federate');
    const member = await seed.member({ can: others });
    for (const query of [service, `query ($of: [_Any!]!) { all: _entities(representations: $of) { __typename } }`]) {
      const { data, errors } = await member.answer(query, { of: own });
      expect([data ?? null, errors?.map(({ message, extensions }) => [message, extensions?.code])]).toEqual([
        null,
        [['this needs the permission schema:federate', 'FORBIDDEN']],
      ]);
    }
  });

  it('still asks for the permission of each thing', async () => {
    const gateway = await seed.member({ can: ['schema:federate'] });
    const { data, errors } = await gateway.answer(entities, { of: own });
    expect((data as { _entities: (Reference | null)[] })._entities.map((one) => one?.__typename ?? null)).toEqual([
      null,
      null,
      null,
      'Tenant',
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(errors?.map(({ path, extensions }) => [path?.[1], extensions?.code])).toEqual([
      [0, 'FORBIDDEN'],
      [1, 'FORBIDDEN'],
      [2, 'FORBIDDEN'],
      [4, 'FORBIDDEN'],
      [5, 'FORBIDDEN'],
      [6, 'FORBIDDEN'],
      [7, 'FORBIDDEN'],
      [8, 'FORBIDDEN'],
      [9, 'FORBIDDEN'],
      [10, 'FORBIDDEN'],
      [11, 'FORBIDDEN'],
      [12, 'FORBIDDEN'],
      [13, 'FORBIDDEN'],
    ]);
  });
});

it('costs a gateway what it asks for: more things than an answer may hold are refused', async () => {
  const of = Array.from({ length: 4_600 }, () => ({ __typename: 'Generation', id: 'x' }));
  const tries = ['a', 'b', 'c', 'd'].map((alias) => `${alias}: attempts { number }`).join(' ');
  const query = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Generation { ${tries} } } }`;
  const { errors } = await app.answer(query, { of });
  expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['LIMIT_EXCEEDED']);
  const few = await app.answer(entities, { of: of.slice(0, 100) });
  expect(few.errors).toBeUndefined();
});
