import { GraphQLError, type ExecutionResult } from 'graphql';
import { AppError, errorCodes, type ErrorCode } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { misfitOf } from './misfits.ts';

/** The HTTP status of a request that failed as a whole. */
export const httpStatusOf: Readonly<Record<ErrorCode, number>> = {
  INVALID_INPUT: 400,
  INVALID_CURSOR: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  BUDGET_EXCEEDED: 402,
  PRICE_UNKNOWN: 402,
  RATE_LIMITED: 429,
  BAD_REQUEST: 400,
  PAYLOAD_TOO_LARGE: 413,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  // As Apollo's clients expect: not a failure, a question.
  PERSISTED_QUERY_NOT_FOUND: 200,
  DOCUMENT_NOT_TRUSTED: 403,
  LIMIT_EXCEEDED: 400,
  OPERATION_NOT_SUPPORTED: 400,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  INTERNAL: 500,
};

/** Who to name when something unexpected is hidden from a reader and written to the log. */
export interface Mask {
  readonly requestId: string;
  readonly log: Log;
}

/** The code that a shown error carries; INTERNAL when it carries none of ours. */
export function codeOf(error: GraphQLError): ErrorCode {
  const { code } = error.extensions;
  return isErrorCode(code) ? code : 'INTERNAL';
}

/** An expected failure as GraphQL shows it: `extensions` hold the code, the path in the input and when to come back. Throws anything else on. */
export function shownError(error: unknown, at?: GraphQLError): GraphQLError {
  if (!(error instanceof AppError)) throw error;
  const { code, path, retryAfterMs, details } = error;
  return located(error.message, at, {
    code,
    ...(path && { path }),
    ...(retryAfterMs !== null && { retryAfterMs }),
    ...(details && { details }),
  });
}

/** A refusal of the request, with its code. */
export function refusal(code: ErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/**
 * What a client may see of anything that was thrown. Expected failures and faults of the request keep their words; everything
 * else becomes INTERNAL with the request id and is logged once, with its cause. Stack traces never leave.
 */
export function maskError(thrown: unknown, mask: Mask): GraphQLError {
  const at = thrown instanceof GraphQLError ? thrown : undefined;
  let cause = thrown;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  if (cause instanceof AppError && cause.code !== 'INTERNAL') return shownError(cause, at);
  if (at && isErrorCode(at.extensions.code) && at.extensions.code !== 'INTERNAL') return at;
  if (at && isFaultOfRequest(at)) {
    const misfit = misfitOf(at);
    return located(misfit?.message ?? at.message, at, { code: 'INVALID_INPUT', ...(misfit && { path: misfit.path }) });
  }
  mask.log.error({ err: cause, requestId: mask.requestId, path: at?.path }, 'unexpected error');
  return located('internal error', at, { code: 'INTERNAL', requestId: mask.requestId });
}

/** A result whose errors may be shown. */
export function maskResult(result: ExecutionResult, mask: Mask): ExecutionResult {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => maskError(error, mask)) };
}

/** Whether a code is one of the closed list. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

/**
 * graphql-js throws GraphQLErrors that point at the document for variables and arguments that do not fit. Those it throws for
 * results that do not fit (a serializer, a missing type) point nowhere, or are wrapped plain errors.
 */
function isFaultOfRequest(error: GraphQLError): boolean {
  const thrower = error.path ? error.originalError : error;
  return thrower instanceof GraphQLError && Boolean(thrower.nodes?.length);
}

/** The same error, at the same place, with other extensions. */
export function withExtensions(error: GraphQLError, extensions: Record<string, unknown>): GraphQLError {
  return located(error.message, error, extensions);
}

function located(message: string, at: GraphQLError | undefined, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(message, {
    ...(at?.nodes && { nodes: at.nodes }),
    ...(at?.source && { source: at.source }),
    ...(at?.positions && { positions: at.positions }),
    ...(at?.path && { path: at.path }),
    extensions,
  });
}
