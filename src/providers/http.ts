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
const messages = new WeakMap<Response, IncomingMessage>();

/**
 * A `fetch` for providers, over Node's own HTTP client: bytes of a body can be had without a web stream, which costs more than reading them
 * does (`messageOf`). It asks for no compression, follows no redirect, and takes an address and a text; all else is as with `fetch`.
 */
export const leanFetch: typeof fetch = (input, init = {}) => {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { signal, body = null } = init;
  if (input instanceof Request || (body !== null && typeof body !== 'string')) {
    return Promise.reject(new TypeError('only an address and a text can be sent'));
  }
  if (signal?.aborted) return Promise.reject(signal.reason as Error);

  let call: ClientRequest;
  try {
    call = requestTo(new URL(input), init);
  } catch (cause) {
    return Promise.reject(new TypeError('fetch failed', { cause }));
  }
  let message: IncomingMessage | null = null;
  const abort = (): void => {
    (message ?? call).destroy();
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', abort, { once: true });
  call.once('close', () => signal?.removeEventListener('abort', abort));
  call.on('error', (cause) => reject(new TypeError('fetch failed', { cause })));
  call.once('response', (received) => {
    message = received;
    try {
      resolve(responseOf(received));
    } catch (cause) {
      received.destroy();
      reject(new TypeError('fetch failed', { cause }));
    }
  });
  call.end(body ?? undefined);
  return promise;
};

/** The message behind a response of `leanFetch`, for who reads it instead of `response.body`; undefined for any other response. */
export function messageOf(response: Response): IncomingMessage | undefined {
  return messages.get(response);
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
  const response = new Response(bodiless.has(status) ? null : webStreamOf(message), { status, statusText, headers });
  messages.set(response, message);
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
