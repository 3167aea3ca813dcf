import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canaryKey, codeOf, outcomeOf, textRequest, vendors } from '../harness/providers.ts';

/** A wire format that somebody else wrote down: what only agrees with our own mock would not pass here. */
const letter = 'Dear Ms 山田, I am glad 👩‍💻 to apply. Yours, Ada 𝒢';
const aimock = new LLMock({ port: 0, chunkSize: 3 });
beforeAll(async () => {
  aimock.onMessage('Write one', { content: letter });
  aimock.onMessage('Write parts', { content: '{"subject":"A"}' });
  aimock.onMessage('Think first', { content: letter, reasoning: 'The reader is a hiring manager.' });
  aimock.onMessage('Be brief', { content: 'Dear Ms', finishReason: 'length' });
  aimock.onMessage('Fail', { error: { message: `no, not with ${canaryKey}`, type: 'rate_limit_error' }, status: 429 });
  aimock.onMessage('Break', { content: letter }, { truncateAfterChunks: 6, latency: 5 });
  await aimock.start();
});
afterAll(() => aimock.stop());

describe.each(vendors)('$name against aimock', ({ provider }) => {
  const ask = (content: string) => {
    const request = textRequest({ model: 'mock', messages: [{ role: 'user', content }] });
    return outcomeOf(provider(aimock.url).stream(request, { signal: new AbortController().signal, fetch }));
  };

  it('reads a whole text with its usage', async () => {
    const { parts, text, error } = await ask('Write one');

    expect(error).toBeNull();
    expect(text).toBe(letter);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'STOP',
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
    });
  });

  it('holds it to a schema, and marks what stays the same', async () => {
    const request = textRequest({
      model: 'mock',
      messages: [
        { role: 'system', content: 'You write letters.', isStable: true },
        { role: 'user', content: 'Write parts' },
      ],
      outputSchema: {
        type: 'object',
        additionalProperties: false,
        required: ['subject'],
        properties: { subject: { type: 'string', maxLength: 80, description: 'A line.' } },
      },
    });
    const outcome = await outcomeOf(provider(aimock.url).stream(request, { signal: new AbortController().signal, fetch }));

    expect(outcome).toMatchObject({ error: null, text: '{"subject":"A"}' });
    expect(outcome.parts.at(-1)).toMatchObject({ type: 'finish', reason: 'STOP' });
  });

  it('leaves reasoning out of the text', async () => {
    await expect(ask('Think first')).resolves.toMatchObject({ error: null, text: letter });
  });

  it('reads a text that hit its limit', async () => {
    const { parts, text } = await ask('Be brief');

    expect(text).toBe('Dear Ms');
    // Its Responses say `incomplete` without saying why.
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'LENGTH' });
  });

  it('reads an error', async () => {
    const outcome = await ask('Fail');

    expect(codeOf(outcome)).toBe('RATE_LIMITED');
    expect(String(outcome.error)).not.toContain(canaryKey);
  });

  it('takes a truncated stream for no success', async () => {
    const outcome = await ask('Break');

    expect(codeOf(outcome)).toBe('STREAM_CUT');
    expect(letter.startsWith(outcome.text)).toBe(true);
    expect(outcome.text).not.toBe(letter);
  });
});
