import { GraphQLError, Kind, OperationTypeNode, type OperationDefinitionNode } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Transport } from './context.ts';
import { checkKeys } from './hygiene.ts';

/** A request as any transport hands it over; its parts are checked here. */
export interface OperationRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

const kindsOf: Readonly<Record<Transport, readonly OperationTypeNode[]>> = {
  http: [OperationTypeNode.QUERY, OperationTypeNode.MUTATION],
  websocket: [OperationTypeNode.SUBSCRIPTION],
  sse: [OperationTypeNode.SUBSCRIPTION],
};

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
  // The parser calls itself for each level, and the stack may end before its tokens do.
  if (error instanceof RangeError)
    return new GraphQLError('the document is nested too deep', { extensions: { code: 'LIMIT_EXCEEDED' } });
  if (!(error instanceof GraphQLError)) throw error;
  const code = error.message.includes('tokens. Parsing aborted') ? 'LIMIT_EXCEEDED' : 'GRAPHQL_PARSE_FAILED';
  return new GraphQLError(error.message, {
    source: error.source ?? null,
    positions: error.positions ?? null,
    extensions: { code },
  });
}

/** Whether nothing happens by running an operation before it is admitted: queries, and mutations that wait for that by themselves. */
export function mayBegin(
  { operation, selectionSet }: OperationDefinitionNode,
  patientMutations: ReadonlySet<string> | undefined,
): boolean {
  return operation === OperationTypeNode.QUERY || mayStart({ operation, selectionSet }, patientMutations);
}

/** The scope of an operation that is one mutation which waits until its request is admitted; null for others. */
export function startedBy(
  { definition, context }: { readonly definition: OperationDefinitionNode; readonly context: { readonly scope: Scope } },
  patientMutations: ReadonlySet<string> | undefined,
): Scope | null {
  return mayStart(definition, patientMutations) ? context.scope : null;
}

function mayStart(
  { operation, selectionSet }: Pick<OperationDefinitionNode, 'operation' | 'selectionSet'>,
  patientMutations: ReadonlySet<string> | undefined,
): boolean {
  return (
    operation === OperationTypeNode.MUTATION &&
    selectionSet.selections.length === 1 &&
    selectionSet.selections.every((each) => each.kind === Kind.FIELD && patientMutations?.has(each.name.value))
  );
}

/** Throws OPERATION_NOT_SUPPORTED for an operation that a transport does not carry. */
export function checkKind({ operation }: OperationDefinitionNode, transport: Transport): void {
  const kinds = kindsOf[transport];
  if (kinds.includes(operation)) return;
  throw new AppError('OPERATION_NOT_SUPPORTED', `no ${operation} over this transport, only ${kinds.join(' and ')}`);
}
