import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';

// What processes of an older build ask while they are replaced one by one: the database is migrated before the last of them has gone.

let database: TestDatabase;
let owner: postgres.Sql;

beforeAll(async () => {
  database = await openTestDatabase();
  owner = postgres(database.url, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

it('limits of tenants are read as rate_limits, each by its own', async () => {
  const tenants = await owner<{ id: string }[]>`
    insert into tenants (id, name) select gen_random_uuid(), 'older' from generate_series(1, 3) returning id`;
  const [one, two, none] = tenants.map(({ id }) => id);
  if (!one || !two || !none) throw new Error('no tenants');
  await owner`
    insert into tenant_limits (tenant_id, name, ceiling, own) values
      (${one}, 'REQUESTS_PER_MEMBER', 200, 50), (${one}, 'REQUESTS_PER_TENANT', 0, 900), (${one}, 'STARTS_PER_MEMBER', 7, null),
      (${one}, 'QUERY_COST', 5000, null), (${two}, 'REQUESTS_PER_MEMBER', 0, null), (${two}, 'SOCKETS_PER_MEMBER', 3, null)`;
  const asked = async (tenant: string) =>
    owner.begin(async (sql) => {
      await sql`select set_config('role', 'draftwire_app', true), set_config('draftwire.tenant', ${tenant}, true)`;
      const rows = await sql`select member, tenant, starts, cost, cost_per_second from rate_limits where tenant_id = ${tenant}`;
      const [all] = await sql`select count(*)::int as count from rate_limits`;
      return [...rows, all?.['count']];
    });

  expect(await asked(one)).toEqual([{ member: 50, tenant: 900, starts: 7, cost: 5000, cost_per_second: null }, 1]);
  expect(await asked(two)).toEqual([{ member: 0, tenant: null, starts: null, cost: null, cost_per_second: null }, 1]);
  expect(await asked(none)).toEqual([0]);
});
