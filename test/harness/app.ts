import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionResult } from 'graphql';
import postgres from 'postgres';
import { openApp, type App, type Surroundings } from '../../src/app.ts';
import { readConfig, type Env } from '../../src/config.ts';
import { openLog, type Log } from '../../src/kernel/log.ts';
import { post } from './clients.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';

export interface TestAppOptions extends Partial<Surroundings> {
  /** The database of another test app, for two processes on one; a fresh clone when absent. */
  readonly database?: TestDatabase;
  /** On top of an environment that suits tests: a free port, a folder of its own, a fast offline provider. */
  readonly env?: Env;
}

/** Draftwire in this process, on a database of its own. */
export interface TestApp {
  readonly url: string;
  /** A key of the development tenant with every permission. */
  readonly key: string;
  readonly database: TestDatabase;
  /** Everything that was logged, one JSON line each. */
  readonly lines: readonly string[];
  /** One statement as the owner of the database. */
  sql<T extends object = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: (string | number | null)[]
  ): Promise<T[]>;
  /** Sends an operation over HTTP with the key; throws when the answer has errors. */
  ask<T = Record<string, unknown>>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The same, errors included. */
  answer(query: string, variables?: Record<string, unknown>): Promise<ExecutionResult>;
  stop(): Promise<void>;
}

/** Opens one. `stop` fails when a part could not be stopped; it drops the database if it is its own. */
export async function openTestApp({ database: shared, env = {}, log, ...surroundings }: TestAppOptions = {}): Promise<TestApp> {
  const database = shared ?? (await openTestDatabase());
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-app-'));
  const lines: string[] = [];
  const config = readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    DATABASE_MAX_CONNECTIONS: '10',
    OFFLINE_TOKENS_PER_SECOND: '0',
    DRAIN_TIMEOUT_MS: '1000',
    // Only the tests of the limits are about them.
    RATE_LIMIT_MEMBER: '0',
    RATE_LIMIT_TENANT: '0',
    RATE_LIMIT_STARTS: '0',
    MAX_GENERATIONS_PER_MEMBER: '0',
    MAX_GENERATIONS_PER_TENANT: '0',
    MAX_SOCKETS_PER_MEMBER: '0',
    MAX_SOCKETS_PER_TENANT: '0',
    MAX_SUBSCRIPTIONS_PER_MEMBER: '0',
    MAX_SUBSCRIPTIONS_PER_TENANT: '0',
    QUERY_COST_LIMIT: '0',
    // Only the tests of breakers are about them: the others let models fail as often as they like.
    BREAKER_OPEN_MS: '0',
    ...env,
  });
  const recorded: Log = log ?? openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const owner = postgres(database.url, { max: 1, fetch_types: false, onnotice: () => undefined });
  let app: App;
  try {
    app = await openApp(config, { ...surroundings, log: recorded });
  } catch (error) {
    await owner.end();
    await rm(dataDir, { recursive: true, force: true });
    if (!shared) await database.drop();
    throw error;
  }
  const key = app.developmentKey ?? '';
  const answer = async (query: string, variables: Record<string, unknown> = {}) =>
    (await post(app.url, { query, variables }, { key })).body;
  return {
    url: app.url,
    key,
    database,
    lines,
    answer,
    sql: async <T extends object>(strings: TemplateStringsArray, ...values: (string | number | null)[]) =>
      (await owner<T[]>(strings, ...values)) as unknown as T[],
    ask: async <T>(query: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await answer(query, variables);
      if (errors?.length) throw new Error(JSON.stringify(errors));
      return data as T;
    },
    async stop() {
      const failures = await app.stop();
      await owner.end();
      if (!shared) await database.drop();
      await rm(dataDir, { recursive: true, force: true });
      if (failures.length > 0) throw new AggregateError(failures, 'the app did not stop cleanly');
    },
  };
}
