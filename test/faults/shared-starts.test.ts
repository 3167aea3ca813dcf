import { describe, expect, it } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, type RunningProcess } from '../harness/process.ts';
import { gated, mockEnv, tale } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) { generationStart(input: $input) {
  generation { id cache { outcome } } errors { code message }
} }`;
const whole = 'query ($id: ID!) { generation(id: $id) { status text cache { outcome source { id } } attempts { endedBy } } }';

interface Begun {
  readonly id: string;
  readonly cache: { readonly outcome: string };
}

async function begin(process: RunningProcess): Promise<Begun> {
  const variables = await sampleVariables(process);
  const input = { template: 'cover-letter-classic', variables, cache: { mode: 'ON' } };
  const { generationStart } = await process.ask<{ generationStart: { generation: Begun | null; errors: unknown[] } }>(start, {
    input,
  });
  if (!generationStart.generation) throw new Error(JSON.stringify(generationStart.errors));
  return generationStart.generation;
}

describe('kill -9 of the process whose call others share', () => {
  it('makes another call for all of them, and only one', async () => {
    await using mock = await MockProvider.open();
    // The first call never comes to its end, however long the starts take.
    const first = gated(tale(1), []);
    mock.script({ pieces: first.pieces });
    mock.always({ pieces: tale(2) });
    const text = tale(2).join('');
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
    const leader = await begin(writer);
    // One with the leader's process, which is lost with it; two beside it.
    const followers = [await begin(writer), await begin(other), await begin(other)];
    const readers = [leader, ...followers].map(({ id }) => readGeneration({ urls: [other.url], key: writer.key, id }));
    await Promise.all(readers.map((reader) => reader.atLeast(100)));

    writer.signal('SIGKILL');

    for (const reader of readers) {
      expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text });
      expect(reader.text).toBe(text);
      await reader.close();
    }
    expect([leader, ...followers].map(({ cache }) => cache.outcome)).toEqual(['MISS', 'SHARED', 'SHARED', 'SHARED']);
    expect(mock.calls).toHaveLength(2);
    for (const { id } of followers) {
      expect(await other.ask(whole, { id })).toEqual({
        generation: { status: 'SUCCEEDED', text, cache: { outcome: 'SHARED', source: { id: leader.id } }, attempts: [] },
      });
    }
  });

  it('is nothing to a leader whose followers are lost', async () => {
    await using mock = await MockProvider.open();
    const only = gated(tale(1), ['the end.']);
    mock.script({ pieces: only.pieces });
    const text = `${tale(1).join('')}the end.`;
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using fleet = await startFleet(env, env);
    const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
    const leader = await begin(writer);
    const follower = await begin(other);
    await using near = readGeneration({ urls: [writer.url], key: writer.key, id: leader.id });
    await using far = readGeneration({ urls: [other.url, writer.url], key: writer.key, id: follower.id });
    await Promise.all([near.atLeast(50), far.atLeast(50)]);

    other.signal('SIGKILL');
    await other.exited;
    only.open();

    expect(await near.ended).toMatchObject({ status: 'SUCCEEDED', text });
    expect(near.story()).toBe('started delta finished');
    expect(await far.ended).toMatchObject({ status: 'SUCCEEDED', text, attempts: [] });
    await eventually(async () => {
      const { generation } = await writer.ask<{ generation: { cache: { outcome: string } } }>(whole, { id: follower.id });
      return generation.cache.outcome === 'SHARED';
    });
    expect(mock.calls).toHaveLength(1);
  });
});
