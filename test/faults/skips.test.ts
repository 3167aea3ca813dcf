import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { ProviderError } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { budgetsOf, setBudget } from '../harness/budgets.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { startWith } from '../harness/own-keys.ts';
import { publishRoute } from '../harness/routes.ts';
import { Teller, type Call } from '../harness/teller.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const whole = `query ($id: ID!) { generation(id: $id) {
  status model text costMicros usage { outputTokens } failure { code } attempts { number model base reason endedBy } skipped { model reason at } } }`;
const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }';

interface Whole {
  readonly status: string;
  readonly attempts: readonly { readonly model: string }[];
  readonly skipped: readonly { readonly model: string; readonly reason: string; readonly at: string }[];
}

describe('a model without a place', () => {
  const tellers = ['first', 'second', 'third'].map((id) => new Teller(id));
  const [first, second, third] = tellers as [Teller, Teller, Teller];
  let app: TestApp;
  /** A call that has the only place of the model it is of, until its end. */
  let holders: Call[];

  beforeAll(async () => {
    app = await openTestApp({
      providers: tellers,
      env: { PROVIDER_MAX_CONCURRENT: 'first:1,second:1', PROVIDER_WAIT_MS: '50', GENERATION_LEASE_MS: '2000' },
    });
    const among = tellers.map(({ id }) => ({ model: `${id}/teller` }));
    await publishRoute(app, 'any', { route: { mode: 'fallback', among } });
    await publishRoute(app, 'twice', { route: { mode: 'fallback', among: among.slice(0, 2) } });
  });
  afterAll(() => app.stop());
  beforeEach(() => {
    holders = [];
    for (const teller of tellers) teller.calls.length = 0;
  });

  /** Takes the place of a model; `free` gives all of them back. */
  async function hold(teller: Teller): Promise<void> {
    const called = teller.nextCall();
    await startWith(app, `${teller.id}/teller`);
    holders.push(await called);
  }
  const free = () => {
    for (const holder of holders) holder.say('held').finish();
  };
  const find = async (id: string) => (await app.ask<{ generation: Whole }>(whole, { id })).generation;
  const read = (id: string) => readGeneration({ urls: [app.url], key: app.key, id });
  const noPlace = ({ id }: Teller) => ({ model: `${id}/teller`, reason: 'NO_PLACE', at: expect.stringMatching(/^20.*Z$/) });
  /** All that is stored, calls or not. */
  const stored = (id: string) =>
    app.sql<{ number: number; model: string; ended_by: string | null }>`
      select number, model, ended_by from attempts where generation_id = ${uuidOf(id)} order by number`;

  it('is no attempt: the one that is open is the next model’s', async () => {
    await hold(first);
    const called = second.nextCall();
    const id = await startWith(app, 'any');
    await using reader = read(id);
    const call = await called;
    expect(await find(id)).toMatchObject({ status: 'RUNNING', model: 'second/teller', skipped: [noPlace(first)] });
    call.say('Dear Ada.').finish();
    await reader.ended;

    expect(reader.story()).toBe('started delta finished');
    expect(reader.messages[0]).toMatchObject({ attempt: 1, model: 'second/teller' });
    expect(await find(id)).toMatchObject({
      status: 'SUCCEEDED',
      usage: { outputTokens: 20 },
      attempts: [{ number: 1, model: 'second/teller', base: 0, reason: null, endedBy: 'FINISHED' }],
      skipped: [noPlace(first)],
    });
    expect([...(await stored(id))]).toEqual([{ number: 1, model: 'second/teller', ended_by: 'FINISHED' }]);
    const list = await app.ask<{ generations: { nodes: unknown[] } }>(
      '{ generations(first: 1) { nodes { id skipped { model reason at } } } }',
    );
    expect(list.generations.nodes).toEqual([{ id, skipped: [noPlace(first)] }]);
    free();
  });

  it('may be one of several, in their order', async () => {
    await hold(first);
    await hold(second);
    const called = third.nextCall();
    const id = await startWith(app, 'any');
    (await called).say('Dear Ada.').finish();
    await using reader = read(id);
    await reader.ended;
    expect(await find(id)).toMatchObject({
      attempts: [{ number: 1, model: 'third/teller' }],
      skipped: [noPlace(first), noPlace(second)],
    });
    free();
  });

  it('behind text that stays has no part in it either, and who reads from then on hears of the next', async () => {
    await hold(second);
    const called = [first.nextCall(), third.nextCall()];
    const { generationStart } = await startContinued();
    const id = generationStart.generation.id;
    await using reader = read(id);
    const kept = 'Dear Ada. I am glad. ';
    const call = await called[0];
    call?.say(`${kept}And th`);
    await reader.atLeast(kept.length);
    call?.fail(new ProviderError('OVERLOADED', 'too much', { retryable: false }));
    const next = await called[1];
    await using late = read(id);
    next?.say('And that is all.').finish();

    const text = `${kept}And that is all.`;
    for (const each of [reader, late]) {
      expect(await each.ended).toMatchObject({ status: 'SUCCEEDED', text });
      expect(each.text).toBe(text);
    }
    expect(reader.story()).toMatch(/^started delta restarted@\d+ delta finished$/);
    expect(await find(id)).toMatchObject({
      attempts: [
        { number: 1, model: 'first/teller', base: 0, endedBy: 'FAILED' },
        { number: 3, model: 'third/teller', reason: 'PROVIDER_ERROR', endedBy: 'FINISHED' },
      ],
      skipped: [noPlace(second)],
    });
    expect((await stored(id))[1]).toEqual({ number: 2, model: 'second/teller', ended_by: 'NOT_CALLED' });
    free();
  });

  it('is waited for without a call or a cost, and cancelled so', async () => {
    await hold(first);
    await hold(second);
    const id = await startWith(app, 'twice');
    await using reader = read(id);
    await eventually(async () => (await find(id)).skipped.length > 0, 10_000, 'the first skip');
    await app.ask(cancel, { id });

    expect(await reader.ended).toMatchObject({ status: 'CANCELLED', text: '', attempts: [] });
    const { skipped, ...ended } = await find(id);
    expect(ended).toMatchObject({ costMicros: 0, usage: { outputTokens: 0 }, failure: null, attempts: [] });
    expect(skipped[0]).toEqual(noPlace(first));
    expect([first.calls.length, second.calls.length]).toEqual([1, 1]);
    free();
  });

  it('stays told when another process takes over from the next one', async () => {
    await hold(first);
    const called = second.nextCall();
    const id = await startWith(app, 'any');
    await using reader = read(id);
    const call = await called;
    const again = second.nextCall();
    // Its process is lost, as far as others can tell: it may still write, and must lose.
    await app.sql`update generations set lease_until = now() - interval '1 second', epoch = epoch + 1 where id = ${uuidOf(id)}`;
    call.say('Stale.');
    // Its place is free again once it has heard of it.
    (await again).say('Dear Ada.').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada.' });
    expect(reader.text).toBe('Dear Ada.');
    const { attempts, skipped } = await find(id);
    expect(attempts).toMatchObject([
      { number: 1, model: 'second/teller', reason: null, endedBy: 'TAKEN_OVER' },
      { number: 2, model: 'second/teller', reason: 'TAKE_OVER', endedBy: 'FINISHED' },
    ]);
    expect(skipped).toContainEqual(noPlace(first));
    free();
  });

  it('is left to who took over meanwhile', async () => {
    await hold(first);
    await hold(second);
    const called = first.nextCall();
    const id = await startWith(app, 'twice');
    await using reader = read(id);
    await eventually(async () => (await find(id)).skipped.length > 0, 10_000, 'the first skip');
    await app.sql`update generations set lease_until = now() - interval '1 second', epoch = epoch + 1 where id = ${uuidOf(id)}`;
    await eventually(async () => (await stored(id)).length > 1, 10_000, 'the take-over');
    holders[0]?.say('held').finish();
    (await called).say('Dear Ada.').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada.' });
    expect(reader.story()).toBe('started delta finished');
    const rows = await stored(id);
    expect(rows.map((row) => row.ended_by)).toEqual(['TAKEN_OVER', 'FINISHED']);
    expect((await find(id)).attempts).toMatchObject([{ number: 1 }, { number: 2, model: 'first/teller' }]);
    expect(first.calls).toHaveLength(2);
    free();
  });

  it('keeps one reservation, which the next model settles', async () => {
    await setBudget(app, { unit: 'TOKENS', most: 10_000_000 });
    const called = second.nextCall();
    await hold(first);
    const held = (await budgetsOf(app))[0]?.outstanding ?? 0;
    const id = await startWith(app, 'any');
    const call = await called;
    expect(held).toBeGreaterThan(0);
    expect(await budgetsOf(app)).toMatchObject([{ settled: 0, outstanding: 2 * held }]);
    call.say('Dear Ada.').finish();
    await using reader = read(id);
    await reader.ended;
    expect(await budgetsOf(app)).toMatchObject([{ settled: 30, outstanding: held }]);
    free();
  });

  async function startContinued() {
    const template = 'cover-letter-new-graduate';
    const variables = await sampleVariables(app, template);
    return app.ask<{ generationStart: { generation: { id: string } } }>(
      'mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } errors { code } } }',
      { input: { template, variables, model: 'any' } },
    );
  }
});
