import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadlines } from '../../src/providers/deadlines.ts';
import { LeanHttp } from '../../src/providers/http.ts';
import { ProviderError } from '../../src/providers/port.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { MockProvider, mockUsage } from '../harness/mock-provider.ts';
import { canaryKey, codeOf, openBody, outcomeOf, textRequest, vendors } from '../harness/providers.ts';
import { wireOf } from '../harness/wire.ts';

const http = new LeanHttp({ ms: 25, width: 1 });
let mock: MockProvider;
beforeAll(async () => {
  mock = await MockProvider.open();
});
beforeEach(() => mock.reset());
afterAll(() => mock.close());

/** The platform's, which tests and tools bring, and the one that the product uses. */
const ways = { 'by fetch': fetch, 'by our own client': http.fetch };
const subjects = vendors.flatMap((vendor) => Object.entries(ways).map(([way, fetch]) => ({ ...vendor, way, fetch })));

describe.each(subjects)('$name on the wire $way', ({ name, path, provider: make, fetch }) => {
  const wire = wireOf(path);
  const text = (piece: string) => wire.start() + wire.text(piece);
  const end = wire.finish('stop', mockUsage);
  const stream = { headers: { 'content-type': 'text/event-stream' } };
  const ask = async (fetching: typeof fetch = fetch, signal = new AbortController().signal) =>
    outcomeOf(make(mock.url).stream(textRequest({ model: 'mock' }), { signal, fetch: fetching }));

  it('sends one call with the model, the messages, the limit and the key', async () => {
    await ask();

    expect(mock.calls).toHaveLength(1);
    const [call] = mock.calls;
    // Google takes the model in the path, and streams by it.
    if (name === 'google') expect(call?.path).toContain('/models/mock:streamGenerateContent');
    else expect(call?.body).toMatchObject({ model: 'mock', stream: true });
    expect(JSON.stringify(call?.body)).toMatch(/[tT]okens":800\b/);
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

  it.each([
    ['the socket breaks', { afterBytes: 700, lastly: 'cut' } as const, 'STREAM_CUT'],
    ['the body ends politely', { afterBytes: 700, lastly: 'end' } as const, 'STREAM_CUT'],
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
    [
      'it is a page without end',
      { raw: '<p>'.repeat(400_000), lastly: 'stall', headers: { 'content-type': 'text/html' } } as const,
      'STREAM_MALFORMED',
    ],
    ['it is JSON of another kind', { raw: '{"ok":true}', headers: { 'content-type': 'application/json' } }, 'STREAM_MALFORMED'],
    ['an error comes inside the stream', { error: 'we are busy' }, 'OVERLOADED'],
    ['there is nothing but white space', { pieces: [' ', '\n\n'] }, 'EMPTY_COMPLETION'],
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
    ['milliseconds in another spelling', { 'x-ms-retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
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
    mock.script({ pieces: ['Dear '], finish: null, lastly: 'stall' });
    const controller = new AbortController();
    const stream = make(mock.url)
      .stream(textRequest({ model: 'mock' }), { signal: controller.signal, fetch })
      [Symbol.asyncIterator]();
    await expect(stream.next()).resolves.toMatchObject({ value: { text: 'Dear ' } });
    const next = stream.next();

    const sinceAborted = stopwatch();
    controller.abort(new Error('enough'));

    await expect(next).rejects.toThrow('enough');
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
    expect(sinceAborted()).toBeLessThan(50);
  });

  it('closes the socket when the reader walks away, and when it aborts before the headers', async () => {
    mock.script({ pieces: ['Dear '], finish: null, lastly: 'stall' }, { firstMs: 60_000 });
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
      firstTokenMs: 300,
      idleMs: 30,
      signal: new AbortController().signal,
    });

    expect(codeOf(await outcomeOf(stream))).toBe('TIMEOUT');
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
  });

  it('ends at once when it is aborted, even if its fetch does not heed the signal', async () => {
    const { body, cancelled } = openBody([text('Dear ')]);
    const controller = new AbortController();
    const reading = ask(() => Promise.resolve(new Response(body, stream)), controller.signal);
    setImmediate(() => controller.abort(new Error('enough')));

    await expect(reading).resolves.toMatchObject({ error: { message: 'enough' } });
    await cancelled;
  });

  it('stops reading a page when it is aborted', async () => {
    mock.script({ raw: '<p>', lastly: 'stall', headers: { 'content-type': 'text/html' } });
    const controller = new AbortController();
    const waiting = ask(fetch, controller.signal);
    await expect.poll(() => mock.calls.length).toBe(1);
    await mock.calls[0]?.answered;
    controller.abort(new Error('enough'));

    await expect(waiting).resolves.toMatchObject({ parts: [], error: { message: 'enough' } });
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
  });

  it('finishes, and lets the body end by itself when that comes a little later', async () => {
    const { body, close, isCancelled } = openBody([text('Dear '), end]);
    setTimeout(close, 20);

    await expect(ask(() => Promise.resolve(new Response(body, stream)))).resolves.toMatchObject({ error: null, text: 'Dear ' });
    expect(isCancelled()).toBe(false);
  });

  it('finishes, and gives the connection up when the body never ends', async () => {
    const { body, cancelled } = openBody([text('Dear '), end]);

    await expect(ask(() => Promise.resolve(new Response(body, stream)))).resolves.toMatchObject({ error: null, text: 'Dear ' });
    await cancelled;
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
