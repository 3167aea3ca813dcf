import { GraphQLError } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import { checkKeys } from './hygiene.ts';

/** A request as any transport hands it over; its parts are checked here. */
export interface OperationRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

/** Its name and variables; throws BAD_REQUEST when they cannot be such. */
export function requestOf(request: OperationRequest) {
  checkKeys(request);
  const { operationName, variables } = request;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw new AppError('BAD_REQUEST', 'operationName must be a string');
  }
  if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw new AppError('BAD_REQUEST', 'variables must be an object');
  }
  return { operationName: operationName ?? null, variables: (variables ?? {}) as Record<string, unknown> };
}

/** What the parser threw, with its code. */
export function parseError(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError)) throw error;
  const code = error.message.includes('tokens. Parsing aborted') ? 'LIMIT_EXCEEDED' : 'GRAPHQL_PARSE_FAILED';
  return new GraphQLError(error.message, {
    source: error.source ?? null,
    positions: error.positions ?? null,
    extensions: { code },
  });
}
