import type { GraphQLError } from 'graphql';
import type { Caller } from './context.ts';
import type { Operation, OperationRequest, Pipeline, Refused } from './execute.ts';

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
    context.holdUntilEnd(await pipeline.enter(caller, 'subscriptions', (error) => context.refuse(error)));
    return prepared;
  } catch (error) {
    context.abort();
    return pipeline.refused(caller, [error as GraphQLError]);
  }
}
