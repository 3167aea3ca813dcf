import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { idOfUuid } from '../../src/kernel/id.ts';
import type { UsageGroupRow } from '../../src/usage/usage.service.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { finishedGeneration } from '../harness/letters.ts';
import { randomOf, type Random } from '../harness/random.ts';
import { openSeed } from '../harness/seed.ts';

const ask = `query ($groupBy: [UsageDimension!]!, $range: UsageRangeInput!, $timeZone: String, $first: Int, $after: String) {
  usage(groupBy: $groupBy, range: $range, timeZone: $timeZone, first: $first, after: $after) {
    nodes {
      day model template memberId keyId generations unfinished inputTokens outputTokens cachedInputTokens unknownUsage costMicros unknownCost
    }
    pageInfo { hasNextPage endCursor }
  }
}`;
const range = { from: '2026-10-01T00:00:00Z', to: '2026-10-06T00:00:00Z' };
const dimensions = ['DAY', 'MODEL', 'TEMPLATE', 'MEMBER', 'KEY'] as const;

type Group = Omit<UsageGroupRow, 'estimate'>;

/** A generation as the test made it; `at` in milliseconds. */
interface Made {
  readonly id: string;
  readonly at: number;
  readonly model: string;
  readonly template: string;
  readonly member: string;
  readonly key: string | null;
  readonly isFinished: boolean;
  readonly input: number | null;
  readonly output: number | null;
  readonly cached: number | null;
  readonly cost: number | null;
}

const sum = (values: readonly (number | null)[]) => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
};

/** What the groups of these have to be, made the slow way. */
function expected(all: readonly Made[], by: readonly string[]): Group[] {
  const has = (dimension: string) => by.includes(dimension);
  const keyed = (made: Made) => ({
    day: has('DAY') ? new Date(made.at).toISOString().slice(0, 10) : null,
    model: has('MODEL') ? made.model : null,
    template: has('TEMPLATE') ? made.template : null,
    memberId: has('MEMBER') ? made.member : null,
    keyId: has('KEY') ? made.key : null,
  });
  const groups = Map.groupBy(all, (made) => JSON.stringify(keyed(made)));
  return [...groups].map(([key, own]) => ({
    ...(JSON.parse(key) as ReturnType<typeof keyed>),
    generations: own.length,
    unfinished: own.filter(({ isFinished }) => !isFinished).length,
    inputTokens: sum(own.map(({ input }) => input)),
    outputTokens: sum(own.map(({ output }) => output)),
    cachedInputTokens: sum(own.map(({ cached }) => cached)),
    unknownUsage: own.filter(({ isFinished, input, output }) => isFinished && (input === null || output === null)).length,
    costMicros: sum(own.map(({ cost }) => cost)),
    unknownCost: own.filter(({ isFinished, cost }) => isFinished && cost === null).length,
  }));
}

const sorted = (groups: readonly Group[]) => groups.map((group) => JSON.stringify(group)).toSorted();

describe('usage', () => {
  let app: TestApp;
  let own: Made[];
  beforeAll(async () => {
    app = await openTestApp();
    const { id } = await finishedGeneration(app, app);
    own = await makeGenerations(uuidOf(id));
  });
  afterAll(() => app.stop());

  /** Random copies of a generation, in and around the range. */
  async function makeGenerations(like: string): Promise<Made[]> {
    const random = randomOf(11);
    const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)] as T;
    const members = [...(await app.sql<{ id: string }>`select member_id as id from generations where id = ${like}`)].map(
      ({ id }) => id,
    );
    await app.sql`
      insert into members (tenant_id, id, email, name, role) select tenant_id, gen_random_uuid(), 'b@example.org', 'B', 'member'
      from members where id = ${members[0] ?? null}`;
    const both = (await app.sql<{ id: string }>`select id from members`).map(({ id }) => id);
    const keys = [null, randomUUID(), randomUUID()];
    const [from, to] = [Date.parse(range.from), Date.parse(range.to)];
    const made: Made[] = [];
    for (let count = 0; count < 300; count++) {
      const isFinished = random() < 0.9;
      const maybe = (most: number) => (!isFinished || random() < 0.1 ? null : Math.floor(random() * most));
      const at =
        count < 4
          ? ([from - 1, from, to - 1, to][count] ?? from)
          : Math.floor(from - 43_200_000 + random() * (to - from + 86_400_000));
      const id = `${at
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-')}-7${randomUUID().slice(15)}`;
      const each = {
        id: idOfUuid('gen', id),
        at,
        model: pick(['a/1', 'a/2', 'B/1', 'ä/1']),
        template: pick(['one', 'two']),
        member: pick(both),
        key: pick(keys),
        isFinished,
        input: maybe(2e9),
        output: maybe(2e9),
        cached: maybe(2e9),
        cost: maybe(1e12),
      };
      await app.sql`
        insert into generations (tenant_id, id, member_id, key_id, template_version_id, template_slug, status, requested_model, model, variables,
          prompt, draft, max_output_tokens, failover_policy, epoch, attempt, input_tokens, output_tokens, cached_input_tokens, cost_micros,
          created_at, finished_at, chunks_deleted_at)
        select tenant_id, ${id}, ${each.member}, ${each.key}, template_version_id, ${each.template}, ${isFinished ? 'SUCCEEDED' : 'RUNNING'},
          requested_model, ${each.model}, variables, prompt, draft, max_output_tokens, failover_policy, 1, 1, ${each.input}, ${each.output},
          ${each.cached}, ${each.cost}, to_timestamp(${at}::float8 / 1000), case when ${isFinished ? 1 : 0} = 1 then now() end, now()
        from generations where id = ${like}`;
      await makeAttempts(id, random);
      if (at >= from && at < to)
        made.push({ ...each, member: idOfUuid('mem', each.member), key: each.key && idOfUuid('key', each.key) });
    }
    return made;
  }

  /** Up to three attempts: what they used is known, or estimated, or was lost with their process. */
  async function makeAttempts(id: string, random: Random): Promise<void> {
    const most = random.whole(1, 3);
    const isLost = random() < 0.1;
    for (let number = 1; number <= most; number++) {
      const isKnown = random() < 0.6;
      const [input, output, cost] = [random.whole(0, 9e6), random.whole(0, 9e6), random() < 0.8 ? random.whole(0, 1e9) : null];
      const isGone = isLost && number === 1;
      const endedBy = isGone ? 'TAKEN_OVER' : isKnown ? 'FINISHED' : random.pick(['OUTRUN', 'FAILED']);
      const estimate = isKnown || isGone ? null : { inputTokens: input, outputTokens: output, costMicros: cost };
      const known = (value: number | null) => (isKnown && !isGone ? value : null);
      await app.sql`
        insert into attempts (tenant_id, generation_id, number, epoch, model, base, ended_by, ended_at, input_tokens, output_tokens, cost_micros, estimate)
        select tenant_id, id, ${number}, 1, model, 0, ${endedBy}, now(), ${random() < 0.1 ? input : known(input)}, ${known(output)}, ${known(cost)},
          ${estimate && JSON.stringify(estimate)}::text::jsonb
        from generations where id = ${id}`;
    }
  }

  /** All groups, page by page. */
  async function groups(groupBy: readonly string[], first = 100): Promise<Group[]> {
    const found: Group[] = [];
    for (let after: string | null = null; ;) {
      const { usage }: { usage: { nodes: Group[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } } =
        await app.ask(ask, {
          groupBy,
          range,
          first,
          after,
        });
      found.push(...usage.nodes);
      if (!usage.pageInfo.hasNextPage) return found;
      after = usage.pageInfo.endCursor;
    }
  }

  it.each<{ by: readonly string[] }>([
    { by: [] },
    ...dimensions.map((each) => ({ by: [each] })),
    { by: ['MODEL', 'DAY'] },
    { by: ['KEY', 'MEMBER', 'TEMPLATE'] },
    { by: dimensions },
  ])('sums exactly to the generations, by $by', async ({ by }) => {
    expect(sorted(await groups(by))).toEqual(sorted(expected(own, by)));
  });

  it('is the same page by page', async () => {
    const by = ['DAY', 'MODEL', 'KEY'];
    const whole = await groups(by);

    expect(whole.length).toBeGreaterThan(30);
    expect(await groups(by, 7)).toEqual(whole);
  });

  it('estimates what is in no sum, exactly as the generations do', async () => {
    interface Estimate {
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly costMicros: number | null;
    }
    const found = new Map<string, { estimate: Estimate | null; attempts: { endedBy: string; estimate: Estimate | null }[] }>();
    for (const { id } of own) {
      const { generation } = await app.ask<{ generation: Parameters<typeof found.set>[1] }>(
        `query ($id: ID!) { generation(id: $id) { estimate { inputTokens outputTokens costMicros }
          attempts { endedBy estimate { inputTokens outputTokens costMicros } } } }`,
        { id },
      );
      found.set(id, generation);
    }
    const { usage } = await app.ask<{ usage: { nodes: { model: string; estimate: object }[] } }>(
      `query ($range: UsageRangeInput!) { usage(groupBy: [MODEL], range: $range) { nodes { model
        estimate { generations inputTokens outputTokens costMicros hedgingCostMicros unknownCost } } } }`,
      { range },
    );
    const wanted = [...Map.groupBy(own, ({ model }) => model)].map(([model, all]) => {
      const each = all.flatMap((made) => {
        const { estimate = null, attempts = [] } = found.get(made.id) ?? {};
        const isAllKnown = made.input !== null && made.output !== null && made.cost !== null;
        const outrun = attempts.flatMap((attempt) => (attempt.endedBy === 'OUTRUN' ? (attempt.estimate?.costMicros ?? []) : []));
        return estimate && !isAllKnown ? [{ made, estimate, outrun: sum(outrun) }] : [];
      });
      const costly = each.filter(({ made }) => made.cost === null);
      return {
        model,
        estimate: {
          generations: each.length,
          inputTokens: sum(each.map(({ made, estimate }) => (made.input === null ? estimate.inputTokens : null))),
          outputTokens: sum(each.map(({ made, estimate }) => (made.output === null ? estimate.outputTokens : null))),
          costMicros: sum(costly.map(({ estimate }) => estimate.costMicros)),
          hedgingCostMicros: sum(costly.map(({ estimate, outrun }) => (estimate.costMicros === null ? null : outrun))),
          unknownCost: costly.filter(({ estimate }) => estimate.costMicros === null).length,
        },
      };
    });

    expect(usage.nodes.toSorted((a, b) => (a.model < b.model ? -1 : 1))).toEqual(
      wanted.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
    );
    const totals = wanted.map(({ estimate }) => estimate);
    // The table has all of it.
    expect(sum(totals.map(({ generations }) => generations))).toBeGreaterThan(20);
    for (const of of ['inputTokens', 'costMicros', 'hedgingCostMicros', 'unknownCost'] as const)
      expect(sum(totals.map((each) => each[of])), of).toBeGreaterThan(0);
    expect([...found.values()].filter(({ estimate }) => estimate === null).length).toBeGreaterThan(20);
  });

  it('is the own tenant’s alone', async () => {
    const seed = await openSeed(app);
    const stranger = await seed.tenant();
    const { usage } = await stranger.ask<{ usage: { nodes: Group[] } }>(ask, { groupBy: [], range });
    await seed.close();

    expect(usage.nodes).toEqual([]);
  });

  it('takes the days of a zone', async () => {
    const { usage } = await app.ask<{ usage: { nodes: Group[] } }>(ask, {
      groupBy: ['DAY'],
      range,
      timeZone: 'Pacific/Auckland',
    });
    const days = Map.groupBy(own, ({ at }) => new Date(at + 13 * 3_600_000).toISOString().slice(0, 10));

    // New Zealand's summer time, 13 hours before UTC, begins on 27 September.
    expect(usage.nodes.map(({ day, generations }) => [day, generations])).toEqual(
      [...days].map(([day, { length }]) => [day, length]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
  });

  it.each([
    ['a range that ends before it begins', { range: { from: range.to, to: range.from } }, 'INVALID_INPUT'],
    ['a range of years', { range: { from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' } }, 'INVALID_INPUT'],
    [
      'a range that begins before the year 1',
      { range: { from: '0000-01-01T00:00:00Z', to: '0000-02-01T00:00:00Z' } },
      'INVALID_INPUT',
    ],
    [
      'a range that ends beyond the year 9999',
      { range: { from: '9999-12-31T00:00:00Z', to: '9999-12-31T23:59:59-14:00' } },
      'INVALID_INPUT',
    ],
    ['a zone that is not there', { timeZone: 'Mars/Base' }, 'INVALID_INPUT'],
    ['an offset', { timeZone: '+02:00' }, 'INVALID_INPUT'],
    ['a page too large', { first: 101 }, 'INVALID_INPUT'],
    ['a cursor that is none', { after: 'x' }, 'INVALID_CURSOR'],
    ['a cursor of other groups', { after: Buffer.from('["usage:MODEL","[]"]').toString('base64url') }, 'INVALID_CURSOR'],
    ['a forged cursor', { after: Buffer.from('["usage:DAY","[1]"]').toString('base64url') }, 'INVALID_CURSOR'],
  ])('refuses %s', async (_what, over, code) => {
    const { errors } = await app.answer(ask, { groupBy: ['DAY'], range, ...over });

    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual([code]);
  });
});
