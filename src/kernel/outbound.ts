import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Line, LineFull } from './line.ts';
import { openNames, type FindAddresses } from './names.ts';
import { hostOf, notPublic, notPublicName, type OutboundRules } from './outbound-rules.ts';

/** A call to an address that somebody else named. */
export interface OutboundRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds for all of it, from the look at the name to the last byte. */
  readonly deadlineMs?: number;
  /** A longer body is not read to its end. */
  readonly maxBytes?: number;
  /** On whose behalf, such as a tenant's id: few calls of one party look a name up at the same time. Absent: of one host. */
  readonly party?: string;
}

/** What came back, whatever its status; redirects are answers like others and are not followed. */
export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Calls an address that somebody else named, guarded. Rejects with an OutboundError. */
export type CallOut = (url: string, request?: OutboundRequest) => Promise<OutboundAnswer>;

/** `refused`: it is not called, and nothing was sent. The others: it was tried. */
export type OutboundReason = 'refused' | 'unreachable' | 'late' | 'too large';

/** Why a call gave no answer. The message may be shown: it says nothing of what is behind the address. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  constructor(
    readonly reason: OutboundReason,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The network, unless a test brings another. */
export interface OutboundWorld {
  /** The addresses that a name stands for; absent: `openNames`. */
  readonly resolve?: FindAddresses;
  readonly connect: (options: { host: string; port: number; lookup: LookupFunction }) => Socket;
}

const realWorld: OutboundWorld = {
  connect: (options) => connectPlain(options),
};
/** Look-ups of names under way: all calls wait in one line, those of one party for its own few places. */
const lookUps = { atOnce: 16, perParty: 2, waiting: 16 } as const;
const usualDeadlineMs = 5_000;
const usualMaxBytes = 256 * 1_024;

/** Finds the addresses of names, all of them allowed. Who asks cannot tell a name that nobody knows from one of a network behind us: both are refused. */
export function allowedAddresses(rules: OutboundRules, resolve: FindAddresses): FindAddresses {
  return async (host, signal) => {
    const addresses = await resolve(host, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new OutboundError('refused', notPublicName, { cause });
    });
    if (addresses.length > 0 && addresses.every((address) => rules.isAllowed(host, address))) return addresses;
    throw new OutboundError('refused', notPublicName);
  };
}

/**
 * The guarded way out. A name is resolved once, every address that it stands for must be allowed, one of these very addresses is connected
 * to (a second look at the name could give another), and the connected socket is asked who is at its end before a byte is sent. Each call
 * has a connection of its own; proxies of the environment are not used.
 */
export function openOutbound(rules: OutboundRules, world: Partial<OutboundWorld> = {}): CallOut {
  const { resolve = openNames((host) => rules.isOwn(host)), connect } = { ...realWorld, ...world };
  const line = new Line(lookUps);
  const find = allowedAddresses(rules, resolve);
  return async (target, request = {}) => {
    if (!URL.canParse(target)) throw new OutboundError('refused', 'this is no URL');
    const url = new URL(target);
    const refusal = rules.refusalOf(url);
    if (refusal !== null) throw new OutboundError('refused', refusal);
    const { deadlineMs = usualDeadlineMs } = request;
    const signal = AbortSignal.timeout(deadlineMs);
    let wire: Socket | null = null;
    try {
      const host = hostOf(url);
      const party = request.party ?? host;
      const addresses = isIP(host) === 0 ? await line.run(party, signal, () => find(host, signal)) : [host];
      wire = connect({ host, port: portOf(url), lookup: answering(addresses) }).on('error', ignore);
      await once(wire, 'connect', { signal });
      if (!rules.isAllowed(host, wire.remoteAddress ?? '')) throw new OutboundError('refused', notPublic);
      if (url.protocol === 'https:') wire = await secured(wire, host, signal);
      return await exchange(wire, url, request, signal);
    } catch (cause) {
      if (cause instanceof OutboundError) throw cause;
      if (cause instanceof LineFull) throw new OutboundError('late', 'too many names are looked up just now', { cause });
      if (signal.aborted) throw new OutboundError('late', `no answer within ${deadlineMs} ms`, { cause });
      throw new OutboundError('unreachable', 'the address cannot be reached', { cause });
    } finally {
      wire?.destroy();
    }
  };
}

// Whoever waits for it is told of a failure; nobody else may die of one that comes late.
const ignore = (): void => undefined;

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

/** Gives the addresses that were looked at, whatever is asked. */
function answering(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (host, { all }, callback) => {
    const [first] = known;
    if (!first) callback(Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' }), '');
    else if (all === true) callback(null, known);
    else callback(null, first.address, first.family);
  };
}

async function secured(socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const secure = connectTls({ socket, host, ...(isIP(host) === 0 && { servername: host }), ALPNProtocols: ['http/1.1'] }).on(
    'error',
    ignore,
  );
  await once(secure, 'secureConnect', { signal });
  return secure;
}

async function exchange(wire: Socket, url: URL, request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
  const { method = 'GET', headers = {}, body, maxBytes = usualMaxBytes } = request;
  const asked = httpRequest({
    createConnection: () => wire,
    method,
    path: `${url.pathname}${url.search}`,
    // Nothing compressed: a small body must not become a large one.
    headers: { 'accept-encoding': 'identity', ...headers, host: url.host, connection: 'close' },
    signal,
  }).on('error', ignore);
  const answered = once(asked, 'response', { signal });
  asked.end(body);
  const [response] = (await answered) as [IncomingMessage];
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw new OutboundError('too large', `the answer is longer than ${maxBytes} bytes`);
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) };
}
