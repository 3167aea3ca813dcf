import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type ExecutionArgs } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../kernel/clock.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Addresses } from '../kernel/address.ts';
import type { Caller } from './context.ts';
import { Crowd, crowdedAddress } from './crowd.ts';
import { refuseRaw } from './door.ts';
import { DrainWatch, type Outlet } from './drained.ts';
import type { Operation, Pipeline } from './execute.ts';
import { FrameStream, textFrameOf, type FrameOutlet } from './frames.ts';
import { codeOf, httpStatusOf, maskError, refusal } from './masking.ts';
import type { Origins } from './origins.ts';
import { acceptSubscription, enterPlace } from './places.ts';
import { authorizationOf, endOf, Refresh, type Payload } from './refresh.ts';
import type { RefusalLog } from './refusals.ts';
import { ResultStream } from './results.ts';
import type { Session } from './session.ts';

const longestReason = 123;
/** As the protocol's implementation says it. */
const invalidMessage = 'Invalid message received';
/** So long a peer has to answer a close; then the connection is cut. */
const closeTimeoutMs = 1_000;
/** Every message of an operation repeats its id; clients make them of 36 characters. */
const longestId = 128;

export interface WebSocketOptions {
  readonly pipeline: Pipeline;
  readonly origins: Origins;
  readonly addresses: Addresses;
  readonly refusals: RefusalLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly path: string;
  readonly initTimeoutMs: number;
  readonly keepAliveMs: number;
  /** A reader whose buffered bytes do not become fewer for this long is closed with 1013. */
  readonly undrainedMs: number;
  readonly maxMessageBytes: number;
  readonly maxOperations: number;
  readonly maxSockets: number;
  readonly maxPerAddress: number;
}

export interface WebSocketTransport {
  /** Closes every socket with 1001 (clients come back, to another process) and refuses new ones. */
  closeAll(): void;
  close(): Promise<void>;
}

interface Extra {
  readonly socket: WebSocket;
  readonly frames: FrameOutlet;
  readonly address: string;
  /** Null until the connection has proved somebody. */
  session: Session | null;
  /** Gives its place back. */
  leave: () => void;
  /** All that runs: the protocol's own list loses one whose id is used again while it ends. */
  readonly streams: Set<ResultStream>;
}

interface SocketRefusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Arguments = ExecutionArgs & { readonly operation: Operation; readonly id: string; readonly extra: Extra };

// Above this a client that sends without reading is not read any more until it reads.
const pauseAboveBytes = 256 * 1_024;

/** Answers subscriptions over the graphql-transport-ws protocol. */
export function openWebSocket(server: Server, options: WebSocketOptions): WebSocketTransport {
  const { pipeline, origins, addresses, refusals, log } = options;
  const serverOptions = {
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols,
    perMessageDeflate: false,
    // Of every close, whoever asks for it; the types of `ws` do not know it yet.
    closeTimeout: closeTimeoutMs,
  };
  const sockets = new WebSocketServer(serverOptions);
  const watch = new DrainWatch(options.clock, options.undrainedMs);
  const open = pipeline.metrics.connections.labels({ transport: 'websocket' });
  const crowd = new Crowd(options.maxPerAddress);
  let isClosing = false;

  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: options.initTimeoutMs,
    async onConnect({ connectionParams, extra }) {
      const requestId = randomUUID();
      let caller: Caller | null = null;
      try {
        const { socket } = extra;
        const authorization = authorizationOf(connectionParams);
        const scope = await pipeline.authenticate({ authorization }, 'websocket', requestId, extra.address);
        const known = { transport: 'websocket', scope, requestId, address: extra.address } as const;
        caller = known;
        const leave = await enterPlace(pipeline, known, 'sockets', (error) => turnAway(extra, error, known));
        // Nothing is left to be ended.
        if (socket.readyState !== socket.OPEN) {
          leave();
          return false;
        }
        extra.leave = leave;
        // Clients come back by themselves, with a fresh token and their cursors; an error would end their subscriptions.
        extra.session = pipeline.open(scope, () => socket.close(CloseCode.Forbidden, 'the token has run out'));
        const expiresAt = endOf(scope);
        return expiresAt === null ? true : { expiresAt };
      } catch (error) {
        turnAway(extra, error, caller);
        return false;
      }
    },
    async onSubscribe({ extra, subscriptions }, id, payload) {
      const isCrowded = Math.max(Object.keys(subscriptions).length, extra.streams.size + 1) > options.maxOperations;
      const unfit =
        id.length > longestId
          ? refusal('BAD_REQUEST', `an id has at most ${longestId} characters`)
          : isCrowded
            ? refusal('LIMIT_EXCEEDED', 'too many operations on this socket')
            : null;
      const prepared = await prepare(pipeline, extra, payload, unfit);
      if (prepared.errors) return [...prepared.errors];
      const { document, definition } = prepared;
      const args = { schema: pipeline.schema, document, operationName: definition.name?.value };
      return { ...args, operation: prepared, id, extra } satisfies Arguments;
    },
    async subscribe(args) {
      const { operation, id, extra } = args as Arguments;
      const { frames, socket, streams } = extra;
      const results = await pipeline.subscribe(operation);
      if (!(results instanceof ResultStream)) return results;
      streams.add(results);
      operation.context.signal.addEventListener('abort', () => streams.delete(results), { once: true });
      // Its socket may have gone meanwhile.
      if (socket.readyState !== socket.OPEN) void results.return();
      return new FrameStream(id, results, frames);
    },
    onError: (_context, _id, _payload, errors) =>
      errors.map((error) => (error.originalError instanceof GraphQLError ? error.originalError : error).toJSON()),
  });

  /** `caller` is who it is, where that is known: the refusal is theirs. */
  const turnAway = ({ socket, address }: Extra, error: unknown, caller: Caller | null): void => {
    const code = error instanceof GraphQLError ? codeOf(error) : 'INTERNAL';
    // 4401 is final for clients, the others are tried again.
    const closeCode = code === 'UNAUTHENTICATED' ? CloseCode.Unauthorized : code === 'FORBIDDEN' ? CloseCode.Forbidden : 1013;
    socket.close(closeCode, code);
    if (code !== 'RATE_LIMITED') return;
    pipeline.refused(caller ?? { transport: 'websocket' }, [error as GraphQLError]);
    refusals.note({ transport: 'websocket', address, status: httpStatusOf[code] });
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const address = addresses.of(request);
    const refused = refusalOf(request, address);
    if (refused) {
      refusals.note({ transport: 'websocket', address, status: refused.status });
      refuseRaw(socket, refused.status, refused.code, refused.message, refused.headers);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (upgraded) => serve(upgraded, socket, address));
  };
  const refusalOf = (request: IncomingMessage, address: string): SocketRefusal | null => {
    if (request.url?.split('?')[0] !== options.path) return { status: 404, code: 'NOT_FOUND', message: 'no such path' };
    if (!origins.isAllowed(request.headers.origin)) {
      return { status: 403, code: 'FORBIDDEN', message: 'this origin is not allowed' };
    }
    if (crowd.isFull(address)) {
      return { status: 429, code: 'RATE_LIMITED', message: crowdedAddress, headers: { 'retry-after': '5' } };
    }
    if (!isClosing && sockets.clients.size < options.maxSockets) return null;
    return { status: 503, code: 'UNAVAILABLE', message: 'no more sockets here; come back' };
  };
  const serve = (socket: WebSocket, wire: Duplex, address: string): void => {
    const outlet: Outlet = {
      buffered: () => socket.bufferedAmount,
      onUndrained: () => socket.close(1013, 'the reader takes nothing'),
    };
    const leave = crowd.enter(address);
    const isAlive = keepAlive(socket, options.keepAliveMs);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const send = (message: string): Promise<void> => {
      // A closing socket takes nothing: wait for its end, or a source that always has more would spin.
      if (socket.readyState !== socket.OPEN) return gone;
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.send(message, () => {
        if (socket.isPaused && socket.bufferedAmount < pauseAboveBytes) socket.resume();
        // Whether it left or the socket broke: the close event ends what is running.
        resolve();
      });
      if (socket.bufferedAmount > pauseAboveBytes) socket.pause();
      return promise;
    };
    const onMessage = (take: (message: string) => Promise<void>): void => {
      socket.on('message', (message: Buffer) => {
        take(message.toString()).catch((error: unknown) => {
          // What only servers say: no fault of ours, and nothing for our log.
          if (error instanceof Error && error.message.startsWith('Unexpected message of type'))
            return socket.close(CloseCode.BadRequest, invalidMessage);
          const { message: reason } = maskError(error, { requestId: randomUUID(), log });
          socket.close(CloseCode.InternalServerError, reason);
        });
      });
    };
    // Closed sockets emit nothing more; what a broken one threw says nothing that its close code does not.
    socket.on('error', () => socket.terminate());
    const extra: Extra = {
      socket,
      address,
      session: null,
      frames: framesOf(socket, wire),
      leave: () => undefined,
      streams: new Set(),
    };
    const refresh = new Refresh(pipeline, address);
    const onPing = async (given: Payload | undefined): Promise<void> => {
      const payload = await refresh.answer(extra.session, given);
      const pong = pongOf(payload);
      if (pong === null) socket.close(CloseCode.BadRequest, invalidMessage);
      else await send(pong);
    };
    const closed = protocol.opened(
      { protocol: socket.protocol, send, close: (code, reason) => socket.close(code, shortened(reason)), onMessage, onPing },
      extra,
    );
    open.inc();
    watch.add(outlet);
    socket.once('close', (code, reason) => {
      open.dec();
      extra.session?.close();
      extra.leave();
      for (const stream of extra.streams) void stream.return();
      watch.delete(outlet);
      isAlive.stop();
      leave();
      refusals.note({ transport: 'websocket', address, status: code });
      closed(code, reason.toString()).catch((error: unknown) => maskError(error, { requestId: randomUUID(), log }));
    });
  };

  sockets.on('wsClientError', (_error, socket) => refuseRaw(socket, 400, 'BAD_REQUEST', 'this is no WebSocket handshake'));
  server.on('upgrade', onUpgrade);
  const closeAll = (): void => {
    isClosing = true;
    for (const socket of sockets.clients) socket.close(1001, 'going away');
  };
  return {
    closeAll,
    async close() {
      closeAll();
      watch.close();
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      server.off('upgrade', onUpgrade);
    },
  };
}

async function prepare(pipeline: Pipeline, { session, address }: Extra, payload: SubscribePayload, unfit: GraphQLError | null) {
  if (!session) return pipeline.refused({ transport: 'websocket' }, [refusal('UNAUTHENTICATED', 'the connection proved nobody')]);
  const caller = { transport: 'websocket', scope: session.scope, session, requestId: randomUUID(), address } as const;
  if (session.refusal) return pipeline.refused(caller, [session.refusal]);
  return unfit ? pipeline.refuse(unfit, caller) : acceptSubscription(pipeline, payload, caller);
}

/**
 * Frames without a callback each, written past `ws`, which would hand the kernel two buffers for each (with no compression it holds nothing
 * back, so the order stays): until the wire wants no more they are sent at once, then whoever has more waits for it to drain.
 */
function framesOf(socket: WebSocket, wire: Duplex): FrameOutlet {
  const waiting = new Set<() => void>();
  wire.on('drain', () => {
    const rested = [...waiting];
    waiting.clear();
    for (const onRoom of rested) onRoom();
  });
  return {
    send(frame, onRoom) {
      // A closing socket takes nothing; its close event ends what is running.
      if (socket.readyState !== socket.OPEN) return false;
      wire.write(textFrameOf(frame));
      if (!wire.writableNeedDrain) return true;
      waiting.add(onRoom);
      return false;
    },
  };
}

/** Pings every `everyMs`; a peer that did not answer the last one is gone. */
function keepAlive(socket: WebSocket, everyMs: number): { stop(): void } {
  let isAnswered = true;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const timer = setInterval(() => {
    // What is not read cannot be heard; the drain watch decides about such a socket.
    if (socket.isPaused) return;
    if (!isAnswered) return socket.terminate();
    isAnswered = false;
    socket.ping();
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Null for a payload that is nested too deep to be written: it can be read as deep as it comes. */
function pongOf(payload: Payload | undefined): string | null {
  try {
    return JSON.stringify({ type: 'pong', ...(payload && { payload }) });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A close frame holds 123 bytes of reason. */
function shortened(reason = ''): string {
  return Buffer.byteLength(reason) <= longestReason ? reason : `${reason.slice(0, longestReason / 4)}...`;
}
