import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineTables, sharedTables } from '../harness/tables.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';

// Who may see what, as the migrated database itself says it: a new table is covered on arrival.

/** The few acts without a tenant, each with its narrow route (rule 20 of the stream protocol). Anything more needs a reason here. */
const engineGrants: Readonly<Record<string, string>> = {
  // Lookup of keys and invitations: who shows them, and what they may do; the retention of each tenant, and the end of deleted ones.
  api_keys: 'SELECT',
  // Whose token it is.
  issuers: 'SELECT',
  roles: 'SELECT',
  tenants: 'DELETE SELECT',
  // Writing, take-over and cleaning up after the end.
  attempts: 'INSERT SELECT UPDATE',
  // Who is followed when the one that was followed is lost, and what is too old.
  cache_entries: 'DELETE INSERT SELECT UPDATE',
  chunks: 'DELETE INSERT SELECT UPDATE',
  generations: 'DELETE SELECT UPDATE',
  // What calls reserve is settled where attempts and generations end.
  budgets: 'SELECT UPDATE',
  budget_holds: 'DELETE INSERT SELECT UPDATE',
  // The sealer of the audit log.
  audit_entries: 'SELECT',
  audit_heads: 'INSERT SELECT UPDATE',
  idempotency_keys: 'DELETE SELECT',
  // How the models of the installation do: circuit breakers, which are one for all tenants.
  model_health: 'DELETE INSERT SELECT UPDATE',
  // Who makes how many calls to which provider.
  held_places: 'INSERT SELECT UPDATE',
  // Which processes hold slots, and for how long.
  processes: 'DELETE INSERT SELECT UPDATE',
  // What an operator says of models.
  model_settings: 'DELETE INSERT SELECT UPDATE',
  // The library is stored at boot.
  template_versions: 'INSERT SELECT UPDATE',
  templates: 'INSERT SELECT UPDATE',
  // What an operator allows a tenant.
  tenant_limits: 'INSERT SELECT UPDATE',
};

/** What the engine may write of tables that it otherwise reads: when a key was used, the place of an audit entry, once, and which tenant runs the installation. */
const engineColumns: Readonly<Record<string, { readonly policy: string; readonly columns: string }>> = {
  api_keys: { policy: 'engine_notes_use', columns: 'last_used_at' },
  audit_entries: { policy: 'engine_seals', columns: 'hash position' },
  tenants: { policy: 'engine_appoints', columns: 'runs_installation' },
};

/** What the engine may say of rows that it adds to tables that it otherwise reads: what services did. */
const engineAdds: Readonly<Record<string, { readonly policy: string; readonly columns: string }>> = {
  audit_entries: {
    policy: 'engine_records',
    columns: 'actor address after before code count id operation proof_id proof_kind request_id tenant_id thing transport',
  },
};

/** What the app may say of rows that it otherwise cannot write: all of an audit entry but its time, its transaction and its place; a limit, never the ceiling above it; a tenant, never that it runs the installation. */
const appColumns: Readonly<Record<string, string>> = {
  audit_entries: 'actor address after before code count id operation proof_id proof_kind request_id tenant_id thing transport',
  tenant_limits: 'name own tenant_id',
  tenants:
    'created_at deleted_at generation_cache_max_age_seconds generation_cache_mode generation_retention_days id masks_personal_data name suspended_at',
};
/** What the app may change of them. */
const appChanges: Readonly<Record<string, string>> = {
  tenant_limits: 'own',
  tenants:
    'deleted_at generation_cache_max_age_seconds generation_cache_mode generation_retention_days masks_personal_data name suspended_at',
};

/** What the engine deletes of tables that it otherwise reads: tenants that are gone. */
const engineDeletes: readonly string[] = ['tenants'];
/** What the engine may read of tables that it otherwise knows nothing of: which master keys are in use; whose key or invitation it is, never who they are. */
const engineReadsColumns: Readonly<Record<string, string>> = {
  data_keys: 'master_key_id tenant_id',
  invitations: 'accepted_at expires_at id member_id revoked_at secret_hash tenant_id',
  members: 'claimed_roles id removed_at role tenant_id',
};

const appGrants: Readonly<Record<string, string>> = {
  api_keys: 'INSERT SELECT UPDATE',
  attempts: 'DELETE INSERT SELECT UPDATE',
  audit_entries: 'SELECT',
  audit_heads: 'SELECT',
  budgets: 'DELETE INSERT SELECT UPDATE',
  budget_holds: 'DELETE INSERT SELECT UPDATE',
  cache_entries: 'INSERT SELECT UPDATE',
  chunks: 'SELECT',
  data_keys: 'INSERT SELECT UPDATE',
  generations: 'DELETE INSERT SELECT UPDATE',
  held_slots: 'INSERT SELECT UPDATE',
  idempotency_keys: 'DELETE INSERT SELECT UPDATE',
  identities: 'INSERT SELECT',
  issuers: 'INSERT SELECT UPDATE',
  invitations: 'INSERT SELECT UPDATE',
  members: 'INSERT SELECT UPDATE',
  model_settings: 'SELECT',
  model_trials: 'DELETE INSERT SELECT',
  processes: 'SELECT',
  provider_credentials: 'DELETE INSERT SELECT UPDATE',
  route_times: 'INSERT SELECT UPDATE',
  route_versions: 'DELETE INSERT SELECT',
  routes: 'DELETE INSERT SELECT UPDATE',
  cost_buckets: 'INSERT SELECT UPDATE',
  rate_buckets: 'INSERT SELECT UPDATE',
  rate_limits: 'SELECT',
  roles: 'DELETE INSERT SELECT UPDATE',
  template_versions: 'SELECT',
  templates: 'SELECT',
  tenant_limits: 'SELECT',
  tenants: 'SELECT',
};

let database: TestDatabase;
let owner: postgres.Sql;
let tables: string[];
let tenantTables: string[];

beforeAll(async () => {
  database = await openTestDatabase();
  owner = postgres(database.url, { max: 1, onnotice: () => undefined });
  const rows = await owner<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname`;
  tables = rows.map(({ name }) => name);
  tenantTables = tables.filter((name) => !sharedTables.includes(name) && !engineTables.includes(name));
});

afterAll(async () => {
  await owner.end();
  await database.drop();
});

const grantsOf = async (role: string) => {
  const rows = await owner<{ table: string; grants: string }[]>`
    select table_name as table, string_agg(privilege_type, ' ' order by privilege_type) as grants
    from information_schema.role_table_grants
    where grantee = ${role} and table_schema = 'public' group by table_name`;
  return Object.fromEntries(rows.map(({ table, grants }) => [table, grants]));
};

/** Columns that a role has a right at, of tables that it does not have the right at as a whole. */
const columnsOf = async (role: string, privilege: 'SELECT' | 'INSERT' | 'UPDATE') => {
  const rows = await owner<{ table: string; columns: string }[]>`
    select table_name as table, string_agg(column_name || '', ' ' order by column_name) as columns from information_schema.column_privileges c
    where grantee = ${role} and table_schema = 'public' and privilege_type = ${privilege} and not exists (
      select 1 from information_schema.role_table_grants t
      where t.grantee = c.grantee and t.table_name = c.table_name and t.table_schema = c.table_schema and t.privilege_type = ${privilege})
    group by table_name`;
  return Object.fromEntries(rows.map(({ table, columns }) => [table, columns]));
};

describe('the second wall', () => {
  it('stands around every table, for its owner too', async () => {
    const open = await owner<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`;

    expect(tables).toContain('generations');
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  it('lets the app at the rows of its tenant only', async () => {
    const policies = await owner<{ table: string; name: string; command: string; using: string; check: string | null }[]>`
      select tablename as table, policyname as name, cmd as command, qual as using, with_check as check
      from pg_policies where schemaname = 'public' and 'draftwire_app' = any(roles) order by tablename, policyname`;
    const wall = (column: string) => `(${column} = (NULLIF(current_setting('draftwire.tenant'::text, true), ''::text))::uuid)`;

    expect(policies.map((policy) => ({ ...policy }))).toEqual(
      tables
        .filter((table) => !engineTables.includes(table))
        .map((table) => {
          if (sharedTables.includes(table))
            return { table, name: 'everyone_reads', command: 'SELECT', using: 'true', check: null };
          const rule = wall(table === 'tenants' ? 'id' : 'tenant_id');
          return { table, name: 'tenant_wall', command: 'ALL', using: rule, check: rule };
        }),
    );
  });

  it('lets the engine at the named tables only, and reading stays reading', async () => {
    const policies = await owner<{ table: string; name: string; command: string }[]>`
      select tablename as table, policyname as name, cmd as command
      from pg_policies where schemaname = 'public' and 'draftwire_engine' = any(roles) order by tablename, policyname`;

    expect(policies.map((policy) => ({ ...policy }))).toEqual(
      [...Object.entries(engineGrants), ...Object.keys(engineReadsColumns).map((table) => [table, 'SELECT'] as const)]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([table, grants]) => [
          ...(engineDeletes.includes(table) ? [{ table, name: 'engine_deletes', command: 'DELETE' }] : []),
          grants === 'SELECT' || engineDeletes.includes(table)
            ? { table, name: 'engine_reads', command: 'SELECT' }
            : { table, name: 'engine_wall', command: 'ALL' },
          ...(engineColumns[table] ? [{ table, name: engineColumns[table].policy, command: 'UPDATE' }] : []),
          ...(engineAdds[table] ? [{ table, name: engineAdds[table].policy, command: 'INSERT' }] : []),
        ])
        .toSorted((a, b) => (`${a.table} ${a.name}` < `${b.table} ${b.name}` ? -1 : 1)),
    );
  });

  it('knows no policy for anybody else', async () => {
    const others = await owner<{ table: string; name: string }[]>`
      select tablename as table, policyname as name from pg_policies
      where schemaname = 'public' and not roles <@ array['draftwire_app', 'draftwire_engine']::name[]`;

    expect([...others]).toEqual([]);
  });
});

describe('the roles', () => {
  it('may do what is named, and nothing more', async () => {
    expect(await grantsOf('draftwire_app')).toEqual(appGrants);
    expect(await grantsOf('draftwire_engine')).toEqual(engineGrants);
    expect(await grantsOf('PUBLIC')).toEqual({});
    const columnsIn = (may: typeof engineColumns) =>
      Object.fromEntries(Object.entries(may).map(([table, { columns }]) => [table, columns]));
    expect(await columnsOf('draftwire_engine', 'UPDATE')).toEqual(columnsIn(engineColumns));
    expect(await columnsOf('draftwire_engine', 'INSERT')).toEqual(columnsIn(engineAdds));
    expect(await columnsOf('draftwire_app', 'UPDATE')).toEqual(appChanges);
    expect(await columnsOf('draftwire_app', 'INSERT')).toEqual(appColumns);
    expect(await columnsOf('draftwire_engine', 'SELECT')).toEqual(engineReadsColumns);
  });

  it('own nothing, bypass nothing and log in nowhere', async () => {
    const roles = await owner<Record<string, unknown>[]>`
      select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication
      from pg_roles where rolname in ('draftwire_app', 'draftwire_engine') order by rolname`;
    const owned = await owner`
      select relname from pg_class where relowner in (select oid from pg_roles where rolname in ('draftwire_app', 'draftwire_engine'))`;
    const nothing = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolcanlogin: false,
      rolreplication: false,
    };

    expect(roles.map((role) => ({ ...role }))).toEqual([
      { rolname: 'draftwire_app', ...nothing },
      { rolname: 'draftwire_engine', ...nothing },
    ]);
    expect([...owned]).toEqual([]);
  });

  it('pass no function or view of ours that acts with its owner’s rights', async () => {
    const functions = await owner`select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`;
    const views = await owner`
      select relname from pg_class where relnamespace = 'public'::regnamespace
        and (relkind = 'm' or (relkind = 'v' and not coalesce('security_invoker=true' = any(reloptions), false)))`;

    expect([...functions, ...views]).toEqual([]);
  });
});

describe('a tenant table', () => {
  it('has its tenant in every row, first in a unique index', async () => {
    const rows = await owner<{ table: string }[]>`
      select c.relname as table from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indkey[0] = a.attnum)
      order by c.relname`;

    expect(rows.map(({ table }) => table)).toEqual(tenantTables.filter((name) => name !== 'tenants'));
  });

  it('points at another only together with its tenant', async () => {
    const keys = await owner<{ table: string; target: string; columns: string[]; targetColumns: string[] }[]>`
      select k.conrelid::regclass::text as table, k.confrelid::regclass::text as target,
        array(select attname::text from unnest(k.conkey) with ordinality as at(number, place)
          join pg_attribute on attrelid = k.conrelid and attnum = number order by place) as columns,
        array(select attname::text from unnest(k.confkey) with ordinality as at(number, place)
          join pg_attribute on attrelid = k.confrelid and attnum = number order by place) as "targetColumns"
      from pg_constraint k where k.contype = 'f' and k.connamespace = 'public'::regnamespace`;
    const among = keys.filter(
      ({ table, target }) => tenantTables.includes(table) && tenantTables.includes(target) && target !== 'tenants',
    );

    expect(among.length).toBeGreaterThan(3);
    expect(among.filter(({ columns, targetColumns }) => columns[0] !== 'tenant_id' || targetColumns[0] !== 'tenant_id')).toEqual(
      [],
    );
    expect(keys.filter(({ table, target }) => sharedTables.includes(table) && tenantTables.includes(target))).toEqual([]);
  });

  it('is looked into by its primary key, also while Postgres knows nothing about it', async () => {
    const keys = await owner<{ table: string; name: string; columns: string[] }[]>`
      select c.relname as table, i.indexrelid::regclass::text as name,
        array(select attname::text from unnest(i.indkey::int2[]) with ordinality as at(number, place)
          join pg_attribute on attrelid = c.oid and attnum = number order by place) as columns
      from pg_index i join pg_class c on c.oid = i.indrelid
      where i.indisprimary and c.relnamespace = 'public'::regnamespace`;
    const taken: Record<string, string> = {};
    for (const { table, columns } of keys) {
      const where = columns.map((column) => `${column} = (select ${column} from ${table} limit 1)`).join(' and ');
      const [plan] = await owner.unsafe<{ 'QUERY PLAN': unknown }[]>(`explain (format json) select from ${table} where ${where}`);
      taken[table] = [...JSON.stringify(plan).matchAll(/"Index Name": ?"([^"]+)"/g)].map(([, name]) => name).join();
    }

    expect(keys.length).toBeGreaterThan(5);
    expect(taken).toEqual(Object.fromEntries(keys.map(({ table, name }) => [table, name])));
  });
});
