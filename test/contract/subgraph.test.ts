import { buildSchema, getIntrospectionQuery, parse, printSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { printApi, printSubgraph } from '../../src/graphql/schema.ts';
import { post } from '../harness/clients.ts';
import { openTinyApp, tinySchema, type TinyApp } from '../harness/tiny-api.ts';

let app: TinyApp;
beforeAll(async () => {
  app = await openTinyApp();
});
afterAll(() => app.close());

const entities = {
  query: 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Thing { id __typename } } }',
  variables: {
    of: [
      { __typename: 'Thing', id: 'a' },
      { __typename: 'Thing', id: 'b' },
    ],
  },
};

it('prints a schema that parses by itself and names no federation', () => {
  const printed = printApi(tinySchema());
  expect(printSchema(buildSchema(printed))).toContain('type Thing ');
  expect(printed).not.toMatch(/@key|@link|@shareable|_service/);
});

it('prints a subgraph with its keys and shared types', () => {
  const printed = printSubgraph(tinySchema());
  parse(printed);
  expect(printed).toMatch(/^extend schema @link\(url: "https:\/\/specs.apollo.dev\/federation\/v2/);
  expect(printed).toContain('type Thing @key(fields: "id")');
  expect(printed).toContain('type PageInfo @shareable');
  expect(printed).toContain('type UserError @shareable');
});

it('resolves entities and its own schema for gateways only', async () => {
  const { body } = await post(app.url, entities, { key: 'all' });
  expect(body).toEqual({
    data: {
      _entities: [
        { id: 'a', __typename: 'Thing' },
        { id: 'b', __typename: 'Thing' },
      ],
    },
  });
  const service = await post(app.url, { query: '{ _service { sdl } }' }, { key: 'all' });
  expect((service.body.data as { _service: { sdl: string } })._service.sdl).toContain('@key(fields: "id")');
  for (const asked of [
    entities,
    { query: '{ _service { sdl } }' },
    { query: '{ ...F } fragment F on Query { s: _service { sdl } }' },
  ]) {
    const refused = await post(app.url, asked, { key: 'little' });
    expect([refused.status, refused.body.errors?.[0]?.extensions?.code, refused.body.data]).toEqual([
      403,
      'FORBIDDEN',
      undefined,
    ]);
  }
});

it('answers the whole introspection query of GraphiQL with the permission', async () => {
  const query = getIntrospectionQuery({
    schemaDescription: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  const { status, body } = await post(app.url, { query }, { key: 'all' });
  expect([status, body.errors]).toEqual([200, undefined]);
  expect((await post(app.url, { query }, { key: 'little' })).body.errors?.[0]?.message).toBe(
    'this needs the permission schema:introspect',
  );
});

it('bounds introspection by its own depth', async () => {
  const deep = `{ __schema { types { ${'fields { type { '.repeat(10)} name ${'} }'.repeat(10)} } } }`;
  expect((await post(app.url, { query: deep }, { key: 'all' })).body.errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED');
});
