import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { wireOf, type Wire, type WireFinish, type WireUsage } from './wire.ts';

/** What the mock does with one request; without anything it writes a short letter, all at once. */
export interface Script {
  /** The text, one event per piece. An async iterable decides by itself when each piece comes. */
  readonly pieces?: Iterable<string> | AsyncIterable<string>;
  /** How the text ends; null ends the body without the finish signal. */
  readonly finish?: WireFinish | null;
  readonly usage?: WireUsage;
  /** An error event after the pieces, instead of the finish. */
  readonly error?: string;
  /** Bytes after the pieces as they are, instead of the finish. */
  readonly junk?: string;
  /** The whole body as it is, instead of pieces. */
  readonly raw?: string | Uint8Array;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait before the headers, and before each piece. */
  readonly firstMs?: number;
  readonly pieceMs?: number;
  /** How many bytes of the body go out before what `lastly` says; all when absent. */
  readonly afterBytes?: number;
  /** `end` the body politely, `cut` the socket, `reset` the connection under it, `stall` until the client goes away. */
  readonly lastly?: 'end' | 'cut' | 'reset' | 'stall';
  /** Not even headers: the connection is reset. */
  readonly isMute?: boolean;
}

/** One request as the mock saw it. */
export interface Call {
  readonly path: string;
  /** The client's port: calls that share it shared a connection. */
  readonly port: number | undefined;
  readonly headers: IncomingMessage['headers'];
  /** The parsed JSON body. */
  readonly body: Record<string, unknown>;
  /** Resolves when its response ended or its client went away, with which of the two. */
  readonly over: Promise<'ended' | 'closed by client'>;
  /** Resolves when the response's headers are out. */
  readonly answered: Promise<void>;
}

export const mockLetter = ['Dear ', 'Ms ', '山田,', ' I am ', 'glad ', '👩‍💻', ' to apply.', '\n\nYours,\nAda 𝒢'];
export const mockUsage: WireUsage = { input: 120, output: 34, cached: 20 };

/** A vendor on loopback that speaks Chat Completions, Responses and Messages by the path called, and does what its script says. */
export class MockProvider {
  readonly calls: Call[] = [];
  private scripts: ((call: Call) => Script)[] = [];
  private otherwise: (call: Call) => Script = () => ({});
  private readonly closing = new AbortController();
  /** By the client's port; below TLS, where there is some. */
  private readonly sockets = new Map<number | undefined, Socket>();

  private constructor(
    private readonly server: Server,
    private readonly scheme: 'http' | 'https',
  ) {
    server.on('connection', (socket: Socket) => {
      const { remotePort } = socket;
      this.sockets.set(remotePort, socket);
      socket.on('close', () => this.sockets.delete(remotePort));
    });
    server.on('request', (request, response) => {
      this.answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
  }

  /** With a key and a certificate it speaks TLS. */
  static async open(tls: { readonly key: string; readonly cert: string } | null = null): Promise<MockProvider> {
    const mock = new MockProvider(tls ? createTlsServer(tls) : createServer(), tls ? 'https' : 'http');
    mock.server.listen(0, '127.0.0.1');
    await once(mock.server, 'listening');
    return mock;
  }

  /** Without `/v1`: Anthropic's clients add it; OpenAI's want `${url}/v1`. */
  get url(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What the next requests get, one script each and in this order; later ones get `always`, or the plain letter. */
  script(...scripts: (Script | ((call: Call) => Script))[]): void {
    this.scripts.push(...scripts.map(asFunction));
  }

  /** What every request gets for which no script waits. */
  always(script: Script | ((call: Call) => Script)): void {
    this.otherwise = asFunction(script);
  }

  /** Forgets scripts and calls. */
  reset(): void {
    this.scripts = [];
    this.otherwise = () => ({});
    this.calls.length = 0;
  }

  async close(): Promise<void> {
    this.closing.abort();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const over = Promise.withResolvers<'ended' | 'closed by client'>();
    const answered = Promise.withResolvers<void>();
    let isOurs = false;
    response.on('close', () => {
      over.resolve(response.writableFinished || isOurs ? 'ended' : 'closed by client');
      gone.abort();
    });
    const sent = Buffer.concat(await request.toArray()).toString();
    const body = (sent === '' ? {} : JSON.parse(sent)) as Record<string, unknown>;
    const path = request.url ?? '';
    const call: Call = {
      path,
      port: request.socket.remotePort,
      headers: request.headers,
      body,
      over: over.promise,
      answered: answered.promise,
    };
    this.calls.push(call);
    const asked = (this.scripts.shift() ?? this.otherwise)(call);
    const script = request.method === 'GET' ? listed(path, asked) : asked;
    const signal = AbortSignal.any([gone.signal, this.closing.signal]);

    try {
      if (script.firstMs) await delay(script.firstMs, undefined, { signal });
      if (script.isMute) {
        isOurs = true;
        this.sockets.get(call.port)?.resetAndDestroy();
        return;
      }
      response.writeHead(script.status ?? 200, { 'content-type': 'text/event-stream; charset=utf-8', ...script.headers });
      response.flushHeaders();
      answered.resolve();
      let left = script.afterBytes ?? Infinity;
      for await (const bytes of bodyOf(script, () => wireOf(path), signal)) {
        const sent = bytes.subarray(0, left);
        left -= sent.length;
        if (sent.length > 0 && !response.write(sent)) await once(response, 'drain', { signal });
        if (left <= 0) break;
      }
      if (script.lastly === 'stall' && !signal.aborted) await once(signal, 'abort');
      isOurs = script.lastly === 'cut' || script.lastly === 'reset';
      if (script.lastly === 'reset') this.sockets.get(call.port)?.resetAndDestroy();
      else if (isOurs) response.destroy();
      else response.end();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function* bodyOf(script: Script, wireFor: () => Wire, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  if (script.raw !== undefined) {
    yield typeof script.raw === 'string' ? encoder.encode(script.raw) : script.raw;
    return;
  }
  const wire = wireFor();
  yield encoder.encode(wire.start());
  for await (const piece of script.pieces ?? mockLetter) {
    if (script.pieceMs) await delay(script.pieceMs, undefined, { signal });
    signal.throwIfAborted();
    yield encoder.encode(wire.text(piece));
  }
  if (script.junk !== undefined) yield encoder.encode(script.junk);
  else if (script.error !== undefined) yield encoder.encode(wire.error(script.error));
  else if (script.finish !== null) yield encoder.encode(wire.finish(script.finish ?? 'stop', script.usage ?? mockUsage));
}

/** The models that the mock says it has. */
export const mockModels = ['mock-large', 'mock-small'];

/** A list of models, in the words of the vendor whose path it is, unless the script says otherwise. */
function listed(path: string, script: Script): Script {
  const isGoogles = path.startsWith('/v1beta/');
  const list = isGoogles
    ? { models: mockModels.map((name) => ({ name: `models/${name}` })) }
    : { data: mockModels.map((id) => ({ id })) };
  return { raw: JSON.stringify(list), ...script, headers: { 'content-type': 'application/json', ...script.headers } };
}

function asFunction(script: Script | ((call: Call) => Script)): (call: Call) => Script {
  return typeof script === 'function' ? script : () => script;
}
