import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nothingUsed, ProviderError, type Provider, type StreamPart, type Usage } from '../../src/providers/port.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sampleVariables } from '../harness/letters.ts';
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
  readonly models = ['gpt-5.6-luna', 'unheard-of'].map((name) => ({ name, contextWindow: null, maxOutputTokens: null }));
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
          isBatch: false,
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
    const { costMicros, usage, attempts } = await written([fails(null), () => finish(1_000, 500)]);

    expect({ costMicros, usage }).toEqual({ costMicros: null, usage: null });
    expect(attempts.map((each) => each.costMicros)).toEqual([null, 800]);
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
});
