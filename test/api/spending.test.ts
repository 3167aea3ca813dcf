import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nothingUsed, ProviderError, type Provider, type StreamPart, type Usage } from '../../src/providers/port.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sampleVariables } from '../harness/letters.ts';
import { randomOf } from '../harness/random.ts';
import { publishRoute } from '../harness/routes.ts';
import { StreamReader } from '../harness/stream-reader.ts';

// What each call used and cost, and that a generation's are their sums.

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message } }
}`;
const spent = `query ($id: ID!) { generation(id: $id) {
  status costMicros usage { inputTokens outputTokens cachedInputTokens }
  attempts { model costMicros usage { inputTokens outputTokens cachedInputTokens } }
} }`;

interface Spending {
  readonly costMicros: number | null;
  readonly usage: Usage | null;
}

type Script = () => AsyncGenerator<StreamPart> | StreamPart[];

/** A vendor with OpenAI's prices, whose calls the test says. */
class Vendor implements Provider {
  readonly endpoint = 'https://api.openai.com/v1';
  readonly models = ['gpt-5.6-luna', 'gpt-5.6-sol', 'unheard-of'].map((name) => ({
    name,
    contextWindow: null,
    maxOutputTokens: null,
  }));
  readonly acceptsUnknownModels = false;
  scripts: Script[] = [];

  constructor(readonly id: string) {}

  async *stream(): AsyncGenerator<StreamPart> {
    const script = this.scripts.shift();
    if (!script) throw new Error('one call more than the test says');
    yield* script();
  }
}

const finish = (inputTokens: number, outputTokens: number, cachedInputTokens = 0): StreamPart[] => [
  { type: 'text', text: 'Dear Ada.' },
  { type: 'finish', reason: 'STOP', usage: { inputTokens, outputTokens, cachedInputTokens } },
];
const fails = (usage: Usage | null) => () => {
  throw new ProviderError('OVERLOADED', 'too much', { retryable: true, usage });
};

describe('what a generation costs', () => {
  const vendor = new Vendor('test');
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp({ providers: [vendor], env: { DEFAULT_MODEL: 'test/gpt-5.6-luna' } });
  });
  afterAll(() => app.stop());

  async function written(scripts: Script[], model = 'test/gpt-5.6-luna') {
    vendor.scripts = scripts;
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template: 'cover-letter-classic', variables: await sampleVariables(app), model },
    });
    const { id } = generationStart.generation;
    await new StreamReader(app, id).toEnd();
    const { generation } = await app.ask<{ generation: Spending & { attempts: Spending[]; status: string } }>(spent, { id });
    return { id, ...generation };
  }

  it('is its call at the list price of the day, and the price is kept', async () => {
    const { id, ...whole } = await written([() => finish(1_000, 500, 400)]);
    // 600 at 0.2, 400 at 0.02 and 500 at 1.2 dollars a million.
    const usage = { inputTokens: 1_000, outputTokens: 500, cachedInputTokens: 400 };

    expect(whole).toEqual({
      status: 'SUCCEEDED',
      costMicros: 728,
      usage,
      attempts: [{ model: 'test/gpt-5.6-luna', costMicros: 728, usage }],
    });
    expect(await app.sql`select price, cost_micros::int as cost from attempts where generation_id = ${uuidOf(id)}`).toEqual([
      {
        cost: 728,
        price: {
          source: 'GENAI_PRICES',
          from: '2026-07-30',
          above: 0,
          input: 200_000,
          cachedInput: 20_000,
          cacheWrite: 250_000,
          output: 1_200_000,
        },
      },
    ]);
  });

  it('counts a call that was refused as nothing, and what a failed call used', async () => {
    const { status, costMicros, usage, attempts } = await written([
      fails(nothingUsed),
      fails({ inputTokens: 1_000, outputTokens: 0, cachedInputTokens: null }),
      () => finish(1_000, 500),
    ]);

    expect({ status, costMicros, costs: attempts.map((each) => each.costMicros) }).toEqual({
      status: 'SUCCEEDED',
      costMicros: 1_000,
      costs: [0, 200, 800],
    });
    expect(usage).toEqual({ inputTokens: 2_000, outputTokens: 500, cachedInputTokens: null });
  });

  it('is unknown where a failed call did not say what it used', async () => {
    const { id, costMicros, usage, attempts } = await written([fails(null), () => finish(1_000, 500)]);

    expect({ costMicros, usage }).toEqual({ costMicros: null, usage: null });
    expect(attempts.map((each) => each.costMicros)).toEqual([null, 800]);
    // What it may have been is told apart from what is known.
    const { generation } = await app.ask<{ generation: { attempts: { estimate: Record<string, number> | null }[] } }>(
      'query ($id: ID!) { generation(id: $id) { attempts { estimate { inputTokens outputTokens costMicros } } } }',
      { id },
    );
    const [failed, whole] = generation.attempts.map(({ estimate }) => estimate);
    expect(whole).toBeNull();
    const { inputTokens = 0, outputTokens = 0, costMicros: cost } = failed ?? {};
    expect(inputTokens).toBeGreaterThan(300);
    expect(cost).toBe(Math.round(inputTokens * 0.2 + outputTokens * 1.2));
  });

  it('is unknown, not 0, for a model without a price; its tokens are known', async () => {
    const { costMicros, usage } = await written([() => finish(10, 20)], 'test/unheard-of');

    expect({ costMicros, usage }).toEqual({
      costMicros: null,
      usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0 },
    });
  });

  it('is nothing for the offline provider', async () => {
    expect((await written([], 'offline/draft')).costMicros).toBe(0);
  });

  it('is what usage sums up: of every call, whether it failed, was refused, repaired, or came second', async () => {
    await publishRoute(app, 'hedged', {
      route: { mode: 'fallback', among: [{ model: 'test/gpt-5.6-luna' }, { model: 'test/gpt-5.6-sol' }] },
      hedgeAfterMs: 50,
    });
    const random = randomOf(2_026);
    const tokens = (): number => random.whole(1, 500_000);
    const whole = (): Script => () => finish(tokens(), tokens(), random.whole(0, 10));
    const repaired: Script = () => [{ type: 'text', text: 'Dear PERSON_99.' }, ...finish(tokens(), tokens()).slice(1)];
    const late = (): Script => {
      const never = Promise.withResolvers<void>();
      return async function* () {
        await never.promise;
        yield* finish(1, 1);
      };
    };
    const kinds: (() => Promise<{ id: string }>)[] = [
      () => written([whole()]),
      () => written([whole()], 'test/unheard-of'),
      () => written([repaired, whole()]),
      () => written([repaired, repaired]),
      () =>
        written([fails(nothingUsed), fails({ inputTokens: tokens(), outputTokens: tokens(), cachedInputTokens: 3 }), whole()]),
      () => written([fails(null), whole()]),
      () => written([late(), whole()], 'hedged'),
      () => written([], 'offline/draft'),
    ];
    const ids: string[] = [];
    for (const kind of [...kinds, ...Array.from({ length: 8 }, () => random.pick(kinds))]) ids.push((await kind()).id);
    const forget = 'mutation ($id: ID!) { generationDelete(input: { id: $id }) { errors { code } } }';
    for (const id of [ids[0], ids[5]]) await app.ask(forget, { id });

    interface Row extends Spending {
      readonly id: string;
      readonly model: string;
      readonly attempts: readonly (Spending & { readonly endedBy: string; readonly failureCode: string | null })[];
    }
    const list = `{ generations(first: 100) { nodes { id model costMicros usage { inputTokens outputTokens } attempts { endedBy failureCode costMicros usage { inputTokens outputTokens } } } } }`;
    const { nodes: rows } = (await app.ask<{ generations: { nodes: Row[] } }>(list)).generations;
    const sum = (values: readonly (number | null | undefined)[]) =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    expect(ids.filter((id) => rows.some((row) => row.id === id))).toHaveLength(ids.length - 2);
    const ends = new Set(rows.flatMap(({ attempts }) => attempts.flatMap(({ endedBy, failureCode }) => [endedBy, failureCode])));
    expect([...ends]).toEqual(expect.arrayContaining(['FINISHED', 'OUTRUN', 'GUARD_FAILED', 'OVERLOADED']));
    for (const { costMicros, usage, attempts } of rows) {
      const isKnown = attempts.every((each) => each.costMicros !== null);
      expect(costMicros).toBe(isKnown ? sum(attempts.map((each) => each.costMicros)) : null);
      if (usage) expect(usage.inputTokens).toBe(sum(attempts.map((each) => each.usage?.inputTokens)));
    }

    const range = { from: new Date(Date.now() - 86_400_000).toISOString(), to: new Date(Date.now() + 86_400_000).toISOString() };
    for (const groupBy of [[], ['MODEL'], ['TEMPLATE', 'MEMBER'], ['DAY', 'KEY', 'MODEL']]) {
      const { usage } = await app.ask<{ usage: { nodes: Record<string, number>[] } }>(
        `query ($groupBy: [UsageDimension!]!, $range: UsageRangeInput!) { usage(groupBy: $groupBy, range: $range, first: 100) {
          nodes { generations unfinished inputTokens outputTokens costMicros unknownCost }
        } }`,
        { groupBy, range },
      );
      const total = (field: string) => sum(usage.nodes.map((group) => group[field]));
      expect({
        by: groupBy,
        generations: total('generations'),
        cost: total('costMicros'),
        unknown: total('unknownCost'),
      }).toEqual({
        by: groupBy,
        generations: rows.length,
        cost: sum(rows.map(({ costMicros }) => costMicros)),
        unknown: rows.filter(({ costMicros }) => costMicros === null).length,
      });
      expect([total('unfinished'), total('inputTokens'), total('outputTokens')]).toEqual([
        0,
        sum(rows.map(({ usage: used }) => used?.inputTokens)),
        sum(rows.map(({ usage: used }) => used?.outputTokens)),
      ]);
    }
  });
});
