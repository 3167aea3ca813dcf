import { describe, expect, it } from 'vitest';
import { cannedFetch, codeOf, fixture, outcomeOf, textRequest, vendors, type Outcome } from '../harness/providers.ts';

const nowhere = 'http://127.0.0.1:9';

/** Text that comes at once is one part, so where parts begin depends on the network. */
function saidIn({ parts, text, error }: Outcome) {
  return { text, others: parts.filter(({ type }) => type !== 'text'), isLast: parts.at(-1)?.type === 'finish', error };
}

describe.each(vendors)('$name with a recorded stream', ({ provider, recorded, finishSignal }) => {
  const bytes = fixture(recorded);
  const ask = (fetching: typeof fetch) =>
    outcomeOf(provider(nowhere).stream(textRequest(), { signal: new AbortController().signal, fetch: fetching }));

  it('gives the same text and finish wherever the network cuts the bytes', { timeout: 120_000 }, async () => {
    const whole = await ask(cannedFetch([bytes]));
    expect(whole).toMatchObject({ error: null, text: expect.stringContaining('山田') as string });
    expect(whole.text).toContain('👩‍💻');
    expect(whole.text).toContain('👋');

    for (let cut = 1; cut < bytes.length; cut++) {
      const said = saidIn(await ask(cannedFetch([bytes.subarray(0, cut), bytes.subarray(cut)])));
      if (JSON.stringify(said) !== JSON.stringify(saidIn(whole))) expect(said, `cut at ${cut}`).toEqual(saidIn(whole));
    }
    const byteByByte = await ask(cannedFetch(Array.from(bytes, (byte) => Uint8Array.of(byte))));
    expect(saidIn(byteByByte)).toEqual(saidIn(whole));
  });

  it('never takes a stream that ends early for a success, whichever byte is the last', { timeout: 120_000 }, async () => {
    const text = new TextDecoder().decode(bytes);
    const signalAt = text.indexOf(finishSignal);
    expect(signalAt).toBeGreaterThan(0);
    const [blank] = /\r?\n\r?\n/.exec(text.slice(signalAt)) ?? [''];
    // A carriage return ends a line by itself.
    const ending = blank.startsWith('\r') ? blank.length - 1 : blank.length;
    const completeAt = new TextEncoder().encode(text.slice(0, text.indexOf(blank, signalAt) + ending)).length;

    for (let length = 0; length < bytes.length; length++) {
      const outcome = await ask(cannedFetch([bytes.subarray(0, length)]));
      const last = outcome.parts.at(-1)?.type;
      const expected = length < completeAt ? 'STREAM_CUT' : null;
      if (codeOf(outcome) !== expected || (last === 'finish') !== (expected === null)) {
        expect({ length, code: codeOf(outcome), last }).toEqual({
          length,
          code: expected,
          last: expected === null ? 'finish' : 'text',
        });
      }
    }
  });
});

describe('recorded streams', () => {
  const chat = 'openai chat';
  const responses = 'openai responses';
  const messages = 'anthropic';
  const content = 'google';
  const replayed = async (vendor: string, file: string) => {
    const provider = vendors.find(({ name }) => name === vendor)?.provider(nowhere);
    if (!provider) throw new Error(`no vendor ${vendor}`);
    return outcomeOf(
      provider.stream(textRequest(), { signal: new AbortController().signal, fetch: cannedFetch([fixture(file)]) }),
    );
  };

  it.each([
    ['openai-chat.sse', chat, 'STOP', { inputTokens: 412, outputTokens: 27, cachedInputTokens: 256 }],
    ['openai-chat-compatible.sse', chat, 'LENGTH', { inputTokens: null, outputTokens: null, cachedInputTokens: null }],
    ['openai-chat-filter.sse', chat, 'CONTENT_FILTER', {}],
    ['openai-responses.sse', responses, 'STOP', { inputTokens: 412, outputTokens: 91, cachedInputTokens: 256 }],
    ['openai-responses-incomplete.sse', responses, 'LENGTH', {}],
    ['anthropic-messages.sse', messages, 'STOP', { inputTokens: 412, outputTokens: 48, cachedInputTokens: 250 }],
    ['anthropic-messages-max-tokens.sse', messages, 'LENGTH', { inputTokens: 412, outputTokens: 4 }],
    ['google-generate-content.sse', content, 'STOP', { inputTokens: 412, outputTokens: 60, cachedInputTokens: 256 }],
    ['google-generate-content-max-tokens.sse', content, 'LENGTH', { inputTokens: 412, outputTokens: 2 }],
  ])('%s finishes', async (name, subject, reason, usage) => {
    const { parts, error } = await replayed(subject, name);

    expect(error).toBeNull();
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason, usage });
  });

  it('finishes at the finish, whatever else comes in the same chunk', async () => {
    for (const { provider, recorded } of vendors) {
      const more = new TextEncoder().encode('data: {"type":"error","error":{"message":"too late"}}\n\ndata: nonsense\n\n');
      const fetching = cannedFetch([Uint8Array.from([...fixture(recorded), ...more])]);
      const stream = provider(nowhere).stream(textRequest(), { signal: new AbortController().signal, fetch: fetching });

      await expect(outcomeOf(stream)).resolves.toMatchObject({ error: null });
    }
  });

  it.each([
    ['openai-chat-refused.sse', chat, 'CONTENT_REFUSED', false, ''],
    ['openai-chat-error.sse', chat, 'OVERLOADED', true, 'Dear '],
    ['openai-responses-refused.sse', responses, 'CONTENT_REFUSED', false, ''],
    ['openai-responses-failed.sse', responses, 'RATE_LIMITED', true, 'Dear '],
    ['openai-responses-error.sse', responses, 'PROVIDER_QUOTA', false, ''],
    ['openai-responses-error-flat.sse', responses, 'OVERLOADED', true, ''],
    ['anthropic-messages-overloaded.sse', messages, 'OVERLOADED', true, 'Dear '],
    ['anthropic-messages-refusal.sse', messages, 'CONTENT_REFUSED', false, ''],
    ['google-generate-content-overloaded.sse', content, 'OVERLOADED', true, 'Dear '],
    ['google-generate-content-blocked.sse', content, 'CONTENT_REFUSED', false, ''],
  ])('%s fails, after the text that came before', async (name, subject, code, retryable, text) => {
    const outcome = await replayed(subject, name);

    expect(outcome.error).toMatchObject({ name: 'ProviderError', code, retryable });
    expect(outcome.text).toBe(text);
  });
});
