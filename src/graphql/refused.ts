import { Kind, type ExecutionResult, type GraphQLError, type OperationDefinitionNode } from 'graphql';
import { AppError, type ErrorCode } from '../kernel/errors.ts';
import { scopeOf, type Caller, type OnRefused, type RequestContext } from './context.ts';
import { codeOf } from './masking.ts';

/** Stands for the operation where a request was refused before it was known what it asks. */
const wholeRequest = 'request';

const refusals: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'RATE_LIMITED']);

/** Whether a code says that somebody was not let, rather than that something was wrong. */
function isRefusal(code: ErrorCode): boolean {
  return refusals.has(code);
}

/** Tells the context what a root field refused: thrown, or as the `errors` of a mutation's payload. */
export function noteRefusal(context: RequestContext, operation: string, outcome: { thrown: unknown } | { given: unknown }): void {
  if (!context.onRefused) return;
  const code = 'thrown' in outcome ? codeThrown(outcome.thrown) : codeGiven(outcome.given);
  if (code && isRefusal(code)) context.onRefused(context.scope, operation, code);
}

/** Tells who counts that a request was refused as a whole: by a limit, for a permission, or because what proved its caller is over. */
export function noteWhole({ onRefused }: { readonly onRefused?: OnRefused }, caller: Caller, error: GraphQLError): void {
  const code = codeOf(error);
  if (isRefusal(code)) onRefused?.(caller.scope.origin ? caller.scope : scopeOf(caller), wholeRequest, code);
}

/** Tells the context what was refused below the root fields of a result, once for each of them. Those of the root are told where they happen. */
export function noteNested(
  { context, definition }: { readonly context: RequestContext; readonly definition: OperationDefinitionNode },
  { errors }: ExecutionResult,
): void {
  if (!errors) return;
  const found = new Map<string, ErrorCode>();
  for (const error of errors) {
    const code = codeOf(error);
    const [key, ...below] = error.path ?? [];
    if (below.length > 0 && isRefusal(code)) found.set(rootFieldAt(definition, key), code);
  }
  for (const [name, code] of found) context.onRefused?.(context.scope, name, code);
}

/** The field behind a key of the answer, which may be an alias; fields of fragments go by the whole. */
function rootFieldAt({ selectionSet }: OperationDefinitionNode, key: string | number | undefined): string {
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FIELD && (selection.alias ?? selection.name).value === key) return selection.name.value;
  }
  return wholeRequest;
}

function codeThrown(error: unknown): ErrorCode | null {
  return error instanceof AppError ? error.code : null;
}

function codeGiven(payload: unknown): ErrorCode | null {
  if (typeof payload !== 'object' || payload === null || !('errors' in payload) || !Array.isArray(payload.errors)) return null;
  const [first] = payload.errors as { code?: ErrorCode }[];
  return first?.code ?? null;
}
