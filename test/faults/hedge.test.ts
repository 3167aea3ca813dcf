import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ProviderError } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { soon } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { publishRoute } from '../harness/routes.ts';
import { Teller, type Call } from '../harness/teller.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message } }
}`;
const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { generation { status } errors { code } } }';
const attemptsOf = `query ($id: ID!) { generation(id: $id) { model attempts {
  number model base reason startedAt endedAt endedBy failureCode } } }`;

interface Attempt {
  readonly number: number;
  readonly model: string;
  readonly base: number;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly endedBy: string | null;
  readonly failureCode: string | null;
}

const overloaded = () => new ProviderError('OVERLOADED', 'too much', { retryable: true });

/** Ends that say nothing of numbers and times. */
const told = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, reason, endedBy, failureCode }) => [model, reason, endedBy, failureCode]);

describe('a second model beside a late first one', () => {
  const hedgeAfterMs = 100;
  const tellers = ['first', 'second', 'third'].map((id) => new Teller(id));
  const [first, second, third] = tellers as [Teller, Teller, Teller];
  let app: TestApp;

  beforeAll(async () => {
    app = await openTestApp({ providers: tellers });
    const among = tellers.map(({ id }) => ({ model: `${id}/teller` }));
    await publishRoute(app, 'hedged', { route: { mode: 'fallback', among }, hedgeAfterMs });
    await publishRoute(app, 'patient', { route: { mode: 'fallback', among }, hedgeAfterMs: 30_000 });
  });
  afterAll(() => app.stop());

  /** Starts one by a route; the first model has been called. */
  async function begin(route = 'hedged', template = 'cover-letter-classic') {
    for (const teller of tellers) teller.calls.length = 0;
    const called = first.nextCall();
    const variables = await sampleVariables(app, template);
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template, variables, model: route },
    });
    const { id } = generationStart.generation;
    return { id, call: await called, reader: readGeneration({ urls: [app.url], key: app.key, id }) };
  }

  const attempts = async (id: string) =>
    (await app.ask<{ generation: { attempts: Attempt[] } }>(attemptsOf, { id })).generation.attempts;
  const wasAborted = ({ signal }: Call) => signal.aborted;

  it('wins when it has text first; the first one is ended before a reader has a word', async () => {
    const rival = second.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    const other = await rival;
    expect(wasAborted(call)).toBe(false);
    other.say('Dear Ada');
    await reader.atLeast(8);
    expect(wasAborted(call)).toBe(true);
    other.say(', yours.').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada, yours.' });
    expect(reader.story()).toBe('started delta finished');
    const made = await attempts(id);
    expect(told(made)).toEqual([
      ['first/teller', null, 'OUTRUN', null],
      ['second/teller', 'HEDGE', 'FINISHED', null],
    ]);
    const [behind, ahead] = made as [Attempt, Attempt];
    expect(Date.parse(ahead.startedAt) - Date.parse(behind.startedAt)).toBeGreaterThanOrEqual(hedgeAfterMs - 10);
    expect(behind.endedAt).not.toBeNull();
    expect(third.calls).toHaveLength(0);
  });

  it('loses when the first one has text first, and is on record all the same', async () => {
    const rival = second.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    const other = await rival;
    call.say('Dear Ada');
    await reader.atLeast(8);
    expect(wasAborted(other)).toBe(true);
    expect(wasAborted(call)).toBe(false);
    call.finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada' });
    const made = await attempts(id);
    expect(told(made)).toEqual([
      ['second/teller', null, 'OUTRUN', null],
      ['first/teller', 'HEDGE', 'FINISHED', null],
    ]);
    const [behind, ahead] = made as [Attempt, Attempt];
    expect(Date.parse(ahead.startedAt)).toBeLessThan(Date.parse(behind.startedAt));
  });

  it('goes on alone when the first one fails, and the next is asked when it fails too', async () => {
    const rival = second.nextCall();
    const last = third.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    const other = await rival;
    call.fail(overloaded());
    other.fail(overloaded());
    (await last).say('Dear Ada').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada' });
    expect(reader.story()).toBe('started delta finished');
    expect(told(await attempts(id))).toEqual([
      ['first/teller', null, 'FAILED', 'OVERLOADED'],
      ['second/teller', 'HEDGE', 'FAILED', 'OVERLOADED'],
      ['third/teller', 'PROVIDER_ERROR', 'FINISHED', null],
    ]);
  });

  it('may fail, and the first one goes on', async () => {
    const rival = second.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    (await rival).fail(overloaded());
    call.say('Dear Ada').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada' });
    const [behind, ahead] = told(await attempts(id));
    // Which of the two was first is a matter of turns; the text is the first one's.
    expect(behind?.slice(0, 2)).toEqual(['second/teller', null]);
    expect(ahead).toEqual(['first/teller', 'HEDGE', 'FINISHED', null]);
  });

  it('goes on from the same text as the one it is asked beside', async () => {
    const kept = 'Dear Ada. I am glad. ';
    const continuing = second.nextCall();
    const rival = third.nextCall();
    const { id, call, reader } = await begin('hedged', 'cover-letter-new-graduate');
    await using _reader = reader;
    call.say(`${kept}And`);
    await reader.atLeast(kept.length + 3);
    call.fail(overloaded());
    const slow = await continuing;
    const other = await rival;
    for (const { request } of [slow, other]) expect(request.messages.at(-1)?.content).toContain(`\n${kept}\n`);
    // Nothing is taken from the reader before there is something in its place.
    expect(reader.text).toBe(`${kept}And`);
    other.say('Yours, Bo').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: `${kept}Yours, Bo` });
    expect(reader.story()).toBe(`started delta restarted@${kept.length} delta finished`);
    expect(wasAborted(slow)).toBe(true);
    const made = await attempts(id);
    expect(told(made)).toEqual([
      ['first/teller', null, 'FAILED', 'OVERLOADED'],
      ['second/teller', 'PROVIDER_ERROR', 'OUTRUN', null],
      ['third/teller', 'HEDGE', 'FINISHED', null],
    ]);
    expect(made.map(({ base }) => base)).toEqual([0, kept.length, kept.length]);
  });

  it('is ended like the first one by a cancellation', async () => {
    const rival = second.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    const other = await rival;
    await app.ask(cancel, { id });

    expect(await reader.ended).toMatchObject({ status: 'CANCELLED', text: '' });
    await Promise.all([call.aborted, other.aborted]);
    expect(told(await attempts(id))).toEqual([
      ['second/teller', null, 'CANCELLED', null],
      ['first/teller', 'HEDGE', 'CANCELLED', null],
    ]);
    expect(third.calls).toHaveLength(0);
    const { generation } = await app.ask<{ generation: { attempts: { estimate: object | null }[] } }>(
      'query ($id: ID!) { generation(id: $id) { attempts { estimate { outputTokens } } } }',
      { id },
    );
    expect(generation.attempts).toEqual([{ estimate: { outputTokens: 0 } }, { estimate: { outputTokens: 0 } }]);
  });

  it('has an estimate on record of what it used where it lost, which no sum counts', async () => {
    const rival = second.nextCall();
    const { id, call, reader } = await begin();
    await using _reader = reader;
    await rival;
    call.say('Dear Ada').finish();
    await reader.ended;

    const { generation } = await app.ask<{ generation: Record<string, unknown> }>(
      `query ($id: ID!) { generation(id: $id) { costMicros usage { inputTokens }
        attempts { endedBy costMicros usage { inputTokens } estimate { inputTokens outputTokens costMicros } } } }`,
      { id },
    );
    const sent = (call.request.messages.map(({ content }) => content).join('').length / 4) | 0;
    const estimate = { inputTokens: expect.toSatisfy((tokens: number) => tokens > sent), outputTokens: 0, costMicros: null };
    expect(generation).toEqual({
      costMicros: null,
      usage: null,
      attempts: [
        { endedBy: 'OUTRUN', costMicros: null, usage: null, estimate },
        { endedBy: 'FINISHED', costMicros: null, usage: { inputTokens: 10 }, estimate: null },
      ],
    });
  });

  it('is not asked when the first text is in time', async () => {
    const { id, call, reader } = await begin('patient');
    await using _reader = reader;
    call.say('Dear Ada').finish();

    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada' });
    expect(told(await attempts(id))).toEqual([['first/teller', null, 'FINISHED', null]]);
    expect(second.calls).toHaveLength(0);
  });
});

describe('a second model when the first text is later than nearly all of its route', () => {
  const tellers = ['first', 'second'].map((id) => new Teller(id));
  const [first, second] = tellers as [Teller, Teller];
  let app: TestApp;
  let other: TestApp;
  // Without calls that are known nobody would be asked for a minute.
  const definition = {
    route: { mode: 'fallback', among: tellers.map(({ id }) => ({ model: `${id}/teller` })) },
    hedge: { untilKnownMs: 60_000 },
  };

  beforeAll(async () => {
    app = await openTestApp({ providers: tellers });
    other = await openTestApp({ providers: tellers, database: app.database });
    await publishRoute(app, 'usual', definition);
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  const hedgeAt = async ({ ask }: TestApp, input: object = { model: 'usual' }) =>
    (
      await ask<{ routeExplain: { hedge: { afterMs: number; basis: string; calls: number } | null } }>(
        'query ($input: RouteExplainInput!) { routeExplain(input: $input) { hedge { afterMs basis calls } } }',
        { input },
      )
    ).routeExplain.hedge;

  async function begin() {
    const called = first.nextCall();
    const variables = await sampleVariables(app, 'cover-letter-classic');
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template: 'cover-letter-classic', variables, model: 'usual' },
    });
    return { id: generationStart.generation.id, call: await called };
  }

  it('is asked by what all processes have seen of its version, and not before they have', async () => {
    const few = { afterMs: 60_000, basis: 'UNTIL_KNOWN' };
    expect(await hedgeAt(app)).toEqual({ ...few, calls: 0 });
    expect(await hedgeAt(app, { definition })).toEqual({ ...few, calls: 0 });
    expect(await hedgeAt(app, { model: 'auto' })).toBeNull();
    for (let made = 0; made < 24; made++) (await begin()).call.say('Dear Ada').finish();
    // The other process called nobody.
    for (const process of [app, other])
      await soon(async () => expect(await hedgeAt(process)).toMatchObject({ basis: 'P95', calls: 24 }));
    const { afterMs } = (await hedgeAt(app)) ?? {};
    expect(afterMs).toBeGreaterThanOrEqual(50);
    expect(afterMs).toBeLessThan(30_000);

    const rival = second.nextCall();
    const { id, call } = await begin();
    (await rival).say('Dear Bo').finish();
    await call.aborted;
    // It counts as late, though nobody knows how late it would have been.
    await soon(async () => expect(await hedgeAt(other)).toMatchObject({ basis: 'P95', calls: 25 }));
    await soon(async () => {
      const { generation } = await app.ask<{ generation: { attempts: Attempt[] } }>(attemptsOf, { id });
      expect(told(generation.attempts)).toEqual([
        ['first/teller', null, 'OUTRUN', null],
        ['second/teller', 'HEDGE', 'FINISHED', null],
      ]);
    });

    // Nobody called since: the latest calls are what is known, and no others.
    const passed = async (time: string, calls: string) => {
      await app.sql`update route_times set counted_at = now() - ${time}::text::interval, counts = counts || ${calls}::text::jsonb`;
      await publishRoute(app, 'another', definition);
    };
    await passed('6 days', '{}');
    for (const process of [app, other])
      await soon(async () => expect(await hedgeAt(process)).toMatchObject({ basis: 'P95', calls: 25 }));
    // Of more than forty, forty.
    await passed('3 hours', '{"70": 4000}');
    for (const process of [app, other])
      await soon(async () => expect(await hedgeAt(process)).toEqual({ afterMs: Math.round(1.1 ** 70), basis: 'P95', calls: 63 }));
    await passed('1 day', '{}');
    for (const process of [app, other])
      await soon(async () => expect(await hedgeAt(process)).toMatchObject({ basis: 'P95', calls: 40 }));
    await passed('8 days', '{}');
    for (const process of [app, other]) await soon(async () => expect(await hedgeAt(process)).toMatchObject(few));

    // Another version may lead to other models.
    await publishRoute(app, 'usual', definition);
    expect(await hedgeAt(app)).toEqual({ ...few, calls: 0 });
  });

  it('is asked, and counted anew, by a route that nobody has called for a year', async () => {
    await publishRoute(app, 'usual', definition);
    (await begin()).call.say('Dear Ada').finish();
    await soon(async () => expect(await hedgeAt(other)).toMatchObject({ calls: 1 }));
    await app.sql`update route_times set counted_at = now() - interval '1 year'`;
    // Has all processes read the tenant's routes again.
    await publishRoute(app, 'another', definition);
    for (const process of [app, other]) await soon(async () => expect(await hedgeAt(process)).toMatchObject({ calls: 0 }));

    (await begin()).call.say('Dear Ada').finish();
    for (const process of [app, other]) await soon(async () => expect(await hedgeAt(process)).toMatchObject({ calls: 1 }));
  });
});
