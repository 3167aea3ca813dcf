import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadlines } from '../../src/providers/deadlines.ts';
import { ProviderError, type Provider, type StreamPart, type TextRequest } from '../../src/providers/port.ts';
import { mockLetter, MockProvider, mockUsage } from '../harness/mock-provider.ts';
import { canaryKey, cannedFetch, codeOf, fixture, offlineAt, outcomeOf, textRequest, vendors } from '../harness/providers.ts';

let mock: MockProvider;
beforeAll(async () => {
  mock = await MockProvider.open();
});
beforeEach(() => mock.reset());
afterAll(() => mock.close());

/** What the suite asks of each provider, whoever writes the text. */
const subjects = [
  ...vendors.map(({ name, provider }) => ({
    name,
    opened: (pieces: readonly string[], { isSlow = false, isCut = false } = {}) => {
      mock.script(isSlow ? { pieces, finish: null, then: 'stall' } : { pieces, finish: isCut ? 'length' : 'stop' });
      return { provider: provider(mock.url), request: textRequest({ model: 'mock' }) };
    },
  })),
  {
    name: 'offline',
    opened: (pieces: readonly string[], { isSlow = false, isCut = false } = {}) => ({
      provider: offlineAt(isSlow ? 2 : Infinity),
      request: textRequest({ draft: pieces.join(''), maxOutputTokens: isCut ? 5 : 800 }),
    }),
  },
];

function streamOf(
  { provider, request }: { provider: Provider; request: TextRequest },
  signal: AbortSignal = new AbortController().signal,
) {
  return provider.stream(request, { signal, fetch });
}

describe.each(subjects)('$name', ({ opened }) => {
  it('writes the text in order, never an empty part, and one finish at the end', async () => {
    const { parts, text, error } = await outcomeOf(streamOf(opened(mockLetter)));

    expect(error).toBeNull();
    expect(text).toBe(mockLetter.join(''));
    expect(parts.filter((part) => part.type === 'text' && part.text === '')).toEqual([]);
    expect(parts.map(({ type }) => type)).toEqual([...parts.slice(1).map(() => 'text'), 'finish']);
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'STOP' });
  });

  it('counts the tokens', async () => {
    const { parts } = await outcomeOf(streamOf(opened(mockLetter)));

    expect(parts.at(-1)).toMatchObject({
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number), cachedInputTokens: expect.any(Number) },
    });
  });

  it('says when a token limit ended the text', async () => {
    const { parts, text } = await outcomeOf(streamOf(opened(mockLetter, { isCut: true })));

    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'LENGTH' });
    expect(mockLetter.join('').startsWith(text)).toBe(true);
  });

  it('ends with the reason of the abort, at once', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const parts: StreamPart[] = [];
    const reading = (async () => {
      for await (const part of streamOf(opened(['Dear Ms ', 'Ada, '], { isSlow: true }), controller.signal)) {
        parts.push(part);
        if (parts.length === 1) setImmediate(() => controller.abort(reason));
      }
    })();

    await expect(reading).rejects.toBe(reason);
    expect(parts.some(({ type }) => type === 'finish')).toBe(false);
  });

  it('does nothing when it is aborted before it begins', async () => {
    const reason = new Error('never mind');

    await expect(outcomeOf(streamOf(opened(mockLetter), AbortSignal.abort(reason)))).resolves.toMatchObject({
      parts: [],
      error: reason,
    });
    expect(mock.calls).toEqual([]);
  });

  it('fails when nothing was written', async () => {
    const outcome = await outcomeOf(streamOf(opened([])));

    expect(outcome.parts).toEqual([]);
    expect(codeOf(outcome)).toBe('EMPTY_COMPLETION');
  });

  it('keeps the deadlines put around it', async () => {
    const subject = opened(['Dear Ms ', 'Ada, '], { isSlow: true });
    const signal = new AbortController().signal;
    const stream = withDeadlines((inner) => streamOf(subject, inner), { firstTokenMs: 5_000, idleMs: 20, signal });

    const outcome = await outcomeOf(stream);

    expect(codeOf(outcome)).toBe('TIMEOUT');
    expect(outcome.parts.length).toBeGreaterThan(0);
  });
});

describe.each(vendors)('$name on the wire', ({ provider: make, recorded, finishSignal }) => {
  const bytes = fixture(recorded);
  const ask = async (fetching: typeof fetch = fetch, signal = new AbortController().signal) =>
    outcomeOf(make(mock.url).stream(textRequest({ model: 'mock' }), { signal, fetch: fetching }));

  it('sends one call with the model, the messages, the limit and the key', async () => {
    await ask();

    expect(mock.calls).toHaveLength(1);
    const [call] = mock.calls;
    expect(call?.body).toMatchObject({ model: 'mock', stream: true });
    expect(Object.values(call?.body ?? {})).toContain(800);
    expect(JSON.stringify(call?.body)).toContain('Write one to Ms 山田.');
    expect(JSON.stringify(call?.body)).toContain('You write letters.');
    expect(call?.body).not.toHaveProperty('temperature');
    expect(JSON.stringify(call?.headers)).toContain(canaryKey);
    expect(JSON.stringify(call?.body)).not.toContain('I am glad');
  });

  it('takes usage as the vendor counted it', async () => {
    const { parts } = await ask();

    expect(parts.at(-1)).toMatchObject({
      usage: { inputTokens: mockUsage.input, outputTokens: mockUsage.output, cachedInputTokens: mockUsage.cached },
    });
  });

  it('gives the same parts wherever the network cuts the bytes', async () => {
    const whole = await ask(cannedFetch([bytes]));
    expect(whole).toMatchObject({ error: null, text: expect.stringContaining('山田') as string });
    expect(whole.text).toContain('👩‍💻');
    expect(whole.text).toContain('👋');

    for (let cut = 1; cut < bytes.length; cut++) {
      const { parts } = await ask(cannedFetch([bytes.subarray(0, cut), bytes.subarray(cut)]));
      if (JSON.stringify(parts) !== JSON.stringify(whole.parts)) expect(parts, `cut at ${cut}`).toEqual(whole.parts);
    }
    const byteByByte = await ask(cannedFetch(Array.from(bytes, (byte) => Uint8Array.of(byte))));
    expect(byteByByte).toEqual(whole);
  });

  it('never takes a stream that ends early for a success, whichever byte is the last', async () => {
    const text = new TextDecoder().decode(bytes);
    const signalAt = text.indexOf(finishSignal);
    expect(signalAt).toBeGreaterThan(0);
    const completeAt = new TextEncoder().encode(text.slice(0, text.indexOf('\n\n', signalAt) + 2)).length;

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

  it.each([
    ['the socket breaks', { afterBytes: 700, then: 'cut' } as const, 'STREAM_CUT'],
    ['the body ends politely', { afterBytes: 700, then: 'end' } as const, 'STREAM_CUT'],
    ['the body is empty', { raw: '' }, 'STREAM_CUT'],
    [
      'it is a page',
      { raw: '<html><body>Bad gateway</body></html>', headers: { 'content-type': 'text/html' } },
      'STREAM_MALFORMED',
    ],
    ['it is a page that calls itself a stream', { raw: '<html>\n<body>Bad gateway</body>\n</html>\n' }, 'STREAM_MALFORMED'],
    ['an event is no JSON', { raw: 'data: {"choices": [\n\n' }, 'STREAM_MALFORMED'],
    ['an event is no object', { raw: 'data: 42\n\n' }, 'STREAM_MALFORMED'],
    ['an event never ends', { raw: `data: ${'x'.repeat(1_200_000)}` }, 'STREAM_MALFORMED'],
    [
      'it is an error that forgot its status',
      { raw: '{"error":{"type":"server_error","message":"no"}}', headers: { 'content-type': 'application/json' } },
      'OVERLOADED',
    ],
    ['it is JSON of another kind', { raw: '{"ok":true}', headers: { 'content-type': 'application/json' } }, 'STREAM_MALFORMED'],
    ['an error comes inside the stream', { error: 'we are busy' }, 'OVERLOADED'],
    ['the filter stops it without any text', { pieces: [], finish: 'filter' } as const, 'CONTENT_REFUSED'],
  ])('fails when %s', async (_name, script, code) => {
    mock.script(script);

    const outcome = await ask();

    expect(codeOf(outcome)).toBe(code);
    expect(outcome.error).toBeInstanceOf(ProviderError);
    expect((outcome.error as ProviderError).retryable).toBe(code !== 'CONTENT_REFUSED');
    expect(outcome.parts.some(({ type }) => type === 'finish')).toBe(false);
    expect(mock.calls).toHaveLength(1);
  });

  it('keeps the text that a filter cut short', async () => {
    mock.script({ pieces: ['Dear '], finish: 'filter' });

    await expect(ask()).resolves.toMatchObject({ error: null, text: 'Dear ', parts: [{}, { reason: 'CONTENT_FILTER' }] });
  });

  it.each([
    [400, 'INVALID_REQUEST', false],
    [401, 'PROVIDER_AUTH', false],
    [402, 'PROVIDER_QUOTA', false],
    [403, 'PROVIDER_AUTH', false],
    [404, 'MODEL_NOT_FOUND', false],
    [408, 'OVERLOADED', true],
    [409, 'OVERLOADED', true],
    [413, 'INVALID_REQUEST', false],
    [422, 'INVALID_REQUEST', false],
    [429, 'RATE_LIMITED', true],
    [500, 'OVERLOADED', true],
    [503, 'OVERLOADED', true],
    [529, 'OVERLOADED', true],
  ])('makes of HTTP %i %s, with one call and no retry', async (status, code, retryable) => {
    const headers = { 'content-type': 'application/json' };
    mock.always({
      status,
      headers,
      raw: JSON.stringify({ error: { message: `Incorrect API key provided: ${canaryKey}`, type: 'mock' } }),
    });

    const { error, parts } = await ask();

    expect(error).toMatchObject({ name: 'ProviderError', code, retryable });
    expect(parts).toEqual([]);
    expect(mock.calls).toHaveLength(1);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canaryKey);
    expect((error as ProviderError).message).toContain('Incorrect API key provided: [redacted]');
  });

  it.each([
    ['answers', { status: 401, headers: { 'content-type': 'text/plain' }, raw: `bad key ${canaryKey}` }],
    ['streams an error', { error: `your key ${canaryKey} is busy` }],
    ['names a content type', { raw: 'x', headers: { 'content-type': `text/html; boundary=${canaryKey}` } }],
  ])('repeats no key that the vendor %s with', async (_name, script) => {
    mock.script(script);

    const { error } = await ask();

    expect(error).toBeInstanceOf(ProviderError);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canaryKey);
  });

  it.each([
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['a part of a second', { 'retry-after': '0.25' }, 250],
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
    ['a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 30_000],
    ['a date gone by', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT', date: 'Wed, 21 Oct 2026 07:28:30 GMT' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, null],
    ['nothing', {}, null],
  ])('reads a Retry-After of %s', async (_name, headers, retryAfterMs) => {
    mock.script({
      status: 429,
      headers: { 'content-type': 'application/json', ...headers },
      raw: '{"error":{"message":"slow down"}}',
    });

    const { error } = await ask();

    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs });
  });

  // The limit is the port's promise; the retries are for a machine whose cores are all taken.
  it('closes the socket within 50 ms of an abort', { retry: 3 }, async () => {
    mock.reset();
    mock.script({ pieces: ['Dear '], finish: null, then: 'stall' });
    const controller = new AbortController();
    const stream = make(mock.url)
      .stream(textRequest({ model: 'mock' }), { signal: controller.signal, fetch })
      [Symbol.asyncIterator]();
    await expect(stream.next()).resolves.toMatchObject({ value: { text: 'Dear ' } });
    const next = stream.next();

    const abortedAt = performance.now();
    controller.abort(new Error('enough'));

    await expect(next).rejects.toThrow('enough');
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
    expect(performance.now() - abortedAt).toBeLessThan(50);
  });

  it('closes the socket when the reader walks away, and when it aborts before the headers', async () => {
    mock.script({ pieces: ['Dear '], finish: null, then: 'stall' }, { firstMs: 60_000 });
    for await (const _part of make(mock.url).stream(textRequest({ model: 'mock' }), {
      signal: new AbortController().signal,
      fetch,
    }))
      break;
    const controller = new AbortController();
    const waiting = ask(fetch, controller.signal);
    await expect.poll(() => mock.calls.length).toBe(2);
    controller.abort(new Error('enough'));

    expect(await waiting).toMatchObject({ parts: [], error: { message: 'enough' } });
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
    await expect(mock.calls[1]?.over).resolves.toBe('closed by client');
  });

  it('gives up a vendor that accepts the call and never answers', async () => {
    mock.script({ firstMs: 60_000 });
    const stream = withDeadlines((signal) => make(mock.url).stream(textRequest({ model: 'mock' }), { signal, fetch }), {
      firstTokenMs: 30,
      idleMs: 30,
      signal: new AbortController().signal,
    });

    expect(codeOf(await outcomeOf(stream))).toBe('TIMEOUT');
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
  });

  it('uses its connection again after a whole stream', async () => {
    await using own = await MockProvider.open();
    const isReused = async () => {
      await outcomeOf(make(own.url).stream(textRequest({ model: 'mock' }), { signal: new AbortController().signal, fetch }));
      return new Set(own.calls.map(({ port }) => port)).size < own.calls.length;
    };

    // A socket is free again a moment after its response ended, so the very next call may still open another.
    await expect.poll(isReused).toBe(true);
  });

  it('says NETWORK when nobody listens', async () => {
    const gone = await MockProvider.open();
    const { url } = gone;
    await gone.close();

    const { error } = await outcomeOf(make(url).stream(textRequest(), { signal: new AbortController().signal, fetch }));

    expect(error).toMatchObject({ code: 'NETWORK', retryable: true });
    expect((error as Error).message).toMatch(/could not be reached \(ECONNREFUSED\)/);
  });
});

describe('recorded streams', () => {
  const chat = 'openai chat';
  const responses = 'openai responses';
  const messages = 'anthropic';
  const replayed = async (vendor: string, file: string) => {
    const provider = vendors.find(({ name }) => name === vendor)?.provider('http://127.0.0.1:9');
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
  ])('%s finishes', async (name, subject, reason, usage) => {
    const { parts, error } = await replayed(subject, name);

    expect(error).toBeNull();
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason, usage });
  });

  it.each([
    ['openai-chat-refused.sse', chat, 'CONTENT_REFUSED', false],
    ['openai-chat-error.sse', chat, 'OVERLOADED', true],
    ['openai-responses-refused.sse', responses, 'CONTENT_REFUSED', false],
    ['openai-responses-failed.sse', responses, 'RATE_LIMITED', true],
    ['openai-responses-error.sse', responses, 'PROVIDER_QUOTA', false],
    ['openai-responses-error-flat.sse', responses, 'OVERLOADED', true],
    ['anthropic-messages-overloaded.sse', messages, 'OVERLOADED', true],
    ['anthropic-messages-refusal.sse', messages, 'CONTENT_REFUSED', false],
  ])('%s fails', async (name, subject, code, retryable) => {
    const { error } = await replayed(subject, name);

    expect(error).toMatchObject({ name: 'ProviderError', code, retryable });
  });
});
