import { readSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { OutboundDial } from '../kernel/outbound-dial.ts';
import { hostOf, notPublic } from '../kernel/outbound-rules.ts';
import { OutboundError } from '../kernel/outbound.ts';
import type { HeldReads } from './held-reads.ts';

/** Whoever talks over a wire. */
export interface Talker {
  /** Bytes that came. They are overwritten when this returns: what is to be kept has to be copied. */
  take(bytes: Buffer): void;
  /** Nothing comes any more; `cause` is null when the other side ended politely. */
  ended(cause: Error | null): void;
}

const readBytes = 65_536;
/** All wires read into this buffer, one after the other. */
const landing = Buffer.allocUnsafeSlow(readBytes);
/** How long a connection without a call is kept for the next one. */
const keepMs = 4_000;
const mostSessions = 100;
/** TLS sessions by origin: a second handshake is shorter. */
const sessions = new Map<string, Buffer>();

/** A connection that serves one call at a time. */
export class Wire {
  private readonly socket: Socket;
  private readonly isPlain: boolean;
  private talker: Talker | null = null;
  private cause: Error | null = null;
  private state: 'watched' | 'held' | 'paused' = 'watched';
  private idleTimer: NodeJS.Timeout | null = null;
  private known = -1;

  constructor(
    readonly url: URL,
    private readonly onGone: (wire: Wire) => void,
    dial: OutboundDial | null = null,
  ) {
    this.isPlain = url.protocol === 'http:';
    this.socket = connect(url, dial, (bytes) => this.take(bytes));
    if (dial) guard(this.socket, hostOf(url), dial);
    this.socket.setNoDelay(true);
    this.socket.on('error', (cause) => (this.cause = cause));
    this.socket.once('close', () => this.gone());
  }

  /** False once it cannot carry a call any more. */
  get isAlive(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  /** Who hears what comes from now on. */
  serve(talker: Talker): void {
    this.talker = talker;
  }

  /** It is taken out of rest, for another call. */
  wake(): void {
    if (this.idleTimer) clearTimeout(this.idleTimer);
    this.idleTimer = null;
    this.socket.ref();
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Reads as soon as anything comes. */
  watch(): void {
    if (this.state === 'watched') return;
    this.state = 'watched';
    this.socket.resume();
  }

  /** Reads nothing until `watch` or `readAfter`. */
  pause(): void {
    this.stopReading('paused');
  }

  /** Reads nothing for `ms`, then what has come meanwhile; if nothing has, it watches again. False when this connection cannot be read so, as with TLS. */
  readAfter(reads: HeldReads, ms: number): boolean {
    if (this.fd < 0) return false;
    this.stopReading('held');
    reads.add(this, ms);
    return true;
  }

  /** Reads what has come, without a wake-up by the operating system. */
  readHeld(): void {
    const { fd } = this;
    // It was closed meanwhile, or told to read otherwise.
    if (fd < 0 || this.state !== 'held') return;
    let length = 0;
    try {
      length = readSync(fd, landing);
    } catch {
      // Nothing came, or the connection broke: the event loop tells which.
    }
    if (length > 0) this.take(landing.subarray(0, length));
    else this.watch();
  }

  /** Its call is over, and it waits for another. */
  rest(): void {
    this.talker = null;
    this.watch();
    this.socket.unref();
    this.idleTimer = setTimeout(() => this.destroy(), keepMs);
    this.idleTimer.unref();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private stopReading(state: 'held' | 'paused'): void {
    if (this.state === 'watched') this.socket.pause();
    this.state = state;
  }

  /** The file descriptor of the connection, if its bytes can be read as they are; else -1. */
  private get fd(): number {
    // Once it is closed its number may be that of another file.
    if (this.socket.destroyed || !this.isPlain) return -1;
    if (this.known < 0) this.known = (this.socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
    return this.known;
  }

  private take(bytes: Buffer): void {
    // Bytes that come without a call answer nothing: the connection is not to be trusted.
    if (this.talker) this.talker.take(bytes);
    else this.destroy();
  }

  private gone(): void {
    if (this.idleTimer) clearTimeout(this.idleTimer);
    this.onGone(this);
    const { talker } = this;
    this.talker = null;
    talker?.ended(this.cause);
  }
}

/** Checks the address that a socket is connected to before anything is sent: TLS and what was written wait for `connect` too, and this listener comes first. */
function guard(socket: Socket, host: string, dial: OutboundDial): void {
  socket.prependListener('connect', () => {
    if (!dial.isAllowed(host, socket.remoteAddress ?? '')) socket.destroy(new OutboundError('refused', notPublic));
  });
}

function connect(url: URL, dial: OutboundDial | null, take: (bytes: Buffer) => void): Socket {
  const host = dial ? hostOf(url) : url.hostname.replace(/^\[(.*)\]$/, '$1');
  const lookup = dial && { lookup: dial.lookup };
  const onread = {
    buffer: landing,
    callback: (length: number) => {
      take(landing.subarray(0, length));
      return true;
    },
  };
  if (url.protocol === 'http:') return net.connect({ host, port: Number(url.port || 80), onread, ...lookup });
  // Sessions of addresses that tenants name are not kept: they would push out the vendors'.
  const known = dial ? undefined : sessions.get(url.origin);
  return tls
    .connect({
      host,
      port: Number(url.port || 443),
      ...(net.isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(known && { session: known }),
      onread,
      ...lookup,
    } as tls.ConnectionOptions)
    .on('session', (session) => {
      if (dial) return;
      if (sessions.size >= mostSessions) sessions.clear();
      sessions.set(url.origin, session);
    });
}
