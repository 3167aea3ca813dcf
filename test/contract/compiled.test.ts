import { buildSchema, OperationTypeNode, parse, type ExecutionArgs } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Executor } from '../../src/graphql/compiled.ts';
import { buildSchemas, type Services } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { soon } from '../harness/eventually.ts';

/** More often than a document has to be asked until it is compiled. */
const often = 40;

let app: TestApp;
let id: string;

beforeAll(async () => {
  app = await openTestApp();
  const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Planner', company: 'Fjord Logistics' } };
  const started = await app.ask<{ generationStart: { generation: { id: string } } }>(
    'mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } } }',
    { input: { template: 'cover-letter-classic', variables } },
  );
  ({ id } = started.generationStart.generation);
  const isFinished = async () =>
    (await app.ask<{ generation: { status: string } }>('query ($id: ID!) { generation(id: $id) { status } }', { id })).generation
      .status;
  await soon(async () => expect(await isFinished()).toBe('SUCCEEDED'));
});

afterAll(async () => {
  await app.stop();
});

const everything = `id status text cursor requestedModel model draft variables metadata costMicros createdAt startedAt firstTokenAt finishedAt finishReason
  attempts { number model base reason startedAt firstTokenAt endedAt endedBy failureCode } usage { inputTokens outputTokens cachedInputTokens }
  failure { code message retryable } retryOf { id } template { id slug } templateVersion { id }`;

const queries: Record<string, { query: string; variables?: () => Record<string, unknown> }> = {
  'every field of a list': {
    query: `{ generations { nodes { ${everything} } edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`,
  },
  'aliases, fragments and an interface': {
    query:
      'query ($id: ID!) { a: node(id: $id) { __typename ...F } b: nodes(ids: [$id, "gen_x"]) { id ... on Generation { s: status } } } fragment F on Generation { model t: text }',
    variables: () => ({ id }),
  },
  'fields left out by variables': {
    query:
      'query ($id: ID!, $no: Boolean!, $yes: Boolean = true) { generation(id: $id) { id status @skip(if: $yes) model @include(if: $no) createdAt } }',
    variables: () => ({ id, no: false }),
  },
  'enums and dates as input': {
    query: 'query ($f: GenerationFilter, $n: Int = 5) { generations(first: $n, filter: $f) { nodes { id finishReason } } }',
    variables: () => ({ f: { status: ['SUCCEEDED', 'FAILED'], createdAfter: '2020-01-01T00:00:00Z' } }),
  },
  'null for what there is not': {
    query: '{ generation(id: "gen_00000000000000000000000000") { id } template(slug: "none") { id } }',
  },
  'a refusal by a resolver': { query: '{ viewer { tenant { id } } generations(after: "forged") { nodes { id } } }' },
  introspection: { query: '{ __typename __type(name: "Generation") { name fields { name type { kind ofType { name } } } } }' },
};

describe('a query that is asked often', () => {
  it.each(Object.keys(queries))('is answered with the same bytes as the first time: %s', async (name) => {
    const { query, variables } = queries[name] ?? { query: '' };
    const answers = new Set<string>();
    for (let asked = 0; asked < often; asked++) {
      const response = await post(app.url, { query, variables: variables?.() ?? {} }, { key: app.key });
      answers.add(JSON.stringify({ status: response.status, body: response.body }));
    }
    expect([...answers]).toHaveLength(1);
  });

  it('is compiled, unless it is a mutation or one of several operations', async () => {
    const schema = buildSchema('type Query { name: String! }  type Mutation { name: String! }');
    const executor = new Executor(schema);
    const seen = async (source: string, operationName?: string): Promise<boolean> => {
      const document = parse(source);
      let isCompiled = false;
      for (let asked = 0; asked < often; asked++) {
        // The only sign from outside: results of graphql-js have no prototype.
        const args: ExecutionArgs = { schema, document, operationName: operationName ?? null, rootValue: { name: 'x' } };
        const type = source.startsWith('mutation') ? OperationTypeNode.MUTATION : OperationTypeNode.QUERY;
        const { data } = await executor.execute(args, type);
        expect(JSON.stringify(data)).toBe('{"name":"x"}');
        isCompiled = Object.getPrototypeOf(data) !== null;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return isCompiled;
    };
    expect(await seen('{ name }')).toBe(true);
    expect(await seen('mutation { name }')).toBe(false);
    expect(await seen('query A { name } query B { name }', 'A')).toBe(false);
  });

  it('is compiled when it is a stream, whichever type its message has', async () => {
    const { subgraph: schema } = buildSchemas({} as Services);
    const executor = new Executor(schema);
    const document = parse(
      'subscription ($id: ID!) { generationStream(id: $id) { __typename cursor ... on GenerationDelta { offset text } } }',
    );
    const head = { generationId: 'gen_1', cursor: 'c', at: new Date(0) };
    const messages = [
      { ...head, kind: 'GenerationDelta', offset: 3, text: 'x' },
      { ...head, kind: 'GenerationStarted', attempt: 1, model: 'm' },
    ];
    const answers = { first: new Set<string>(), second: new Set<string>() };
    let isCompiled = false;
    for (let asked = 0; asked < often; asked++) {
      const results = messages.map(async (rootValue) =>
        executor.execute({ schema, document, variableValues: { id: 'gen_1' }, rootValue }, OperationTypeNode.SUBSCRIPTION),
      );
      const [first, second] = await Promise.all(results);
      answers.first.add(JSON.stringify(first));
      answers.second.add(JSON.stringify(second));
      isCompiled = Object.getPrototypeOf(first?.data) !== null;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isCompiled).toBe(true);
    expect(answers.first.size).toBe(1);
    expect(answers.second.size).toBe(1);
  });
});
