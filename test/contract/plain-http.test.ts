import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await openTestApp();
});

afterAll(async () => {
  await app.stop();
});

interface Case {
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

const list = 'query List($first: Int) { generations(first: $first) { nodes { id } } }';

/** Requests of the plain form; Apollo answers the same ones when they carry a query string. */
const cases: Record<string, Case> = {
  'a query': { body: { query: list, operationName: 'List', variables: { first: 3 } } },
  'nulls for what is left out': {
    body: { query: '{ viewer { permissions } }', operationName: null, variables: null, extensions: null },
  },
  'an error of a field beside its data': { body: { query: '{ generation(id: "x") { id } template(slug: "none") { id } }' } },
  'an error that leaves no data': { body: { query: '{ generations(after: "forged") { nodes { id } } }' } },
  'a document that cannot be parsed': { body: { query: '{ nope' } },
  'a document that does not fit the schema': { body: { query: '{ nope other }' } },
  'variables that do not fit': { body: { query: list, variables: { first: 'three' } } },
  'a page that is too large': { body: { query: list, variables: { first: 101 } } },
  'an operation that is not there': { body: { query: list, operationName: 'Other' } },
  'a subscription': { body: { query: 'subscription { generationStream(id: "gen_x") { __typename } }' } },
  'a string that cannot be stored': {
    body: { query: 'query ($s: String!) { template(slug: $s) { id } }', variables: { s: 'a\u0000b' } },
  },
  'no key': { body: { query: '{ viewer { permissions } }' }, headers: { authorization: '' } },
  'a key that is not valid': { body: { query: '{ viewer { permissions } }' }, headers: { authorization: 'Bearer dw_live_none' } },
  'the media type of GraphQL': {
    body: { query: '{ nope' },
    headers: { accept: 'application/graphql-response+json, application/json' },
  },
  'a charset': { body: { query: '{ __typename }' }, headers: { 'content-type': 'application/json; charset=utf-8' } },
};

it.each(Object.entries(cases))('answers as Apollo does: %s', async (_name, { body, headers }) => {
  const [plain, apollo] = await Promise.all([answer('/graphql', body, headers), answer('/graphql?', body, headers)]);
  expect(plain).toEqual(apollo);
});

it.each([
  '*/*',
  'application/json, text/plain, */*',
  'application/graphql-response+json,application/json;q=0.9',
  'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
])('chooses the media type that Apollo chooses for %s', async (accept) => {
  const body = { query: '{ __typename }' };
  const [plain, apollo] = await Promise.all([answer('/graphql', body, { accept }), answer('/graphql?', body, { accept })]);
  expect(plain).toEqual(apollo);
});

it.each(['image/png', ',,;q=x', 'multipart/mixed', 'application/json;q=0'])(
  'does nothing for who accepts only %s',
  async (accept) => {
    const name = `Not made for ${accept}`;
    const query = 'mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } } }';
    const variables = { input: { name, permissions: ['generations:read'] } };
    const { status, body } = await answer('/graphql', { query, variables }, { accept });
    expect([status, JSON.parse(body)]).toMatchObject([406, { errors: [{ extensions: { code: 'BAD_REQUEST' } }] }]);
    expect(await app.sql`select from api_keys where name = ${name}`).toEqual([]);
  },
);

async function answer(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${app.key}`,
      'x-request-id': 'a-request-of-this-test',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const { date: _date, ...shown } = Object.fromEntries(response.headers);
  return { status: response.status, headers: shown, body: await response.text() };
}
