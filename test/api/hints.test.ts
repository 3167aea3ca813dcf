import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Bus } from '../../src/messages/bus.ts';
import type { Message } from '../../src/messages/catalogue.ts';
import { PostgresBus } from '../../src/messages/postgres-bus.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';

const log = openLog({ level: 'silent' });

/** One process's bus on the database. */
async function openEnd(url: string) {
  const database: Database = await openDatabase({ ...databaseDefaults, url, maxConnections: 6 }, { log, clock: systemClock });
  const bus = new Bus(log);
  const heard: Message[] = [];
  let gaps = 0;
  bus.on('*', (message) => heard.push(message));
  bus.onGap(() => gaps++);
  const bridge = await PostgresBus.open(database, bus, log);
  return {
    bus,
    heard,
    gaps: () => gaps,
    async stop() {
      await bridge.stop();
      await database.close();
    },
  };
}

describe('hints between processes', () => {
  let database: TestDatabase;
  let here: Awaited<ReturnType<typeof openEnd>>;
  let there: Awaited<ReturnType<typeof openEnd>>;
  let payloads: string[] = [];
  let listener: postgres.Sql;

  beforeAll(async () => {
    database = await openTestDatabase();
    [here, there] = await Promise.all([openEnd(database.url), openEnd(database.url)]);
    listener = postgres(database.url, { max: 1 });
    await listener.listen('draftwire', (payload) => payloads.push(payload));
  });
  afterAll(async () => {
    await listener.end();
    await Promise.all([here.stop(), there.stop()]);
    await database.drop();
  });

  it('reach the other process once, and this one without the database', async () => {
    const id = newId('gen');
    here.bus.publish('generation.finished', [id]);
    expect(here.heard).toEqual([{ kind: 'generation.finished', ids: [id], isRemote: false }]);
    const message = await eventually(() => there.heard.find(({ ids }) => ids.includes(id)));
    expect(message).toEqual({ kind: 'generation.finished', ids: [id], isRemote: true });
    // What came from elsewhere is not sent on.
    expect(here.heard.length).toBe(1);
  });

  it('are cut into payloads that Postgres takes, and name each id once', async () => {
    payloads = [];
    const ids = Array.from({ length: 1_000 }, () => newId('gen'));
    here.bus.publish('generation.changed', ids);
    here.bus.publish('generation.changed', ids.slice(0, 500));
    const heard = await eventually(() => {
      const all = there.heard.filter(({ kind }) => kind === 'generation.changed').flatMap((message) => message.ids);
      return all.length >= 1_000 ? all : null;
    });
    expect(heard.toSorted()).toEqual(ids.toSorted());
    await eventually(() => payloads.length >= 5);
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(7_900);
  });

  it('that are none of ours are not heard', async () => {
    const before = there.heard.length;
    for (const payload of [
      '',
      'x',
      '[]',
      '{"kind":"toString","ids":["x"]}',
      '{"from":1,"kind":"generation.changed","ids":"gen"}',
      '{"kind":"generation.changed","ids":[1]}',
    ]) {
      await listener`select pg_notify('draftwire', ${payload})`;
    }
    const id = newId('gen');
    here.bus.publish('generation.waiting', [id]);
    await eventually(() => there.heard.some(({ ids }) => ids.includes(id)));
    expect(there.heard.slice(before).flatMap(({ ids }) => ids)).toEqual([id]);
  });

  it('may have been missed when the connection comes back', async () => {
    const before = there.gaps();
    await listener`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()`;
    await eventually(() => there.gaps() > before);
    const id = newId('gen');
    await eventually(() => {
      here.bus.publish('generation.waiting', [id]);
      return there.heard.some(({ ids }) => ids.includes(id));
    });
  });

  it('survive a listener that throws', () => {
    const stop = here.bus.on('generation.watched', () => {
      throw new Error('broken');
    });
    let isHeard = false;
    const stopToo = here.bus.on('generation.watched', () => (isHeard = true));
    here.bus.publish('generation.watched', [newId('gen')]);
    stop();
    stopToo();
    expect(isHeard).toBe(true);
  });
});
