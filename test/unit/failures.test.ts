import { describe, expect, it } from 'vitest';
import { failureOf, retryAfterMs, scrub } from '../../src/providers/failures.ts';
import { randomOf } from '../harness/random.ts';
import { stopwatch } from '../harness/stopwatch.ts';

const vendor = { provider: 'vendor', status: null, words: [], message: null, secrets: [] };

it.each([
  [429, ['insufficient_quota'], 'you exceeded your current quota', 'PROVIDER_QUOTA'],
  [429, ['rate_limit_error'], 'slow down', 'RATE_LIMITED'],
  [400, ['context_length_exceeded', 'invalid_request_error'], 'too much', 'CONTEXT_TOO_LONG'],
  [400, ['invalid_request_error'], 'prompt is too long: 208310 tokens > 200000 maximum', 'CONTEXT_TOO_LONG'],
  [400, ['invalid_request_error'], "This model's maximum context length is 8192 tokens.", 'CONTEXT_TOO_LONG'],
  [
    400,
    ['exceed_context_size_error'],
    'request (5012 tokens) exceeds the available context size (4096 tokens)',
    'CONTEXT_TOO_LONG',
  ],
  [400, ['invalid_request_error'], 'the request exceeds the available context size. try increasing it', 'CONTEXT_TOO_LONG'],
  [400, [], "This model's maximum prompt length is 131072 but the request contains 200000 tokens.", 'CONTEXT_TOO_LONG'],
  [422, [], 'Input validation error: `inputs` must have less than 4095 tokens. Given: 5000', 'CONTEXT_TOO_LONG'],
  [422, [], '`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3900 `inputs` tokens', 'CONTEXT_TOO_LONG'],
  [400, ['invalid_request_error'], 'Your credit balance is too low to access the API.', 'PROVIDER_QUOTA'],
  [400, ['invalid_request_error'], 'temperature: may not be above 1', 'INVALID_REQUEST'],
  [400, ['content_filter'], 'the prompt was filtered', 'CONTENT_REFUSED'],
  [403, ['model_not_found'], 'no access to this model', 'MODEL_NOT_FOUND'],
  [404, [], null, 'MODEL_NOT_FOUND'],
  [413, ['request_too_large'], 'request exceeds the maximum size', 'INVALID_REQUEST'],
  [418, [], null, 'INVALID_REQUEST'],
  [529, ['overloaded_error'], 'Overloaded', 'OVERLOADED'],
  [null, ['overloaded_error'], 'Overloaded', 'OVERLOADED'],
  [null, ['invalid_request_error'], 'prompt is too long', 'CONTEXT_TOO_LONG'],
  [null, ['something_new'], 'who knows', 'OVERLOADED'],
  [null, [], null, 'OVERLOADED'],
] as const)('takes status %s with %j and %j for %s', (status, words, message, code) => {
  const error = failureOf({ ...vendor, status, words, message });

  expect(error.code).toBe(code);
  expect(error).not.toHaveProperty('cause');
});

it.each([
  [429, 'RATE_LIMITED'],
  [401, 'PROVIDER_AUTH'],
  [400, 'INVALID_REQUEST'],
  [503, 'OVERLOADED'],
])('takes an error inside a stream that says %i for %s', (code, wanted) => {
  const error = failureOf({ ...vendor, code, message: 'no' });

  expect(error).toMatchObject({ code: wanted, usage: null, message: 'vendor ended its stream with an error: no' });
});

it('names the vendor and the status and keeps a long sentence short', () => {
  expect(failureOf({ ...vendor, status: 500, message: 'no' }).message).toBe('vendor answered 500: no');
  expect(failureOf({ ...vendor, message: 'no' }).message).toBe('vendor ended its stream with an error: no');
  expect(failureOf({ ...vendor, status: 500, message: 'x'.repeat(5_000) }).message.length).toBeLessThan(310);
});

it.each([
  ['our own key', 'key=abc123 and abc123', ['abc123'], 'key=[redacted] and [redacted]'],
  ['another key', 'use sk-proj-Ab_c-123456 or gsk_no', [], 'use [redacted] or gsk_no'],
  ['a masked key', 'Incorrect API key provided: sk-ab****cdef.', [], 'Incorrect API key provided: [redacted]'],
  ['a key of no known form', 'Incorrect API key provided: 0a1b****9f.', [], 'Incorrect API key provided: [redacted]'],
  [
    'a header',
    'Headers.append: "Bearer 0a1b9f" is an invalid header value',
    [],
    'Headers.append: "Bearer [redacted]" is an invalid header value',
  ],
  ['no key', 'the task-force asked: which bearer?', [''], 'the task-force asked: which bearer?'],
])('scrubs %s', (_name, text, secrets, clean) => {
  expect(scrub(text, secrets)).toBe(clean);
});

describe('a key of no known form', () => {
  const key = 'Zq7Rt0plmW3vX81HbN5c';
  const clean = (text: string) => scrub(text, [key]);

  it.each([
    ['its beginning', 'no key like Zq7Rt0pl here', 'no key like [redacted] here'],
    ['its beginning and asterisks', 'wrong: Zq7Rt0pl************.', 'wrong: [redacted]************.'],
    ['a short beginning, cut off', 'wrong: Zq7R...', 'wrong: [redacted]'],
    ['both ends', 'wrong: Zq7R****bN5c, sorry', 'wrong: [redacted], sorry'],
    ['long ends', 'wrong: Zq7Rt0pl...81HbN5c, sorry', 'wrong: [redacted], sorry'],
    ['its end behind dots', 'wrong: ...bN5c', 'wrong: [redacted]'],
    ['its end behind bullets', 'wrong: •••••bN5c', 'wrong: [redacted]'],
    ['its end by itself', 'the key that ends in "HbN5c" is over', 'the key that ends in "[redacted]" is over'],
    ['its end by itself, shorter', 'the key ending bN5c is over', 'the key ending [redacted] is over'],
    ['its middle', 'at plmW3vX81 it breaks', 'at [redacted] it breaks'],
    ['another case', 'ZQ7RT0PLMW3VX81HBN5C', '[redacted]'],
    ['a part in a URL', 'GET /v1?key=Zq7Rt0plm%57', 'GET /v1?key=[redacted]%57'],
    ['asterisks of others', 'a **bold** word... and xxxx', 'a **bold** word... and xxxx'],
    ['five characters of it', 'Rt0pl', 'Rt0pl'],
  ])('is not told by %s', (_name, text, shown) => {
    expect(clean(text)).toBe(shown);
  });

  it('is in no message, however it is cut and hidden', () => {
    const random = randomOf(7);
    const any = (most: number) => Math.floor(random() * most);
    for (let round = 0; round < 2_000; round++) {
      const from = any(key.length - 6);
      const piece = key.slice(from, from + 6 + any(key.length - from - 5));
      const around = ['"', ' ', '=', '***', '...', '/', 'é'][any(7)] ?? '';
      const said = clean(`Incorrect${around}${piece}${around}was given`);
      for (let at = 0; at + 6 <= key.length; at++) expect(said, piece).not.toContain(key.slice(at, at + 6));
      const hidden = `${key.slice(0, any(9))}${['****', '…', '...', 'xxxx'][any(4)]}${key.slice(-3 - any(6))}`;
      expect(clean(`wrong: ${hidden} was given`), hidden).not.toContain(key.slice(-3));
    }
  });

  it('leaves a short one to be found whole, and takes no time to speak of', () => {
    expect(scrub('no ollama here, nor olla', ['ollama'])).toBe('no [redacted] here, nor olla');
    expect(scrub('a word', ['a'])).toBe('[redacted] word');
    const hard = ['Zq7Rt'.repeat(20_000), 'a'.repeat(100_000), 'x'.repeat(100_000), '*'.repeat(100_000), 'a*'.repeat(50_000)];
    const took = stopwatch();
    for (const text of hard) clean(text);
    expect(took()).toBeLessThan(2_000);
  });
});

it('measures a date against our clock when the response does not say its own', () => {
  const headers = new Headers({ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' });

  expect(retryAfterMs(headers, new Date('2026-10-21T07:28:10Z'))).toBe(20_000);
});
