import { getNamedType, isInterfaceType, isLeafType, isObjectType, type GraphQLNamedType, type GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idPrefixes } from '../../src/kernel/id.ts';
import { buildSchemas } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sse } from '../harness/clients.ts';
import { finishedGeneration, sampleVariables } from '../harness/letters.ts';

const bareUuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const globalId = new RegExp(`^(${Object.keys(idPrefixes).join('|')})_[0-9a-hjkmnp-tv-z]{26}$`);
/** Ids of ours are global everywhere but here: a model's id is `<provider>/<name>`. */
const otherIds = ['offline/draft'];

let app: TestApp;
let schema: GraphQLSchema;

beforeAll(async () => {
  app = await openTestApp();
  schema = buildSchemas({} as never).api;
});
afterAll(() => app.stop());

/** Every field of a type that takes no argument it must have, and of what it holds, `depth` levels down. */
function everything(type: GraphQLNamedType, depth: number): string {
  if (!isObjectType(type) && !isInterfaceType(type)) return '';
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const inner = getNamedType(field.type);
    if (isLeafType(inner)) return [field.name];
    const below = depth > 1 ? everything(inner, depth - 1) : '';
    return below === '' ? [] : [`${field.name} ${below}`];
  });
  return fields.length === 0 ? '' : `{ __typename ${fields.join(' ')} }`;
}

function everythingOf(name: string, depth = 3): string {
  const type = schema.getType(name);
  if (!type) throw new Error(`there is no type ${name}`);
  return everything(type, depth);
}

/** Fails on the first value that shows a bare uuid, or an id that is none of ours. */
function walk(value: unknown, path: string): number {
  if (typeof value === 'string') {
    expect(value, path).not.toMatch(bareUuid);
    if (/\b(\w*[iI]d)$/.test(path) && !otherIds.includes(value)) expect(value, path).toMatch(globalId);
    return 1;
  }
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce((seen, [key, inner]) => seen + walk(inner, `${path}.${key}`), 0);
}

it('shows no bare uuid, whatever is asked for', async () => {
  const letter = await finishedGeneration(app);
  const variables = await sampleVariables(app);
  const { viewer } = await app.ask<{ viewer: { tenant: { id: string }; actor: { id: string } } }>(
    '{ viewer { tenant { id } actor { id } } }',
  );
  const things = {
    Generation: letter.id,
    Template: letter.template.id,
    TemplateVersion: letter.templateVersion.id,
    Tenant: viewer.tenant.id,
    Member: viewer.actor.id,
  };
  const asked: [string, Record<string, unknown>?][] = [
    ...Object.entries(things).map(([type, id]): [string, Record<string, unknown>] => [
      `query ($id: ID!) { node(id: $id) { id ... on ${type} ${everythingOf(type)} } }`,
      { id },
    ]),
    ['query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }', { ids: Object.values(things) }],
    [`{ viewer ${everythingOf('Viewer')} }`],
    [
      `mutation ($input: RoleCreateInput!) { roleCreate(input: $input) ${everythingOf('RoleCreatePayload')} }`,
      { input: { name: 'reader', permissions: ['models:read'] } },
    ],
    [
      `mutation ($input: InvitationCreateInput!) { invitationCreate(input: $input) ${everythingOf('InvitationCreatePayload')} }`,
      { input: { email: 'ada@example.org', role: 'reader' } },
    ],
    [`{ roles ${everythingOf('Role')} }`],
    [`{ members(first: 2) ${everythingOf('MemberConnection')} }`],
    [`{ invitations(first: 2) ${everythingOf('InvitationConnection')} }`],
    [`{ apiKeys(first: 2) ${everythingOf('ApiKeyConnection')} }`],
    [`{ models ${everythingOf('Model')} }`],
    [`{ template(slug: "cover-letter-classic") ${everythingOf('Template')} }`],
    [`{ templates(first: 2) ${everythingOf('TemplateConnection')} }`],
    [`{ generations(first: 2) ${everythingOf('GenerationConnection')} }`],
    [`query ($id: ID!) { generation(id: $id) ${everythingOf('Generation')} }`, { id: letter.id }],
    [
      `mutation ($input: GenerationStartInput!) { generationStart(input: $input) ${everythingOf('GenerationStartPayload')} }`,
      { input: { template: 'cover-letter-classic', variables } },
    ],
    [
      `mutation ($input: GenerationRetryInput!) { generationRetry(input: $input) ${everythingOf('GenerationRetryPayload')} }`,
      { input: { id: letter.id } },
    ],
    [
      `mutation ($input: GenerationCancelInput!) { generationCancel(input: $input) ${everythingOf('GenerationCancelPayload')} }`,
      { input: { id: letter.id } },
    ],
    [`mutation { tenantUpdate(input: { generationRetentionDays: 0 }) ${everythingOf('TenantUpdatePayload')} }`],
    [`mutation { tenantUpdate(input: { generationRetentionDays: 9 }) ${everythingOf('TenantUpdatePayload')} }`],
  ];
  for (const [query, given] of asked) {
    const data = await app.ask(query, given);
    expect(walk(data, 'data'), query).toBeGreaterThan(1);
  }

  const parts = ['GenerationStarted', 'GenerationDelta', 'GenerationRestarted', 'GenerationFinished'];
  const spread = parts.map((type) => `... on ${type} ${everythingOf(type)}`).join(' ');
  const stream = await sse(
    app.url,
    { query: `subscription ($id: ID!) { generationStream(id: $id) { ${spread} } }`, variables: { id: letter.id } },
    { key: app.key },
  );
  const seen: unknown[] = [];
  for await (const { result } of stream.events) {
    if (!result) continue;
    expect(result.errors).toBeUndefined();
    walk(result.data, 'data');
    seen.push((result.data as { generationStream: { __typename: string } }).generationStream.__typename);
  }
  expect(seen).toEqual(expect.arrayContaining(['GenerationDelta', 'GenerationFinished']));

  const deleted = `mutation ($input: GenerationDeleteInput!) { generationDelete(input: $input) ${everythingOf('GenerationDeletePayload')} }`;
  const data = await app.ask(deleted, { input: { id: letter.id } });
  walk(data, 'data');
  expect(data).toMatchObject({ generationDelete: { deletedId: letter.id } });
});

it('would see one', () => {
  expect(() => walk({ a: [{ b: '018f2b6e-7c5a-7cc1-a2f0-7a9f0f3c1d11' }] }, 'data')).toThrow();
  expect(() => walk({ templateId: 'cover-letter' }, 'data')).toThrow();
});
