import { expect, it } from 'vitest';
import { ProviderError } from '../../src/providers/port.ts';
import { maxEventLength, SseSplitter, type SseEvent } from '../../src/providers/sse.ts';

const encoder = new TextEncoder();

function split(text: string, sizes: Iterable<number>): SseEvent[] {
  const bytes = encoder.encode(text);
  const splitter = new SseSplitter();
  const events: SseEvent[] = [];
  let start = 0;
  for (const size of sizes) {
    events.push(...splitter.push(bytes.subarray(start, start + size)));
    start += size;
  }
  events.push(...splitter.push(bytes.subarray(start)));
  return events;
}

const cases: { name: string; text: string; events: SseEvent[] }[] = [
  { name: 'one event', text: 'data: a\n\n', events: [{ name: null, data: 'a' }] },
  { name: 'a named event', text: 'event: ping\ndata: {}\n\n', events: [{ name: 'ping', data: '{}' }] },
  {
    name: 'lines ended by CRLF',
    text: 'event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n',
    events: [
      { name: 'x', data: 'a' },
      { name: null, data: 'b' },
    ],
  },
  {
    name: 'lines ended by CR',
    text: 'data: a\r\rdata: b\r\r',
    events: [
      { name: null, data: 'a' },
      { name: null, data: 'b' },
    ],
  },
  {
    name: 'mixed line ends',
    text: 'data: a\r\n\ndata: b\n\r\ndata: c\r\n\r',
    events: [
      { name: null, data: 'a' },
      { name: null, data: 'b' },
      { name: null, data: 'c' },
    ],
  },
  { name: 'data of several lines', text: 'data: a\ndata:\ndata: b\n\n', events: [{ name: null, data: 'a\n\nb' }] },
  { name: 'comments and unused fields', text: ': hello\nid: 7\nretry: 10\ndata: a\n:\n\n', events: [{ name: null, data: 'a' }] },
  {
    name: 'only the first space',
    text: 'data:  a\n\ndata:b\n\n',
    events: [
      { name: null, data: ' a' },
      { name: null, data: 'b' },
    ],
  },
  { name: 'a byte order mark', text: '\uFEFFdata: a\n\n', events: [{ name: null, data: 'a' }] },
  { name: 'characters of two, three and four bytes', text: 'data: é山👩‍💻\n\n', events: [{ name: null, data: 'é山👩‍💻' }] },
  { name: 'an event without data', text: 'event: x\n\ndata: a\n\n', events: [{ name: null, data: 'a' }] },
  { name: 'an unfinished event', text: 'data: a\n\ndata: b\n', events: [{ name: null, data: 'a' }] },
  { name: 'a bare data field', text: 'data\ndata\n\n', events: [{ name: null, data: '\n' }] },
];

it.each(cases)('reads $name, whole, cut at every byte, and byte by byte', ({ text, events }) => {
  const length = encoder.encode(text).length;

  expect(split(text, [])).toEqual(events);
  for (let cut = 0; cut <= length; cut++) expect(split(text, [cut]), `cut at ${cut}`).toEqual(events);
  expect(
    split(
      text,
      Array.from({ length }, () => 1),
    ),
  ).toEqual(events);
});

it('tells a page from a stream', () => {
  const page = new SseSplitter();
  page.push(encoder.encode('<!doctype html>\n<title>Bad gateway</title>\n'));
  const stream = new SseSplitter();
  stream.push(encoder.encode(': hi\nevent: x\ndata: <html>\nid: 1\n\ndata: cu'));

  expect(page.hasForeignLines).toBe(true);
  expect(stream.hasForeignLines).toBe(false);
});

it.each([
  ['one endless line', (size: number) => 'x'.repeat(size)],
  ['one line in one piece', (size: number) => `data: ${'x'.repeat(size)}\n`],
  ['many lines of one event', (size: number) => 'data: x\n'.repeat(size / 2)],
])('refuses %s above the limit', (_name, make) => {
  const bytes = encoder.encode(make(maxEventLength + 1024));
  const push = () => {
    const splitter = new SseSplitter();
    for (let start = 0; start < bytes.length; start += 65_536) splitter.push(bytes.subarray(start, start + 65_536));
  };

  expect(push).toThrow(ProviderError);
  expect(push).toThrow(expect.objectContaining({ code: 'STREAM_MALFORMED' }));
});
