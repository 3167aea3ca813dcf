import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { openEmbedded, type EmbeddedServer } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openLog } from '../../src/kernel/log.ts';
import { bundle } from './bundle.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A role that may create databases and roles. */
    readonly databaseAdminUrl: string;
    /** The migrated database that test databases are clones of. */
    readonly databaseTemplate: string;
    /** The folder of the bundled programs. */
    readonly programs: string;
  }
}

/** One cluster per run: the server at TEST_DATABASE_URL, or an embedded one in a folder of its own. Nothing of it is left behind. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = await mkdtemp(path.join(os.tmpdir(), 'draftwire-programs-'));
  const [cluster] = await Promise.all([openCluster(), build(programs)]);
  const template = `draftwire_template_${randomBytes(6).toString('hex')}`;
  const admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
  const rolesBefore = await ourRoles(admin);
  try {
    await admin.unsafe(`create database ${template}`);
    await migrate(urlOfDatabase(cluster.url, template));
  } catch (error) {
    await admin.end();
    await cluster.stop();
    await rm(programs, { recursive: true });
    throw error;
  }
  project.provide('databaseAdminUrl', cluster.url);
  project.provide('databaseTemplate', template);
  project.provide('programs', programs);
  return async () => {
    await admin.unsafe(`drop database if exists ${template} with (force)`);
    for (const role of await ourRoles(admin)) {
      // Another run on the same server may still need them: then it is the one to drop them.
      if (!rolesBefore.includes(role)) await admin.unsafe(`drop role ${role}`).catch(() => undefined);
    }
    await admin.end();
    await cluster.stop();
    await rm(programs, { recursive: true });
  };
}

/** Compiles the product, so that tests of whole processes run what is in src, and bundles it into a folder. */
async function build(folder: string): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root }, (error, output) => {
      // 2: there are type errors, which are another check's to report, and everything was written all the same.
      if (error && error.code !== 2) reject(new Error(`could not compile the product: ${output}`, { cause: error }));
      else resolve();
    });
  });
  await bundle(root, folder);
}

async function ourRoles(admin: postgres.Sql): Promise<string[]> {
  const rows = await admin<
    { name: string }[]
  >`select rolname as name from pg_roles where rolname in ('draftwire_app', 'draftwire_engine')`;
  return rows.map((row) => row.name);
}

/** The same server and login, another database. */
export function urlOfDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

async function openCluster(): Promise<Pick<EmbeddedServer, 'url' | 'stop'>> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return { url: given, stop: async () => undefined };
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-test-'));
  // mkdtemp makes it private; as root the server's own user has to pass through.
  await chmod(dataDir, 0o711);
  const remove = () => rm(dataDir, { recursive: true, force: true });
  try {
    const server = await openEmbedded({
      dataDir,
      log: openLog({ level: 'warn' }),
      options: { fsync: false, maxConnections: 400 },
    });
    return {
      url: server.url,
      stop: async () => {
        await server.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
