import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { Teller } from '../harness/teller.ts';

const list = `query ($first: Int, $after: String, $filter: GenerationFilter) {
  generations(first: $first, after: $after, filter: $filter) {
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const start = 'mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } errors { code } } }';

interface Page {
  readonly nodes: readonly { id: string }[];
  readonly edges: readonly { cursor: string; node: { id: string } }[];
  readonly pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

describe('generations', () => {
  const teller = new Teller();
  let app: TestApp;
  let seed: Seed;
  let stranger: Caller;
  /** Newest first, as the list is. */
  const ids: string[] = [];
  let running: string;

  beforeAll(async () => {
    app = await openTestApp({ providers: [teller], env: { DEFAULT_MODEL: 'mock/teller' } });
    seed = await openSeed(app);
    stranger = await seed.tenant();
    for (const template of [
      'cover-letter-classic',
      'cover-letter-classic',
      'cover-letter-new-graduate',
      'cover-letter-classic',
      'cover-letter-classic',
    ]) {
      const calling = teller.nextCall();
      const variables = await sampleVariables(app, template);
      const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(start, {
        input: { template, variables },
      });
      const call = await calling;
      ids.unshift(generationStart.generation.id);
      if (ids.length === 5) continue;
      call.say('x').finish();
      await new StreamReader(app, generationStart.generation.id).toEnd();
    }
    running = ids[0] ?? '';
  });
  afterAll(async () => {
    await seed.close();
    await app.stop();
  });

  const page = async (variables: Record<string, unknown> = {}) =>
    (await app.ask<{ generations: Page }>(list, variables)).generations;
  const idsOf = ({ nodes }: Page) => nodes.map(({ id }) => id);
  const codesOf = async (variables: Record<string, unknown>) =>
    (await app.answer(list, variables)).errors?.map(({ extensions }) => extensions?.['code']);

  it('lists the newest first', async () => {
    const all = await page();
    expect(idsOf(all)).toEqual(ids);
    expect(all.edges.map(({ node }) => node.id)).toEqual(ids);
    expect(all.pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: all.edges[0]?.cursor,
      endCursor: all.edges[4]?.cursor,
    });
  });

  it('goes on behind a cursor, to the end, whatever is added meanwhile', async () => {
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const next: Page = await page({ first: 2, after });
      seen.push(...idsOf(next));
      after = next.pageInfo.endCursor;
      if (!next.pageInfo.hasNextPage) break;
    }
    expect(seen).toEqual(ids);
    const last = await page({ after: (await page()).pageInfo.endCursor });
    expect(last).toEqual({
      nodes: [],
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
  });

  it('filters by status, template and time', async () => {
    expect(idsOf(await page({ filter: { status: ['RUNNING'] } }))).toEqual([running]);
    expect(idsOf(await page({ filter: { status: ['RUNNING', 'SUCCEEDED'] } }))).toEqual(ids);
    expect(idsOf(await page({ filter: { status: [] } }))).toEqual([]);
    expect(idsOf(await page({ filter: { template: 'cover-letter-new-graduate' } }))).toEqual([ids[2]]);
    expect(idsOf(await page({ filter: { template: 'no-such' } }))).toEqual([]);
    const { generation } = await app.ask<{ generation: { createdAt: string } }>(
      'query ($id: ID!) { generation(id: $id) { createdAt } }',
      { id: ids[2] },
    );
    const later = new Date(new Date(generation.createdAt).getTime() + 1).toISOString();
    expect(idsOf(await page({ filter: { createdAfter: later } }))).toEqual(ids.slice(0, 2));
    expect(idsOf(await page({ filter: { createdBefore: later } }))).toEqual(ids.slice(2));
    expect(idsOf(await page({ filter: { createdAfter: null, status: null } }))).toEqual(ids);
  });

  it.each([0, 101, -1])('refuses first: %i', async (first) => {
    expect(await codesOf({ first })).toEqual(['INVALID_INPUT']);
  });

  it.each([
    ['nonsense'],
    [''],
    [Buffer.from('["templates","x"]').toString('base64url')],
    [Buffer.from('["generations","tpl_0"]').toString('base64url')],
  ])('refuses the cursor %s', async (after) => {
    expect(await codesOf({ after })).toEqual(['INVALID_CURSOR']);
  });

  it('refuses moments that the database does not know', async () => {
    for (const moment of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59']) {
      for (const name of ['createdAfter', 'createdBefore']) {
        const { errors } = await app.answer(list, { filter: { [name]: moment } });
        expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'INVALID_INPUT', path: ['filter', name] }]);
      }
    }
    expect(
      (await page({ filter: { createdAfter: '0001-01-01T00:00:00Z', createdBefore: '9999-12-31T23:59:59Z' } })).nodes,
    ).toHaveLength(5);
  });

  it("shows nobody another tenant's", async () => {
    const { generations } = await stranger.ask<{ generations: Page }>(list, { first: 100 });
    expect(generations.nodes).toEqual([]);
    const { pageInfo } = await page({ first: 1 });
    const { data, errors } = await stranger.answer(list, { after: pageInfo.endCursor });
    expect([data, errors?.map(({ extensions }) => extensions?.['code'])]).toEqual([null, ['INVALID_CURSOR']]);
  });

  it('needs generations:read', async () => {
    const nobody = await seed.member({ can: ['templates:read'] });
    const { errors } = await nobody.answer(list);
    expect(errors?.[0]).toMatchObject({
      message: 'this needs the permission generations:read',
      extensions: { code: 'FORBIDDEN' },
    });
  });
});
