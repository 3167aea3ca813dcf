import { print } from 'graphql';
import type { Client } from 'graphql-ws';
import { GenerationStreamDocument, type GenerationStreamSubscription } from './operations.ts';
import { reduceText } from './reduce.ts';

/** A message of `generationStream`. */
export type StreamMessage = GenerationStreamSubscription['generationStream'];

/** A generation after its end. */
export type FinishedGeneration = Extract<StreamMessage, { __typename: 'GenerationFinished' }>['generation'];

export interface FollowOptions {
  /** Called for every message, with the text after it. */
  onMessage?(message: StreamMessage, text: string): void;
  /** Where to go on: a text and the cursor that came with it. From the beginning when absent. */
  readonly from?: { readonly text: string; readonly cursor: string };
  /** Ends the reading; the promise rejects with its reason. The generation goes on. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a generation to its end over a graphql-ws client; resolves with the generation as it was committed. A client that retries
 * goes on after the last message that arrived, so a cut loses and repeats nothing. Rejects when the server refuses, or retries run out.
 */
export function followGeneration(client: Client, id: string, options: FollowOptions = {}): Promise<FinishedGeneration> {
  const { onMessage, from, signal } = options;
  let { text, cursor } = from ?? { text: '', cursor: null };
  const finished = Promise.withResolvers<FinishedGeneration>();
  const variables = {
    id,
    // Read each time the operation is sent: after a reconnection it is the newest.
    get after() {
      return cursor;
    },
  };
  const stop = client.subscribe<GenerationStreamSubscription>(
    { query: print(GenerationStreamDocument), operationName: 'GenerationStream', variables },
    {
      next({ data, errors }) {
        if (!data || errors?.length) return fail(errors ?? 'a result without data');
        const message = data.generationStream;
        try {
          text = reduceText(text, message);
          cursor = message.cursor;
          onMessage?.(message, text);
        } catch (error) {
          return fail(error);
        }
        if (message.__typename === 'GenerationFinished') finished.resolve(message.generation);
      },
      error: (error) => finished.reject(errorOf(error)),
      complete: () => finished.reject(new Error('the stream ended before the generation did')),
    },
  );
  const fail = (error: unknown): void => {
    finished.reject(errorOf(error));
    stop();
  };
  const onAbort = (): void => fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return finished.promise.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** What graphql-ws hands over is an error, a list of GraphQL errors, or the event that closed the socket. */
function errorOf(error: unknown): Error {
  if (error instanceof Error) return error;
  if (Array.isArray(error))
    return new Error(error.map(({ message }: { message: string }) => message).join('; '), { cause: error });
  const { code, reason } = Object(error) as { code?: number; reason?: string };
  if (code !== undefined)
    return new Error(`the server closed the connection: ${code}${reason ? ` ${reason}` : ''}`, { cause: error });
  return new Error(String(error), { cause: error });
}
