import { setTimeout as pause } from 'node:timers/promises';
import type { MockProvider, Script } from './mock-provider.ts';

/** The text of a mock vendor's call: other words for every call, some outside the basic plane. */
export function tale(call: number, pieces = 40): string[] {
  return Array.from({ length: pieces }, (_, piece) => `${call}.${piece} ${piece % 3 === 0 ? '𝒢😀 ' : 'and '}`);
}

/** Pieces at a pace: one every `everyMs`. */
export async function* paced(pieces: readonly string[], everyMs: number): AsyncGenerator<string> {
  for (const piece of pieces) {
    await pause(everyMs);
    yield piece;
  }
}

/** Makes every call write a tale of its own, at a pace; returns the text of the call that is `call`th, counted from 1. */
export function tellTales(mock: MockProvider, everyMs = 25, pieces = 40): (call: number) => string {
  mock.always(() => ({ pieces: paced(tale(mock.calls.length, pieces), everyMs) }) satisfies Script);
  return (call) => tale(call, pieces).join('');
}

/** What makes a process write with the mock: its only vendor, under a model's name. */
export function mockEnv(mock: MockProvider): { OPENAI_BASE_URL: string; OPENAI_API_KEY: string; DEFAULT_MODEL: string } {
  return { OPENAI_BASE_URL: `${mock.url}/v1`, OPENAI_API_KEY: 'sk-test', DEFAULT_MODEL: 'openai/teller' };
}

/** A gate in a text: pieces before it come at once, those behind it when it is opened. */
export function gated(before: readonly string[], behind: readonly string[]): { pieces: AsyncIterable<string>; open(): void } {
  const gate = Promise.withResolvers<void>();
  return {
    open: gate.resolve,
    pieces: (async function* () {
      yield* before;
      await gate.promise;
      yield* behind;
    })(),
  };
}

/** Makes the next call begin its tale, 30 pieces of it, and not end: whoever writes it is still at it when it is killed, on the slowest machine. */
export function tellNoEnd(mock: MockProvider): void {
  mock.script({ pieces: gated(tale(mock.calls.length + 1).slice(0, 30), []).pieces });
}
