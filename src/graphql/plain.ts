import type { FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type ExecutionResult } from 'graphql';
import type { Addresses } from '../kernel/address.ts';
import { isObject } from '../kernel/object.ts';
import { abortOnHangUp, callerOf, headOf, type AnswerHead } from './answer.ts';
import { hasPersistedQuery } from './documents.ts';
import type { Pipeline } from './execute.ts';
import type { OperationRequest } from './request.ts';
import { WrittenData } from './written.ts';

/** A request of the form that nearly all have, and the media type of its answer. */
interface PlainRequest extends OperationRequest {
  readonly mediaType: string;
}

/** What answers it. */
interface PlainParts {
  readonly pipeline: Pipeline;
  readonly addresses: Addresses;
}

/** What a caller is told of its limits, once that is known. */
interface ToldLimits {
  headers: Readonly<Record<string, string>>;
}

const none: Readonly<Record<string, string>> = {};
const json = 'application/json; charset=utf-8';
const graphqlResponse = 'application/graphql-response+json; charset=utf-8';
/** What the common clients accept (browsers' fetch, axios, Apollo Client, urql, Relay), and what Apollo would choose to answer. */
const mediaTypeByAccept: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, json],
  ['*/*', json],
  ['application/json', json],
  ['application/json, text/plain, */*', json],
  ['application/graphql-response+json', graphqlResponse],
  ['application/graphql-response+json, application/json', graphqlResponse],
  ['application/graphql-response+json,application/json;q=0.9', graphqlResponse],
  [
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    graphqlResponse,
  ],
]);
const contentTypes: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-8',
]);
const succeeded: AnswerHead = { status: 200, headers: {} };

/** What a request asks for when it is a POST of one JSON operation with nothing unusual about it; else null, and Apollo decides. */
export function plainRequestOf({ method, url, headers, body }: FastifyRequest): PlainRequest | null {
  if (method !== 'POST' || url.includes('?') || !contentTypes.has(headers['content-type'])) return null;
  const mediaType = mediaTypeByAccept.get(headers.accept);
  if (mediaType === undefined || !isObject(body)) return null;
  const { query, operationName, variables, extensions } = body;
  const isPlain =
    ((typeof query === 'string' && query !== '') || ((query === undefined || query === null) && hasPersistedQuery(extensions))) &&
    (operationName === undefined || operationName === null || typeof operationName === 'string') &&
    (variables === undefined || variables === null || isObject(variables)) &&
    (extensions === undefined || extensions === null || isObject(extensions));
  return isPlain ? { query, operationName, variables, extensions, mediaType } : null;
}

/**
 * Answers a plain request as Apollo would, to the byte (a test compares the two), without what Apollo does for the others: that is a
 * quarter of the CPU of a request for a list.
 */
export async function answerPlain(
  parts: PlainParts,
  plain: PlainRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const limits: ToldLimits = { headers: none };
  const result = await resultOf(parts, plain, request, reply, limits);
  // Errors of fields leave the status alone; a request that failed as a whole has its own.
  const { status, headers } = result.data === undefined && result.errors ? headOf(result.errors) : succeeded;
  const { errors, data, extensions } = result;
  if (data instanceof WrittenData) {
    const rest = extensions === undefined ? '' : `,"extensions":${latin1Of(JSON.stringify(extensions))}`;
    const text = `{"data":${data.text}${rest}}\n`;
    const head: Record<string, number | string | string[] | undefined> = Object.assign(reply.getHeaders(), limits.headers);
    head['content-type'] = plain.mediaType;
    head['content-length'] = text.length;
    // Past what Fastify does for answers that are not text yet.
    reply.hijack();
    reply.raw.writeHead(200, head).end(text, 'latin1');
    return;
  }
  reply.code(status).headers(limits.headers).headers(headers).header('content-type', plain.mediaType);
  // Not awaited: that would wait for the socket.
  void reply.send(`${JSON.stringify({ errors, data, extensions })}\n`);
}

/** A character for each byte. */
function latin1Of(text: string): string {
  // All ASCII, but for what somebody else may put there.
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

async function resultOf(
  { pipeline, addresses }: PlainParts,
  plain: PlainRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  limits: ToldLimits,
): Promise<ExecutionResult> {
  try {
    const caller = { ...(await callerOf(pipeline, addresses, request)), takesWritten: true };
    const prepared = await pipeline.accept(plain, caller, (left) => void (limits.headers = left));
    if (prepared.errors) return prepared;
    abortOnHangUp(reply, prepared);
    return await pipeline.execute(prepared);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    reply.headers(limits.headers);
    throw error;
  }
}
