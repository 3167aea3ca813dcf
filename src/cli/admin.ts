import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { KeyService, type Owner } from '../access/key.service.ts';
import { readConfig, type Env } from '../config.ts';
import { databaseDefaults, openDatabase } from '../db/client.ts';
import { openEmbedded } from '../db/embedded.ts';
import { assertMigrated, migrate } from '../db/migrate.ts';
import { systemClock } from '../kernel/clock.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { openLog } from '../kernel/log.ts';
import { commandOf, usage, UsageError } from './command.ts';

async function admin(args: readonly string[], env: Env): Promise<void> {
  const command = commandOf(args);
  if (command.name === 'migrate') return migrateDatabase(env);
  const owner = await bootstrap(env, command.tenant, command.email);
  process.stdout.write(`tenant  ${owner.tenantId}\nmember  ${owner.memberId}\nkey     ${owner.key}\n`);
  process.stderr.write('Keep the key: only a hash of it is stored.\n');
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
    let databaseConfig = config.database;
    if (databaseConfig === null) {
      await mkdir(config.dataDir, { recursive: true });
      const embedded = await openEmbedded({ dataDir: config.dataDir, log });
      life.onStop('embedded database', () => embedded.stop());
      await migrate(embedded.url, { loginUrl: embedded.url });
      databaseConfig = { ...databaseDefaults, url: embedded.url };
    }
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
