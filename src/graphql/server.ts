import { randomUUID } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock, type Clock } from '../kernel/clock.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { isSame } from '../kernel/same.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { trustProxies, type Addresses } from '../kernel/address.ts';
import { pagePolicy, preflightHeaders, refuseRaw, securityHeaders } from './door.ts';
import { callerOf, headOf } from './answer.ts';
import { bodyFault, takeJson } from './bodies.ts';
import type { Pipeline } from './execute.ts';
import type { UsageReporting } from './apollo.ts';
import { Downloads, type Download } from './download.ts';
import { graphiqlPage } from './graphiql.ts';
import { openHttp } from './http.ts';
import { codeOf, httpStatusOf, maskError, refusal } from './masking.ts';
import { allowOrigins, isThisMachine } from './origins.ts';
import { isRefusal, RefusalLog } from './refusals.ts';
import { openSse } from './sse.ts';
import { openWebSocket } from './websocket.ts';

/** Whether this process can take work, and what about it. */
export interface Readiness {
  readonly isReady: boolean;
  /** Shown to keys with `health:read` only. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Waits and bounds of the connections; the defaults are the product's, tests use shorter ones. */
export interface ConnectionLimits {
  readonly bodyBytes: number;
  readonly initTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly undrainedMs: number;
  readonly operationsPerSocket: number;
  readonly sockets: number;
  readonly streams: number;
  /** WebSockets and streams of one address, each; addresses of this machine are not counted. */
  readonly perAddress: number;
  /** Connections of any kind; more are closed before they are read. */
  readonly connections: number;
  /** How long the headers of a request, then all of it, may take to arrive. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a connection may lie open between two requests. */
  readonly idleTimeoutMs: number;
  /** How long no byte may go either way while an answer is awaited or sent: who reads nothing holds nothing. Streams have rules of their own. */
  readonly stalledTimeoutMs: number;
  /** How often requests that do not arrive are looked for. */
  readonly timeoutCheckMs: number;
}

const defaultConnectionLimits: ConnectionLimits = {
  bodyBytes: 256 * 1_024,
  initTimeoutMs: 3_000,
  keepAliveMs: 12_000,
  undrainedMs: 30_000,
  operationsPerSocket: 100,
  sockets: 20_000,
  streams: 20_000,
  perAddress: 1_000,
  connections: 50_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  // Longer than load balancers keep theirs, or they would send into one that we are closing.
  idleTimeoutMs: 72_000,
  // No operation takes so long.
  stalledTimeoutMs: 90_000,
  timeoutCheckMs: 1_000,
};

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Bearer token that `/metrics` demands; open when null. */
  readonly metricsToken: string | null;
  /** Reports what is asked to Apollo; nothing leaves the machine when it is null or absent. */
  readonly usageReporting?: UsageReporting | null;
  readonly readiness: () => Promise<Readiness>;
  readonly allowedOrigins: readonly string[];
  /** Networks (`10.0.0.0/8`) whose X-Forwarded-For is believed; none when absent. */
  readonly trustedProxies?: readonly string[];
  /** Serves GraphiQL and lets pages of this machine in. */
  readonly isDevelopment: boolean;
  /** The key that GraphiQL has filled in; development only. */
  readonly developmentKey: string | null;
  readonly limits?: Partial<ConnectionLimits>;
  /** Files that features make; none when absent. */
  readonly downloads?: readonly Download[];
  readonly clock?: Clock;
}

export interface HttpServer {
  /** Where it listens: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Readiness turns false, readers are sent away (1001; SSE without `complete`), new ones are refused; what runs goes on. */
  beginDrain(): void;
  /** Stops listening and waits for the requests that run. */
  close(): Promise<void>;
}

/** Hosts the pipeline on one port: `/graphql` (HTTP and WebSocket), `/graphql/stream` (SSE), `/livez`, `/readyz` and `/metrics`. Straight wiring. */
export async function listen(options: ServerOptions): Promise<HttpServer> {
  const { pipeline, log, clock = systemClock } = options;
  const limits = { ...defaultConnectionLimits, ...options.limits };
  const origins = allowOrigins(options.allowedOrigins, { isDevelopment: options.isDevelopment });
  const addresses = trustProxies(options.trustedProxies ?? []);
  const refusals = new RefusalLog(log, clock);
  let isDraining = false;
  let looking: Promise<Readiness> | null = null;

  const app = fastify({
    bodyLimit: limits.bodyBytes,
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
    // Sockets that sit between two requests are closed by `close`, those within one are waited for.
    forceCloseConnections: 'idle',
    // Clients that offer HTTP/2 with every request (Java's, curl --http2) are answered as if they had not.
    http: {
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
    },
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionTimeout: limits.stalledTimeoutMs,
    routerOptions: { ignoreTrailingSlash: true },
    // Neither reaches the hooks below.
    frameworkErrors: (_error, _request, reply: FastifyReply) =>
      void refuse(reply.headers(securityHeaders), 'BAD_REQUEST', 'the URL cannot be read'),
    clientErrorHandler: (error, socket) => refuseUnread(error, socket),
  });
  app.server.maxConnections = limits.connections;
  takeJson(app);
  // No promise for what nearly every request passes at once.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders).header('x-request-id', request.id);
    const { origin } = request.headers;
    if (origin === undefined) return done();
    reply.header('vary', 'origin');
    if (!origins.isAllowed(origin)) return void refuse(reply, 'FORBIDDEN', 'this origin is not allowed');
    reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', 'x-request-id, retry-after, ratelimit, ratelimit-policy');
    if (request.method !== 'OPTIONS') return done();
    // Chrome asks before a page of the internet, such as Apollo's Sandbox, calls a machine's own network.
    if (options.isDevelopment) reply.header('access-control-allow-private-network', 'true');
    void reply.headers(preflightHeaders).code(204).send();
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    if (!isRefusal(reply.statusCode)) return;
    const { id: requestId, routeOptions, raw } = request;
    const path = routeOptions.url ?? 'other';
    const transport = path === '/graphql/stream' ? 'sse' : 'http';
    refusals.note({ transport, path, address: addresses.of(raw), status: reply.statusCode, requestId });
  });
  app.setErrorHandler(async (error, request, reply) => {
    const refused = isUnread(error) ? await countUnread(pipeline, addresses, request, reply) : null;
    return refused ? sendErrors(reply, refused) : answerError(error, request, reply, log);
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, 'NOT_FOUND', 'no such path'));

  const http = await openHttp(pipeline, addresses, options.usageReporting ?? null);
  const sse = openSse({
    pipeline,
    addresses,
    clock,
    keepAliveMs: limits.keepAliveMs,
    undrainedMs: limits.undrainedMs,
    maxStreams: limits.streams,
    maxPerAddress: limits.perAddress,
  });
  const sockets = openWebSocket(app.server, {
    pipeline,
    origins,
    addresses,
    refusals,
    clock,
    log,
    path: '/graphql',
    initTimeoutMs: limits.initTimeoutMs,
    keepAliveMs: limits.keepAliveMs,
    undrainedMs: limits.undrainedMs,
    maxMessageBytes: limits.bodyBytes,
    maxOperations: limits.operationsPerSocket,
    maxSockets: limits.sockets,
    maxPerAddress: limits.perAddress,
  });

  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/graphql',
    handler: (request, reply) =>
      options.isDevelopment && wantsPage(request)
        ? sendPage(request, reply, options.developmentKey)
        : http.answer(request, reply),
  });
  // No HEAD of what is a stream: it would run to its end for nobody.
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    exposeHeadRoute: false,
    handler: (request, reply) => sse.answer(request, reply),
  });
  const downloads = new Downloads({ pipeline, addresses, clock, undrainedMs: limits.undrainedMs });
  for (const download of options.downloads ?? [])
    app.get(download.path, { exposeHeadRoute: false }, async (request, reply) => {
      await downloads.answer(download, request, reply);
      return reply;
    });
  app.get('/livez', () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    // Whoever asks without a key costs the database no more than one look at a time.
    looking ??= options.readiness().finally(() => (looking = null));
    const { isReady, detail } = await looking;
    const status = isReady && !isDraining ? 'ready' : isDraining ? 'draining' : 'unready';
    reply.code(status === 'ready' ? 200 : 503);
    return (await maySeeDetail(pipeline, request)) ? { status, ...detail } : { status };
  });
  app.get('/metrics', async (request, reply) => {
    const { metricsToken } = options;
    if (metricsToken !== null && !isSame(request.headers.authorization ?? '', `Bearer ${metricsToken}`)) {
      return refuse(reply, 'UNAUTHENTICATED', 'this needs the metrics token');
    }
    return reply.header('content-type', options.metrics.contentType).send(await options.metrics.text());
  });

  const beginDrain = (): void => {
    isDraining = true;
    sockets.closeAll();
    sse.closeAll();
    downloads.close();
  };
  const close = async (): Promise<void> => {
    beginDrain();
    await sockets.close();
    sse.close();
    await app.close();
    await http.close();
  };
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await close();
    throw error;
  }
  return { url: urlOf(app, options.host), beginDrain, close };
}

function urlOf(app: FastifyInstance, host: string): string {
  const { port } = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A client's own id is kept if it looks like one. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}

function refuse(reply: FastifyReply, code: ErrorCode, message: string, status = httpStatusOf[code]): FastifyReply {
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  return reply.code(status).send({ errors: [refusal(code, message)] });
}

/**
 * A request that could not be read counts against the limits of whoever shows a key with it; why it is refused for that, null when it is not.
 * Who shows none is looked up nowhere, and held by the caps of connections and sizes.
 */
async function countUnread(
  pipeline: Pipeline,
  addresses: Addresses,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<readonly GraphQLError[] | null> {
  if (request.headers.authorization === undefined) return null;
  try {
    const caller = await callerOf(pipeline, addresses, request);
    return (await pipeline.count(caller, (left) => void reply.headers(left)))?.errors ?? null;
  } catch (error) {
    return [maskError(error, pipeline.maskOf(request.id))];
  }
}

function sendErrors(reply: FastifyReply, errors: readonly GraphQLError[]): FastifyReply {
  const { status, headers } = headOf(errors);
  return reply.code(status).headers(headers).send({ errors });
}

/** Whether it was found wrong before anybody looked at it. */
function isUnread(error: unknown): boolean {
  const status = statusOf(error);
  return status >= 400 && status < 500;
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
}

/** Fastify's own refusals (size, media type, JSON) and anything unexpected, as GraphQL says errors. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const status = statusOf(error);
  if (status === 413) return refuse(reply, 'PAYLOAD_TOO_LARGE', 'the body is too large');
  if (status === 415) return refuse(reply, 'BAD_REQUEST', 'the body must be application/json', 415);
  if (status >= 400 && status < 500) return refuse(reply, 'BAD_REQUEST', bodyFault(error));
  const shown = maskError(error, { requestId: request.id, log });
  return reply.code(httpStatusOf[codeOf(shown)]).send({ errors: [shown] });
}

/** What cannot be read as HTTP, or does not arrive in time. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuseRaw(socket, 408, 'TIMEOUT', 'the request took too long to arrive');
  if (error.code === 'HPE_HEADER_OVERFLOW') return refuseRaw(socket, 431, 'PAYLOAD_TOO_LARGE', 'the headers are too large');
  refuseRaw(socket, 400, 'BAD_REQUEST', 'this is not HTTP');
}

function wantsPage(request: FastifyRequest): boolean {
  const { query } = request.query as { query?: unknown };
  return request.method === 'GET' && query === undefined && (request.headers.accept ?? '').includes('text/html');
}

/** The key is filled in only where no other name points at us: a page of somebody else's name could read it. */
async function sendPage(request: FastifyRequest, reply: FastifyReply, key: string | null): Promise<FastifyReply> {
  const { host = 'localhost' } = request.headers;
  const nonce = randomUUID();
  const page = await graphiqlPage(isThisMachine(host) ? key : null, nonce);
  return reply.header('content-type', 'text/html; charset=utf-8').header('content-security-policy', pagePolicy(nonce)).send(page);
}

async function maySeeDetail(pipeline: Pipeline, request: FastifyRequest): Promise<boolean> {
  const { authorization } = request.headers;
  if (authorization === undefined) return false;
  try {
    return (await pipeline.authenticate({ authorization }, 'http', request.id)).can('health:read');
  } catch {
    // Readiness is answered to everybody, and above all while keys cannot be looked up.
    return false;
  }
}
