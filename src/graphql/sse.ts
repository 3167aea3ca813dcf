import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type ExecutionResult } from 'graphql';
import type { Addresses } from '../kernel/address.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { authorizationOf, headOf } from './answer.ts';
import { Crowd, crowdedAddress } from './crowd.ts';
import { isPreflighted } from './door.ts';
import { DrainWatch, type Outlet } from './drained.ts';
import type { Operation, Pipeline } from './execute.ts';
import { maskError, refusal, shownError } from './masking.ts';
import { acceptSubscription } from './places.ts';
import type { OperationRequest } from './request.ts';
import { ResultStream } from './results.ts';
import { resumedFrom } from './resume.ts';

export interface SseOptions {
  readonly pipeline: Pipeline;
  readonly addresses: Addresses;
  readonly clock: Clock;
  readonly keepAliveMs: number;
  /** A reader whose buffered bytes do not become fewer for this long is cut. */
  readonly undrainedMs: number;
  readonly maxStreams: number;
  readonly maxPerAddress: number;
}

export interface SseTransport {
  answer(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Ends every stream without `complete` (clients come back with Last-Event-ID, to another process) and refuses new ones. */
  closeAll(): void;
  close(): void;
}

/**
 * Answers subscriptions over server-sent events, one connection each: `event: next` with a result, `event: complete` at the end.
 * `id:` is the cursor of the result; a client that comes back with it as Last-Event-ID goes on there. What a foreign page could send
 * without a preflight is refused, as Apollo Server refuses it over HTTP.
 */
export function openSse(options: SseOptions): SseTransport {
  const { pipeline } = options;
  const watch = new DrainWatch(options.clock, options.undrainedMs);
  const open = pipeline.metrics.connections.labels({ transport: 'sse' });
  const running = new Set<() => void>();
  const crowd = new Crowd(options.maxPerAddress);
  // Those that are about to run, too.
  let entered = 0;
  let isClosing = false;

  const refused = (error: GraphQLError) => new Refusal(pipeline.refused({ transport: 'sse' }, [error]).errors);

  const prepare = async (request: FastifyRequest, reply: FastifyReply, address: string): Promise<Operation> => {
    const { id: requestId } = request;
    if (!isPreflighted(request.headers)) throw refused(refusal('BAD_REQUEST', unasked));
    const authorization = authorizationOf(request);
    const scope = await pipeline.authenticate({ authorization }, 'sse', requestId, address);
    if (isClosing || entered >= options.maxStreams) {
      throw refused(refusal('UNAVAILABLE', noMore));
    }
    const caller = { transport: 'sse', scope, requestId, address } as const;
    const tell = (left: Readonly<Record<string, string>>): void => void reply.headers(left);
    let asked: OperationRequest;
    try {
      asked = requestOf(request);
    } catch (error) {
      throw new Refusal((await pipeline.refuse(maskError(error, pipeline.maskOf(requestId)), caller, tell)).errors);
    }
    const prepared = await acceptSubscription(pipeline, asked, caller, tell);
    if (prepared.errors) throw new Refusal(prepared.errors);
    const last = request.headers['last-event-id'];
    try {
      return typeof last === 'string' && last !== '' ? resumedFrom(last, prepared, pipeline.schema) : prepared;
    } catch (error) {
      prepared.context.abort();
      pipeline.release(prepared);
      throw error;
    }
  };

  return {
    async answer(request, reply) {
      const address = options.addresses.of(request.raw);
      let operation: Operation;
      try {
        operation = await prepare(request, reply, address);
        // Nothing waits between these looks and the counts below.
        const isFull = entered >= options.maxStreams;
        if (isFull || crowd.isFull(address)) {
          operation.context.abort();
          pipeline.release(operation);
          const crowded = new AppError('RATE_LIMITED', crowdedAddress, { retryAfterMs: 5_000 });
          const error = isFull ? refusal('UNAVAILABLE', noMore) : shownError(crowded);
          const { scope, requestId } = operation.context;
          throw new Refusal(pipeline.refused({ transport: 'sse', scope, requestId, address }, [error]).errors);
        }
      } catch (error) {
        const errors = error instanceof Refusal ? error.errors : [maskError(error, pipeline.maskOf(request.id))];
        const { status, headers } = headOf(errors);
        reply.code(status).headers(headers).header('content-type', 'application/json; charset=utf-8');
        return reply.send(JSON.stringify({ errors }));
      }
      const response = reply.raw;
      const leave = crowd.enter(address);
      entered++;
      const results = await pipeline.subscribe(operation);
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) response.setHeader(name, value);
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
        connection: 'keep-alive',
      });
      response.flushHeaders();

      const outlet: Outlet = { buffered: () => response.writableLength, onUndrained: () => response.destroy() };
      const cut = (): void => {
        if (results instanceof ResultStream) void results.return();
        response.end();
      };
      const heartbeat = setInterval(() => {
        if (response.writableLength === 0) response.write(':\n\n');
      }, options.keepAliveMs);
      heartbeat.unref();
      watch.add(outlet);
      running.add(cut);
      open.inc();
      const onClose = (): void => {
        leave();
        entered--;
        open.dec();
        clearInterval(heartbeat);
        watch.delete(outlet);
        running.delete(cut);
        cut();
      };
      // The reader may have gone while its key was looked up or the subscription started: then no event comes.
      if (response.closed) return onClose();
      response.once('close', onClose);
      if (isClosing) return cut();
      await send(response, results);
      if (!isClosing && !response.destroyed) response.end('event: complete\ndata:\n\n');
    },
    closeAll() {
      isClosing = true;
      for (const cut of running) cut();
    },
    close() {
      isClosing = true;
      for (const cut of running) cut();
      watch.close();
    },
  };
}

const noMore = 'no more streams here; come back';
const unasked = 'a GET needs the header apollo-require-preflight or x-apollo-operation-name, so that no foreign page can send it';

/** Errors that may be shown, thrown past the steps that need no answer. */
class Refusal extends Error {
  constructor(readonly errors: readonly GraphQLError[]) {
    super('refused');
  }
}

async function send(response: ServerResponse, results: ResultStream | ExecutionResult): Promise<void> {
  if (!(results instanceof ResultStream)) return void (await write(response, results, null));
  try {
    for await (const result of results) {
      if (!(await write(response, result, results.cursor))) return;
    }
  } catch (error) {
    // A stream throws only what may be shown.
    await write(response, { errors: [error as GraphQLError] }, null);
  }
}

/** Resolves when the socket took it, so that no more is read than is sent; false when the reader is gone. */
async function write(response: ServerResponse, result: ExecutionResult, cursor: string | null): Promise<boolean> {
  if (response.writableEnded || response.destroyed) return false;
  const id = cursor !== null && !/[\r\n\0]/.test(cursor) ? `id: ${cursor}\n` : '';
  if (response.write(`${id}event: next\ndata: ${JSON.stringify(result)}\n\n`)) return true;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve).once('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
  return !response.destroyed;
}

function requestOf(request: FastifyRequest): OperationRequest {
  if (request.method === 'POST') {
    const { body } = request;
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new AppError('BAD_REQUEST', 'the body must be a JSON object');
    return body;
  }
  const { query, operationName, variables, extensions } = request.query as Record<string, unknown>;
  return { query, operationName, variables: parseJson('variables', variables), extensions: parseJson('extensions', extensions) };
}

function parseJson(name: string, text: unknown): unknown {
  if (typeof text !== 'string') return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('BAD_REQUEST', `${name} must be JSON`, { cause });
  }
}
