import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';

/** How long a connection without a call is kept for the next one. */
const keepMs = 4_000;
const agents = {
  'http:': new http.Agent({ keepAlive: true, timeout: keepMs }),
  'https:': new https.Agent({ keepAlive: true, timeout: keepMs }),
};

/** Statuses whose responses have no body. */
const bodiless = new Set([204, 205, 304]);
const messageKey = Symbol('message');

/** Not a weak map: its values would outlive every young collection. */
interface LeanResponse extends Response {
  [messageKey]?: IncomingMessage;
}

/**
 * A `fetch` for providers, over Node's own HTTP client: bytes of a body can be had without a web stream, which costs more than reading them
 * does (`messageOf`). It asks for no compression, follows no redirect, and takes an address and a text; all else is as with `fetch`.
 */
export const leanFetch: typeof fetch = (input, init) => call(input, init, null);

/**
 * A `leanFetch` that makes its requests at once, down to a connection that is open, and sends them when `moment` comes: not one byte
 * leaves before. A connection that breaks while it waits is replaced then. A request whose moment never comes has to be aborted.
 */
export function leanFetchAfter(moment: Promise<void>): typeof fetch {
  return (input, init) => call(input, init, moment);
}

function call(input: string | URL | Request, init: RequestInit = {}, moment: Promise<void> | null): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { signal, body = null } = init;
  if (input instanceof Request || (body !== null && typeof body !== 'string')) {
    return Promise.reject(new TypeError('only an address and a text can be sent'));
  }
  if (signal?.aborted) return Promise.reject(signal.reason as Error);

  const fail = (cause: unknown): void => reject(new TypeError('fetch failed', { cause }));
  let isSent = false;
  let isAborted = false;
  let request: ClientRequest | null = null;
  let message: IncomingMessage | null = null;
  const abort = (): void => {
    isAborted = true;
    (message ?? request)?.destroy();
    reject(signal?.reason as Error);
  };
  const ended = (): void => signal?.removeEventListener('abort', abort);
  const make = (): ClientRequest => {
    const made = requestTo(new URL(input), init);
    made.once('close', () => (made === request ? ended() : undefined));
    made.on('error', (cause) => {
      // Nothing was said on it yet: another will do as well.
      if (isSent) fail(cause);
      else if (made === request) request = null;
    });
    made.once('response', (received) => {
      message = received;
      try {
        resolve(responseOf(received));
      } catch (cause) {
        received.destroy();
        fail(cause);
      }
    });
    return made;
  };
  const send = (): void => {
    if (isAborted) return;
    isSent = true;
    request ??= make();
    request.end(body ?? undefined);
  };

  try {
    request = make();
  } catch (cause) {
    fail(cause);
    return promise;
  }
  signal?.addEventListener('abort', abort, { once: true });
  if (moment) void moment.then(send);
  else send();
  return promise;
}

/** The message behind a response of `leanFetch`, for who reads it instead of `response.body`; undefined for any other response. */
export function messageOf(response: Response): IncomingMessage | undefined {
  return (response as LeanResponse)[messageKey];
}

function requestTo(url: URL, { method = 'GET', headers }: RequestInit): ClientRequest {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${url.protocol} is no protocol of the web`);
  const { request } = url.protocol === 'https:' ? https : http;
  const sent = { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity' };
  return request(url, { method, headers: sent, agent: agents[url.protocol] });
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message;
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  // A message that breaks while nobody reads it breaks no one.
  message.on('error', () => undefined);
  if (bodiless.has(status)) message.resume();
  const response: LeanResponse = new Response(bodiless.has(status) ? null : webStreamOf(message), {
    status,
    statusText,
    headers,
  });
  response[messageKey] = message;
  return response;
}

/** Touches the message only when it is read. */
function webStreamOf(message: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void message.destroy(),
    },
    { highWaterMark: 0 },
  );
}
