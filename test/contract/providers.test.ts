import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadlines } from '../../src/providers/deadlines.ts';
import type { PromptMessage, Provider, StreamPart, TextRequest } from '../../src/providers/port.ts';
import { mockLetter, mockModels, MockProvider, type Call } from '../harness/mock-provider.ts';
import { canaryKey, codeOf, offlineAt, outcomeOf, textRequest, vendors } from '../harness/providers.ts';

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
      mock.script(isSlow ? { pieces, finish: null, lastly: 'stall' } : { pieces, finish: isCut ? 'length' : 'stop' });
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

  it('writes a text that has to fit a schema as it writes any other', async () => {
    const { provider, request } = opened(['{"subject":', '"Ms 山田"}']);
    const outputSchema = {
      type: 'object',
      additionalProperties: false,
      required: ['subject'],
      properties: { subject: { type: 'string', description: 'A line.' } },
    };

    const outcome = await outcomeOf(streamOf({ provider, request: { ...request, outputSchema } }));
    expect(outcome).toMatchObject({ error: null, text: '{"subject":"Ms 山田"}' });
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
    expect(outcome.error).toMatchObject({ isOfRequest: false });
  });

  it('says that the limit was the reason when nothing was written below it', async () => {
    const subject = opened([], { isCut: true });
    const { error } = await outcomeOf(streamOf(subject));

    // Our own writer has nothing to say where there is no draft, whatever the limit.
    const isOffline = subject.provider.id === 'offline';
    expect(error).toMatchObject({ code: 'EMPTY_COMPLETION', isOfRequest: !isOffline, retryable: isOffline });
    if (!isOffline) expect(error).toHaveProperty('message', expect.stringContaining('raise maxOutputTokens'));
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

describe.each(vendors)('$name, told of more than the words', ({ name, provider }) => {
  const outputSchema = {
    type: 'object',
    additionalProperties: false,
    required: ['subject'],
    properties: { subject: { type: 'string', maxLength: 80, description: 'A line.' } },
  };
  const asked = async (change: Partial<TextRequest>) => {
    mock.script({ pieces: ['{"subject":', '"A"}'] });
    const outcome = await outcomeOf(
      streamOf({ provider: provider(mock.url), request: textRequest({ model: 'mock', ...change }) }),
    );
    expect(outcome).toMatchObject({ error: null, text: '{"subject":"A"}' });
    return mock.calls.at(-1)?.body ?? {};
  };
  /** Where a schema stands in a body. */
  const schemaIn = (body: unknown): unknown =>
    typeof body !== 'object' || body === null
      ? undefined
      : 'additionalProperties' in body
        ? body
        : Object.values(body)
            .map(schemaIn)
            .find((found) => found !== undefined);

  it('holds the model to the schema of an output, and asks for none without', async () => {
    const schema = schemaIn(await asked({ outputSchema }));
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['subject'] });
    // Not every vendor knows every keyword; what it does not know is told in words.
    expect(JSON.stringify(schema)).toContain('maxLength: 80');
    expect(schema).not.toHaveProperty('properties.subject.maxLength');
    expect(schemaIn(await asked({ outputSchema: null }))).toBeUndefined();
    expect(schemaIn(await asked({}))).toBeUndefined();
  });

  it('gives the rules to the vendor as rules, and marks them for its cache where it takes marks', async () => {
    const [system, user] = textRequest().messages as [PromptMessage, PromptMessage];
    const marked = await asked({ messages: [{ ...system, isStable: true }, user] });
    const plain = await asked({});

    const rules: Record<string, unknown> = {
      'openai chat': { messages: [{ role: 'system', content: system.content }, {}] },
      'openai responses': { input: [{ role: 'system', content: system.content }, {}] },
      anthropic: { system: [{ text: system.content }] },
      google: { systemInstruction: { parts: [{ text: system.content }] } },
    };
    expect(plain).toMatchObject(rules[name] as object);
    expect(marked).toMatchObject(rules[name] as object);
    // A compatible server may refuse what it does not know, and Google finds out by itself: see the requests to the vendors themselves.
    const marks: Record<string, RegExp | null> = {
      'openai chat': null,
      'openai responses': /"prompt_cache_key":"prefix-/,
      anthropic: /"cache_control":{"type":"ephemeral"}/,
      google: null,
    };
    const mark = marks[name];
    if (mark) expect(JSON.stringify(marked)).toMatch(mark);
    else expect(marked).toEqual(plain);
    expect(JSON.stringify(plain)).not.toMatch(/cache/);
    expect(JSON.stringify(marked)).not.toContain('isStable');
  });

  it('says what it read from the cache, and what of the input that is', async () => {
    mock.script({ usage: { input: 1_000, output: 10, cached: 900 } });
    const { parts } = await outcomeOf(streamOf({ provider: provider(mock.url), request: textRequest({ model: 'mock' }) }));

    expect(parts.at(-1)).toMatchObject({ usage: { inputTokens: 1_000, outputTokens: 10, cachedInputTokens: 900 } });
  });

  it('lists the models that a key may use', async () => {
    const options = { signal: new AbortController().signal, fetch, apiKey: 'sk-given-canary-77aa01' };
    expect(await provider(mock.url).listModels?.(options)).toEqual(mockModels);
    expect(JSON.stringify(mock.calls.at(-1)?.headers)).toContain('sk-given-canary-77aa01');
    expect(JSON.stringify(mock.calls.at(-1)?.headers)).not.toContain(canaryKey);

    for (const [script, code] of [
      [{ status: 401, raw: '{"error":{"message":"wrong: sk-given-canary-77aa01"}}' }, 'PROVIDER_AUTH'],
      [{ status: 429, raw: '{}' }, 'RATE_LIMITED'],
      [{ status: 503, raw: '{}' }, 'OVERLOADED'],
      [{ raw: '<html>' }, 'STREAM_MALFORMED'],
      [{ raw: '{"data":{},"models":3}' }, 'STREAM_MALFORMED'],
    ] as const) {
      mock.script(script);
      const error: unknown = await provider(mock.url)
        .listModels?.(options)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'ProviderError', code });
      expect(inspect(error, { depth: 9 })).not.toContain('canary');
    }
  });

  it('stops to list when it is told to', async () => {
    mock.script({ firstMs: 60_000 });
    const controller = new AbortController();
    const listing = provider(mock.url).listModels?.({ signal: controller.signal, fetch });
    await expect.poll(() => mock.calls.length).toBe(1);
    controller.abort(new Error('enough'));

    await expect(listing).rejects.toThrow('enough');
    await expect(mock.calls[0]?.over).resolves.toBe('closed by client');
  });
});

describe.each(vendors)('$name, whose model waits for tools that nobody offered', ({ name, provider }) => {
  const outcome = () => outcomeOf(streamOf({ provider: provider(mock.url), request: textRequest({ model: 'mock' }) }));
  const wanted = {
    code: 'OVERLOADED',
    retryable: false,
    isOfRequest: true,
    message: expect.stringContaining('asked for tools'),
    usage: { inputTokens: 1_000, outputTokens: 10, cachedInputTokens: 0 },
  };
  const usage = { input: 1_000, output: 10, cached: 0 };

  it('has not finished, with text and without', async () => {
    mock.script({ pieces: ['Dear ', 'Ada, '], finish: 'tools', usage }, { pieces: [], finish: 'tools', usage });
    const [begun, silent] = [await outcome(), await outcome()];

    expect(begun).toMatchObject({ text: 'Dear Ada, ', error: wanted });
    expect(begun.parts.every(({ type }) => type === 'text')).toBe(true);
    expect(silent).toMatchObject({ parts: [], error: wanted });
  });

  const events: Record<string, readonly string[]> = {
    'openai chat': ['tool_calls', 'tool_use', 'function_call'].map(
      (reason) => `{"choices":[{"index":0,"delta":{},"finish_reason":"${reason}"}]}`,
    ),
    'openai responses': ['function_call', 'custom_tool_call', 'mcp_approval_request'].map(
      (type) =>
        `{"type":"response.completed","response":{"status":"completed","output":[{"type":"message"},{"type":"${type}"}]}}`,
    ),
    anthropic: ['tool_use', 'pause_turn'].map(
      (reason) => `{"type":"message_delta","delta":{"stop_reason":"${reason}"}}\n\ndata: {"type":"message_stop"}`,
    ),
    google: ['UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_FUNCTION_CALL'].map(
      (reason) => `{"candidates":[{"index":0,"finishReason":"${reason}"}]}`,
    ),
  };
  it.each(events[name] ?? [])('knows all its words for it: %s', async (data) => {
    mock.script({ pieces: ['Dear Ada, '], junk: `data: ${data}\n\n` });
    expect(await outcome()).toMatchObject({ text: 'Dear Ada, ', error: { code: 'OVERLOADED', isOfRequest: true } });
  });
});

describe.each(vendors)('$name, with a key for one call', ({ provider }) => {
  const given = 'sk-given-canary-77aa01';
  const call = (opened: Provider, apiKey: string | null) =>
    outcomeOf(opened.stream(textRequest({ model: 'mock' }), { signal: new AbortController().signal, fetch, apiKey }));

  it('sends that key and not its own, for that call and no other', async () => {
    const opened = provider(mock.url);
    expect(opened.takesKeys).toBe(true);
    const outcomes = await Promise.all([given, null, `${given}-2`].map((key) => call(opened, key)));

    expect(outcomes.map(({ error }) => error)).toEqual([null, null, null]);
    const sent = mock.calls.map(({ headers }) => JSON.stringify(headers));
    const keyOf = ({ authorization, 'x-goog-api-key': googles }: Call['headers']) =>
      authorization?.replace('Bearer ', '') ?? googles;
    expect(new Set(mock.calls.map(({ headers }) => keyOf(headers)))).toEqual(new Set([canaryKey, given, `${given}-2`]));
    expect(sent.filter((headers) => headers.includes(canaryKey))).toHaveLength(1);
    expect(sent.filter((headers) => headers.includes(given))).toHaveLength(2);
  });

  it('repeats that key in no failure', async () => {
    const said = { error: { type: 'authentication_error', code: 'invalid_api_key', message: `wrong: ${given}` } };
    mock.script({ status: 401, raw: JSON.stringify(said) });
    const { error } = await call(provider(mock.url), given);
    expect(error).toMatchObject({ code: 'PROVIDER_AUTH' });
    expect(`${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`).not.toContain('canary');
  });
});
