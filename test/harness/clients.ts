import { createClient, type Client } from 'graphql-ws';
import type { ExecutionResult } from 'graphql';
import { WebSocket } from 'ws';

/** An operation as clients send it. */
export interface Asked {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ExecutionResult;
}

interface HttpOptions {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

function headersOf({ key, headers }: HttpOptions): Record<string, string> {
  return { ...(typeof key === 'string' && { authorization: `Bearer ${key}` }), ...headers };
}

/** POST /graphql. A string is sent as it is. */
export async function post(url: string, asked: Asked | string, options: HttpOptions = {}): Promise<Answer> {
  const body = typeof asked === 'string' ? asked : JSON.stringify(asked);
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(options) },
    body,
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as ExecutionResult };
}

/** GET /graphql. */
export async function get(url: string, asked: Asked, options: HttpOptions = {}): Promise<Answer> {
  const search = new URLSearchParams({ query: asked.query });
  if (asked.variables) search.set('variables', JSON.stringify(asked.variables));
  if (asked.operationName !== undefined) search.set('operationName', asked.operationName);
  const response = await fetch(`${url}/graphql?${search}`, {
    headers: { 'apollo-require-preflight': '1', ...headersOf(options) },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as ExecutionResult };
}

/** A graphql-ws client, as applications use it; it reconnects by itself when it is allowed tries. */
export function wsClient(url: string, key: string | null, { retryAttempts = 0 } = {}): Client {
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts,
    retryWait: async () => undefined,
    shouldRetry: () => true,
    connectionParams: key === null ? {} : { Authorization: `Bearer ${key}` },
  });
}

/** A message of the graphql-transport-ws protocol. */
export interface WsMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A bare socket that speaks the protocol by hand. */
export interface RawSocket {
  readonly socket: WebSocket;
  /** Resolves with the code when the socket closes. */
  readonly closed: Promise<number>;
  send(message: unknown): void;
  /** The next message, in order. Rejects when the socket closes first. */
  next(): Promise<WsMessage>;
}

/** Opens a bare socket. Rejects with the HTTP status when the upgrade is refused. */
export async function rawSocket(
  url: string,
  options: { origin?: string; path?: string; headers?: Record<string, string> } = {},
): Promise<RawSocket> {
  const { origin, path = '/graphql', headers = {} } = options;
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}${path}`,
    'graphql-transport-ws',
    origin === undefined ? { headers } : { origin, headers },
  );
  const arrived: WsMessage[] = [];
  const waiting: PromiseWithResolvers<WsMessage>[] = [];
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as WsMessage;
    const first = waiting.shift();
    if (first) first.resolve(message);
    else arrived.push(message);
  });
  socket.once('close', (code) => {
    for (const one of waiting.splice(0)) one.reject(new Error(`the socket closed with ${code}`));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response) => {
      reject(new Error(`HTTP ${response.statusCode}`));
      socket.terminate();
    });
    socket.on('error', reject);
  });
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next() {
      const message = arrived.shift();
      if (message) return Promise.resolve(message);
      const one = Promise.withResolvers<WsMessage>();
      waiting.push(one);
      return one.promise;
    },
  };
}

/** A bare socket whose connection is acknowledged. */
export async function acknowledged(url: string, key: string): Promise<RawSocket> {
  const raw = await rawSocket(url);
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } });
  const { type } = await raw.next();
  if (type !== 'connection_ack') throw new Error(`expected connection_ack, got ${type}`);
  return raw;
}

/** One server-sent event. */
export interface SseEvent {
  readonly event: string;
  readonly id: string | null;
  readonly result: ExecutionResult | null;
}

export interface SseStream {
  readonly status: number;
  readonly headers: Headers;
  /** The events until the server ends the stream or `stop` is called. When the answer is no stream: its JSON, once, as `error`. */
  readonly events: AsyncGenerator<SseEvent, void, void>;
  stop(): void;
}

/** POST /graphql/stream, or GET when asked. A string is sent as it is. */
export async function sse(
  url: string,
  asked: Asked | string,
  options: HttpOptions & { lastEventId?: string; method?: 'GET' | 'POST' } = {},
): Promise<SseStream> {
  const { lastEventId, method = 'POST' } = options;
  const stopper = new AbortController();
  const search =
    method === 'GET' && typeof asked !== 'string'
      ? `?${new URLSearchParams({ query: asked.query, variables: JSON.stringify(asked.variables ?? {}) })}`
      : '';
  const response = await fetch(`${url}/graphql/stream${search}`, {
    method,
    headers: {
      accept: 'text/event-stream',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : { 'apollo-require-preflight': '1' }),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      ...headersOf(options),
    },
    ...(method === 'POST' && { body: typeof asked === 'string' ? asked : JSON.stringify(asked) }),
    signal: stopper.signal,
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    events: isStream ? eventsOf(response, stopper.signal) : jsonOf(response),
    stop: () => stopper.abort(),
  };
}

async function* jsonOf(response: Response): AsyncGenerator<SseEvent, void, void> {
  yield { event: 'error', id: null, result: (await response.json()) as ExecutionResult };
}

async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<SseEvent, void, void> {
  let buffered = '';
  try {
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      buffered += part;
      const blocks = buffered.split('\n\n');
      buffered = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
        );
        // A block that begins with a colon is a heartbeat.
        if (!fields.has('event')) continue;
        const data = fields.get('data') ?? '';
        yield {
          event: fields.get('event') ?? '',
          id: fields.get('id') ?? null,
          result: data === '' ? null : (JSON.parse(data) as ExecutionResult),
        };
      }
    }
  } catch (error) {
    // `stop` ends the events; any other end is the server's fault.
    if (!signal.aborted) throw error;
  }
}
