import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import postgres from 'postgres';
import type { TestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { finishedGeneration, sampleVariables } from '../harness/letters.ts';
import { openMockApps, type MockApps } from '../harness/mock-apps.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { gated } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code } }
}`;

let apps: MockApps;
let app: TestApp;
let gatekeeper: postgres.Sql;

beforeAll(async () => {
  apps = await openMockApps();
  app = await apps.open({});
  gatekeeper = postgres(apps.database.url, { max: 1, onnotice: () => undefined });
  // At the commit of a start, behind all its statements: whoever holds the lock lets it wait, and some fail.
  await gatekeeper.unsafe(`
    create function committed_late() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(4711);
      if new.metadata ->> 'breaks' = 'yes' then raise exception 'the commit failed'; end if;
      return null;
    end $$;
    create constraint trigger committed_late after insert on generations deferrable initially deferred
      for each row execute function committed_late();`);
  apps.mock.script({ pieces: ['The first.'] });
  // A process learns with its first call which key to use, and has its connection.
  await finishedGeneration(app);
});
afterAll(async () => {
  await gatekeeper.end();
  await apps.close();
});

/** Asks for a letter whose commit waits until what this returns is called. */
async function startHeld(metadata: Record<string, unknown>) {
  await gatekeeper`select pg_advisory_lock(4711)`;
  const before = apps.mock.calls.length;
  const variables = await sampleVariables(app);
  let isAnswered = false;
  const answer = app.answer(start, { input: { template: 'cover-letter-classic', variables, metadata } }).finally(() => {
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

describe('the call of a start whose commit takes its time', () => {
  it('is made at once, and answered to nobody before the commit', async () => {
    const text = gated(['Dear '], ['Ada']);
    apps.mock.script({ pieces: text.pieces });
    const { answer, call, isAnswered, release } = await startHeld({});
    await call?.answered;
    expect(isAnswered()).toBe(false);
    expect(await app.sql`select id from generations where status = 'RUNNING'`).toEqual([]);
    await release();
    const { data } = await answer;
    const { generation } = (data as { generationStart: { generation: { id: string } } }).generationStart;
    await using reader = readGeneration({ urls: [app.url], key: app.key, id: generation.id });
    await reader.atLeast(5);
    text.open();
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: 'Dear Ada', attempts: [{ number: 1 }] });
    expect(apps.mock.calls.at(-1)).toBe(call);
  });

  it('is broken off when the commit fails, and nothing is left of it', async () => {
    apps.mock.script({ pieces: ['Dear '], lastly: 'stall', finish: null });
    const known = await app.sql`select id from generations`;
    const { answer, call, release } = await startHeld({ breaks: 'yes' });
    await call?.answered;
    await release();
    expect(await answer).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(await call?.over).toBe('closed by client');
    expect(await app.sql`select id from generations`).toEqual(known);
    expect(await app.sql`select 1 from held_places`).toEqual([]);
    // The process goes on as before.
    apps.mock.script({ pieces: ['Dear Ada'] });
    expect(await finishedGeneration(app)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
