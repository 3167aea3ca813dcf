import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { KeyService, type Owner } from '../access/key.service.ts';
import { openOwnDatabase } from '../app.ts';
import { readConfig, type Env } from '../config.ts';
import { openDatabase } from '../db/client.ts';
import { assertMigrated, migrate } from '../db/migrate.ts';
import { systemClock } from '../kernel/clock.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { openLog } from '../kernel/log.ts';

const usage = `Usage:
  npm run admin -- migrate
      Brings the schema at DATABASE_URL up to this build, as the owner (DATABASE_OWNER_URL, or DATABASE_URL
      where they are the same), and lets the user of DATABASE_URL use it. Safe to repeat.
  npm run admin -- bootstrap --tenant NAME --email EMAIL
      Makes a tenant and its owner; prints the owner's key, this once. Needs the SECRET of the servers.
`;

/** What was typed is not a command: exit code 2. */
class UsageError extends Error {}

async function admin(args: readonly string[], env: Env): Promise<void> {
  const { command, tenant, email } = commandOf(args);
  if (command === 'migrate') return migrateDatabase(env);
  if (!tenant?.trim()) throw new UsageError('bootstrap needs --tenant NAME');
  if (!email || !/^[^\s@]+@[^\s@]+$/.test(email))
    throw new UsageError('bootstrap needs --email EMAIL, an address like ada@example.org');
  const owner = await bootstrap(env, tenant.trim(), email);
  process.stdout.write(`tenant  ${owner.tenantId}\nmember  ${owner.memberId}\nkey     ${owner.key}\n`);
  process.stderr.write('Keep the key: only a hash of it is stored.\n');
}

function commandOf(args: readonly string[]): { command: 'migrate' | 'bootstrap'; tenant?: string; email?: string } {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { tenant: { type: 'string' }, email: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  const [command, ...rest] = positionals;
  if (command === undefined) throw new UsageError('a command is missing');
  if (command !== 'migrate' && command !== 'bootstrap') throw new UsageError(`there is no command ${command}`);
  if (rest.length > 0) throw new UsageError(`${command} takes no ${rest.join(' ')}`);
  if (command === 'migrate' && Object.keys(values).length > 0) throw new UsageError('migrate takes no options');
  return { command, ...values };
}

async function migrateDatabase(env: Env): Promise<void> {
  // What production demands of a server, such as its secret, is not needed to migrate.
  const { database } = readConfig({ ...env, NODE_ENV: 'development' });
  if (database === null) throw new Error('DATABASE_URL is missing; the embedded database is migrated whenever it starts');
  await migrate(database.ownerUrl ?? database.url, { loginUrl: database.url });
  process.stdout.write('The database is up to date.\n');
}

async function bootstrap(env: Env, tenant: string, email: string): Promise<Owner> {
  const config = readConfig(env);
  const log = openLog({ level: 'silent' });
  const life = new Lifecycle(log);
  try {
    await mkdir(config.dataDir, { recursive: true });
    const databaseConfig = config.database ?? (await openOwnDatabase(config, life, log));
    if (config.database === null) await migrate(databaseConfig.url, { loginUrl: databaseConfig.url });
    const database = await openDatabase(databaseConfig, { log, clock: systemClock });
    life.onStop('database', () => database.close());
    await assertMigrated(database);
    return await new KeyService(database, config.secret).bootstrap(tenant, email);
  } finally {
    await life.stop(config.stopDeadlineMs);
  }
}

try {
  await admin(process.argv.slice(2), process.env);
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${isUsage ? `\n${usage}` : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}
