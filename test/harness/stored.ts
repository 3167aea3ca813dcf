import type postgres from 'postgres';
import { uuidOf } from '../../src/db/ids.ts';

/** What changes by itself or by every call, also a refused one: buckets of limits, slots of what is open, how far the audit log is sealed. */
const restless = ['rate_buckets', 'cost_buckets', 'held_slots', 'audit_heads'];

/** What a tenant has stored: by table, how many rows and their digest. Equal when nothing changed. */
export type Stored = Readonly<Record<string, string>>;

/** Reads what tenants have stored, as the owner of the database; tables are found by looking. */
export async function openStored(owner: postgres.Sql): Promise<(tenantId: string) => Promise<Stored>> {
  const tables = await owner<{ name: string; column: string }[]>`
    select c.relname as name, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (a.attname = 'tenant_id' or (c.relname = 'tenants' and a.attname = 'id')) order by 1`;
  const parts = tables
    .filter(({ name }) => !restless.includes(name))
    .map(({ name, column }) => {
      // When a key was used, what the sealer writes and that chunks were cleared away is no change; refusals are counted, and written a minute later.
      const row = "(to_jsonb(t) - '{last_used_at,position,hash,chunks_deleted_at}'::text[])::text";
      const isRefusal = name === 'audit_entries' ? 'and code is null' : '';
      return `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(md5(${row}), '' order by md5(${row}))), '') as digest
        from ${name} t where ${column} = $1 ${isRefusal}`;
    });
  const statement = parts.join(' union all ');
  return async (tenantId) => {
    const rows = await owner.unsafe<{ name: string; digest: string }[]>(statement, [uuidOf(tenantId, 'ten')], { prepare: true });
    return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
  };
}
