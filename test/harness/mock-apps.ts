import { randomBytes } from 'node:crypto';
import type { Env } from '../../src/config.ts';
import { openTestApp, type TestApp } from './app.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import { MockProvider } from './mock-provider.ts';
import { mockEnv } from './tales.ts';

/** Apps of a test on one database, which all write with one mock vendor. */
export interface MockApps {
  readonly mock: MockProvider;
  readonly database: TestDatabase;
  /** Opens one more. */
  open(env: Env): Promise<TestApp>;
  /** Stops them all, and drops the database. */
  close(): Promise<void>;
}

/** Begins with none. */
export async function openMockApps(): Promise<MockApps> {
  const mock = await MockProvider.open();
  const database = await openTestDatabase();
  const apps: TestApp[] = [];
  return {
    mock,
    database,
    async open(env) {
      const app = await openTestApp({ database, env: { ...mockEnv(mock), ...env } });
      apps.push(app);
      return app;
    },
    async close() {
      for (const app of apps) await app.stop();
      await database.drop();
      await mock.close();
    },
  };
}

/** A master key as it is configured. */
export function newMasterKey(): string {
  return randomBytes(32).toString('base64');
}
