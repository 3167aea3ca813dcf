import { buildSchema, getOperationAST, parse, validate, type GraphQLSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { addCosts, costDirectives } from '../../src/graphql/cost-directives.ts';
import { Costs, type OperationCost } from '../../src/graphql/cost.ts';
import { printSchemas } from '../../src/schema.ts';

const sdl = `
  ${costDirectives}
  interface Node { id: ID! }
  type Query {
    word: String! words: [String!]! dear: Int! @cost(weight: 7)
    book: Book node(id: ID!): Node nodes(ids: [ID!]!): [Node]!
    books(first: Int = 20, after: String): BookConnection!
    shelf(size: Int): [Book!]! @listSize(slicingArguments: ["size"], assumedSize: 4)
    free: Free
  }
  type Mutation { bookMake(name: String): BookPayload!  bookBurn: BookPayload! @cost(weight: 50) }
  type Subscription { bookNews: News! }
  type BookPayload { book: Book errors: [Free!]! @listSize(assumedSize: 1) }
  type Book implements Node { id: ID! title: String! author: Author notes: [Note!]! parts(first: Int = 10): PartConnection! meta: [Int!]! }
  type Author implements Node @cost(weight: 3) { id: ID! name: String! books(first: Int = 5): BookConnection! }
  type Note { text: String! by: Author }
  type Part { number: Int! }
  type BookConnection { nodes: [Book!]! edges: [BookEdge!]! pageInfo: Free! }
  type BookEdge @cost(weight: 0) { cursor: String! node: Book! }
  type PartConnection { nodes: [Part!]! }
  type Free @cost(weight: 0) { code: String! }
  interface News { at: Int! }
  type Came implements News { at: Int! book: Book! }
  type Went implements News { at: Int! author: Author! }
`;
const schema = buildSchema(sdl);
addCosts(schema);

function costs(of: GraphQLSchema = schema): (query: string, variables?: Record<string, unknown>) => OperationCost {
  const rules = new Costs(of, { pageSize: 100, answerValues: 50_000 });
  return (query, variables = {}) => {
    const document = parse(query);
    expect(validate(of, document)).toEqual([]);
    const operation = getOperationAST(document);
    if (!operation) throw new Error('no operation');
    return rules.of(document, operation, variables);
  };
}

describe('what an operation may cost', () => {
  const cases: [string, string, Record<string, unknown>, number][] = [
    ['scalars, and lists of them', '{ word words __typename }', {}, 0],
    ['a weight of its own', '{ dear again: dear }', {}, 14],
    ['an object', '{ book { id title meta } }', {}, 1],
    ['an object whose type has a weight', '{ book { author { name } } }', {}, 4],
    ['a type that costs nothing', '{ free { code } }', {}, 0],
    ['a page of the size that the schema gives', '{ books { nodes { id } } }', {}, 21],
    ['a page of a size in the document', '{ books(first: 3) { nodes { id } } }', {}, 4],
    ['a page of a size in a variable', 'query ($n: Int) { books(first: $n) { nodes { id } } }', { n: 7 }, 8],
    ["the variable's default", 'query ($n: Int = 9) { books(first: $n) { nodes { id } } }', {}, 10],
    ['no such variable', 'query ($n: Int) { books(first: $n) { nodes { id } } }', {}, 21],
    ['null', 'query ($n: Int = 9) { books(first: $n) { nodes { id } } }', { n: null }, 21],
    ['null in the document', '{ books(first: null) { nodes { id } } }', {}, 21],
    [
      'edges cost nothing, what they lead to does',
      '{ books(first: 3) { edges { cursor node { id } } pageInfo { code } } }',
      {},
      4,
    ],
    ['pages in pages', '{ books(first: 3) { nodes { author { books { nodes { id } } } } } }', {}, 1 + 3 * (1 + 3 + 1 + 5)],
    ['a list that says nothing holds ten', '{ book { notes { text } } }', {}, 11],
    ['a list that says how many', '{ shelf { id } }', {}, 4],
    ['or lets an argument say it', '{ shelf(size: 2) { id } }', {}, 2],
    ['ids are counted', '{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 9],
    ['in variables too', 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Book { id } } }', { ids: ['a', 'b'] }, 6],
    ['a field that stands twice is one', '{ book { id author { id } } book { title author { name } } }', {}, 4],
    [
      'fragments',
      '{ ...A ...A } fragment A on Query { books(first: 2) { ...B } } fragment B on BookConnection { nodes { id } }',
      {},
      3,
    ],
    [
      'of several types the dearest',
      '{ node(id: "x") { id ... on Book { notes { text } } ... on Author { books(first: 2) { nodes { id } } } } }',
      {},
      // The interface weighs as its dearest type.
      3 + 10,
    ],
    ['what is left out', '{ book { id } books @skip(if: true) { nodes { id } } }', {}, 1],
    ['what variables leave out', 'query ($no: Boolean!) { book @include(if: $no) { author { id } } }', { no: false }, 0],
    ['what they do not', 'query ($no: Boolean!) { book @include(if: $no) { author { id } } }', { no: true }, 4],
    ['defaults of those', 'query ($yes: Boolean = true) { book @skip(if: $yes) { id } shelf { id } }', {}, 4],
    [
      'conditions around fragments',
      'query ($no: Boolean!) { ... @include(if: $no) { book { id } } ...B @skip(if: $no) } fragment B on Query { shelf { id } }',
      { no: false },
      4,
    ],
    [
      'one of two that is there',
      'query ($no: Boolean!) { book @include(if: $no) { id } book { author { id } } }',
      { no: false },
      4,
    ],
    [
      'below one of two that is not',
      'query ($no: Boolean!) { book @include(if: $no) { author { id } } book { id } }',
      { no: false },
      1,
    ],
    ['introspection', '{ __schema { types { fields { name } } } __type(name: "Book") { name } }', {}, 20],
    ['a mutation', 'mutation { bookMake { book { id } errors { code } } }', {}, 11],
    ['a mutation with a weight of its own', 'mutation { bookBurn { book { id } } other: bookMake { errors { code } } }', {}, 61],
    [
      'a subscription: its dearest message',
      'subscription { bookNews { at ... on Came { book { notes { text } } } ... on Went { author { id } } } }',
      {},
      21,
    ],
  ];
  it.each(cases)('%s: %s', (_name, query, variables, cost) => {
    expect(costs()(query, variables).requested).toBe(cost);
  });

  it('is worked out for each operation of a document', () => {
    const document = parse('query A { book { id } } query B { shelf { id } }');
    const rules = new Costs(schema, { pageSize: 100, answerValues: 50_000 });
    const of = (name: string) => {
      const operation = getOperationAST(document, name);
      return operation && rules.of(document, operation, {}).requested;
    };
    expect([of('A'), of('B'), of('A')]).toEqual([1, 4, 1]);
  });

  it.each([0, 101, -1])('is not worked out for a page of %i', (first) => {
    for (const [query, variables] of [
      [`{ books(first: ${first}) { nodes { id } } }`, {}],
      ['query ($n: Int) { books(first: $n) { nodes { id } } }', { n: first }],
      [`query ($n: Int = ${first}) { books(first: $n) { nodes { id } } }`, {}],
    ] as const) {
      expect(() => costs()(query, variables)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: ['first'] }));
    }
  });

  it('is bounded by what the answer could hold', () => {
    const nested = (first: number) =>
      `{ books(first: 100) { nodes { author { books(first: 100) { nodes { parts(first: ${first}) { nodes { number } } } } } } } }`;
    // 100 x 100 parts of each book, and what leads to them.
    expect(costs()(nested(1)).requested).toBe(1 + 100 * (1 + 3 + 1 + 100 * (1 + 1 + 1)));
    expect(() => costs()(nested(3))).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});

describe('what it really cost', () => {
  const page = 'query ($n: Int) { books(first: $n) { nodes { id author { id } } edges { node { id } } } }';
  const book = { id: 'b', author: null };
  const failed = [{ message: 'no' }] as never;
  const cases: [string, string, Record<string, unknown>, unknown, number][] = [
    ['a full page', '{ books(first: 2) { nodes { id } } }', {}, { books: { nodes: [{}, {}] } }, 3],
    ['an empty one', '{ books { nodes { id } } }', {}, { books: { nodes: [] } }, 1],
    [
      'what is there',
      page,
      { n: 50 },
      { books: { nodes: [book, { ...book, author: { id: 'a' } }], edges: [{ node: book }] } },
      // Who was looked for and is nobody costs as much as somebody.
      1 + (1 + 3) + (1 + 3) + 1,
    ],
    ['nothing was found', '{ book { author { id } } }', {}, { book: null }, 1],
    ['some were not found', 'query ($i: [ID!]!) { nodes(ids: $i) { id } }', { i: ['a', 'b', 'c'] }, { nodes: [{}, null, {}] }, 9],
    ['more than was assumed', '{ shelf { id } }', {}, { shelf: Array.from({ length: 6 }, () => ({})) }, 6],
    ['by another name', '{ a: book { id } b: dear }', {}, { a: { id: 'x' }, b: 1 }, 8],
    ['what was left out', 'query ($no: Boolean!) { book @include(if: $no) { id } }', { no: false }, {}, 0],
    [
      'of one type',
      '{ node(id: "x") { id ... on Book { notes { text } } ... on Author { books { nodes { id } } } } }',
      {},
      { node: { id: 'b', notes: [{}, {}] } },
      5,
    ],
    ['a mutation', 'mutation { bookMake { book { id } errors { code } } }', {}, { bookMake: { book: null, errors: [{}] } }, 11],
  ];
  it.each(cases)('%s', (_name, query, variables, data, cost) => {
    expect(costs()(query, variables).actualOf({ data } as never)).toBe(cost);
  });

  it('is all of it when there is no data, and all of each part that failed', () => {
    const cost = costs()('{ books { nodes { id } } book { notes { text } } }');
    expect([cost.requested, cost.least]).toEqual([32, 2]);
    expect(cost.actualOf({ data: null, errors: failed })).toBe(32);
    expect(cost.actualOf({ errors: failed })).toBe(32);
    expect(cost.actualOf({ data: { books: { nodes: [] }, book: null }, errors: failed })).toBe(12);
    expect(cost.actualOf({ data: { books: { nodes: [] }, book: null } })).toBe(2);
    const nodes = costs()('{ nodes(ids: ["a", "b"]) { ... on Book { notes { text } } } }');
    expect(nodes.actualOf({ data: { nodes: [{ notes: [] }, null] }, errors: failed })).toBe(3 + 13);
  });
});

describe('the printed schema', () => {
  const { api, subgraph } = printSchemas();

  it('says what costs other than by the rules', () => {
    expect(api).toContain('attempts: [GenerationAttempt!]! @listSize(assumedSize: 3)');
    expect(api).toMatch(
      /generations\([^)]*\): GenerationConnection! @listSize\(slicingArguments: \["first"\], sizedFields: \["nodes", "edges"\], requireOneSlicingArgument: false\)/,
    );
    expect(api).toMatch(/generationStart\([^)]*\): GenerationStartPayload! @cost\(weight: 10\)/);
    expect(api).toMatch(/^type PageInfo @cost\(weight: 0\) \{/m);
  });

  it('defines them for clients, and for gateways imports them from Federation', () => {
    expect(api).toContain('directive @cost(weight: Int!)');
    expect(subgraph).not.toContain('directive @');
    expect(subgraph).toMatch(
      /^extend schema @link\(url: "https:\/\/specs.apollo.dev\/federation\/v2.9", import: \[.*"@cost", "@listSize"\]\)/,
    );
    expect(subgraph).toMatch(/^type PageInfo @shareable @cost\(weight: 0\) \{/m);
  });

  it('is enough to work out what an operation costs', () => {
    const of = costs(buildSchema(api));
    const query = '{ generations(first: 20) { nodes { id status } } viewer { permissions } }';
    expect(of(query).requested).toBe(22);
    expect(
      of('mutation ($i: GenerationStartInput!) { generationStart(input: $i) { generation { id } errors { code } } }').requested,
    ).toBe(11);
  });
});
