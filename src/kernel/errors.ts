/** The closed list of codes a client may see: `UserError.code` in payloads, `extensions.code` in thrown errors. */
export const errorCodes = {
  INVALID_INPUT: 'A value in the input does not fit; `path` names it.',
  INVALID_CURSOR: 'A cursor that is malformed, or belongs to another list, thing or attempt.',
  NOT_FOUND: 'No such thing, or not yours: the two are deliberately not told apart.',
  CONFLICT: 'The request contradicts what is stored, such as an idempotency key used with another input.',
  UNAUTHENTICATED: 'No key or token, or one that is unknown, expired or revoked.',
  FORBIDDEN: 'The key or token is valid but lacks a permission; the message names it.',
  BUDGET_EXCEEDED:
    'A budget has no room for what was asked; the message and `details` say which, how much is left and when it resets.',
  PRICE_UNKNOWN: 'A model that may be called has no known price, and a budget in money does not allow that; `details` say which.',
  RATE_LIMITED: 'Too many requests; `retryAfterMs` says when to come back.',
  BAD_REQUEST: 'The request is not a well-formed GraphQL request.',
  PAYLOAD_TOO_LARGE: 'The request body or message is above the size limit.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  PERSISTED_QUERY_NOT_FOUND: 'No document is known by this hash; send the document along with it.',
  DOCUMENT_NOT_TRUSTED: 'Only listed documents run here, and this is none of them.',
  LIMIT_EXCEEDED: 'The document is deeper, wider, longer or dearer than is allowed; the message names the limit.',
  OPERATION_NOT_SUPPORTED: 'This transport does not carry this kind of operation.',
  UNAVAILABLE: 'A part we need is away or shutting down; retry later.',
  TIMEOUT: 'The work did not end within its deadline.',
  INTERNAL: 'A fault of ours; the request id finds it in the log.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What goes with an expected failure beside its code and message. */
export interface AppErrorOptions {
  /** Where in the input the fault is, from the argument down: `['input', 'variables', 'company']`. */
  readonly path?: readonly (string | number)[];
  /** Milliseconds after which trying again can succeed. */
  readonly retryAfterMs?: number;
  /** What else is known, for programs: plain JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An expected failure. Its message is shown to the caller: lower-case, names the offender, holds no secret. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly path: readonly (string | number)[] | null;
  readonly retryAfterMs: number | null;
  readonly details: Readonly<Record<string, unknown>> | null;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.path = options.path ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.details = options.details ?? null;
  }
}

/** Whether a part we need is away or slow, so that the same may succeed later. */
export function isAway(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'UNAVAILABLE' || error.code === 'TIMEOUT');
}
