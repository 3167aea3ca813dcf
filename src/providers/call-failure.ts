import { failure, failureOf, retryAfterMs, scrub } from './failures.ts';
import { isObject } from '../kernel/object.ts';
import { OutboundError } from '../kernel/outbound.ts';
import { errorIn, parsed, saidNothing, stringOf } from './json.ts';
import { nothingUsed, type ProviderError } from './port.ts';
import type { Reading } from './read.ts';

/** The response that an SDK's call gets. Fails with the reason of the signal if that has aborted, else as `callFailure` says. */
export function sdkResponse(
  call: Promise<Response>,
  { provider, signal, secrets }: Pick<Reading, 'provider' | 'signal' | 'secrets'>,
): Promise<Response> {
  return call.catch((error: unknown) => {
    signal.throwIfAborted();
    throw callFailure(provider, error, secrets);
  });
}

/**
 * The error of a call that got no stream. Both SDKs throw the same shape: `status`, `headers`, the parsed body as `error`; no status means
 * that no response came. Their error is not kept as `cause`: it holds request and response texts that can repeat the key.
 */
function callFailure(provider: string, error: unknown, secrets: readonly string[]): ProviderError {
  if (!isSdkError(error)) {
    const said = error instanceof Error ? error.message : String(error);
    return failure('INVALID_REQUEST', `the call to ${provider} could not be made: ${scrub(said, secrets)}`, {
      usage: nothingUsed,
    });
  }
  if (typeof error.status !== 'number') return unreached(provider, error);
  const { words, message } = errorIn(error.error) ?? errorIn({ error: error.error }) ?? saidNothing;
  return failureOf({
    provider,
    status: error.status,
    words,
    message,
    retryAfterMs: error.headers instanceof Headers ? retryAfterMs(error.headers, new Date()) : null,
    secrets,
  });
}

/** The error of a response that is no success, for those who read their responses without an SDK. */
export async function refusalOf(provider: string, response: Response, secrets: readonly string[]): Promise<ProviderError> {
  const { words, message } = errorIn(parsed(await response.text().catch(() => ''))) ?? saidNothing;
  return failureOf({
    provider,
    status: response.status,
    words,
    message,
    retryAfterMs: retryAfterMs(response.headers, new Date()),
    secrets,
  });
}

/** With these there was no connection, so nothing was used. Any other may have broken after the request was sent. */
const neverReached: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The error of a call that got no response, for what broke on the way. */
export function unreached(provider: string, error: unknown): ProviderError {
  const refused = outboundIn(error);
  if (refused) return failure('NETWORK', `${provider} could not be reached: ${refused.message}`, { usage: nothingUsed });
  const code = systemCodeOf(error);
  const usage = code !== null && neverReached.has(code) ? nothingUsed : null;
  return failure('NETWORK', `${provider} could not be reached${code === null ? '' : ` (${code})`}`, { usage });
}

interface SdkError extends Error {
  readonly status: unknown;
  readonly headers: unknown;
  readonly error: unknown;
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error && 'status' in error && 'headers' in error && 'error' in error;
}

/** Why an address that a tenant named was not called, from the chain of causes; null when that is not the reason. */
function outboundIn(error: unknown): OutboundError | null {
  for (let link = error; link instanceof Error; link = link.cause) if (link instanceof OutboundError) return link;
  return null;
}

/** The operating system's word for what broke, such as ECONNREFUSED, from down the chain of causes. */
function systemCodeOf(error: unknown): string | null {
  for (let link = error; link instanceof Error; link = link.cause) {
    const code = isObject(link) ? stringOf((link as { code?: unknown }).code) : null;
    if (code) return code;
  }
  return null;
}
