import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderError, type Provider, type StreamPart } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { startGeneration } from '../harness/letters.ts';
import { StreamReader } from '../harness/stream-reader.ts';

const ending = `query ($id: ID!) {
  generation(id: $id) {
    status text usage { inputTokens outputTokens cachedInputTokens } costMicros
    failure { code message } attempts { number failureCode usage { inputTokens outputTokens } }
  }
}`;

/** Gives what the test put on the table, call after call. */
class Odd implements Provider {
  readonly id = 'mock';
  readonly models = [{ name: 'odd', contextWindow: null, maxOutputTokens: null }];
  readonly acceptsUnknownModels = false;
  readonly calls: (readonly (StreamPart | Error)[])[] = [];

  async *stream(): AsyncGenerator<StreamPart> {
    for (const part of this.calls.shift() ?? []) {
      if (part instanceof Error) throw part;
      yield part;
    }
  }
}

const text = (words: string): StreamPart => ({ type: 'text', text: words });
const end = (inputTokens: number | null, outputTokens: number | null): StreamPart => ({
  type: 'finish',
  reason: 'STOP',
  usage: { inputTokens, outputTokens, cachedInputTokens: null },
});
const sorry = (message: string, retryable: boolean) => new ProviderError('OVERLOADED', message, { retryable });

describe('a provider that says odd things', () => {
  const odd = new Odd();
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp({ providers: [odd], env: { DEFAULT_MODEL: 'mock/odd' } });
  });
  afterAll(() => app.stop());

  async function written(...calls: (readonly (StreamPart | Error)[])[]) {
    odd.calls.splice(0, Infinity, ...calls);
    const id = await startGeneration(app);
    const reader = await new StreamReader(app, id).toEnd();
    const { generation } = await app.ask<{ generation: Record<string, unknown> }>(ending, { id });
    expect(odd.calls).toEqual([]);
    expect(reader.text).toBe(generation['text']);
    return generation;
  }

  it.each([
    ['more than a column holds', 3e12, 2 ** 31],
    ['no whole numbers', 12.5, 0.1],
    ['below nothing', -1, -0.5],
    ['no numbers', Number.NaN, Infinity],
  ])('keeps the letter when the counts are %s', async (_what, input, output) => {
    expect(await written([text('Dear Ada'), end(input, output)])).toEqual({
      status: 'SUCCEEDED',
      text: 'Dear Ada',
      usage: null,
      costMicros: null,
      failure: null,
      attempts: [{ number: 1, failureCode: null, usage: null }],
    });
  });

  it('fails once, with the words that can be stored', async () => {
    expect(await written([sorry('no \0 room \ud800', false)])).toMatchObject({
      status: 'FAILED',
      failure: { code: 'OVERLOADED', message: 'no \ufffd room \ufffd' },
      attempts: [{ number: 1, failureCode: 'OVERLOADED' }],
    });
  });

  it('goes on after a failure whose words cannot be stored', async () => {
    expect(await written([text('Dear'), sorry('cut \0', true)], [text('Yours'), end(1, 2)])).toMatchObject({
      status: 'SUCCEEDED',
      text: 'Yours',
      // Nobody knows what the first call used: a part of the sum would look like all of it.
      usage: null,
      attempts: [
        { number: 1, failureCode: 'OVERLOADED', usage: null },
        { number: 2, failureCode: null, usage: { inputTokens: 1, outputTokens: 2 } },
      ],
    });
  });

  it('takes parts of any size, empty ones and halves of a pair', async () => {
    const whole = `${'ab😀'.repeat(250_000)}😀\ufffd`;
    const parts = [text(''), text(whole.slice(0, -3)), text(''), text('\ud83d'), text(''), text('\ude00\0'), end(null, null)];
    expect(await written(parts)).toMatchObject({ status: 'SUCCEEDED', text: whole, usage: null });
  });
});
