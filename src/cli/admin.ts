import { mkdir } from 'node:fs/promises';
import process from 'node:process';
import { KeyService } from '../access/key.service.ts';
import { appointFirst } from '../access/new-tenant.service.ts';
import { readConfig, type Config, type Env } from '../config.ts';
import { databaseDefaults, openDatabase, type Database } from '../db/client.ts';
import { openEmbedded } from '../db/embedded.ts';
import { assertMigrated, migrate } from '../db/migrate.ts';
import { systemClock } from '../kernel/clock.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { openLog, type Log } from '../kernel/log.ts';
import { setCeilings } from '../limits/limit-setting.service.ts';
import { readModelSettings, removeModel, setModel, type StoredModelSetting } from '../routing/model-setting.service.ts';
import { InstallationService } from '../tenants/installation.service.ts';
import { VaultService } from '../vault/vault.service.ts';
import { commandOf, usage, UsageError, type Command } from './command.ts';

async function admin(args: readonly string[], env: Env): Promise<void> {
  const command = commandOf(args);
  if (command.name === 'migrate') return migrateDatabase(env);
  if (command.name === 'rewrap') return rewrap(env);
  if (command.name === 'limits') return limitTenant(env, command.tenant, command.ceilings);
  if (command.name === 'tenants') return tenants(env, command);
  if (command.name === 'models') return models(env, command);
  return create(env, command);
}

async function migrateDatabase(env: Env): Promise<void> {
  // What production demands of a server, such as its secret, is not needed to migrate.
  const { database } = readConfig({ ...env, NODE_ENV: 'development' });
  if (database === null) throw new Error('DATABASE_URL is missing; the embedded database is migrated whenever it starts');
  await migrate(database.ownerUrl ?? database.url, { loginUrl: database.url });
  process.stdout.write('The database is up to date.\n');
}

async function rewrap(env: Env): Promise<void> {
  // Of what production demands of a server only the keys are needed.
  const config = readConfig({ ...env, NODE_ENV: 'development' });
  const { masterKeys } = config;
  if (masterKeys === null) throw new Error('MASTER_KEY is missing: the new key first, then those it takes over from');
  const { rewrapped, unreadable } = await withDatabase(config, (database, log) =>
    new VaultService({ database, masterKeys, log }).rewrap(),
  );
  process.stdout.write(`${rewrapped} data keys were wrapped anew, with ${masterKeys[0]?.id}.\n`);
  if (unreadable > 0) throw new Error(`${unreadable} data keys are wrapped with master keys that are not among those given`);
}

async function limitTenant(env: Env, tenant: string, ceilings: ReadonlyMap<string, number | null>): Promise<void> {
  const stored = await withDatabase(readConfig({ ...env, NODE_ENV: 'development' }), (database) =>
    setCeilings(database, tenant, ceilings),
  );
  for (const { name, ceiling, own } of stored) {
    const allowed = ceiling === null ? 'as configured' : ceiling === 0 ? 'any amount' : String(ceiling);
    process.stdout.write(`${name}  ${allowed}${own === null ? '' : `; set to ${own} by the tenant`}\n`);
  }
}

async function create(
  env: Env,
  { name, tenant, email }: Command & { readonly tenant: string; readonly email: string },
): Promise<void> {
  const config = readConfig(env);
  const { owner, isCustomer } = await withDatabase(config, async (database) => {
    const made = await new KeyService(database, config.secret).bootstrap(tenant, email);
    const isAppointed = name === 'bootstrap' && (await appointFirst(database, made.tenantId, 'admin'));
    return { owner: made, isCustomer: name === 'bootstrap' && !isAppointed };
  });
  process.stdout.write(`tenant  ${owner.tenantId}\nmember  ${owner.memberId}\nkey     ${owner.key}\n`);
  process.stderr.write('Keep the key: only a hash of it is stored.\n');
  if (isCustomer)
    process.stderr.write('Another tenant runs this installation already: this one is as `tenants create` makes it.\n');
}

async function tenants(env: Env, command: Command & { readonly name: 'tenants' }): Promise<void> {
  if (command.act === 'create') return create(env, command);
  // Nothing that production demands of a server is needed, but the database.
  const config = readConfig({ ...env, NODE_ENV: 'development' });
  await withDatabase(config, async (database) => {
    const installation = new InstallationService(database);
    if (command.act === 'list') {
      for await (const { id, name, status } of installation.list()) process.stdout.write(`${id}  ${status.padEnd(9)}  ${name}\n`);
      return;
    }
    if (command.act === 'delete') await installation.delete(command.id, command.tenant);
    else await installation[command.act](command.id);
    process.stdout.write(`${command.id}  ${done[command.act]}\n`);
  });
}

async function models(env: Env, command: Command & { readonly name: 'models' }): Promise<void> {
  await withDatabase(readConfig({ ...env, NODE_ENV: 'development' }), async (database) => {
    if (command.act === 'list') for (const line of await readModelSettings(database.engine)) process.stdout.write(lineOf(line));
    else if (command.act === 'set') process.stdout.write(lineOf(await setModel(database, command.id, command.changes)));
    else {
      await removeModel(database, command.id);
      process.stdout.write(`${command.id}  as built in\n`);
    }
  });
}

function lineOf({ id, contextWindow, maxOutputTokens, hasStructuredOutput, retiresAt, prices }: StoredModelSetting): string {
  const set = {
    CONTEXT_WINDOW: contextWindow,
    MAX_OUTPUT_TOKENS: maxOutputTokens,
    STRUCTURED_OUTPUT: hasStructuredOutput,
    RETIRES_AT: retiresAt && retiresAt.toISOString().slice(0, 10),
    PRICES: prices && JSON.stringify(prices),
  };
  const said = Object.entries(set).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  return `${id}  ${said.length === 0 ? 'as built in' : said.join(' ')}\n`;
}

const done = { suspend: 'SUSPENDED', resume: 'ACTIVE', delete: 'DELETED' } as const;

async function withDatabase<T>(config: Config, work: (database: Database, log: Log) => Promise<T>): Promise<T> {
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
    return await work(database, log);
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
