import { createSourceEventStream, type ExecutionArgs, type GraphQLError } from 'graphql';
import type { ErrorCode } from '../kernel/errors.ts';
import type { OperationContext } from './context.ts';
import { codeOf, maskError, refusal, type Mask } from './masking.ts';

/** So long it stays open while it cannot be known whether its reader may still watch. */
const patienceMs = 5_000;
const againMs = 250;

/** What says nothing about the reader: a part that is needed to know is away. */
const unknown: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT']);

/**
 * Why a running subscription would not be let in any more with what its scope may do now; null when it would. It is opened once more and
 * closed at once, so that whatever lets it in, of any feature, decides again. What the reader has read is looked at after all that. While
 * that cannot be known it is tried again for some seconds; then the answer is that it could not be: UNAVAILABLE, which says to come back.
 */
export async function refusalNow(args: ExecutionArgs, running: OperationContext, mask: Mask): Promise<GraphQLError | null> {
  const over = AbortSignal.any([AbortSignal.timeout(patienceMs), running.signal]);
  while (!over.aborted) {
    const found = await within(over, lookOnce(args, running.fork(), over, mask));
    if (found !== 'unknown' && found !== 'late') return found;
    const { promise: again, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, againMs);
    await within(over, again);
    clearTimeout(timer);
  }
  // The reader has gone meanwhile, or waited long enough.
  if (running.signal.aborted) return null;
  return refusal('UNAVAILABLE', 'whether this is still yours to watch cannot be known at the moment');
}

async function lookOnce(
  args: ExecutionArgs,
  context: OperationContext,
  over: AbortSignal,
  mask: Mask,
): Promise<GraphQLError | 'unknown' | null> {
  const { signal } = context;
  over.addEventListener('abort', () => context.abort(), { once: true, signal });
  try {
    const opened = await createSourceEventStream({ ...args, contextValue: context });
    if (Symbol.asyncIterator in opened) {
      void opened[Symbol.asyncIterator]().return?.();
      return null;
    }
    const [error] = opened.errors ?? [];
    return error === undefined ? null : refusalOf(maskError(error, mask));
  } catch (error) {
    // Nobody waits for it any more.
    if (signal.aborted) return null;
    return refusalOf(maskError(error, mask));
  } finally {
    context.abort();
  }
}

/** One and the same code for whoever is sent away while it runs; a fault of ours stays one. */
function refusalOf(error: GraphQLError): GraphQLError | 'unknown' | null {
  const code = codeOf(error);
  if (code === 'INVALID_CURSOR') return null;
  if (unknown.has(code)) return 'unknown';
  return code === 'FORBIDDEN' || code === 'INTERNAL' ? error : refusal('FORBIDDEN', 'this is no longer yours to watch');
}

/** What the promise gives, unless the signal is aborted before; it must never reject. */
async function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | 'late'> {
  const { promise: aborted, resolve } = Promise.withResolvers<'late'>();
  const onAbort = (): void => resolve('late');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
