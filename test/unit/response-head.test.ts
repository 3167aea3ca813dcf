import { describe, expect, it } from 'vitest';
import { responseHeadOf } from '../../src/providers/response-head.ts';

const read = (...lines: string[]) => responseHeadOf(lines.join('\r\n'));

describe('the head of a response', () => {
  it('gives status, words and headers', () => {
    const { status, statusText, headers } = read(
      'HTTP/1.1 429 Too Many',
      'Retry-After:  7 ',
      'Set-Cookie: a=1',
      'set-cookie: b=2',
      'X-Empty:',
    );

    expect({ status, statusText }).toEqual({ status: 429, statusText: 'Too Many' });
    expect([...headers]).toEqual([
      ['retry-after', '7'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-empty', ''],
    ]);
  });

  it.each([
    ['chunks', ['HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked'], 'chunked', true],
    ['a length', ['HTTP/1.1 200 OK', 'content-length: 12'], 12, true],
    ['a connection that ends with it', ['HTTP/1.1 200 OK'], 'close', false],
    ['no reason', ['HTTP/1.1 200', 'content-length: 0'], 0, true],
    ['nothing, by its status', ['HTTP/1.1 204 No Content', 'content-length: 12'], 0, true],
    ['a close', ['HTTP/1.1 200 OK', 'content-length: 12', 'connection: Close'], 12, false],
    ['a keep-alive that is short', ['HTTP/1.1 200 OK', 'content-length: 12', 'keep-alive: timeout=2, max=9'], 12, false],
    ['a keep-alive that is not', ['HTTP/1.1 200 OK', 'content-length: 12', 'keep-alive: timeout=5'], 12, true],
    ['an old version', ['HTTP/1.0 200 OK', 'content-length: 12'], 12, false],
    ['an old version that stays', ['HTTP/1.0 200 OK', 'content-length: 12', 'connection: keep-alive'], 12, true],
    ['two that do not agree', ['HTTP/1.1 200 OK', 'content-length: 12', 'transfer-encoding: chunked'], 'chunked', false],
  ] as const)('with %s says how its body ends', (_name, lines, body, isKept) => {
    expect(read(...lines)).toMatchObject({ body, isKept });
  });

  it.each([
    ['another protocol', ['SSH-2.0-OpenSSH']],
    ['HTTP/2', ['HTTP/2 200 OK']],
    ['no status', ['HTTP/1.1 OK']],
    ['a folded line', ['HTTP/1.1 200 OK', 'a: b', ' c']],
    ['a space before the colon', ['HTTP/1.1 200 OK', 'content-length : 1']],
    ['a header without a name', ['HTTP/1.1 200 OK', ': b']],
    ['two lengths', ['HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 2']],
    ['a length that is none', ['HTTP/1.1 200 OK', 'content-length: -1']],
    ['a coding that was not asked for', ['HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked']],
    ['a value that no header has', ['HTTP/1.1 200 OK', 'a: \0']],
  ])('with %s is refused', (_name, lines) => {
    expect(() => read(...lines)).toThrow();
  });
});
