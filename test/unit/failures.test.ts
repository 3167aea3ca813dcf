import { expect, it } from 'vitest';
import { failureOf, retryAfterMs, scrub } from '../../src/providers/failures.ts';

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

it('measures a date against our clock when the response does not say its own', () => {
  const headers = new Headers({ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' });

  expect(retryAfterMs(headers, new Date('2026-10-21T07:28:10Z'))).toBe(20_000);
});
