import postgres from 'postgres';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { budgetsOf, setBudget } from '../harness/budgets.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider, mockUsage } from '../harness/mock-provider.ts';
import { startFleet, type Fleet, type RunningProcess } from '../harness/process.ts';
import { mockEnv, tellNoEnd, tellTales } from '../harness/tales.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 90_000 });

type Pair = [RunningProcess, RunningProcess];

const used = (mockUsage.input ?? 0) + (mockUsage.output ?? 0);
let mock: MockProvider;
let fleet: Fleet;

afterEach(async () => {
  await fleet[Symbol.asyncDispose]();
  await mock[Symbol.asyncDispose]();
});

async function openPair(): Promise<Pair> {
  mock = await MockProvider.open();
  tellTales(mock);
  const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
  fleet = await startFleet(env, env);
  return fleet.processes as Pair;
}

/** A letter under way under a budget of tokens, and what is reserved for its call. */
async function underWay({ writer, most }: { readonly writer: RunningProcess; readonly most?: (need: number) => number }) {
  await setBudget(writer, { unit: 'TOKENS', most: 1_000_000 });
  const id = await startGeneration(writer);
  const [budget] = await budgetsOf(writer);
  const need = budget?.outstanding ?? 0;
  if (most) await setBudget(writer, { unit: 'TOKENS', most: most(need) });
  return { id, need };
}

const standing = async (process: RunningProcess) =>
  (await budgetsOf(process)).map(({ settled, outstanding }) => ({ settled, outstanding }));

describe('what a lost process had reserved', () => {
  it('counts whole, since nobody knows what it used, and who takes over reserves its own', async () => {
    const [writer, other] = await openPair();
    tellNoEnd(mock);
    const { id, need } = await underWay({ writer });
    expect(need).toBeGreaterThan(used);
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await reader.atLeast(50);

    writer.signal('SIGKILL');

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(await standing(other)).toEqual([{ settled: need + used, outstanding: 0 }]);
  });

  it('is all that there was: nobody is called again where that does not fit', async () => {
    const [writer, other] = await openPair();
    tellNoEnd(mock);
    const { id, need } = await underWay({ writer, most: (each) => 2 * each - 1 });
    await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
    await reader.atLeast(50);

    writer.signal('SIGKILL');

    expect(await reader.ended).toMatchObject({ status: 'FAILED', failure: { code: 'BUDGET_EXCEEDED' } });
    expect(mock.calls).toHaveLength(1);
    expect(await standing(other)).toEqual([{ settled: need, outstanding: 0 }]);
  });
});

describe('two processes', () => {
  it('admit exactly those that fit, and tell once that the soft limit is reached', async () => {
    const [one, two] = await openPair();
    mock.always(() => ({}));
    const heard: string[] = [];
    const listener = postgres(fleet.database.url, { max: 1 });
    await listener.listen('draftwire', (payload) => heard.push(payload));
    try {
      const { id } = await setBudget(one, { most: 9, softAt: 0.5 });
      const starts = await Promise.allSettled(
        Array.from({ length: 30 }, (_, index) => startGeneration([one, two][index % 2] as RunningProcess)),
      );
      const begun = starts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      for (const generation of begun) {
        await using reader = readGeneration({ urls: [one.url], key: one.key, id: generation });
        expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED' });
      }

      expect(begun).toHaveLength(9);
      for (const each of starts) if (each.status === 'rejected') expect(String(each.reason)).toContain('BUDGET_EXCEEDED');
      const [budget] = await budgetsOf(two);
      expect(budget).toMatchObject({ settled: 9, outstanding: 0, left: 0, softReachedAt: expect.any(String) });
      await vi.waitFor(() => expect(heard.some((payload) => payload.includes('budget.softReached'))).toBe(true), 10_000);
      // Whatever else was on its way has come before this does.
      await listener`select pg_notify('draftwire', 'last')`;
      await vi.waitFor(() => expect(heard).toContain('last'), 10_000);
      const told = heard.filter((payload) => payload.includes('budget.softReached'));
      expect(told.map((payload) => (JSON.parse(payload) as { ids: string[] }).ids)).toEqual([[id]]);
    } finally {
      await listener.end();
    }
  });
});
