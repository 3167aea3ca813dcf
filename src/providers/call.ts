import { failure, failureOf, retryAfterMs, scrub } from './failures.ts';
import { errorIn, isObject, parsed, stringOf } from './json.ts';
import { firstText } from './read.ts';

/** One request to a vendor. */
export interface Call {
  /** The vendor, as our messages name it. */
  readonly provider: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Becomes JSON. */
  readonly body: object;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
  /** What no message may repeat: our key. */
  readonly secrets: readonly string[];
}

/**
 * Posts and gives the response once its status says that a stream follows; throws ProviderError where none does, and the signal's reason once
 * it is aborted. Ours and no vendor's SDK: theirs cost a start most of a millisecond, and we used none of what that bought.
 */
export async function post(call: Call): Promise<Response> {
  const { provider, signal, secrets } = call;
  signal.throwIfAborted();
  const headers = headersOf(call);
  const response = await call
    .fetch(call.url, { method: 'POST', headers, body: JSON.stringify(call.body), signal })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw failure('NETWORK', `${provider} could not be reached${systemCodeOf(error)}`);
    });
  if (response.ok) return response;
  const text = response.body === null ? '' : await firstText(response.body.getReader());
  signal.throwIfAborted();
  const said = errorIn(parsed(text));
  throw failureOf({
    provider,
    status: response.status,
    words: said?.words ?? [],
    message: said?.message ?? null,
    retryAfterMs: retryAfterMs(response.headers, new Date()),
    secrets,
  });
}

/** A key that no header can hold would look like a broken network. */
function headersOf({ provider, headers, secrets }: Call): Headers {
  try {
    return new Headers({ 'content-type': 'application/json', accept: 'text/event-stream, application/json', ...headers });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw failure('INVALID_REQUEST', `the call to ${provider} could not be made: ${scrub(said, secrets)}`);
  }
}

/** An address below a base that may end with a slash. */
export function below(baseURL: string, path: string): string {
  return `${baseURL.replace(/\/+$/, '')}/${path}`;
}

/** The operating system's word for what broke, such as ECONNREFUSED, from down the chain of causes. */
function systemCodeOf(error: unknown): string {
  for (let link = error; link instanceof Error; link = link.cause) {
    const code = isObject(link) ? stringOf((link as { code?: unknown }).code) : null;
    if (code) return ` (${code})`;
  }
  return '';
}
