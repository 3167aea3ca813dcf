import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';

const notUtf8 = 'the body is not UTF-8';

/** Takes JSON, and nothing else: text/plain would let foreign pages post without a preflight. */
export function takeJson(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  const careful = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    // Decoded all the same it would be another text than the one that was sent.
    if (!isUtf8(bytes)) return done(Object.assign(new Error(notUtf8), { statusCode: 400 }));
    const body = bytes.toString();
    // Without these there is no key in it, in whatever spelling, that the careful parser looks for. It also says what is wrong.
    const parsed = body.includes('proto') || body.includes('\\u') ? undefined : jsonIn(body);
    if (parsed === undefined) void careful(request, body, done);
    else done(null, parsed);
  });
}

/** What is wrong with a body that was not taken, for people. */
export function bodyFault(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (error instanceof SyntaxError && message.includes('prototype')) return 'the body has a key that is never taken';
  return message === notUtf8 ? notUtf8 : 'the body is not JSON';
}

/** Undefined for what is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Another parser says so.
    return undefined;
  }
}
