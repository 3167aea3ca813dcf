import { describe, expect, it } from 'vitest';
import { ChunkedDecoder } from '../../src/providers/chunked.ts';

const body = '5\r\nHello\r\nc;name=value\r\n, \r\n0\r\n\r\nwor\r\n0002 \r\nld\r\n0\r\nSum: 1\r\nOther: 2\r\n\r\n';
const text = 'Hello, \r\n0\r\n\r\nworld';

function decoded(...pieces: string[]): { text: string; isDone: boolean } {
  const decoder = new ChunkedDecoder();
  const parts = pieces.map((piece) => decoder.push(Buffer.from(piece))?.toString() ?? '');
  return { text: parts.join(''), isDone: decoder.isDone };
}

describe('a chunked body', () => {
  it('is the same wherever the network cuts it', () => {
    for (let at = 0; at <= body.length; at++) {
      expect(decoded(body.slice(0, at), body.slice(at))).toEqual({ text, isDone: true });
    }
    expect(decoded(...body.split(''))).toEqual({ text, isDone: true });
  });

  it('is not over before its last line', () => {
    expect(decoded(body.slice(0, -1))).toEqual({ text, isDone: false });
    expect(decoded('5\r\nHel')).toEqual({ text: 'Hel', isDone: false });
  });

  it('says how many chunks began in what came last', () => {
    const decoder = new ChunkedDecoder();
    decoder.push(Buffer.from('1\r\na\r\n1\r\nb\r\n2\r\nc'));
    expect(decoder.chunks).toBe(3);
    decoder.push(Buffer.from('d\r\n'));
    expect(decoder.chunks).toBe(0);
  });

  it('owns what it gives', () => {
    const bytes = Buffer.from('3\r\nabc\r\n');
    const part = new ChunkedDecoder().push(bytes);
    bytes.fill(0);
    expect(part?.toString()).toBe('abc');
  });

  it.each([
    ['a size that is none', 'x\r\n'],
    ['no size', '\r\n'],
    ['a sign', '-1\r\na\r\n'],
    ['a size beyond all bounds', `${'f'.repeat(13)}\r\n`],
    ['more bytes than the size says', '1\r\nab\r\n'],
    ['something after its end', '0\r\n\r\nHTTP/1.1 200 OK\r\n'],
    ['extensions without end', `1;${'x'.repeat(9_000)}`],
    ['trailers without end', `0\r\n${'x: y\r\n'.repeat(2_000)}`],
  ])('fails on %s', (_name, wrong) => {
    expect(() => decoded(wrong)).toThrow('not chunked');
  });
});
