import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Provider } from '../../src/providers/port.ts';
import { openTestApp } from '../harness/app.ts';
import { acknowledged, sse } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { startGeneration } from '../harness/letters.ts';

const stream =
  'subscription ($id: ID!) { generationStream(id: $id) { __typename cursor ... on GenerationDelta { offset text } } }';
const pieces = 128;
const piece = 'x'.repeat(16_384);
const megabyte = 1_024 * 1_024;

/** Writes 2 MiB as fast as it may. */
const flood: Provider = {
  id: 'mock',
  models: [{ name: 'flood', contextWindow: null, maxOutputTokens: null }],
  acceptsUnknownModels: false,
  async *stream() {
    for (let sent = 0; sent < pieces; sent++) yield { type: 'text', text: piece };
    yield { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: pieces, cachedInputTokens: 0 } };
  },
};

/** Bytes in use after everything that can be freed was freed. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('readers that take nothing', () => {
  it('cost neither memory nor the other readers anything, and are let go', { timeout: 90_000 }, async () => {
    // Long: others read 2 MiB each meanwhile, on whatever machine.
    const undrainedMs = 15_000;
    const app = await openTestApp({
      providers: [flood],
      env: { DEFAULT_MODEL: 'mock/flood' },
      connectionLimits: { undrainedMs, keepAliveMs: 60_000 },
    });
    await using _app = { [Symbol.asyncDispose]: () => app.stop() };
    const connections = async (transport: string) => {
      const text = await (await fetch(`${app.url}/metrics`)).text();
      const line = text.split('\n').find((each) => each.includes('connections') && each.includes(`"${transport}"`));
      return Number(line?.split(' ').at(-1));
    };
    const id = await startGeneration(app);
    await using first = readGeneration({ urls: [app.url], key: app.key, id });
    const { text } = await first.ended;
    expect(text).toBe(piece.repeat(pieces));
    const before = bytesInUse();

    // 90 times 2 MiB: more than any socket buffers.
    const frozen = await acknowledged(app.url, app.key);
    frozen.socket.pause();
    const frozenAt = performance.now();
    for (let operation = 0; operation < 90; operation++) {
      frozen.send({ type: 'subscribe', id: String(operation), payload: { query: stream, variables: { id } } });
    }
    const readers = [0, 1].map(() => readGeneration({ urls: [app.url], key: app.key, id }));
    await using _readers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(readers.map((reader) => reader.close()))),
    };
    for (const reader of readers) expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text });
    expect(readers.map((reader) => reader.text === text)).toEqual([true, true]);
    // Two more readers hold the text; the frozen one holds a slice an operation, not 180 MiB.
    // What is freed is not free at once: buffers are given back by another thread.
    await eventually(() => bytesInUse() - before < 80 * megabyte, 4_000, 'the memory that is not needed');

    await Promise.all([first, ...readers].map((reader) => reader.close()));
    // The others did not have to wait until it was gone.
    await eventually(async () => (await connections('websocket')) === 1);
    expect(performance.now() - frozenAt).toBeLessThan(undrainedMs);
    await eventually(async () => (await connections('websocket')) === 0, undrainedMs + 4_000, 'the end of the frozen connection');
    expect(performance.now() - frozenAt).toBeGreaterThan(undrainedMs);
    frozen.socket.resume();
    expect([1013, 1006]).toContain(await frozen.closed);
  });

  it('over SSE are cut', { timeout: 90_000 }, async () => {
    const app = await openTestApp({
      providers: [flood],
      env: { DEFAULT_MODEL: 'mock/flood' },
      connectionLimits: { undrainedMs: 1_000 },
    });
    await using _app = { [Symbol.asyncDispose]: () => app.stop() };
    const gauge = async () =>
      Number(/connections\{[^}]*"sse"[^}]*\} (\d+)/.exec(await (await fetch(`${app.url}/metrics`)).text())?.[1]);
    const id = await startGeneration(app);
    await using reader = readGeneration({ urls: [app.url], key: app.key, id });
    await reader.ended;
    // Nobody reads the body; 12 deep, or the buffers of the sockets would hold it all.
    const query = `subscription ($id: ID!) { generationStream(id: $id) { __typename cursor ${Array.from({ length: 12 }, (_, n) => `... on GenerationDelta { t${n}: text }`).join(' ')} } }`;
    const frozen = await sse(app.url, { query, variables: { id } }, { key: app.key });
    expect(frozen.status).toBe(200);
    await eventually(async () => (await gauge()) === 1);
    await eventually(async () => (await gauge()) === 0, 6_000, 'the cut');
    frozen.stop();
  });
});
