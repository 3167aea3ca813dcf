import net from 'node:net';
import { kill } from 'node:process';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseDefaults, openDatabase, type Database, type DatabaseConfig } from '../../src/db/client.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';

const tenant = { tenantId: newId('ten') };
const parts = { log: openLog({ level: 'silent' }), clock: systemClock };
let test: TestDatabase;
let owner: postgres.Sql;
const open: Database[] = [];

beforeAll(async () => {
  test = await openTestDatabase();
  owner = postgres(test.url, { max: 4, onnotice: () => undefined });
  await owner`create table counted (id text primary key, times int not null)`;
  await owner`grant all on counted to draftwire_app, draftwire_engine`;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});
afterAll(async () => {
  await owner.end();
  await test.drop();
});

async function database(config: Partial<DatabaseConfig> = {}): Promise<Database> {
  const opened = await openDatabase({ ...databaseDefaults, url: test.url, ...config }, parts);
  open.push(opened);
  return opened;
}

/** Pids of our backends whose current statement contains `text`, once there are any. */
async function backendsRunning(text: string): Promise<number[]> {
  return until(async () => {
    const rows = await owner<{ pid: number }[]>`
      select pid from pg_stat_activity where query like ${`%${text}%`} and state = 'active' and pid <> pg_backend_pid()`;
    return rows.length > 0 ? rows.map((row) => row.pid) : null;
  });
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error('waited in vain');
  }
}

describe('deadlines', () => {
  it('ends a slow statement at its deadline, and on the server too', async () => {
    const db = await database();
    const elapsed = stopwatch();
    await expect(db.as(tenant).sql((sql) => sql`select pg_sleep(30), 'slow one'`, { deadlineMs: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(elapsed()).toBeLessThan(1_500);
    await until(async () => {
      const [row] = await owner<
        { n: number }[]
      >`select count(*)::int as n from pg_stat_activity where query like '%slow one%' and state = 'active' and pid <> pg_backend_pid()`;
      return row?.n === 0 ? true : null;
    });
    await expect(db.as(tenant).sql((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
  });

  it('lets the server end what runs past statement_timeout', async () => {
    const db = await database({ statementTimeoutMs: 200 });
    await expect(db.engine.sql((sql) => sql`select pg_sleep(30)`)).rejects.toMatchObject({
      code: 'TIMEOUT',
      cause: { code: '57014' },
    });
  });

  it('answers UNAVAILABLE when no connection comes free', async () => {
    const db = await database({ maxConnections: 6, acquireTimeoutMs: 200 });
    const release = Promise.withResolvers<void>();
    const held = [1, 2].map(() => db.as(tenant).transaction(() => release.promise));
    await expect(db.as(tenant).sql((sql) => sql`select 1`)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 });
    await expect(db.as(tenant).transaction(async () => 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    release.resolve();
    await Promise.all(held);
    await expect(db.as(tenant).sql((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
    expect(db.usage.app.waiting).toBe(0);
  });

  it('does not hang on a call outside the transaction that holds the last connection', async () => {
    const db = await database({ maxConnections: 6, acquireTimeoutMs: 200 });
    const both = [1, 2].map(() =>
      db.as(tenant).transaction(async (tx) => {
        await tx.sql((sql) => sql`select 1`);
        return db.as(tenant).sql((sql) => sql`select 1`);
      }),
    );
    const results = await Promise.allSettled(both);
    expect(results.filter((result) => result.status === 'rejected').length).toBeGreaterThan(0);
    await expect(db.as(tenant).sql((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
  });

  it('ends a transaction that lies open at its deadline, and undoes it', async () => {
    const db = await database();
    await expect(
      db.engine.transaction(
        async (tx) => {
          await tx.sql((sql) => sql`insert into counted values ('left open', 1)`);
          await new Promise(() => undefined);
        },
        { deadlineMs: 300 },
      ),
    ).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(db.engine.sql((sql) => sql`select 1 from counted where id = 'left open'`)).resolves.toEqual([]);
  });
});

describe('a stopped backend', () => {
  it('costs an idempotent statement a wait and a statement that is not an error, and hangs neither', async () => {
    const db = await database({ statementTimeoutMs: 300, queryTimeoutMs: 8_000 });
    const work = db.as(tenant).sql((sql) => sql`select pg_sleep(0.2), 'to be stopped' as word`, { idempotent: true });
    const [pid = 0] = await backendsRunning('to be stopped');
    kill(pid, 'SIGSTOP');
    try {
      await expect(work).resolves.toMatchObject([{ word: 'to be stopped' }]);
    } finally {
      kill(pid, 'SIGCONT');
    }
    const other = db.engine.sql((sql) => sql`select pg_sleep(0.2), 'also stopped' as word`);
    const [second = 0] = await backendsRunning('also stopped');
    kill(second, 'SIGSTOP');
    try {
      await expect(other).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      kill(second, 'SIGCONT');
    }
  });
});

describe('a terminated backend', () => {
  it('goes unnoticed by idempotent statements', async () => {
    const db = await database();
    for (const role of [db.as(tenant), db.engine]) {
      const work = role.sql((sql) => sql`select pg_sleep(0.2), 'to be killed' as word`, { idempotent: true });
      for (const pid of await backendsRunning('to be killed')) await owner`select pg_terminate_backend(${pid})`;
      await expect(work).resolves.toMatchObject([{ word: 'to be killed' }]);
    }
  });

  it('is UNAVAILABLE at once for others, and leaves nothing half done', async () => {
    const db = await database();
    for (const role of [db.as(tenant), db.engine]) {
      const work = role.sql((sql) => sql`insert into counted select 'cut', 1 from pg_sleep(1)`);
      for (const pid of await backendsRunning('insert into counted')) await owner`select pg_terminate_backend(${pid})`;
      await expect(work).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 });
      await expect(owner`select 1 from counted where id = 'cut'`).resolves.toEqual([]);
      await expect(role.sql((sql) => sql`select 1 as one`, { idempotent: true })).resolves.toEqual([{ one: 1 }]);
    }
  });

  it('cannot make a transaction go on elsewhere', async () => {
    const db = await database();
    const reached: string[] = [];
    await expect(
      db.engine.transaction(async (tx) => {
        const [row] = await tx.sql<{ pid: number }>((sql) => sql`select pg_backend_pid() as pid`);
        await owner`select pg_terminate_backend(${row?.pid ?? 0})`;
        await tx.sql((sql) => sql`insert into counted values ('after the cut', 1)`);
        reached.push('insert');
      }),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(reached).toEqual([]);
    await expect(owner`select 1 from counted where id = 'after the cut'`).resolves.toEqual([]);
  });

  it.each([
    ['under the next statement', false],
    ['before the next statement', true],
  ])('lets an idempotent transaction run again that hears of it %s', async (_when, isHeard) => {
    const db = await database();
    const before = db.usage.engine.lanes;
    const name = `again ${isHeard}`;
    let runs = 0;
    const result = await db.engine.transaction(
      async (tx) => {
        runs++;
        const [row] = await tx.sql<{ pid: number }>((sql) => sql`select pg_backend_pid() as pid`);
        if (runs === 1) await owner`select pg_terminate_backend(${row?.pid ?? 0})`;
        if (runs === 1 && isHeard) await eventually(() => db.usage.engine.lanes < Math.max(1, before), 10_000, 'the loss');
        await tx.sql((sql) => sql`insert into counted values (${name}, 1)`);
        return runs;
      },
      { idempotent: true },
    );
    expect(result).toBe(2);
    await expect(owner`select times from counted where id = ${name}`).resolves.toEqual([{ times: 1 }]);
  });
});

describe('the whole database away', () => {
  it('refuses within the deadline when nobody listens', async () => {
    const elapsed = stopwatch();
    const away = { ...databaseDefaults, url: 'postgres://nobody:x@127.0.0.1:1/none', queryTimeoutMs: 500 };
    await expect(openDatabase(away, parts)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(elapsed()).toBeLessThan(2_000);
  });
});

/** A way to the test's server that can be closed, or fall silent, under the client. */
async function wire() {
  const target = new URL(test.url);
  const sockets = new Set<net.Socket>();
  let mode: 'open' | 'closed' | 'silent' = 'open';
  const server = net.createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    if (mode === 'closed') {
      near.destroy();
      return;
    }
    const far = net.connect(Number(target.port), target.hostname);
    sockets.add(far);
    far.on('error', () => undefined);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('data', (bytes) => mode !== 'silent' && far.write(bytes));
    far.on('data', (bytes) => mode !== 'silent' && near.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(test.url);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as net.AddressInfo).port);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    become(next: typeof mode) {
      mode = next;
      if (next === 'closed') cut();
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a network that fails', () => {
  it('makes idempotent work wait and others fail, and all recovers by itself', async () => {
    const way = await wire();
    const db = await database({ url: way.url, acquireTimeoutMs: 500 });
    const read = () => db.as(tenant).sql((sql) => sql`select 1 as one`, { idempotent: true, deadlineMs: 20_000 });
    await Promise.all(Array.from({ length: 20 }, read));
    way.become('closed');
    const waiting = Array.from({ length: 20 }, read);
    await expect(db.engine.sql((sql) => sql`insert into counted values ('away', 1)`, { deadlineMs: 600 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    way.become('open');
    expect((await Promise.all(waiting)).flat()).toEqual(Array.from({ length: 20 }, () => ({ one: 1 })));
    await expect(db.engine.sql((sql) => sql`insert into counted values ('back', 1) returning times`)).resolves.toEqual([
      { times: 1 },
    ]);
    // What was refused may have been done: its answer can be lost behind its commit.
    await expect(owner`select id from counted where id = 'back'`).resolves.toEqual([{ id: 'back' }]);
    await db.close();
    await way.close();
  });

  it('that swallows everything hangs neither statements nor listening', async () => {
    const way = await wire();
    const db = await database({ url: way.url, statementTimeoutMs: 200, connectTimeoutMs: 500, heartbeatMs: 200 });
    let connects = 0;
    await db.listen('silence', { onPayload: () => undefined, onConnect: () => connects++ });
    await db.engine.sql((sql) => sql`select 1`);
    way.become('silent');
    await expect(db.engine.sql((sql) => sql`select 1`, { deadlineMs: 400 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(db.as(tenant).transaction((tx) => tx.sql((sql) => sql`select 1`), { deadlineMs: 400 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await expect(db.ping(300)).rejects.toBeInstanceOf(Error);
    way.become('open');
    await until(async () => (await owner`select 1`, connects > 1 ? true : null));
    await expect(db.ping()).resolves.toBeUndefined();
    await db.close();
    await way.close();
  });
});

describe('listening', () => {
  it('hears hints, and again after its connection is cut', async () => {
    const db = await database();
    const heard: string[] = [];
    let connects = 0;
    const listener = await db.listen('hints', { onPayload: (payload) => heard.push(payload), onConnect: () => connects++ });
    await db.notify('hints', ['a', 'b']);
    await until(async () => (await db.engine.sql((sql) => sql`select 1`), heard.length === 2 ? true : null));
    expect(heard).toEqual(['a', 'b']);

    await owner`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen "hints"%' and datname = current_database()`;
    await until(async () => (await db.engine.sql((sql) => sql`select 1`), connects === 2 ? true : null));
    await db.notify('hints', ['c']);
    await until(async () => (await db.engine.sql((sql) => sql`select 1`), heard.length === 3 ? true : null));
    await listener.stop();
  });
});

it('leaves no connection behind when it is closed', async () => {
  const db = await database();
  await db.listen('any', { onPayload: () => undefined, onConnect: () => undefined });
  await Promise.all([db.engine.sql((sql) => sql`select 1`), db.as(tenant).sql((sql) => sql`select 1`), db.notify('any', ['x'])]);
  await db.close();
  await until(async () => {
    const [row] = await owner<
      { n: number }[]
    >`select count(*)::int as n from pg_stat_activity where application_name like 'draftwire%' and datname = current_database()`;
    return row?.n === 0 ? true : null;
  });
  await expect(db.engine.sql((sql) => sql`select 1`)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
