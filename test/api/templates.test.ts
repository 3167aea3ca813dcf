import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { openSeed, type Seed } from '../harness/seed.ts';

const list = `query ($first: Int, $after: String, $filter: TemplateFilter) {
  templates(first: $first, after: $after, filter: $filter) {
    nodes { slug }
    edges { cursor node { slug } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const slugs = ['cover-letter-career-change', 'cover-letter-classic', 'cover-letter-new-graduate'];

interface Listed {
  templates: {
    nodes: { slug: string }[];
    edges: { cursor: string; node: { slug: string } }[];
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  };
}

let app: TestApp;
let seed: Seed;

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

async function refusalOf(variables: Record<string, unknown>): Promise<unknown[]> {
  const { data, errors } = await app.answer(list, variables);
  return [data ?? null, errors?.length, errors?.[0]?.extensions?.code, errors?.[0]?.extensions?.path];
}

describe('templates', () => {
  it('lists the library by slug', async () => {
    const { templates } = await app.ask<Listed>(list);
    expect(templates.nodes.map(({ slug }) => slug)).toEqual(slugs);
    expect(templates.edges.map(({ node }) => node)).toEqual(templates.nodes);
    expect(templates.pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: templates.edges[0]?.cursor,
      endCursor: templates.edges[2]?.cursor,
    });
  });

  it.each([1, 2])('gives every template once, %i at a time', async (first) => {
    const seen: string[] = [];
    let after: string | null = null;
    for (let isMore = true; isMore;) {
      const page: Listed['templates'] = (await app.ask<Listed>(list, { first, after })).templates;
      expect(page.nodes).toHaveLength(Math.min(first, slugs.length - seen.length));
      expect(page.pageInfo.hasPreviousPage).toBe(seen.length > 0);
      seen.push(...page.nodes.map(({ slug }) => slug));
      after = page.pageInfo.endCursor;
      isMore = page.pageInfo.hasNextPage;
      expect(isMore).toBe(seen.length < slugs.length);
    }
    expect(seen).toEqual(slugs);
  });

  it('is empty behind the last one', async () => {
    const { templates: all } = await app.ask<Listed>(list);
    const { templates } = await app.ask<Listed>(list, { after: all.pageInfo.endCursor });
    expect(templates).toEqual({
      nodes: [],
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
  });

  it('takes 100 and null as sizes', async () => {
    for (const first of [100, null]) expect((await app.ask<Listed>(list, { first })).templates.nodes).toHaveLength(3);
  });

  it.each([0, 101, -1, 2_147_483_647])('refuses first: %i', async (first) => {
    expect(await refusalOf({ first })).toEqual([null, 1, 'INVALID_INPUT', ['first']]);
  });

  it('refuses sizes that are no whole numbers', async () => {
    for (const first of [1.5, '10', 2 ** 31, true])
      expect((await refusalOf({ first })).slice(0, 3), String(first)).toEqual([null, 1, 'INVALID_INPUT']);
  });

  it('refuses cursors that it did not make', async () => {
    const { templates } = await app.ask<Listed>(list, { first: 1 });
    const cursor = templates.pageInfo.endCursor ?? '';
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged = [
      '',
      'nonsense',
      cursor.slice(0, -1),
      `${cursor}=`,
      ` ${cursor}`,
      encoded(['generations', newId('gen')]),
      encoded(['templates', 5]),
      encoded(['templates', 'a\0b']),
      encoded(['templates', '\ud800']),
      encoded(['templates']),
      encoded({ templates: 'cover-letter-classic' }),
      encoded(null),
      'a'.repeat(10_000),
    ];
    for (const after of forged) expect(await refusalOf({ after }), after).toEqual([null, 1, 'INVALID_CURSOR', ['after']]);
  });

  it('filters by kind', async () => {
    expect((await app.ask<Listed>(list, { filter: { kind: 'cover-letter' } })).templates.nodes).toHaveLength(3);
    expect((await app.ask<Listed>(list, { filter: {} })).templates.nodes).toHaveLength(3);
    expect((await app.ask<Listed>(list, { filter: { kind: null } })).templates.nodes).toHaveLength(3);
    for (const kind of ['resume', 'cover-', '%', "' or true --"]) {
      expect((await app.ask<Listed>(list, { filter: { kind } })).templates.nodes, kind).toEqual([]);
    }
    const { data, errors } = await app.answer(list, { filter: { colour: 'red' } });
    expect([data ?? null, errors?.[0]?.extensions?.code]).toEqual([null, 'INVALID_INPUT']);
  });

  it('is the same library for every tenant', async () => {
    const other = await seed.tenant();
    expect(await other.ask(list)).toEqual(await app.ask(list));
  });

  it('requires templates:read', async () => {
    const caller = await seed.member({ can: ['generations:read', 'generations:write'] });
    for (const query of ['{ templates { nodes { id } } }', '{ templates(first: 1, after: "nonsense") { nodes { id } } }']) {
      const { data, errors } = await caller.answer(query);
      expect([data ?? null, errors?.map(({ message }) => message)]).toEqual([null, ['this needs the permission templates:read']]);
    }
  });
});

describe('template', () => {
  it('finds one by its slug, and nothing by anything else', async () => {
    const { template } = await app.ask<{
      template: { id: string; slug: string; kind: string; currentVersion: { number: number } };
    }>('{ template(slug: "cover-letter-classic") { id slug kind currentVersion { number } } }');
    expect(template).toEqual({
      id: template.id,
      slug: 'cover-letter-classic',
      kind: 'cover-letter',
      currentVersion: { number: 1 },
    });
    for (const slug of ['', 'cover-letter', 'Cover-Letter-Classic', template.id]) {
      expect(await app.ask('query ($slug: String!) { template(slug: $slug) { id } }', { slug }), slug).toEqual({
        template: null,
      });
    }
  });

  it('that another build has stored is started by what names it', async () => {
    const [template, version] = [newId('tpl'), newId('tpv')];
    const [templateUuid, versionUuid] = [uuidOf(template, 'tpl'), uuidOf(version, 'tpv')];
    await app.sql`
      insert into templates (id, slug, kind, title, description, current_version_id)
      select ${templateUuid}::uuid, 'cover-letter-next', kind, title, description, ${versionUuid}::uuid from templates where slug = 'cover-letter-classic'`;
    await app.sql`
      insert into template_versions (id, template_id, number, content_hash, variables_schema, sample, max_output_tokens, failover_policy, guards, draft_source, prompt_source)
      select ${versionUuid}::uuid, ${templateUuid}::uuid, 1, 'next', variables_schema, sample, max_output_tokens, failover_policy, v.guards,
             'Dear {{ job.company }}, I am next.', prompt_source
      from template_versions v join templates t on t.current_version_id = v.id where t.slug = 'cover-letter-classic'`;
    const variables = { applicant: { name: 'Ada Byron' }, job: { title: 'Analyst', company: 'Engine Works' } };
    for (const reference of ['cover-letter-next', template, version]) {
      const started = await app.ask(
        `mutation ($input: GenerationStartInput!) {
          generationStart(input: $input) { generation { draft template { slug } templateVersion { id } } errors { code path } } }`,
        { input: { template: reference, variables } },
      );
      const generation = {
        draft: 'Dear Engine Works, I am next.\n',
        template: { slug: 'cover-letter-next' },
        templateVersion: { id: version },
      };
      expect(started).toEqual({ generationStart: { generation, errors: [] } });
    }
    await app.sql`delete from generations`;
    await app.sql`delete from templates where id = ${templateUuid}::uuid`;
  });

  it('requires templates:read', async () => {
    const { data, errors } = await (await seed.member({ can: [] })).answer('{ template(slug: "cover-letter-classic") { id } }');
    expect([data, errors?.map(({ extensions }) => extensions?.code)]).toEqual([{ template: null }, ['FORBIDDEN']]);
  });
});
