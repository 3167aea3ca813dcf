import type { OutboundDial } from '../kernel/outbound-dial.ts';
import { OutboundError } from '../kernel/outbound.ts';
import type { Window } from '../kernel/window.ts';
import type { Body } from './body.ts';
import { Exchange } from './exchange.ts';
import { HeldReads } from './held-reads.ts';
import { Pace } from './pace.ts';
import type { ProviderHttp } from './port.ts';
import { bodiless, type ResponseHead } from './response-head.ts';
import { Wire } from './wire.ts';

const bodyKey = Symbol('body');

/** The body hangs on its response and not in a WeakMap, whose values outlive every young collection. */
interface LeanResponse extends Response {
  [bodyKey]?: Body;
}

/** How many connections without a call are kept for one origin. */
const mostResting = 256;

/** The methods that can be sent: those whose responses have the body that their heads announce. */
const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * A `fetch` for providers, over an HTTP/1.1 of our own. It does two things that the platform's does not: the bytes of a body can be had without a web
 * stream (`bodyOf`), since a stream costs more than reading does; and a body that comes token by token is read by the clock (`pace.ts`). It takes
 * only an address and a text, asks for no compression, follows no redirect and uses no proxy. All else is as with `fetch`.
 */
export class LeanHttp implements ProviderHttp {
  private readonly resting = new Map<string, Wire[]>();
  private readonly reads: HeldReads;

  /**
   * `window` says how long text may wait before it is delivered; with 0 milliseconds every byte is read when it comes. With a `dial` it goes only where that
   * allows it to: for addresses that somebody else named.
   */
  constructor(
    private readonly window: Window,
    private readonly dial: OutboundDial | null = null,
  ) {
    this.reads = new HeldReads(window);
  }

  readonly fetch: typeof fetch = (input, init) => this.call(input, init, null);

  /**
   * A `fetch` that prepares a request at once, with an open connection, and sends it when `moment` resolves: before that not one byte
   * leaves. A connection that breaks meanwhile is replaced. A request whose moment never comes has to be aborted.
   */
  fetchAfter(moment: Promise<void>): typeof fetch {
    return (input, init) => this.call(input, init, moment);
  }

  /** How many bodies wait for their time to be read. */
  get heldCount(): number {
    return this.reads.size;
  }

  private call(input: string | URL | Request, init: RequestInit = {}, moment: Promise<void> | null): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { signal, body = null } = init;
    if (input instanceof Request || (body !== null && typeof body !== 'string')) {
      return Promise.reject(new TypeError('only an address and a text can be sent'));
    }
    if (signal?.aborted) return Promise.reject(signal.reason as Error);

    const fail = (cause: unknown): void => reject(new TypeError('fetch failed', { cause }));
    let url: URL;
    let text: string;
    try {
      url = new URL(input);
      const refusal = this.dial?.refusalOf(url) ?? null;
      if (refusal !== null) throw new OutboundError('refused', refusal);
      text = requestOf(url, init, body);
    } catch (cause) {
      fail(cause);
      return promise;
    }
    let wire = this.wireTo(url);
    const abort = (): void => {
      wire.destroy();
      reject(signal?.reason as Error);
    };
    const send = (): void => {
      if (signal?.aborted) return;
      // Nothing was sent on it yet, so another connection will do.
      if (!wire.isAlive) wire = this.wireTo(url);
      const exchange = new Exchange(wire, new Pace(this.window), this.reads, {
        answered: (head, received) => {
          try {
            resolve(responseOf(head, received));
          } catch (cause) {
            wire.destroy();
            fail(cause);
          }
        },
        failed: fail,
        over: (isKept) => {
          signal?.removeEventListener('abort', abort);
          if (isKept) this.keep(url, wire);
          else wire.destroy();
        },
      });
      exchange.send(text);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (moment) void moment.then(send);
    else send();
    return promise;
  }

  private wireTo(url: URL): Wire {
    const resting = this.resting.get(url.origin);
    for (let wire = resting?.pop(); wire; wire = resting?.pop()) {
      if (!wire.isAlive) continue;
      wire.wake();
      return wire;
    }
    return new Wire(url, (gone) => this.forget(url, gone), this.dial);
  }

  private keep(url: URL, wire: Wire): void {
    const resting = this.resting.get(url.origin) ?? [];
    if (resting.length >= mostResting) return wire.destroy();
    resting.push(wire);
    this.resting.set(url.origin, resting);
    wire.rest();
  }

  private forget(url: URL, gone: Wire): void {
    const resting = this.resting.get(url.origin);
    const at = resting?.indexOf(gone) ?? -1;
    if (at >= 0) resting?.splice(at, 1);
    if (resting?.length === 0) this.resting.delete(url.origin);
  }
}

/** The body of a response of `LeanHttp`, to be read instead of `response.body`; undefined for any other response. */
export function bodyOf(response: Response): Body | undefined {
  return (response as LeanResponse)[bodyKey];
}

/** The request as it goes over the wire. */
function requestOf(url: URL, { method = 'GET', headers }: RequestInit, body: string | null): string {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${url.protocol} is no protocol of the web`);
  if (!methods.has(method)) throw new TypeError(`${method} is no method that is sent here`);
  const sent = new Headers(headers);
  sent.delete('host');
  sent.set('accept-encoding', 'identity');
  sent.set('connection', 'keep-alive');
  sent.delete('transfer-encoding');
  if (body !== null) sent.set('content-length', String(Buffer.byteLength(body)));
  let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  // A Headers lets no line end into a value.
  for (const [name, value] of sent) head += `${name}: ${value}\r\n`;
  return `${head}\r\n${body ?? ''}`;
}

function responseOf({ status, statusText, headers }: ResponseHead, body: Body): Response {
  const response: LeanResponse = new Response(bodiless.has(status) ? null : body.web(), { status, statusText, headers });
  response[bodyKey] = body;
  return response;
}
