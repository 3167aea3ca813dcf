import { expect, it } from 'vitest';
import { ChatConverter } from '../../src/providers/chat.ts';
import type { StreamPart } from '../../src/providers/port.ts';

const event = (content: string, { head = '{"id":"a"', tail = '"finish_reason":null}]}' } = {}) =>
  `${head},"choices":[{"index":0,"delta":{"content":${content}},${tail}`;
const plain = (text: string) => event(JSON.stringify(text));

/** What a converter says that has seen these events; an error is its code. */
function said(events: readonly string[]): (StreamPart | null | string)[] {
  const converter = new ChatConverter('vendor', []);
  return events.map((data) => {
    try {
      return converter.take({ name: null, data });
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
}

// Each is a beginning that teaches the converter a form, and an event that is like it, or only looks like it.
it.each<[string, string, string]>([
  ['the same but for its text', plain('one'), plain('two')],
  ['text beyond ASCII', plain('one'), plain('山田 👩‍💻')],
  ['no text', plain('one'), plain('')],
  ['an escape', plain('one'), plain('"quoted"\n\\')],
  ['an escape in the one before', plain('"'), plain('two')],
  ['an escaped half of a character', plain('one'), event('"\\ud83d"')],
  ['a raw line end', plain('one'), event('"a\nb"')],
  ['a raw control character beyond those that JSON forbids', plain('one'), event('"a\u0085b"')],
  ['a second field in place of the end of the text', plain('one'), event('"two","role":"assistant"')],
  ['an error instead', plain('one'), '{"error":{"message":"busy","type":"server_error"}}'],
  ['no JSON', plain('one'), plain('two').slice(0, -1)],
  ['another end', plain('one'), event('"two"', { tail: '"finish_reason":"stop"}]}' })],
  [
    'a content elsewhere',
    event('"one"', { head: '{"note":{"content":"one"}' }),
    event('"one"', { head: '{"note":{"content":"two"}' }),
  ],
  [
    'the word content inside a text',
    event('"one"', { head: '{"note":"\\"content\\":\\"one\\""' }),
    event('"two"', { head: '{"note":"\\"content\\":\\"one\\""' }),
  ],
  ['spaces around its colon', event(' "one"'), event(' "two"')],
])('takes an event with %s for what it is', (_name, first, second) => {
  expect(said([first, second])[1]).toEqual(said([second])[0]);
  expect(said([first, first, second, first, second]).slice(2, 4)).toEqual([said([second])[0], said([first])[0]]);
});

it('still knows the finish that comes after events alike', () => {
  const converter = new ChatConverter('vendor', []);
  for (const text of ['a', 'b', 'c']) converter.take({ name: null, data: plain(text) });
  converter.take({ name: null, data: '{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}' });

  expect(converter.end()).toMatchObject({ type: 'finish', reason: 'LENGTH' });
});
