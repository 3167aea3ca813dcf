import { createSourceEventStream, type ExecutionArgs, type GraphQLError } from 'graphql';
import type { OperationContext } from './context.ts';
import { codeOf, maskError, refusal, type Mask } from './masking.ts';

/**
 * Why a running subscription would not be let in any more with what its scope may do now; null when it would. It is opened once more and
 * closed at once, so that whatever lets it in, of any feature, decides again. What the reader has read is looked at after all that.
 */
export async function refusalNow(args: ExecutionArgs, running: OperationContext, mask: Mask): Promise<GraphQLError | null> {
  const context = running.fork();
  try {
    const opened = await createSourceEventStream({ ...args, contextValue: context });
    if (Symbol.asyncIterator in opened) {
      void opened[Symbol.asyncIterator]().return?.();
      return null;
    }
    const [error] = opened.errors ?? [];
    return error === undefined ? null : refusalOf(maskError(error, mask));
  } catch (error) {
    // The reader has gone meanwhile.
    if (context.signal.aborted) return null;
    return refusalOf(maskError(error, mask));
  } finally {
    context.abort();
  }
}

/** One and the same code for whoever is sent away while it runs. */
function refusalOf(error: GraphQLError): GraphQLError | null {
  const code = codeOf(error);
  if (code === 'INVALID_CURSOR') return null;
  return code === 'FORBIDDEN' ? error : refusal('FORBIDDEN', 'this is no longer yours to watch');
}
