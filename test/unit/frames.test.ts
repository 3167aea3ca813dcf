import type { Writable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { FrameStream, textFrameOf } from '../../src/graphql/frames.ts';
import { ResultStream } from '../../src/graphql/results.ts';
import type { Pending } from '../../src/kernel/pollable.ts';

// Its types leave it out.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

const done = { done: true, value: undefined } as const;

/** A subscription that has what a test gives it: results at hand, then what has to be asked for. */
function scripted() {
  const atHand: ExecutionResult[] = [];
  const asked: (() => Promise<IteratorResult<ExecutionResult>>)[] = [];
  let wake = (): void => undefined;
  const polled = {
    poll: (): ExecutionResult | Pending => atHand.shift() ?? (asked.length > 0 ? 'ask' : 'later'),
    whenReady: (call: () => void) => (wake = call),
  };
  const source = { next: () => asked.shift()?.() ?? new Promise<never>(() => undefined), return: () => Promise.resolve(done) };
  const ended: string[] = [];
  const results = new ResultStream(source, polled, {
    show: (result) => result,
    fail: (error) => error as Error,
    cursor: () => null,
    onMessage: null,
    opening: null,
    onEnd: () => ended.push('ended'),
  });
  return {
    results,
    ended,
    push(number: number): void {
      atHand.push({ data: { number } });
      wake();
    },
    ask(next: () => Promise<IteratorResult<ExecutionResult>>): void {
      asked.push(next);
      wake();
    },
  };
}

/** A socket that takes so many frames before it wants no more. */
function outletFor(room: number) {
  const frames: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    frames,
    send: (frame: string, onRoom: () => void) => {
      if (frames.push(frame) < room) return true;
      waiting.push(onRoom);
      return false;
    },
    drain(more: number) {
      room += more;
      for (const onRoom of waiting.splice(0)) onRoom();
    },
  };
}

const frame = (number: number) => `{"id":"a\\"b","type":"next","payload":{"data":{"number":${number}}}}`;

describe('a subscription over a socket', () => {
  it('writes results that are at hand as frames, whenever they come, and gives the rest to graphql-ws', async () => {
    const { results, push, ask } = scripted();
    const outlet = outletFor(Infinity);
    const stream = new FrameStream('a"b', results, outlet);
    push(1);
    expect(outlet.frames).toEqual([]);
    const first = stream.next();
    push(2);
    ask(() => Promise.resolve({ done: false, value: { data: { number: 3 } } }));
    push(4);

    expect(outlet.frames).toEqual([frame(1), frame(2)]);
    await expect(first).resolves.toEqual({ done: false, value: { data: { number: 3 } } });
    const second = stream.next();
    expect(outlet.frames).toEqual([frame(1), frame(2), frame(4)]);
    ask(() => Promise.resolve(done));
    await expect(second).resolves.toEqual(done);
  });

  it('holds one result for a socket that takes nothing, and goes on when it does', () => {
    const { results, push } = scripted();
    const outlet = outletFor(1);
    const stream = new FrameStream('a"b', results, outlet);
    void stream.next();
    for (const number of [1, 2, 3, 4]) push(number);
    expect(outlet.frames).toEqual([frame(1)]);

    outlet.drain(2);
    expect(outlet.frames).toEqual([frame(1), frame(2), frame(3)]);
  });

  it('ends at once when its reader leaves, even while the socket takes nothing', async () => {
    const { results, ended, push } = scripted();
    const outlet = outletFor(1);
    const stream = new FrameStream('a"b', results, outlet);
    const waiting = stream.next();
    push(1);
    await stream.return();

    await expect(waiting).resolves.toEqual(done);
    expect(ended).toEqual(['ended']);
    push(2);
    outlet.drain(5);
    expect(outlet.frames).toEqual([frame(1)]);
  });

  it('tells its reader why somebody else ended it, after what was sent, and takes nothing more from its source', async () => {
    const { results, ended, push } = scripted();
    const outlet = outletFor(Infinity);
    const stream = new FrameStream('a"b', results, outlet);
    const waiting = stream.next();
    push(1);
    results.refuse(new Error('revoked'));
    push(2);

    await expect(waiting).rejects.toThrow('revoked');
    expect(outlet.frames).toEqual([frame(1)]);
    expect(ended).toEqual(['ended']);
    await expect(stream.next()).resolves.toEqual(done);
  });

  it('keeps the reason for a reader that does not wait, or whose socket takes nothing', async () => {
    const { results, ended, push } = scripted();
    const outlet = outletFor(1);
    const stream = new FrameStream('a"b', results, outlet);
    const waiting = stream.next();
    push(1);
    results.refuse(new Error('revoked'));
    results.refuse(new Error('again'));
    expect(ended).toEqual(['ended']);
    outlet.drain(5);
    await expect(waiting).rejects.toThrow('revoked');

    const idle = scripted();
    idle.results.refuse(new Error('revoked'));
    await expect(idle.results.next()).rejects.toThrow('revoked');
    await expect(idle.results.next()).resolves.toEqual(done);
  });

  it('tells a reader that has its last result, and one that waits for a result still to come', async () => {
    const { results, ask } = scripted();
    ask(() => Promise.resolve({ done: false, value: { data: { number: 1 } } }));
    await results.next();
    const late = Promise.withResolvers<IteratorResult<ExecutionResult>>();
    ask(() => late.promise);
    const waiting = results.next();
    results.refuse(new Error('revoked'));
    late.resolve({ done: false, value: { data: { number: 2 } } });
    await expect(waiting).rejects.toThrow('revoked');
    await expect(results.next()).resolves.toEqual(done);
  });

  it('throws what the subscription throws', async () => {
    const { results, ask, ended } = scripted();
    const stream = new FrameStream('a"b', results, outletFor(Infinity));
    const waiting = stream.next();
    ask(() => Promise.reject(new Error('broken')));

    await expect(waiting).rejects.toThrow('broken');
    expect(ended).toEqual(['ended']);
  });
});

it.each([0, 125, 126, 65_535, 65_536, 200_000])('makes a frame of %i bytes that other ends can read', (length) => {
  const text = length < 3 ? 'x'.repeat(length) : `山${'x'.repeat(length - 3)}`;
  const read: string[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on('message', (message: Buffer) => read.push(message.toString()));
  receiver.write(textFrameOf(text));

  expect(read).toEqual([text]);
});
