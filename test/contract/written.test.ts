import { getNamedType, isLeafType, isObjectType, parse, print, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WrittenQuery } from '../../src/graphql/written.ts';
import { buildSchemas, type Services } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sampleVariables } from '../harness/letters.ts';
import { randomOf, type Random } from '../harness/random.ts';

/** More often than a document has to be asked until it is compiled. */
const often = 24;
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1e9));
const { subgraph: schema } = buildSchemas({} as Services);
const lists = ['generations', 'templates', 'members', 'apiKeys', 'invitations', 'issuers', 'auditLog'] as const;
const others = ['viewer', 'models'] as const;
const texts = [
  '',
  'plain',
  'a "quote" \\ and / slash',
  'line\nfeed\ttab\u0001\u001f\u007f',
  'ΑΒΓ å ß \u{1F600} \u2028\u2029',
  `${'long '.repeat(100)}"end"`,
  `${'länger '.repeat(60)}\n`,
];
const moments = [
  '2026-11-21 04:22:15+00',
  '2026-11-21 04:22:15.1+00',
  '2026-11-21 04:22:15.123999+00',
  '1969-12-31 23:59:59.9999+00',
  '0001-01-01 00:00:00+00',
];

let app: TestApp;

beforeAll(async () => {
  app = await openTestApp({ env: { QUERY_COST_LIMIT: '100000000', QUERY_COST_PER_SECOND: '1000000' } });
  const variables = await sampleVariables(app);
  for (const [index, body] of texts.entries()) {
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(
      'mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } } }',
      { input: { template: 'cover-letter-classic', variables, metadata: { note: `n${index}` } } },
    );
    expect(generationStart.generation.id).toMatch(/^gen_/);
    await app.ask('mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } } }', {
      input: { name: body.trim().slice(0, 60) || 'none', permissions: ['generations:read'] },
    });
  }
  // The same rows for every answer: nothing writes them any more.
  await app.ask('{ __typename }');
  const rows = await app.sql<{ id: string }>`select id from generations order by id`;
  for (const [index, { id }] of rows.entries()) {
    const text = texts[index % texts.length] ?? '';
    const moment = moments[index % moments.length] ?? '';
    await app.sql`update generations set status = 'SUCCEEDED', lease_until = null, requested_model = ${text}, model = ${text}, draft = ${text},
      created_at = ${moment}::text::timestamptz, finished_at = ${index % 2 === 0 ? null : moment}::text::timestamptz,
      cost_micros = ${index % 3 === 0 ? null : 9_007_199_254_740_991}, finish_reason = ${index % 2 === 0 ? null : 'LENGTH'} where id = ${id}`;
  }
});
afterAll(async () => {
  await app.stop();
});

/** Some fields of a type, none of which has a resolver. */
function fieldsOf(type: GraphQLObjectType, random: Random, depth: number): string {
  const plain = Object.values(type.getFields()).filter(
    ({ resolve, args, type: of }) =>
      !resolve && args.length === 0 && (isLeafType(getNamedType(of)) || (depth > 0 && isObjectType(getNamedType(of)))),
  );
  const chosen = plain.filter(() => random() < 0.6);
  const words = (chosen.length > 0 ? chosen : plain.slice(0, 1)).map(({ name, type: of }) => {
    const named = getNamedType(of);
    const alias = random() < 0.2 ? `a${random.whole(0, 9)}_${name}: ` : '';
    return `${alias}${name}${isObjectType(named) ? ` { ${fieldsOf(named, random, depth - 1)} }` : ''}`;
  });
  if (random() < 0.3 || words.length === 0) words.push('__typename');
  if (random() < 0.2) return `... on ${type.name} { ${words.join(' ')} } ${random.pick(words)}`;
  return words.join(' ');
}

function documentOf(random: Random): string {
  const query = schema.getQueryType();
  const roots = Array.from({ length: random.whole(1, 2) }, (_, index) => {
    const name = random.pick<string>(random() < 0.85 ? lists : others);
    const type = getNamedType(query?.getFields()[name]?.type);
    if (!isObjectType(type)) throw new Error(`no list ${name}`);
    const args = (lists as readonly string[]).includes(name) ? `(first: ${random() < 0.5 ? '$first' : random.whole(1, 8)})` : '';
    return `r${index}: ${name}${args} { ${fieldsOf(type, random, 3)} }`;
  });
  return print(
    parse(
      `query ($first: Int = ${random.whole(1, 5)}) { ${roots.join(' ')} used: generations(first: $first) { pageInfo { hasNextPage } } }`,
    ),
  );
}

/** An answer's bytes, but for what of the tenant's budget is left, which comes back with time. */
async function answerOf(query: string, path = '/graphql') {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${app.key}` },
    body: JSON.stringify({ query }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(Number(response.headers.get('content-length'))).toBe(bytes.length);
  const headers = [...response.headers.keys()].toSorted();
  return { status: response.status, headers, text: bytes.toString().replace(/"currentlyAvailable":\d+/, '') };
}

describe(`an answer that is written out (seed ${seed})`, () => {
  const random = randomOf(seed);
  const documents = Array.from({ length: 40 }, () => documentOf(random));

  it.each(documents)('is the same to the byte as the one that is executed: %s', async (document) => {
    expect(WrittenQuery.of(schema, parse(document))).not.toBeNull();
    for (let asked = 0; asked < often; asked++) await answerOf(document);
    // When a key was used and what is sealed changes meanwhile: what is compared has to be of one moment.
    for (let tries = 1; ; tries++) {
      // By Apollo, which gets values and no text.
      const [written, executed, after] = [
        await answerOf(document),
        await answerOf(document, '/graphql?'),
        await answerOf(document),
      ];
      if (written.text !== after.text && tries < 20) continue;
      expect(written).toEqual(executed);
      expect(written.text).not.toContain('"errors"');
      expect(written.text).toContain('"actualQueryCost"');
      break;
    }
  });

  it('is one of documents that only look', () => {
    const isWritten = (document: string) => WrittenQuery.of(schema, parse(document)) !== null;
    expect(isWritten('{ generations { nodes { id status } edges { cursor node { model } } pageInfo { endCursor } } }')).toBe(
      true,
    );
    expect(isWritten('query ($no: Boolean!) { generations { nodes { id status @skip(if: $no) } } }')).toBe(false);
    expect(isWritten('{ generations { nodes { id text } } }')).toBe(false);
    expect(isWritten('{ node(id: "gen_x") { id } }')).toBe(false);
    expect(isWritten('{ __schema { types { name } } }')).toBe(false);
    expect(isWritten('mutation { apiKeyRevoke(input: { id: "key_x" }) { errors { code } } }')).toBe(false);
    expect(isWritten('query A { models { id } } query B { models { id } }')).toBe(false);
  });

  it('is executed when something does not fit its type, and says so', async () => {
    const document = '{ generations(first: 1) { nodes { id finishReason } } }';
    for (let asked = 0; asked < often; asked++) await answerOf(document);
    const fine = await answerOf(document);
    await app.sql`update generations set finish_reason = 'NEVER HEARD OF'`;
    for (const _ of [1, 2]) {
      const { errors, data } = await app.answer(document);
      expect([errors?.[0]?.extensions?.['code'], data?.['generations']]).toEqual([
        'INTERNAL',
        { nodes: [{ id: expect.any(String) as string, finishReason: null }] },
      ]);
    }
    await app.sql`update generations set finish_reason = null`;
    expect((await answerOf(document)).status).toBe(fine.status);
  });
});
