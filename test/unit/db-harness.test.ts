import postgres from 'postgres';
import { expect, it } from 'vitest';
import { openTestDatabase } from '../harness/database.ts';

it('clones the migrated template and drops the clone', async () => {
  const database = await openTestDatabase();
  const client = postgres(database.url, { max: 1 });
  const [row] = await client<
    { tables: number }[]
  >`select count(*)::int as tables from information_schema.tables where table_schema = 'public'`;
  expect(row?.tables).toBeGreaterThan(3);
  await client.end();
  await database.drop();

  const late = postgres(database.url, { max: 1 });
  await expect(late`select 1`).rejects.toMatchObject({ code: '3D000' });
  await late.end();
});
