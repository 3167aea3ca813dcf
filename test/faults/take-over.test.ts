import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startProcess } from '../harness/process.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { mockEnv, tellTales } from '../harness/tales.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

describe('kill -9 of the process that writes', () => {
  it('costs its readers nothing, wherever they read', async () => {
    await using mock = await MockProvider.open();
    const text = tellTales(mock);
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    await using writer = await startProcess({ database, env });
    await using other = await startProcess({ database, env });
    const id = await startGeneration(writer);
    await using near = readGeneration({ urls: [writer.url, other.url], key: writer.key, id });
    await using far = readGeneration({ urls: [other.url], key: writer.key, id });
    await Promise.all([near.atLeast(100), far.atLeast(100)]);

    const killedAt = performance.now();
    writer.signal('SIGKILL');
    const ends = await Promise.all([near.ended, far.ended]);

    expect(near.text).toBe(text(2));
    expect(far.text).toBe(text(2));
    for (const end of ends) expect(end).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
    expect(ends[0]?.attempts.map(({ reason, endedBy }) => [reason, endedBy])).toEqual([
      [null, 'TAKEN_OVER'],
      ['TAKE_OVER', 'FINISHED'],
    ]);
    expect(near.story()).toBe('started delta restarted@0 delta finished');
    expect(far.story()).toBe('started delta restarted@0 delta finished');
    const restart = far.messages.find((message) => message.__typename === 'GenerationRestarted');
    expect((restart?.at ?? Infinity) - killedAt).toBeLessThan(3_000);
    expect(mock.calls).toHaveLength(2);
  });
});
