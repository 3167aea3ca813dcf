import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../kernel/errors.ts';
import { refusal } from './masking.ts';

/** On every answer, whatever it is. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What lets GraphiQL's page work and nothing else: its own scripts, the styles and workers that they make, calls to where it came from. */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    'font-src data:',
    'worker-src blob: data:',
    "connect-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** What the answer to a preflight allows. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers':
    'authorization, content-type, last-event-id, x-request-id, apollo-require-preflight, x-apollo-operation-name, ' +
    'apollographql-client-name, apollographql-client-version',
  'access-control-max-age': '600',
};

const simpleTypes: ReadonlySet<string> = new Set(['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']);

/**
 * Whether a browser would have asked us first, by Apollo Server's rule: a content type that no form has, or one of two headers that
 * no page can send unasked. What does not pass could come from a link or an image of any page.
 */
export function isPreflighted(headers: IncomingHttpHeaders): boolean {
  const { 'content-type': contentType } = headers;
  if (contentType !== undefined) {
    const essence = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
    if (/^[\w.+-]+\/[\w.+-]+$/.test(essence) && !simpleTypes.has(essence)) return true;
  }
  return Boolean(headers['apollo-require-preflight']) || Boolean(headers['x-apollo-operation-name']);
}

/** So long a peer that was refused has to hang up. */
const lingerMs = 1_000;

/** Answers where there is no more than a socket, and closes it. */
export function refuseRaw(
  socket: Duplex,
  status: number,
  code: ErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify({ errors: [refusal(code, message)] });
  const lines = Object.entries({
    ...securityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  // Nobody reads it any more: unread, its peer's end would never be seen. And a peer that does not hang up is not waited for.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`);
}
