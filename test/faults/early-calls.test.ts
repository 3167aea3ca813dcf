import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import postgres from 'postgres';
import type { TestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { finishedGeneration, sampleVariables } from '../harness/letters.ts';
import { budgetsOf, setBudget } from '../harness/budgets.ts';
import { openMockApps, type MockApps } from '../harness/mock-apps.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { gated } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code } }
}`;

/** By itself, and behind the count of its request: of so few a minute nothing is counted ahead. */
const ways = [
  { way: 'sent by itself', limits: {} },
  { way: 'sent behind the count of its request', limits: { RATE_LIMIT_MEMBER: '190', RATE_LIMIT_STARTS: '190' } },
];

describe.each(ways)('the call of a start, $way, whose commit takes its time', ({ limits }) => {
  let apps: MockApps;
  let app: TestApp;
  let gatekeeper: postgres.Sql;

  beforeAll(async () => {
    apps = await openMockApps();
    // One call at a time: a call that kept its place would be the last.
    app = await apps.open({ PROVIDER_MAX_CONCURRENT: '1', PROVIDER_WAIT_MS: '0', ...limits });
    gatekeeper = postgres(apps.database.url, { max: 1, onnotice: () => undefined });
    // At the commit of a start, behind all its statements: whoever holds the lock lets it wait, and some fail, one of them once.
    await gatekeeper.unsafe(`
      create sequence collisions;
      grant usage on collisions to public;
      create function committed_late() returns trigger language plpgsql as $$ begin
        perform pg_advisory_xact_lock_shared(4711);
        if new.metadata ->> 'breaks' = 'yes' then raise exception 'the commit failed'; end if;
        if new.metadata ->> 'collides' = 'yes' and nextval('collisions') = 1 then raise exception using errcode = '40001'; end if;
        return null;
      end $$;
      create constraint trigger committed_late after insert on generations deferrable initially deferred
        for each row execute function committed_late();`);
    // A process learns with its first calls which key to use, that there is a place and a budget, and has its connections.
    await setBudget(app);
    for (let each = 0; each < 2; each++) await goesOn();
  });
  afterAll(async () => {
    await gatekeeper.end();
    await apps.close();
  });

  const asked = async (metadata: Record<string, unknown> = {}) =>
    app.answer(start, { input: { template: 'cover-letter-classic', variables: await sampleVariables(app), metadata } });
  const idOf = ({ data }: Awaited<ReturnType<typeof asked>>) =>
    (data as { generationStart: { generation: { id: string } } }).generationStart.generation.id;

  /** Writes a letter, as ever. */
  async function goesOn() {
    apps.mock.script({ pieces: ['Dear Ada'] });
    expect(await finishedGeneration(app)).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada' });
  }

  /** Asks for a letter whose commit waits until what this returns is called. */
  async function startHeld(metadata: Record<string, unknown> = {}) {
    await gatekeeper`select pg_advisory_lock(4711)`;
    const before = apps.mock.calls.length;
    let isAnswered = false;
    const answer = asked(metadata).finally(() => {
      isAnswered = true;
    });
    await eventually(() => apps.mock.calls.length > before, undefined, 'the call');
    return {
      answer,
      call: apps.mock.calls[before],
      isAnswered: () => isAnswered,
      release: () => gatekeeper`select pg_advisory_unlock(4711)`,
    };
  }

  it('is made at once, and answered to nobody before the commit', async () => {
    const text = gated(['Dear '], ['Ada']);
    apps.mock.script({ pieces: text.pieces });
    const { answer, call, isAnswered, release } = await startHeld();
    await call?.answered;
    expect(isAnswered()).toBe(false);
    expect(await app.sql`select id from generations where status = 'RUNNING'`).toEqual([]);
    await release();
    await using reader = readGeneration({ urls: [app.url], key: app.key, id: idOf(await answer) });
    await reader.atLeast(5);
    text.open();
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada', attempts: [{ number: 1 }] });
    expect(apps.mock.calls.at(-1)).toBe(call);
  });

  it('is broken off when the commit fails, and nothing is left of it', async () => {
    apps.mock.script({ pieces: ['Dear '], lastly: 'stall', finish: null });
    const known = await app.sql`select id from generations`;
    const [budget] = await budgetsOf(app);
    const { answer, call, release } = await startHeld({ breaks: 'yes' });
    await call?.answered;
    await release();
    expect(await answer).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(await call?.over).toBe('closed by client');
    expect(await app.sql`select id from generations`).toEqual(known);
    expect(await app.sql`select 1 from budget_holds`).toEqual([]);
    expect(await budgetsOf(app)).toEqual([budget]);
    await goesOn();
  });

  it("is made once where the commit collides with others, and its text, whole before there is a row, is nobody else's", async () => {
    apps.mock.script({ pieces: ['Dear ', 'Ada, once'] });
    const { answer, call, release } = await startHeld({ collides: 'yes' });
    expect(await call?.over).toBe('ended');
    await release();
    await using reader = readGeneration({ urls: [app.url], key: app.key, id: idOf(await answer) });
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada, once', attempts: [{ number: 1 }] });
    expect(apps.mock.calls.at(-1)).toBe(call);
    await goesOn();
  });
});

it('is not made for a start that its statement finds to be one too many', async () => {
  const apps = await openMockApps();
  try {
    const app = await apps.open({ RATE_LIMIT_MEMBER: '190', RATE_LIMIT_STARTS: '190' });
    await finishedGeneration(app);
    await app.sql`update rate_buckets set used = 190 where kind = 'starts'`;
    const input = { template: 'cover-letter-classic', variables: await sampleVariables(app) };
    expect(await app.ask(start, { input })).toEqual({
      generationStart: { generation: null, errors: [{ code: 'RATE_LIMITED' }] },
    });
    expect(apps.mock.calls).toHaveLength(1);
  } finally {
    await apps.close();
  }
});
