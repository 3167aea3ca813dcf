import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { urlOfDatabase } from '../harness/cluster.ts';

// What people and keys of an installation may do after the migration that brings roles: no less than before.

const folder = new URL('../../drizzle/', import.meta.url);
const name = `draftwire_people_${randomBytes(4).toString('hex')}`;
const all =
  '{templates:read,generations:read,generations:write,models:read,tenant:write,keys:read,keys:write,schema:introspect,schema:federate,health:read}';

let admin: postgres.Sql;
/** Owns the tables as in production: no superuser, so that the policies bind it. */
let owner: postgres.Sql;

beforeAll(async () => {
  const adminUrl = inject('databaseAdminUrl');
  admin = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create role ${name} login password '${name}'`);
  await admin.unsafe(`create database ${name} owner ${name}`);
  const url = new URL(urlOfDatabase(adminUrl, name));
  url.username = name;
  url.password = name;
  owner = postgres(url.href, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await owner.end();
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.unsafe(`drop role ${name}`);
  await admin.end();
});

it('leaves everybody what they could do', async () => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  const people = files.findIndex((file) => file.endsWith('_people.sql'));
  const run = async (file: string) => owner.unsafe(await readFile(new URL(file, folder), 'utf8'));
  for (const file of files.slice(0, people)) await run(file);
  await owner.unsafe(`
    alter table tenants no force row level security;
    alter table members no force row level security;
    alter table api_keys no force row level security;
    insert into tenants (id, name) select gen_random_uuid(), 'Acme' from generate_series(1, 2);
    insert into members (id, tenant_id, email) select gen_random_uuid(), id, 'ada@example.org' from tenants;
    insert into api_keys (id, tenant_id, member_id, name, secret_hash, permissions)
      select gen_random_uuid(), tenant_id, id, 'whole', '', '${all}' from members;
    insert into api_keys (id, tenant_id, member_id, name, secret_hash, permissions)
      select gen_random_uuid(), tenant_id, id, 'part', '', '{generations:read,keys:write}' from members;
    insert into api_keys (id, tenant_id, member_id, name, secret_hash, permissions)
      select gen_random_uuid(), tenant_id, id, 'little', '', '{models:read}' from members;
    alter table tenants force row level security;
    alter table members force row level security;
    alter table api_keys force row level security`);
  for (const file of files.slice(people)) await run(file);

  await owner.unsafe(`alter table members no force row level security; alter table api_keys no force row level security`);
  const members = await owner`select role, count(*)::int as count from members group by role`;
  expect([...members]).toEqual([{ role: 'owner', count: 2 }]);
  const keys =
    await owner`select name, permissions, count(*)::int as count from api_keys group by name, permissions order by name`;
  expect([...keys]).toEqual([
    { name: 'little', permissions: ['models:read'], count: 2 },
    { name: 'part', permissions: ['generations:read', 'keys:write', 'generations:others', 'keys:others'], count: 2 },
    { name: 'whole', permissions: [...all.slice(1, -1).split(','), '*'], count: 2 },
  ]);
});
