import { describe, expect, it } from 'vitest';
import type { PollableIterator } from '../../src/kernel/pollable.ts';
import { withDeadlines } from '../../src/providers/deadlines.ts';
import type { StreamPart } from '../../src/providers/port.ts';
import { codeOf, outcomeOf } from '../harness/providers.ts';

const never = new Promise<never>(() => undefined);
const text = (value: string): StreamPart => ({ type: 'text', text: value });
const finish: StreamPart = { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } };

/** A stream that gives these parts and then, maybe, never answers again; it remembers the signal it was given. */
function scripted(parts: readonly StreamPart[], { hangs = false } = {}) {
  const seen: { signal: AbortSignal | null } = { signal: null };
  async function* open(signal: AbortSignal): AsyncGenerator<StreamPart> {
    seen.signal = signal;
    yield* parts;
    if (hangs) await never;
  }
  return { open, seen };
}

const calm = { firstTokenMs: 60_000, idleMs: 60_000, totalMs: 60_000 };
const forever = new AbortController().signal;

describe('withDeadlines', () => {
  it('passes a stream in time on as it is', async () => {
    const { open } = scripted([text('a'), text('b'), finish]);

    await expect(outcomeOf(withDeadlines(open, { ...calm, signal: forever }))).resolves.toMatchObject({
      parts: [text('a'), text('b'), finish],
      error: null,
    });
  });

  it.each([
    ['the first part is late', [], { firstTokenMs: 15 }, 'no first token within 15 ms'],
    ['the next part is late', [text('a')], { idleMs: 15 }, 'no next token within 15 ms'],
    ['the end is late', [text('a')], { totalMs: 15 }, 'no end within 15 ms'],
  ])('throws TIMEOUT when %s, and aborts a stream that never answers again', async (_name, parts, change, message) => {
    const { open, seen } = scripted(parts, { hangs: true });

    const outcome = await outcomeOf(withDeadlines(open, { ...calm, ...change, signal: forever }));

    expect(outcome.parts).toEqual(parts);
    expect(outcome.error).toMatchObject({ name: 'ProviderError', code: 'TIMEOUT', retryable: true, message });
    expect(seen.signal?.aborted).toBe(true);
  });

  it('does not count the time in which nobody asks', async () => {
    const { open } = scripted([text('a'), text('b'), finish]);
    const stream = withDeadlines(open, { ...calm, idleMs: 10, signal: forever })[Symbol.asyncIterator]();
    await stream.next();
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 40);
    await promise;

    await expect(stream.next()).resolves.toMatchObject({ value: text('b') });
    await stream.return?.(undefined);
  });

  describe('polled', () => {
    /** A stream that has its first part at once and others when it is given them. */
    function pushed() {
      const parts: StreamPart[] = [];
      let wake = (): void => undefined;
      const stream: PollableIterator<StreamPart> = {
        next: () => Promise.resolve({ done: false, value: text('first') }),
        poll: () => parts.shift() ?? 'later',
        whenReady: (call) => (wake = call),
        return: () => Promise.resolve({ done: true, value: undefined }),
        [Symbol.asyncIterator]: () => stream,
      };
      const push = (part: StreamPart): void => {
        parts.push(part);
        wake();
      };
      return { open: () => stream, push };
    }

    it('gives what is at hand without a promise, calls back for more and ends with the finish', async () => {
      const { open, push } = pushed();
      const stream = withDeadlines(open, { ...calm, signal: forever });
      expect(stream.poll()).toBe('ask');
      await stream.next();
      expect(stream.poll()).toBe('later');

      const seen: unknown[] = [];
      stream.whenReady(() => seen.push(stream.poll()));
      push(text('a'));
      push(finish);

      expect(seen).toEqual([text('a'), finish]);
      expect(stream.poll()).toBe('ask');
      await expect(stream.next()).resolves.toEqual({ done: true, value: undefined });
    });

    it('calls back when a part is late, for a TIMEOUT that is asked for', async () => {
      const { open } = pushed();
      const stream = withDeadlines(open, { ...calm, idleMs: 15, signal: forever });
      await stream.next();
      expect(stream.poll()).toBe('later');
      await new Promise<void>((resolve) => stream.whenReady(resolve));

      expect(stream.poll()).toBe('ask');
      await expect(stream.next()).rejects.toMatchObject({ code: 'TIMEOUT', message: 'no next token within 15 ms' });
    });

    it('does not count the time after a part was given', async () => {
      const { open, push } = pushed();
      const stream = withDeadlines(open, { ...calm, idleMs: 10, signal: forever });
      await stream.next();
      push(text('a'));
      expect(stream.poll()).toEqual(text('a'));
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, 40);
      await promise;
      push(text('b'));

      expect(stream.poll()).toEqual(text('b'));
      await stream.return?.();
    });

    it('calls back when its caller aborts', async () => {
      const { open } = pushed();
      const controller = new AbortController();
      const stream = withDeadlines(open, { ...calm, signal: controller.signal });
      await stream.next();
      expect(stream.poll()).toBe('later');
      let calls = 0;
      stream.whenReady(() => calls++);
      controller.abort(new Error('enough'));

      expect(calls).toBe(1);
      expect(stream.poll()).toBe('ask');
      await expect(stream.next()).rejects.toThrow('enough');
    });
  });

  it('measures on the clock it is given', async () => {
    let now = 0;
    const clock = { now: () => new Date(now), monotonic: () => now };
    const { open } = scripted([text('a'), text('b'), finish]);
    const stream = withDeadlines(open, { ...calm, totalMs: 1_000, clock, signal: forever })[Symbol.asyncIterator]();
    await stream.next();
    now = 999;
    await expect(stream.next()).resolves.toMatchObject({ value: text('b') });
    await stream.return?.(undefined);
  });

  it('throws the reason of an abort at once, also to a stream that never answers', async () => {
    const { open, seen } = scripted([text('a')], { hangs: true });
    const controller = new AbortController();
    const reading = outcomeOf(withDeadlines(open, { ...calm, signal: controller.signal }));
    await expect.poll(() => seen.signal).not.toBeNull();
    controller.abort(new Error('enough'));

    expect(codeOf(await reading)).toBe('enough');
    expect(seen.signal?.reason).toEqual(new Error('enough'));
  });

  it('aborts the call of a reader that is away when the abort comes', async () => {
    const { open, seen } = scripted([text('a'), text('b')], { hangs: true });
    const controller = new AbortController();
    const stream = withDeadlines(open, { ...calm, signal: controller.signal })[Symbol.asyncIterator]();
    await stream.next();
    controller.abort(new Error('enough'));

    expect(seen.signal?.aborted).toBe(true);
    await expect(stream.next()).rejects.toThrow('enough');
  });

  it('aborts the call when its reader leaves', async () => {
    const { open, seen } = scripted([text('a')], { hangs: true });
    for await (const _part of withDeadlines(open, { ...calm, signal: forever })) break;

    expect(seen.signal?.aborted).toBe(true);
  });

  it('passes a failure of the stream on', async () => {
    async function* failing(): AsyncGenerator<StreamPart> {
      yield text('a');
      throw new Error('broken');
    }

    await expect(outcomeOf(withDeadlines(failing, { ...calm, signal: forever }))).resolves.toMatchObject({
      text: 'a',
      error: { message: 'broken' },
    });
  });
});
