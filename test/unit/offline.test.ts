import { expect, it } from 'vitest';
import { offline } from '../../src/providers/offline.ts';
import { codeOf, offlineAt, outcomeOf, textRequest } from '../harness/providers.ts';

const draft =
  'Dear Ms 山田,\n\nI am glad 👩‍💻 to apply at «Kühl & Söhne».  Two spaces, <|endoftext|> and 𝒢.\n\n我很高兴申请这个职位，并期待您的回复。\n';
const options = { signal: new AbortController().signal, fetch };

it.each([0, Infinity])('writes the draft exactly, word by word, the same each time, at a pace of %d', async (tokensPerSecond) => {
  const once = await outcomeOf(offlineAt(tokensPerSecond).stream(textRequest({ draft }), options));
  const again = await outcomeOf(offlineAt(tokensPerSecond).stream(textRequest({ draft }), options));

  expect(once.error).toBeNull();
  expect(once.text).toBe(draft);
  expect(once.parts.length).toBeGreaterThan(20);
  expect(again).toEqual(once);
  expect(once.parts.at(-1)).toMatchObject({ reason: 'STOP', usage: { cachedInputTokens: 0 } });
});

it('stops at each limit with a whole prefix and never more tokens than allowed', async () => {
  const whole = await outcomeOf(offlineAt(0).stream(textRequest({ draft }), options));
  const all = outputTokensOf(whole);
  for (let limit = 1; limit <= all + 1; limit++) {
    const outcome = await outcomeOf(offlineAt(0).stream(textRequest({ draft, maxOutputTokens: limit }), options));

    expect(outcome.error).toBeNull();
    expect(draft.startsWith(outcome.text)).toBe(true);
    expect(outcome.text.isWellFormed()).toBe(true);
    expect(outcome.parts.at(-1)).toMatchObject({ type: 'finish', reason: limit < all ? 'LENGTH' : 'STOP' });
    expect(outputTokensOf(outcome)).toBeLessThanOrEqual(limit);
  }
});

it('keeps its pace', async () => {
  const started = performance.now();
  const outcome = await outcomeOf(offline({ tokensPerSecond: 200 }).stream(textRequest({ draft }), options));
  const tookMs = performance.now() - started;

  expect(outcome.text).toBe(draft);
  expect(tookMs).toBeGreaterThanOrEqual((outputTokensOf(outcome) / 200) * 1000 - 5);
});

it('has one model', async () => {
  expect(codeOf(await outcomeOf(offlineAt(0).stream(textRequest({ model: 'gpt' }), options)))).toBe('MODEL_NOT_FOUND');
});

it('makes lone surrogates of a draft harmless', async () => {
  const { text, error } = await outcomeOf(offlineAt(0).stream(textRequest({ draft: 'a\ud83d b' }), options));

  expect({ text, error }).toEqual({ text: 'a\uFFFD b', error: null });
});

function outputTokensOf({ parts }: Awaited<ReturnType<typeof outcomeOf>>): number {
  const last = parts.at(-1);
  return last?.type === 'finish' ? (last.usage.outputTokens ?? -1) : -1;
}
