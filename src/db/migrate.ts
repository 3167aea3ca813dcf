import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import type { Database } from './client.ts';
import { appRole, engineRole } from './tenancy.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
const roles = [appRole.name, engineRole.name] as const;

// Any number no other program is likely to lock; held while one of us migrates.
const migrationLock = 7_233_918_451;
const waitForOthersMs = 60_000;
// A schema change that waits behind a long read blocks every read behind it: give way soon, try again.
const lockTimeoutMs = 1_000;
const triesForLocks = 30;

/** Brings the schema up to this build as its owner, and lets the user of `loginUrl` take on both roles. Safe to run twice, or in several processes at once. */
export async function migrate(ownerUrl: string, options: { readonly loginUrl?: string | null } = {}): Promise<void> {
  const client = postgres(ownerUrl, {
    max: 1,
    onnotice: () => undefined,
    fetch_types: false,
    connection: { application_name: 'draftwire migrate', lock_timeout: waitForOthersMs },
  });
  try {
    await client`select pg_advisory_lock(${String(migrationLock)}::bigint)`;
    await client.unsafe(`set lock_timeout = ${lockTimeoutMs}`);
    await createRoles(client);
    if (options.loginUrl) await grantRolesTo(client, decodeURIComponent(new URL(options.loginUrl).username));
    await whileLocked(() => runMigrations(drizzle(client), { migrationsFolder }));
    await client.unsafe(`
      grant usage on schema public, drizzle to ${roles.join(', ')};
      grant select on drizzle.__drizzle_migrations to ${roles.join(', ')}`);
  } finally {
    await client.end({ timeout: 5 });
  }
}

/** Throws when the schema is older than this build. A newer schema passes: it belongs to the next version of a rolling restart. */
export async function assertMigrated(database: Database): Promise<void> {
  const wanted = await newestMigration();
  const found = await appliedMigration(database);
  if (found < wanted) {
    throw new Error(
      `the database ${found === 0 ? 'has no schema yet' : 'schema is older than this build'}: run npm run admin -- migrate`,
    );
  }
}

async function newestMigration(): Promise<number> {
  const journal = JSON.parse(await readFile(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as { entries: { when: number }[] };
  return Math.max(0, ...journal.entries.map((entry) => entry.when));
}

async function appliedMigration(database: Database): Promise<number> {
  try {
    const options = { idempotent: true };
    const [row] = await database.engine.sql<{ newest: number | null }>(
      (sql) => sql`select max(created_at) as newest from drizzle.__drizzle_migrations`,
      options,
    );
    return row?.newest ?? 0;
  } catch (error) {
    // No such role, schema or table, or one that nobody granted us yet: all say that `migrate` has not finished here.
    if (['22023', '28000', '3F000', '42P01', '42501'].includes(codeOf(error))) return 0;
    throw error;
  }
}

async function createRoles(client: postgres.Sql): Promise<void> {
  for (const role of roles) {
    await onClusterRow(async () => {
      const [known] = await client`select from pg_roles where rolname = ${role}`;
      if (!known) await client.unsafe(`create role ${role} nologin`);
    });
  }
  const [owner] = await client<{ name: string }[]>`select current_user as name`;
  if (owner) await grantRolesTo(client, owner.name);
}

async function grantRolesTo(client: postgres.Sql, user: string): Promise<void> {
  const name = `"${user.replaceAll('"', '""')}"`;
  // From 16 on membership alone does not let a user take on a role: the grant has to say so. Before, it has no such words.
  const [server] = await client<
    { isModern: boolean }[]
  >`select current_setting('server_version_num')::int >= 160000 as "isModern"`;
  for (const role of roles) {
    await onClusterRow(async () => {
      const [has] = await client<
        { it: boolean }[]
      >`select pg_has_role(${user}, ${role}, ${server?.isModern ? 'SET' : 'MEMBER'}) as it`;
      if (has?.it) return;
      await client.unsafe(`grant ${role} to ${name}${server?.isModern ? ' with set true, inherit false' : ''}`);
    });
  }
}

/** Roles belong to the whole cluster: databases migrated at the same time collide on them, and the loser finds the work done. */
async function onClusterRow(work: () => Promise<void>): Promise<void> {
  const collisions = ['42710', '23505', 'XX000'];
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 20 || !collisions.includes(codeOf(error))) throw error;
      await sleep(10 + Math.random() * 40);
    }
  }
}

async function whileLocked(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error) || codeOf(error instanceof Error ? error.cause : null);
      if (code !== '55P03' || attempt === triesForLocks) throw error;
      await sleep(200 + Math.random() * 800);
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
