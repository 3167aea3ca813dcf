import { withoutKey } from './key-pieces.ts';
import { nothingUsed, ProviderError, type ProviderErrorCode, type Usage } from './port.ts';

/** What a vendor says about a failure: in a response's body or inside a stream. Null where it says nothing. */
export interface VendorFailure {
  /** The vendor, as our messages name it. */
  readonly provider: string;
  /** The HTTP status; null for an error inside a stream. */
  readonly status: number | null;
  /** The status that an error inside a stream says it stands for. */
  readonly code?: number | null;
  /** The vendor's machine-readable words: its error `type` and `code`. */
  readonly words: readonly (string | null | undefined)[];
  readonly message: string | null;
  readonly retryAfterMs?: number | null;
  /** What must never be repeated: our key. */
  readonly secrets: readonly string[];
}

const longestMessage = 300;
/** How much of what a vendor says is read and freed of keys; far more than is shown. */
const longestSaid = 8_192;

/** A vendor's own words, where they say more than the status. https://developers.openai.com/api/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors, https://ai.google.dev/gemini-api/docs/troubleshooting */
const codesOfWords: Readonly<Record<string, ProviderErrorCode>> = {
  insufficient_quota: 'PROVIDER_QUOTA',
  billing_error: 'PROVIDER_QUOTA',
  billing_not_active: 'PROVIDER_QUOTA',
  billing_hard_limit_reached: 'PROVIDER_QUOTA',
  context_length_exceeded: 'CONTEXT_TOO_LONG',
  string_above_max_length: 'CONTEXT_TOO_LONG',
  exceed_context_size_error: 'CONTEXT_TOO_LONG',
  model_not_found: 'MODEL_NOT_FOUND',
  not_found_error: 'MODEL_NOT_FOUND',
  invalid_api_key: 'PROVIDER_AUTH',
  authentication_error: 'PROVIDER_AUTH',
  permission_error: 'PROVIDER_AUTH',
  content_filter: 'CONTENT_REFUSED',
  content_policy_violation: 'CONTENT_REFUSED',
  bio_policy: 'CONTENT_REFUSED',
  misalignment_policy_violation: 'CONTENT_REFUSED',
  rate_limit_error: 'RATE_LIMITED',
  rate_limit_exceeded: 'RATE_LIMITED',
  overloaded_error: 'OVERLOADED',
  api_error: 'OVERLOADED',
  server_error: 'OVERLOADED',
  timeout_error: 'OVERLOADED',
  invalid_prompt: 'INVALID_REQUEST',
  API_KEY_INVALID: 'PROVIDER_AUTH',
  API_KEY_SERVICE_BLOCKED: 'PROVIDER_AUTH',
  SERVICE_DISABLED: 'PROVIDER_AUTH',
  UNAUTHENTICATED: 'PROVIDER_AUTH',
  PERMISSION_DENIED: 'PROVIDER_AUTH',
  BILLING_DISABLED: 'PROVIDER_QUOTA',
  FAILED_PRECONDITION: 'PROVIDER_QUOTA',
  RESOURCE_EXHAUSTED: 'RATE_LIMITED',
  UNAVAILABLE: 'OVERLOADED',
  INTERNAL: 'OVERLOADED',
  DEADLINE_EXCEEDED: 'OVERLOADED',
  NOT_FOUND: 'MODEL_NOT_FOUND',
};

/** Words so general that a vendor's sentence says more. */
const generalWords: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'request_too_large',
  'BadRequestError',
  'INVALID_ARGUMENT',
]);

const retryableCodes: ReadonlySet<ProviderErrorCode> = new Set([
  'RATE_LIMITED',
  'OVERLOADED',
  'STREAM_CUT',
  'STREAM_MALFORMED',
  'EMPTY_COMPLETION',
  'NETWORK',
  'TIMEOUT',
]);

/** What else is known of a failure. */
export interface FailureDetails {
  /** Whether the same call may succeed when tried again; what is usual for the code, unless it is said. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | null;
  readonly usage?: Usage | null;
  readonly isOfRequest?: boolean;
}

/** An error of our own. */
export function failure(code: ProviderErrorCode, message: string, details: FailureDetails = {}): ProviderError {
  return new ProviderError(code, message, { retryable: retryableCodes.has(code), ...details });
}

/** The error a vendor's failure means. It carries no cause: the SDKs' errors hold headers and texts that can repeat the key. */
export function failureOf(vendor: VendorFailure): ProviderError {
  const said = vendor.message === null ? '' : `: ${scrub(vendor.message.slice(0, longestSaid), vendor.secrets)}`;
  const how = vendor.status === null ? 'ended its stream with an error' : `answered ${vendor.status}`;
  const message = `${vendor.provider} ${how}${said}`;
  return failure(
    codeOf(vendor),
    message.length > longestMessage ? `${message.slice(0, longestMessage)}...` : message,
    // An error as the answer means that nothing was used. An error inside a stream comes after some was, and nobody knows how much.
    { retryAfterMs: vendor.retryAfterMs ?? null, usage: vendor.status === null ? null : nothingUsed },
  );
}

function codeOf({ status: answered, code: said = null, words, message }: VendorFailure): ProviderErrorCode {
  const status = answered ?? said;
  for (const word of words) {
    const code = word ? codesOfWords[word] : undefined;
    if (code) return code;
  }
  const isAboutTheRequest =
    status === null ? words.some((word) => word && generalWords.has(word)) : status === 400 || status === 413 || status === 422;
  if (isAboutTheRequest) return codeOfSentence(message ?? '');
  if (status === null) return 'OVERLOADED';
  if (status === 401 || status === 403) return 'PROVIDER_AUTH';
  if (status === 402) return 'PROVIDER_QUOTA';
  if (status === 404) return 'MODEL_NOT_FOUND';
  if (status === 429) return 'RATE_LIMITED';
  // 408 and 409 are a server that gave up waiting and a lock that another request holds: both pass by themselves.
  if (status >= 500 || status === 408 || status === 409) return 'OVERLOADED';
  return 'INVALID_REQUEST';
}

/** Anthropic and most compatible servers say only in their sentence that a prompt is too long, or that there is no money; their code is that of any bad request. */
function codeOfSentence(sentence: string): ProviderErrorCode {
  if (
    /(prompt|input) is too long|context (length|window|limit|size)|maximum (context|prompt length)|too many tokens|input token count .*exceeds|must have less than \d+ tokens|max_new_tokens. must be <=/i.test(
      sentence,
    )
  )
    return 'CONTEXT_TOO_LONG';
  if (/credit balance is too low/i.test(sentence)) return 'PROVIDER_QUOTA';
  return 'INVALID_REQUEST';
}

/** The text without `secrets`, in whole or in part, and without anything that looks like a key, masked ones included. */
export function scrub(text: string, secrets: readonly string[]): string {
  return secrets
    .reduce(withoutKey, text)
    .replace(/\b(?:sk|pk|rk|gsk|xai|key)-[\w*.-]{4,}/gi, '[redacted]')
    .replace(/\bAIza[\w-]{10,}/g, '[redacted]')
    .replace(/\b(bearer\s+|api[ _-]?key(?:\s+\w+){0,2}\s*[:=]\s*["']?)(?!\[redacted\])[^\s"',]+/gi, '$1[redacted]');
}

/**
 * How long a vendor asks us to stay away; null when it does not say so in a form we know. `Retry-After` is seconds or an HTTP date
 * (RFC 9110, 10.2.3), `retry-after-ms` is OpenAI's, `x-ms-retry-after-ms` Azure's. A date is compared with the response's own `Date`, so the two clocks need not agree.
 */
export function retryAfterMs(headers: Headers, now: Date): number | null {
  const exact = numberOf(headers.get('retry-after-ms')) ?? numberOf(headers.get('x-ms-retry-after-ms'));
  if (exact !== null) return exact;
  const value = headers.get('retry-after');
  const seconds = numberOf(value);
  if (seconds !== null) return Math.round(seconds * 1000);
  const until = Date.parse(value ?? '');
  if (Number.isNaN(until)) return null;
  const sent = Date.parse(headers.get('date') ?? '');
  return Math.max(0, until - (Number.isNaN(sent) ? now.getTime() : sent));
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null;
}
