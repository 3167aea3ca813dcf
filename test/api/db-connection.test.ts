import { eq } from 'drizzle-orm';
import { integer, jsonb, pgTable, text, timestamp, bigint } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { id, uuidOf } from '../../src/db/ids.ts';
import { assertMigrated, migrate } from '../../src/db/migrate.ts';
import { page } from '../../src/db/page.ts';
import { sql, type Statement } from '../../src/db/statement.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { openProxy } from '../harness/proxy.ts';

const notes = pgTable('notes', {
  id: id('gen').primaryKey(),
  tenantId: id('ten').notNull(),
  body: text().notNull(),
  facts: jsonb().$type<{ readonly list: unknown[] }>(),
  tags: text().array(),
  size: integer(),
  total: bigint({ mode: 'number' }),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
});

const parts = { log: openLog({ level: 'silent' }), clock: systemClock };
const ours = { tenantId: newId('ten') };
const theirs = { tenantId: newId('ten') };
let test: TestDatabase;
let owner: postgres.Sql;
let db: Database;

beforeAll(async () => {
  test = await openTestDatabase();
  owner = postgres(test.url, { max: 2, onnotice: () => undefined });
  await owner.unsafe(`
    create table notes (id uuid primary key, tenant_id uuid not null, body text not null, facts jsonb, tags text[], size int, total bigint,
      created_at timestamptz not null default now());
    alter table notes enable row level security;
    alter table notes force row level security;
    create policy tenant_wall on notes to draftwire_app using (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);
    create policy engine_reads on notes for select to draftwire_engine using (true);
    grant select, insert, update, delete on notes to draftwire_app;
    grant select, insert on notes to draftwire_engine`);
  db = await openDatabase({ ...databaseDefaults, url: test.url }, parts);
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await test.drop();
});

const note = (scope: { tenantId: string }, body: string) => ({ id: newId('gen'), tenantId: scope.tenantId, body });

/** What is there, whoever's it is. The owner would not do: the wall binds it too, unless it is a superuser. */
const stored = (...bodies: string[]) => db.engine.sql((sql) => sql`select body from notes where body = any(${bodies}::text[])`);

describe('the tenant wall', () => {
  it('hides rows of other tenants, from reads, updates and deletes', async () => {
    const secret = note(theirs, 'theirs');
    await db.as(theirs).query.insert(notes).values(secret);
    const us = db.as(ours).query;
    expect(await us.select().from(notes).where(eq(notes.id, secret.id))).toEqual([]);
    expect(await us.update(notes).set({ body: 'taken' }).where(eq(notes.id, secret.id)).returning()).toEqual([]);
    expect(await us.delete(notes).where(eq(notes.id, secret.id)).returning()).toEqual([]);
    expect(await db.as(theirs).query.select({ body: notes.body }).from(notes).where(eq(notes.id, secret.id))).toEqual([
      { body: 'theirs' },
    ]);
  });

  it('refuses a row for another tenant', async () => {
    await expect(db.as(ours).query.insert(notes).values(note(theirs, 'smuggled'))).rejects.toMatchObject({ code: '42501' });
    expect(await stored('smuggled')).toEqual([]);
  });

  it('lets no statement pass for done whose tenant could not be set', async () => {
    await using proxy = await openProxy(test.url);
    const far = await openDatabase({ ...databaseDefaults, url: proxy.url }, parts);
    try {
      const mine = note(ours, 'not set');
      await db.as(ours).query.insert(notes).values(mine);
      const change = sql`update notes set size = 1 where body = 'not set' returning id`;
      expect(await far.as(theirs).sql(() => change)).toEqual([]);
      // The connection is still the other's: nothing would be found, which is not to be believed.
      // Once in the statement's own transaction and past the driver, once by it.
      proxy.garble('draftwire.tenant');
      for (let each = 0; each < 2; each++)
        await expect(far.as(ours).sql(() => change)).rejects.toThrow('unrecognized configuration parameter');
      proxy.garble('none');
      expect(await far.as(theirs).sql(() => change)).toEqual([]);
      // The same for a statement and what follows it.
      proxy.garble('draftwire.tenant');
      for (let each = 0; each < 2; each++) {
        const leader = far.as(ours).lead(change);
        while (!leader.isOpen) await Promise.resolve();
        const said = await Promise.allSettled([leader.rows, leader.follow(change)]);
        expect(said.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      }
      proxy.garble('none');
      expect(await far.as(ours).sql(() => change)).toHaveLength(1);
    } finally {
      await far.close();
    }
  });

  it('is that of the caller behind a statement that failed, whose tenant was set in the same transaction', async () => {
    const one = await openDatabase({ ...databaseDefaults, url: test.url, maxConnections: 6 }, parts);
    try {
      const mine = note(ours, 'behind a failure');
      const change = (size: string) =>
        sql`update notes set size = ${size}::text::int where body = 'behind a failure' returning size`;
      await one.as(ours).query.insert(notes).values(mine);
      // Twice: what has failed is known to the connection, and not prepared again.
      for (let round = 0; round < 2; round++) {
        for (const scope of [theirs, ours]) {
          await expect(one.as(scope).sql(() => sql`select 1 / (${String(round)}::int - ${round})`)).rejects.toMatchObject({
            code: '22012',
          });
          expect(await one.as(theirs).sql(() => change(String(round)))).toEqual([]);
          expect(await one.as(ours).sql(() => change(String(round)))).toEqual([{ size: round }]);
        }
      }
    } finally {
      await one.close();
    }
  });

  it('holds in a transaction, and when callers of two tenants share the connections', async () => {
    const rows = Array.from({ length: 200 }, (_, index) =>
      index % 2 ? note(ours, `mine ${index}`) : note(theirs, `yours ${index}`),
    );
    await Promise.all(rows.map((row) => db.as(row).query.insert(notes).values(row)));
    const seen = await Promise.all(
      rows.map((row) =>
        db.as(row).transaction((tx) => tx.sql<{ tenant_id: string }>((sql) => sql`select distinct tenant_id from notes`)),
      ),
    );
    seen.forEach((tenants, index) => expect(tenants).toEqual([{ tenant_id: uuidOf(rows[index]?.tenantId ?? '') }]));
  });

  it('lets the engine read every tenant and do only what is granted', async () => {
    const [row] = await db.engine.sql<{ tenants: number }>(
      (sql) => sql`select count(distinct tenant_id)::int as tenants from notes`,
    );
    expect(row).toEqual({ tenants: 2 });
    await expect(db.engine.sql((sql) => sql`delete from notes`)).rejects.toMatchObject({ code: '42501' });
    await expect(db.engine.query.insert(notes).values(note(ours, 'no policy'))).rejects.toMatchObject({ code: '42501' });
  });

  it('is not fooled by a scope whose tenant is no id', () => {
    expect(() => db.as({ tenantId: `${ours.tenantId}'; reset role; --` })).toThrow('not an id');
  });
});

describe('statements', () => {
  it('carry every type there and back, by drizzle and as SQL', async () => {
    const row = {
      ...note(ours, `quotes " ' \\ { } , and 👩‍🚀`),
      facts: { list: ['a', 1, null, { deep: true }] },
      tags: ['a "b"', 'c\\d', 'NULL', '', '{,}'],
      size: -7,
      total: Number.MAX_SAFE_INTEGER,
      createdAt: new Date('2026-02-03T04:05:06.789Z'),
    };
    await db.as(ours).query.insert(notes).values(row);
    expect(await db.as(ours).query.select().from(notes).where(eq(notes.id, row.id))).toEqual([row]);

    const raw = await db
      .as(ours)
      .sql((sql) => sql`select body, facts, tags, size, total, created_at from notes where id = ${uuidOf(row.id)}::uuid`);
    const { body, facts, tags, size, total, createdAt } = row;
    expect(raw).toEqual([{ body, facts, tags, size, total, created_at: createdAt }]);

    const values = await db.engine.sql(
      (sql) => sql`
        select ${true}::bool as b, ${[1, 2, null]}::int[] as i, ${[[true], [false]]}::bool[] as bb, ${createdAt}::timestamptz as t, ${[createdAt]}::timestamptz[] as tt,
          ${Buffer.from([0, 255])}::bytea as y, ${null}::text as n, ${sql.json(['x', 1])}::jsonb as j, ${facts}::jsonb as o, ${sql`${1}::int + ${2}::int`} as three`,
    );
    expect(values).toEqual([
      {
        b: true,
        i: [1, 2, null],
        bb: [[true], [false]],
        t: createdAt,
        tt: [createdAt],
        y: Buffer.from([0, 255]),
        n: null,
        j: ['x', 1],
        o: facts,
        three: 3,
      },
    ]);
  });

  it('refuse an integer that a number cannot hold, and the connection lives on', async () => {
    await expect(db.engine.sql((sql) => sql`select 9007199254740993::bigint`)).rejects.toThrow('too large');
    expect(await db.engine.sql((sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });

  it('never leave a neighbour with another answer when one cannot be encoded or fails', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) => {
        if (index % 10 === 3) return db.engine.sql((sql) => sql`select ${cycle}::jsonb`);
        if (index % 10 === 7) return db.engine.sql((sql) => sql`select 1 / ${0}::int`);
        return db.engine.sql<{ n: number }>((sql) => sql`select ${index}::int as n`);
      }),
    );
    results.forEach((result, index) => {
      if (index % 10 === 3 || index % 10 === 7) expect(result.status).toBe('rejected');
      else expect(result).toEqual({ status: 'fulfilled', value: [{ n: index }] });
    });
  });

  it('pass on what the database says about them, without what they carried', async () => {
    const row = note(ours, 'canary-in-a-letter');
    await db.as(ours).query.insert(notes).values(row);
    const failure: unknown = await db
      .as(ours)
      .query.insert(notes)
      .values(row)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'PostgresError', code: '23505' });
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain('canary');
  });

  it('of one operation travel on one connection, in one transaction', async () => {
    const [first] = await db
      .as(ours)
      .sql<{ same: boolean; tenant: string }>(
        (sql) => sql`select txid_current() = txid_current() as same, current_setting('draftwire.tenant') as tenant`,
      );
    expect(first).toEqual({ same: true, tenant: uuidOf(ours.tenantId) });
    // The setting ended with its transaction, on every connection there is.
    expect(await db.engine.sql((sql) => sql`select nullif(current_setting('draftwire.tenant', true), '') as tenant`)).toEqual([
      { tenant: null },
    ]);
  });

  it('find rows after a migration changed what a prepared statement returns', async () => {
    await owner`create table wide (a int)`;
    await owner`insert into wide values (1)`;
    await owner`grant select on wide to draftwire_app, draftwire_engine`;
    const read = () => db.as(ours).sql((sql) => sql`select * from wide`, { idempotent: true });
    expect(await read()).toEqual([{ a: 1 }]);
    await owner`alter table wide add column b int default 2`;
    expect(await read()).toEqual([{ a: 1, b: 2 }]);
  });
});

describe('transactions', () => {
  it('keep all or nothing', async () => {
    const [kept, lost] = [note(ours, 'kept'), note(ours, 'lost')];
    await db.as(ours).transaction(async (tx) => {
      await tx.query.insert(notes).values(kept);
      expect(await tx.query.select({ id: notes.id }).from(notes).where(eq(notes.id, kept.id))).toEqual([{ id: kept.id }]);
    });
    await expect(
      db.as(ours).transaction(async (tx) => {
        await tx.query.insert(notes).values(lost);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await stored('kept', 'lost')).toEqual([{ body: 'kept' }]);
  });

  it('fail when a failed statement in them was swallowed', async () => {
    const row = note(ours, 'swallowed');
    await expect(
      db.as(ours).transaction(async (tx) => {
        await tx.query.insert(notes).values(row);
        await tx.query
          .insert(notes)
          .values(row)
          .catch(() => null);
        return 'done';
      }),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await stored('swallowed')).toEqual([]);
  });

  it('take no statement after their end', async () => {
    const leaked = await db.as(ours).transaction(async (tx) => tx);
    await expect(leaked.sql((sql) => sql`select 1`)).rejects.toThrow('had ended');
  });
});

describe('pages', () => {
  const read = (first: number, after?: string | null) =>
    page(
      { first, after },
      {
        list: 'notes',
        tenantId: null,
        key: notes.id,
        direction: 'descending',
        keyOf: (row: { id: string }) => row.id,
        rows: (where, orderBy, limit) =>
          db.as(pager).query.select({ id: notes.id }).from(notes).where(where).orderBy(orderBy).limit(limit),
      },
    );
  const pager = { tenantId: newId('ten') };
  const rows = Array.from({ length: 7 }, (_, index) => note(pager, `page ${index}`));

  it('give every row once, newest first', async () => {
    await db.as(pager).query.insert(notes).values(rows);
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const one: Awaited<ReturnType<typeof read>> = await read(3, after);
      seen.push(...one.nodes.map((node) => node.id));
      expect(one.pageInfo.startCursor).toBe(one.edges[0]?.cursor);
      if (!one.pageInfo.hasNextPage) break;
      after = one.pageInfo.endCursor;
    }
    expect(seen).toEqual(rows.map((row) => row.id).reverse());
  });

  it.each([0, -1, 101, 1.5])('refuse first: %s', async (first) => {
    await expect(read(first)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['first'] });
  });

  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['no cursor', 'x'],
    ['nothing', ''],
    ['another list', forged(['templates', newId('gen')])],
    ['another kind of id', forged(['notes', newId('ten')])],
    ['no id', forged(['notes', "' or 1=1"])],
    ['more than a key', forged(['notes', newId('gen'), 1])],
    ['another spelling', `${forged(['notes', newId('gen')])}=`],
  ])('refuse a cursor of %s', async (_, cursor) => {
    await expect(read(3, cursor)).rejects.toMatchObject({ code: 'INVALID_CURSOR', path: ['after'] });
  });
});

describe('migrate', () => {
  it('can be run again, by several at once, and is what the client asks for', async () => {
    await Promise.all([migrate(test.url), migrate(test.url, { loginUrl: test.url })]);
    await assertMigrated(db);
    const [newest] = await owner`select id, created_at from drizzle.__drizzle_migrations order by created_at desc limit 1`;
    await owner`update drizzle.__drizzle_migrations set created_at = created_at - 1 where id = ${newest?.['id']}`;
    await expect(assertMigrated(db)).rejects.toThrow('npm run admin -- migrate');
    await owner`update drizzle.__drizzle_migrations set created_at = created_at + 1 where id = ${newest?.['id']}`;
  });

  it('grants both roles to another login user, who can then be the client', async () => {
    const name = `login_${Date.now().toString(36)}`;
    await owner.unsafe(`create role ${name} login password 'x'`);
    const loginUrl = new URL(test.url);
    loginUrl.username = name;
    loginUrl.password = 'x';
    await migrate(test.url, { loginUrl: loginUrl.href });
    const other = await openDatabase({ ...databaseDefaults, url: loginUrl.href, ownerUrl: test.url }, parts);
    try {
      expect(await other.as(ours).sql((sql) => sql`select current_user as who`)).toEqual([{ who: 'draftwire_app' }]);
      expect(await other.engine.sql((sql) => sql`select current_user as who`)).toEqual([{ who: 'draftwire_engine' }]);
    } finally {
      await other.close();
      await owner.unsafe(`drop role ${name}`);
    }
  });
});

describe('a statement that is followed', () => {
  it('is one transaction and what follows another, on the same connection and for the same tenant', async () => {
    const [led, followed] = [note(ours, 'led'), note(ours, 'followed')];
    const inserted = (tag: typeof sql, { id: key, tenantId, body }: typeof led) => tag`
      insert into notes (id, tenant_id, body) values (${uuidOf(key)}, ${uuidOf(tenantId)}, ${body})
      returning txid_current()::text as transaction, pg_backend_pid() as process, current_setting('test.word', true) as word`;
    interface Found {
      readonly transaction: string;
      readonly process: number;
      readonly word: string | null;
    }
    const leader = db.as(ours)
      .lead<Found>(sql`with word as (select set_config('test.word', 'heard', false)), added as (${inserted(sql, led)})
      select added.* from added, word`);
    expect(leader.isOpen).toBe(false);
    await Promise.resolve();
    await Promise.resolve();
    expect(leader.isOpen).toBe(true);
    const next = leader.follow<Found>(inserted(sql, followed));
    expect(leader.isOpen).toBe(false);
    const [[first], [second]] = await Promise.all([leader.rows, next]);
    expect(second).toMatchObject({ word: 'heard', process: first?.process });
    expect(second?.transaction).not.toBe(first?.transaction);
    await expect(leader.follow(sql`select 1`)).rejects.toThrow('was answered');
    expect(await stored('led', 'followed')).toHaveLength(2);
    expect(db.usage.app.waiting).toBe(0);
  });

  it('stays when what follows fails, and what follows is run when it has failed', async () => {
    const [led, followed] = [note(ours, 'stays'), note(ours, 'runs')];
    const insert = ({ id: key, tenantId, body }: typeof led) =>
      sql`insert into notes (id, tenant_id, body) values (${uuidOf(key)}, ${uuidOf(tenantId)}, ${body})`;
    const opened = async (statement: Statement) => {
      const leader = db.as(ours).lead(statement);
      while (!leader.isOpen) await Promise.resolve();
      return leader;
    };
    const one = await opened(insert(led));
    await expect(one.follow(sql`select 1 / 0`)).rejects.toThrow('division by zero');
    await one.rows;
    const other = await opened(sql`select 1 / 0`);
    const run = other.follow(insert(followed));
    await expect(other.rows).rejects.toThrow('division by zero');
    await run;
    expect(await stored('stays', 'runs')).toHaveLength(2);
  });

  it('leaves the connection to who has it next, whatever of the two fails, at once or at its commit', async () => {
    await owner.unsafe(`
      create function failing_late() returns trigger language plpgsql as $$ begin raise exception 'failed late'; end $$;
      create constraint trigger failing_late after insert on notes deferrable initially deferred
        for each row when (new.body = 'late') execute function failing_late()`);
    const whose = sql`select current_setting('draftwire.tenant') as tenant`;
    const ends = ['well', 'late', 'at once'];
    /** A statement that ends so. */
    const ending = (end: string) =>
      sql`insert into notes (id, tenant_id, body) values (${uuidOf(newId('gen'))}, ${uuidOf(ours.tenantId)}, ${end}::text)
        returning 1 / (body <> 'at once')::int as one`;
    const one = await openDatabase({ ...databaseDefaults, url: test.url, maxConnections: 6 }, parts);
    try {
      // The driver opens the connection; then it is that of the one before, and that of the same.
      await one.as(theirs).sql(() => whose);
      for (const before of [theirs, ours]) {
        for (const [first, second] of ends.flatMap((each) => ends.map((end) => [each, end] as const))) {
          await one.as(before).sql(() => whose);
          const leader = one.as(ours).lead(ending(first));
          while (!leader.isOpen) await Promise.resolve();
          const runs: boolean[] = [];
          const said = await Promise.allSettled([leader.rows, leader.follow(ending(second), (hasRows) => runs.push(hasRows))]);
          const status = (end: string) => (end === 'well' ? 'fulfilled' : 'rejected');
          expect(said.map((each) => each.status)).toEqual([status(first), status(second)]);
          expect(runs).toEqual(second === 'at once' ? [] : [true]);
          for (const scope of [ours, theirs, ours])
            expect(await one.as(scope).sql(() => whose)).toEqual([{ tenant: uuidOf(scope.tenantId) }]);
        }
      }
    } finally {
      await one.close();
      await owner.unsafe('drop function failing_late cascade');
    }
  });

  it('is followed as well on a connection that knows too many statements to learn one more', async () => {
    const one = await openDatabase({ ...databaseDefaults, url: test.url, maxConnections: 6 }, parts);
    try {
      let sum = sql`select 1`;
      for (let known = 0; known < 220; known++, sum = sql`${sum} + 1`) await one.as(ours).sql(() => sum);
      const leader = one.as(ours).lead(sql`select 1 + 1`);
      while (!leader.isOpen) await Promise.resolve();
      const next = leader.follow(sql`select current_setting('draftwire.tenant') as learnt`);
      expect(await Promise.all([leader.rows, next])).toMatchObject([[{}], [{ learnt: uuidOf(ours.tenantId) }]]);
    } finally {
      await one.close();
    }
  });

  it('sees nothing of another tenant, whoever had the connection before', async () => {
    await db.as(theirs).query.insert(notes).values(note(theirs, 'walled'));
    const read = sql`select body from notes where body = 'walled'`;
    await db.as(theirs).sql(() => read, { idempotent: true });
    const leader = db.as(ours).lead(read);
    while (!leader.isOpen) await Promise.resolve();
    expect(await Promise.all([leader.rows, leader.follow(read)])).toEqual([[], []]);
  });
});
