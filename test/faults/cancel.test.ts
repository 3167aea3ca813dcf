import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopwatch } from '../harness/stopwatch.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider, type Call } from '../harness/mock-provider.ts';
import { startProcess } from '../harness/process.ts';
import { openSeed, type Seed } from '../harness/seed.ts';
import { gated, mockEnv, tale, tellTales } from '../harness/tales.ts';

const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { generation { id status } errors { code } } }';
const look =
  'query ($id: ID!) { generation(id: $id) { status text cursor failure { code } attempts { number reason endedBy } } }';

interface Looked {
  readonly generation: {
    readonly status: string;
    readonly text: string;
    readonly attempts: readonly { reason: string | null; endedBy: string }[];
  };
}

/** How long after now the call's socket was closed by us. */
async function closedAfter(call: Call | undefined): Promise<number> {
  const elapsed = stopwatch();
  expect(await call?.over).toBe('closed by client');
  return elapsed();
}

describe('cancel', () => {
  let mock: MockProvider;
  let owner: TestApp;
  let other: TestApp;
  let seed: Seed;

  beforeAll(async () => {
    mock = await MockProvider.open();
    owner = await openTestApp({ env: mockEnv(mock) });
    other = await openTestApp({ env: mockEnv(mock), database: owner.database });
    seed = await openSeed(owner);
  });
  afterAll(async () => {
    await seed.close();
    await other.stop();
    await owner.stop();
    await mock.close();
  });
  beforeEach(() => mock.reset());

  it('from another process closes the socket of the provider within a second and keeps the text', async () => {
    const { pieces } = gated(tale(1), []);
    mock.script({ pieces });
    const id = await startGeneration(owner);
    await using reader = readGeneration({ urls: [other.url], key: owner.key, id });
    await reader.atLeast(tale(1).join('').length);

    const after = closedAfter(mock.calls[0]);
    await other.ask(cancel, { id });

    expect(await after).toBeLessThan(1_000);
    expect(await reader.ended).toMatchObject({ status: 'CANCELLED', text: tale(1).join(''), failure: null });
    expect(reader.text).toBe(tale(1).join(''));
    expect(reader.story()).toBe('started delta finished');
  });

  it('is seen without its hint', async () => {
    const { pieces } = gated(tale(1), []);
    mock.script({ pieces });
    const id = await startGeneration(owner);
    await using reader = readGeneration({ urls: [owner.url], key: owner.key, id });
    await reader.atLeast(1);

    const after = closedAfter(mock.calls[0]);
    await owner.sql`update generations set cancel_requested_at = now() where status = 'RUNNING'`;

    expect(await after).toBeLessThan(1_000);
    expect(await reader.ended).toMatchObject({ status: 'CANCELLED' });
  });

  it('before the first token leaves an empty text', async () => {
    mock.script({ firstMs: 60_000 });
    const id = await startGeneration(owner);
    const call = await eventually(() => mock.calls[0]);
    await using reader = readGeneration({ urls: [other.url], key: owner.key, id });
    const after = closedAfter(call);
    await other.ask(cancel, { id });
    expect(await after).toBeLessThan(1_000);
    expect(await reader.ended).toMatchObject({ status: 'CANCELLED', text: '', failure: null });
  });

  it('of one that has ended changes nothing', async () => {
    const id = await startGeneration(owner);
    await using reader = readGeneration({ urls: [owner.url], key: owner.key, id });
    const { text } = await reader.ended;
    const { generationCancel } = await other.ask<{ generationCancel: unknown }>(cancel, { id });
    expect(generationCancel).toEqual({ generation: { id, status: 'SUCCEEDED' }, errors: [] });
    expect((await owner.ask<Looked>(look, { id })).generation).toMatchObject({ status: 'SUCCEEDED', text });
  });

  it('by another tenant does nothing at all', async () => {
    const gate = gated(tale(1), tale(2));
    mock.script({ pieces: gate.pieces });
    const id = await startGeneration(owner);
    await using reader = readGeneration({ urls: [owner.url], key: owner.key, id });
    await reader.atLeast(1);
    const stranger = await seed.tenant();
    const answer = await stranger.ask<{ generationCancel: unknown }>(cancel, { id });
    expect(answer.generationCancel).toEqual({ generation: null, errors: [{ code: 'NOT_FOUND' }] });
    gate.open();
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: [...tale(1), ...tale(2)].join('') });
  });

  it('is nothing that a client does by going away', async () => {
    const gate = gated(tale(1), tale(2));
    mock.script({ pieces: gate.pieces });
    const id = await startGeneration(owner);
    const readers = [owner, other].map(({ url }) => readGeneration({ urls: [url], key: owner.key, id }));
    await Promise.all(readers.map((reader) => reader.atLeast(1)));
    await Promise.all(readers.map((reader) => reader.close()));
    // Past every poll and hint.
    expect(await Promise.race([mock.calls[0]?.over, pause(1_200)])).toBeUndefined();
    gate.open();
    const { generation } = await eventually(async () => {
      const looked = await owner.ask<Looked>(look, { id });
      return looked.generation.status !== 'RUNNING' && looked;
    });
    expect(generation).toMatchObject({ status: 'SUCCEEDED', text: [...tale(1), ...tale(2)].join('') });
  });

  it('of one whose process was just killed is done by another', async () => {
    const text = tellTales(mock, 20, 400);
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '2000' };
    await using doomed = await startProcess({ database: owner.database, env });
    const id = await startGeneration(doomed);
    await using reader = readGeneration({ urls: [other.url], key: owner.key, id });
    await reader.atLeast(50);
    doomed.signal('SIGKILL');
    await doomed.exited;

    await other.ask(cancel, { id });

    const ended = await reader.ended;
    expect(ended).toMatchObject({ status: 'CANCELLED', failure: null });
    expect(reader.text).toBe(ended.text);
    expect(text(1).startsWith(ended.text)).toBe(true);
    expect(ended.text).not.toBe('');
    expect(mock.calls).toHaveLength(1);
    expect(ended.attempts.map(({ reason, endedBy }) => [reason, endedBy])).toEqual([[null, 'TAKEN_OVER']]);
  });
});
