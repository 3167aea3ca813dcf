import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError } from 'graphql';
import type { Addresses } from '../kernel/address.ts';
import type { Caller } from './context.ts';
import type { Operation, Pipeline } from './execute.ts';
import { codeOf, httpStatusOf } from './masking.ts';

/** Answers queries and mutations over HTTP. */
export interface HttpTransport {
  answer(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  close(): Promise<void>;
}

/** The head of an answer to a request that failed as a whole. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request shows to prove who calls. Node would keep the first of two such headers: joined, as a proxy may join them, they are no key. */
export function authorizationOf({ headers, raw }: FastifyRequest): string | null {
  const { authorization } = headers;
  if (authorization === undefined) return null;
  const { rawHeaders } = raw;
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count++;
  }
  return count > 1 ? (raw.headersDistinct['authorization'] ?? []).join(', ') : authorization;
}

/** Who calls; throws the GraphQLError to show. */
export async function callerOf(pipeline: Pipeline, addresses: Addresses, request: FastifyRequest): Promise<Caller> {
  const authorization = authorizationOf(request);
  // Before anything is waited for: a socket that is gone has no address.
  const address = addresses.of(request.raw);
  const scope = await pipeline.authenticate({ authorization }, 'http', request.id, address);
  return { transport: 'http', scope, requestId: request.id, address };
}

/** The status and headers of a request that failed with these errors; of several the last one's status holds. */
export function headOf(errors: readonly GraphQLError[]): AnswerHead {
  const headers: Record<string, string> = {};
  let status = httpStatusOf.INTERNAL;
  for (const error of errors) {
    const { retryAfterMs } = error.extensions;
    status = httpStatusOf[codeOf(error)];
    if (typeof retryAfterMs === 'number') headers['retry-after'] = String(Math.ceil(retryAfterMs / 1_000));
    if (codeOf(error) === 'UNAUTHENTICATED') headers['www-authenticate'] = 'Bearer';
  }
  return { status, headers };
}

/** Lets an operation know when its caller has hung up. */
export function abortOnHangUp(reply: FastifyReply, operation: Operation): void {
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) operation.context.abort();
  });
}
