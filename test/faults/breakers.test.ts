import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Env } from '../../src/config.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { eventually } from '../harness/eventually.ts';
import { MockProvider, type Script } from '../harness/mock-provider.ts';
import { startWith, writeWith, type Told } from '../harness/own-keys.ts';
import { startFleet, type Fleet, type RunningProcess } from '../harness/process.ts';

/** `OUTAGE=real` measures with the times of the product, and prints what it finds: the figures in bench/RESULTS.md. */
const isReal = process.env['OUTAGE'] === 'real';
// Letters are written for many seconds, on a busy machine.
vi.setConfig({ testTimeout: isReal ? 300_000 : 90_000, hookTimeout: 60_000 });

/** In the place of half a minute, unless that is meant. */
const openMs = isReal ? 30_000 : 1_500;
/** What a provider does that is not down; it takes its time where that goes on for minutes. */
const up: Script = isReal ? { firstMs: 150 } : {};
const first = 'openai/gpt-5.6-luna';
const second = 'anthropic/claude-haiku-4-5';
const down: Script = { status: 503, raw: '{}', headers: { 'content-type': 'application/json' } };
const health = '{ providers { models { id health { state } } } }';

describe('a provider that is down, under load, for two processes', () => {
  let mock: MockProvider;
  let fleet: Fleet;
  let openai: Script;
  /** When the first provider was called. */
  let calledAt: number[];

  beforeEach(async () => {
    mock = await MockProvider.open();
    openai = up;
    calledAt = [];
    mock.always(({ path }) => {
      if (path.includes('messages')) return up;
      calledAt.push(performance.now());
      return openai;
    });
    const env: Env = {
      OPENAI_API_KEY: 'sk-a',
      OPENAI_BASE_URL: `${mock.url}/v1`,
      ANTHROPIC_API_KEY: 'sk-b',
      ANTHROPIC_BASE_URL: mock.url,
      BREAKER_OPEN_MS: String(openMs),
      GENERATION_LEASE_MS: '1000',
      DEFAULT_MODEL: first,
    };
    fleet = await startFleet(env, env);
  });
  afterEach(async () => {
    await fleet[Symbol.asyncDispose]();
    await mock.close();
  });

  /** Letters by all processes at once, one after the other, until `isOver`. */
  async function load(isOver: () => boolean): Promise<Told[]> {
    const letters: Told[] = [];
    const writers = fleet.processes.flatMap((process) => [process, process, process]);
    await Promise.all(
      writers.map(async (process) => {
        while (!isOver()) letters.push(await writeWith(process.url, process, 'auto'));
      }),
    );
    return letters;
  }
  const during = (ms: number): (() => boolean) => {
    const until = performance.now() + ms;
    return () => performance.now() > until;
  };
  const isOpen = async ({ ask }: RunningProcess) => {
    const { providers } = await ask<{ providers: { models: { id: string; health: { state: string } }[] }[] }>(health);
    return providers.flatMap(({ models }) => models).find(({ id }) => id === first)?.health.state === 'OPEN';
  };
  const lastModel = ({ attempts }: Told) => attempts.at(-1)?.model;

  it('is left alone but for one probe at a time, and used again when it is back', async () => {
    expect((await load(during(500))).map(lastModel)).not.toContain(second);

    openai = down;
    const early = await load(during(1_000));
    await eventually(async () => (await Promise.all(fleet.processes.map(isOpen))).every(Boolean), 5_000, 'the breaker');
    calledAt = [];
    const beganAt = performance.now();
    // Two minutes, in windows of half a minute.
    const letters = [...early, ...(await load(during(4 * openMs)))];
    const probedAt = calledAt;
    const probes = probedAt.length;
    const tookMs = performance.now() - beganAt;

    expect(letters.length).toBeGreaterThan(20);
    const written = letters.filter((letter) => letter.status === 'SUCCEEDED' && lastModel(letter) === second);
    expect(written.length / letters.length).toBeGreaterThanOrEqual(0.99);
    expect(probes).toBeGreaterThanOrEqual(1);
    expect(probes).toBeLessThanOrEqual(Math.floor(tookMs / openMs) + 1);
    // Each is a whole window behind the one before, whichever process made it; a tenth for the way that a call has.
    const gaps = probedAt.slice(1).map((at, index) => at - (probedAt[index] ?? 0));
    for (const [index, gap] of gaps.entries()) expect(gap, `probe ${index + 1}`).toBeGreaterThan(openMs * 0.9);

    openai = up;
    const sinceBack = stopwatch();
    const backAt = performance.now();
    const letter = await eventually(async () => {
      const [process] = fleet.processes as [RunningProcess];
      const told = await writeWith(process.url, process, 'auto');
      return lastModel(told) === first && told;
    }, openMs * 4);
    const backMs = performance.now() - backAt;
    expect(letter.status).toBe('SUCCEEDED');
    // 35 s in the place of 30 s.
    expect(sinceBack()).toBeLessThan((openMs * 35) / 30 + (isReal ? 0 : 1_000));
    const found = { letters: letters.length, written: written.length, secondsDown: tookMs / 1_000, probes, gaps, backMs };
    if (isReal) process.stdout.write(`${JSON.stringify(found)}\n`);
  });

  it.skipIf(isReal)('is asked again although the process died that had the probe', async () => {
    const [prober, other] = fleet.processes as [RunningProcess, RunningProcess];
    openai = down;
    for (let failed = 0; failed < 5; failed++) await writeWith(prober.url, prober, 'auto');
    await eventually(() => isOpen(other), 5_000, 'the breaker');

    // It never answers the probe.
    openai = { firstMs: 600_000 };
    calledAt = [];
    const probed = await eventually(async () => {
      const id = await startWith(prober, 'auto');
      return calledAt.length === 1 && id;
    });
    const sinceDied = stopwatch();
    prober.signal('SIGKILL');
    await prober.exited;
    openai = {};
    await eventually(async () => lastModel(await writeWith(other.url, other, 'auto')) === first, openMs * 4, 'the model');

    expect(sinceDied()).toBeLessThan(openMs * 3);
    const letter = await eventually(async () => {
      const { generation } = await other.ask<{ generation: { status: string } }>(
        'query ($id: ID!) { generation(id: $id) { status } }',
        {
          id: probed,
        },
      );
      return generation.status !== 'RUNNING' && generation;
    });
    expect(letter.status).toBe('SUCCEEDED');
  });
});
