import { getTableColumns } from 'drizzle-orm';
import { bigint, boolean, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { id, uuidOf } from '../../src/db/ids.ts';
import { storedColumn } from '../../src/db/stored.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';

const things = pgTable('things', {
  id: id('gen').primaryKey(),
  tenantId: id('ten').notNull(),
  body: text(),
  facts: jsonb().$type<Record<string, unknown>>(),
  tags: text().array(),
  size: integer(),
  total: bigint({ mode: 'number' }),
  isGood: boolean(),
  madeAt: timestamp({ withTimezone: true }),
});
const columns = Object.entries(getTableColumns(things)).map(([name, column]) => storedColumn(name, column));

const tenants = [{ tenantId: newId('ten') }, { tenantId: newId('ten') }, { tenantId: newId('ten') }] as const;
const [ours] = tenants;
let test: TestDatabase;
let owner: postgres.Sql;
let db: Database;

beforeAll(async () => {
  test = await openTestDatabase();
  owner = postgres(test.url, { max: 2, onnotice: () => undefined });
  await owner.unsafe(`
    create table things (id uuid primary key, tenant_id uuid not null, body text, facts jsonb, tags text[], size int, total bigint, is_good boolean,
      made_at timestamptz);
    alter table things enable row level security;
    alter table things force row level security;
    create policy tenant_wall on things to draftwire_app using (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);
    grant select, insert, update, delete on things to draftwire_app`);
  db = await openDatabase(
    { ...databaseDefaults, url: test.url, maxConnections: 9 },
    { log: openLog({ level: 'silent' }), clock: systemClock },
  );
  for (const { tenantId } of tenants) {
    for (let size = 0; size < 30; size++) {
      await db
        .as({ tenantId })
        .query.insert(things)
        .values({ id: newId('gen'), tenantId, body: `${tenantId} "å\n\u{1F600}" ${'x'.repeat(size * 20)}`, size });
    }
  }
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await test.drop();
});

/** No wall of its own: only the connection's setting says whose rows come. */
const read = (tenant: { tenantId: string }, limit: number) =>
  db
    .as(tenant)
    .stored<typeof things.$inferSelect>(
      columns,
      (sql) =>
        sql`select id, tenant_id, body, facts, tags, size, total, is_good, made_at from things order by size limit ${limit}`,
    );

describe('rows as they are stored', () => {
  it('are the rows that the driver reads', async () => {
    const all = {
      id: newId('gen'),
      tenantId: ours.tenantId,
      body: '',
      facts: { a: [1, null] },
      tags: ['x', 'y "z"'],
      size: -1,
      total: Number.MAX_SAFE_INTEGER,
      isGood: true,
      madeAt: new Date('2026-11-21T04:22:15.120Z'),
    };
    await db.as(ours).query.insert(things).values(all);
    // The first is read by the driver, which opens the connection.
    for (const _ of [1, 2, 3]) {
      const [first, second, ...rest] = (await read(ours, 40)).rows();
      expect({ ...first, madeAt: first?.madeAt?.toISOString() }).toEqual({ ...all, madeAt: all.madeAt.toISOString() });
      expect(second).toMatchObject({ size: 0, facts: null, tags: null, total: null, isGood: null, madeAt: null });
      expect(rest).toHaveLength(29);
    }
    await db.as(ours).sql((sql) => sql`delete from things where id = ${uuidOf(all.id)}`);
  });

  it('are of their own tenant, whichever connections they share and whatever else is on them', async () => {
    await Promise.all(
      Array.from({ length: 600 }, async (_, index) => {
        // Not all in one turn, and not in step.
        for (let turn = 0; turn < index % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
        const tenant = tenants[index % 3] ?? ours;
        if (index % 5 === 0) {
          const rows = await db
            .as(tenant)
            .sql<{ tenant_id: string }>((sql) => sql`select tenant_id from things`, { idempotent: true });
          return expect([rows.length, ...new Set(rows.map((row) => row.tenant_id))]).toEqual([30, uuidOf(tenant.tenantId)]);
        }
        if (index % 11 === 0) {
          const found = await db.as(tenant).transaction(({ query }) => query.select({ of: things.tenantId }).from(things));
          return expect([found.length, ...new Set(found.map((row) => row.of))]).toEqual([30, tenant.tenantId]);
        }
        const rows = (await read(tenant, 1 + (index % 30))).rows();
        expect(rows.map(({ size }) => size)).toEqual(Array.from({ length: 1 + (index % 30) }, (__, size) => size));
        for (const { tenantId, body } of rows)
          expect([tenantId, body?.startsWith(tenant.tenantId)]).toEqual([tenant.tenantId, true]);
      }),
    );
  });

  it('come whole when there are many', async () => {
    const pages = await Promise.all(
      Array.from({ length: 40 }, () =>
        db
          .as(ours)
          .stored<{ body: string }>(
            columns.slice(2, 3),
            (sql) => sql`select repeat(body, 20) from things, generate_series(1, 3) order by size`,
          ),
      ),
    );
    for (const rows of pages) expect(rows.rows().every(({ body }) => body.length > 700)).toBe(true);
  });

  it('come again after their connection was lost', async () => {
    await read(ours, 1);
    await owner`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'draftwire draftwire_app' and datname = current_database()`;
    const found = await Promise.all(Array.from({ length: 20 }, () => read(ours, 3)));
    expect(found.map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => 3));
  });

  it('come again after their plan has become stale', async () => {
    const all = () =>
      db.as(ours).stored<{ id: string }>(columns.slice(0, 1), (sql) => sql`select * from things order by size limit ${2}`);
    for (const _ of [1, 2, 3]) expect((await all()).length).toBe(2);
    await owner`alter table things add column more text`;
    expect((await Promise.all([all(), all()])).map(({ length }) => length)).toEqual([2, 2]);
    await owner`alter table things drop column more`;
  });

  it('are refused as by the driver when the statement is wrong, and the connection goes on', async () => {
    const wrong = () => db.as(ours).stored(columns.slice(0, 1), (sql) => sql`select id from things where size / ${0} = 1`);
    for (const _ of [1, 2]) await expect(wrong()).rejects.toMatchObject({ code: '22012' });
    expect((await read(ours, 5)).length).toBe(5);
    expect(db.usage.app.waiting).toBe(0);
  });

  it('are read by more statements than a connection keeps', async () => {
    for (let most = 0; most < 450; most++) {
      const place = { strings: Object.assign([`select id from things where size < ${most} limit 1`], { raw: [] }) };
      const rows = await db.as(ours).stored(columns.slice(0, 1), (sql) => sql(place.strings as unknown as TemplateStringsArray));
      expect(rows.length).toBe(most === 0 ? 0 : 1);
    }
    const [found] = (
      await db
        .as(ours)
        .stored<{ count: number }>(
          [{ ...columns[5], name: 'count' } as never],
          (sql) => sql`select count(*) from pg_prepared_statements`,
        )
    ).rows();
    expect(found?.count).toBeLessThan(700);
  });
});

describe('a read that gets no answer', () => {
  it('ends with its deadline, and its connection with it', async () => {
    const hurried = await openDatabase(
      { ...databaseDefaults, url: test.url, maxConnections: 9, statementTimeoutMs: 300, queryTimeoutMs: 1_000 },
      { log: openLog({ level: 'silent' }), clock: systemClock },
    );
    try {
      const slow = () => hurried.as(ours).stored(columns.slice(0, 1), (sql) => sql`select id from things, pg_sleep(5) limit 1`);
      await hurried.as(ours).stored(columns.slice(0, 1), (sql) => sql`select id from things limit 1`);
      await expect(slow()).rejects.toMatchObject({ code: 'TIMEOUT' });
      expect((await hurried.as(ours).stored(columns.slice(0, 1), (sql) => sql`select id from things limit 1`)).length).toBe(1);
    } finally {
      await hurried.close();
    }
  });
});
