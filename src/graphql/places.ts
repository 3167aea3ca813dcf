import type { GraphQLError } from 'graphql';
import type { Place } from './admission.ts';
import type { Caller } from './context.ts';
import type { Operation, Pipeline, Refused } from './execute.ts';
import { maskError, shownError } from './masking.ts';
import type { OperationRequest } from './request.ts';

/**
 * Accepts a subscription as the pipeline accepts any operation, and takes its place among those that its caller may have open; it is free
 * again when the context is aborted. Never rejects.
 */
export async function acceptSubscription(
  pipeline: Pipeline,
  request: OperationRequest,
  caller: Caller,
  tell?: (headers: Readonly<Record<string, string>>) => void,
): Promise<Operation | Refused> {
  const prepared = await pipeline.accept(request, caller, tell);
  if (prepared.errors) return prepared;
  const { context } = prepared;
  try {
    context.holdUntilEnd(await enterPlace(pipeline, caller, 'subscriptions', (error) => context.refuse(error)));
    return prepared;
  } catch (error) {
    context.abort();
    pipeline.release(prepared);
    return pipeline.refused(caller, [error as GraphQLError]);
  }
}

/** Takes a place for what the caller opens; what it gives is called once, when that is closed. Throws a GraphQLError that may be shown. */
export async function enterPlace(
  pipeline: Pipeline,
  { scope, requestId }: Caller,
  place: Place,
  onLost: (error: GraphQLError) => void,
): Promise<() => void> {
  try {
    return (await pipeline.options.enter?.(scope, place, (error) => onLost(shownError(error)))) ?? (() => undefined);
  } catch (error) {
    throw maskError(error, pipeline.maskOf(requestId));
  }
}
