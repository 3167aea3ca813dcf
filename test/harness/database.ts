import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { inject } from 'vitest';
import { urlOfDatabase } from './cluster.ts';

/** A database of one test file's own. */
export interface TestDatabase {
  /** The owner's URL, which is also the login user's. */
  readonly url: string;
  drop(): Promise<void>;
}

/** Clones the migrated template. Connections that are still open do not keep it from being dropped. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('databaseAdminUrl');
  const name = `draftwire_test_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, async (admin) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await admin.unsafe(`create database ${name} template ${inject('databaseTemplate')}`);
      } catch (error) {
        // 55006: another clone is being taken of it just now.
        if (!(error instanceof postgres.PostgresError) || error.code !== '55006' || attempt === 100) throw error;
        await pause(20);
      }
    }
  });
  return {
    url: urlOfDatabase(adminUrl, name),
    drop: () => asAdmin(adminUrl, (admin) => admin.unsafe(`drop database if exists ${name} with (force)`)),
  };
}

async function asAdmin(url: string, work: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
