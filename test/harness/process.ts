import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import type { Env } from '../../src/config.ts';
import { post } from './clients.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';

const startTimeoutMs = 60_000;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Draftwire as a process of its own: what `npm start` runs, bundled. */
export interface RunningProcess extends AsyncDisposable {
  readonly url: string;
  /** A key of the development tenant with every permission; good for all processes on the same database. */
  readonly key: string;
  readonly pid: number;
  /** Its DATA_DIR, gone once it is stopped. */
  readonly dataDir: string;
  /** What it wrote, line by line, standard error included. */
  readonly lines: readonly string[];
  readonly exited: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
  /** Sends an operation over HTTP with the key; throws when the answer has errors. */
  ask<T = Record<string, unknown>>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** Kills it if it lives, and removes its folder. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly database: { readonly url: string };
  /** On top of an environment that suits tests: a free port, a folder of its own, the database. */
  readonly env?: Env;
  /** Runs the files of `dist`, each by itself, as `npm start` does. */
  readonly isUnbundled?: boolean;
}

/** Ends a process with the one that started it, however that ends: a killed test run leaves no servers behind. */
const endWithParent = `data:text/javascript,${encodeURIComponent("process.once('disconnect', () => process.exit()); process.channel.unref();")}`;
const unbundled = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Starts one and waits until it serves. Rejects with its output when it does not. */
export async function startProcess({ database, env = {}, isUnbundled = false }: ProcessOptions): Promise<RunningProcess> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-process-'));
  const program = isUnbundled ? unbundled : path.join(inject('programs'), 'main.mjs');
  const child = spawn(process.execPath, ['--import', endWithParent, program], {
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      DATABASE_MAX_CONNECTIONS: '10',
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
    },
  });
  const lines: string[] = [];
  const started = new AbortController();
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const stop = async (): Promise<void> => {
    // A stopped process dies of SIGKILL too.
    child.kill('SIGKILL');
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const url = await Promise.race([
      readyUrl(child, lines),
      exited.then(() => Promise.reject(new Error('it ended at once'))),
      pause(startTimeoutMs, null, { signal: started.signal, ref: false }).then(() =>
        Promise.reject(new Error('it takes too long')),
      ),
    ]).finally(() => started.abort());
    const key = (await readFile(path.join(dataDir, 'dev-key'), 'utf8')).trim();
    const signal = (name: NodeJS.Signals): void => void child.kill(name);
    const ask = async <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => {
      const { data, errors } = (await post(url, { query, variables }, { key })).body;
      if (errors?.length) throw new Error(JSON.stringify(errors));
      return data as T;
    };
    return { url, key, ask, dataDir, pid: child.pid ?? 0, lines, exited, signal, stop, [Symbol.asyncDispose]: stop };
  } catch (cause) {
    await stop();
    throw new Error(`the process did not start:\n${lines.join('\n')}`, { cause });
  }
}

/** Processes on one database of their own; all of it goes when the test is over. */
export interface Fleet extends AsyncDisposable {
  readonly database: TestDatabase;
  /** May be changed: what is in it at the end is stopped. */
  readonly processes: RunningProcess[];
}

/** Starts one process for each environment, all at once. */
export async function startFleet(...envs: Env[]): Promise<Fleet> {
  const database = await openTestDatabase();
  const started = await Promise.allSettled(envs.map((env) => startProcess({ database, env })));
  const processes = started.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const dispose = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop()));
    await database.drop();
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed) {
    await dispose();
    throw new Error('a process did not start', { cause: failed.reason });
  }
  return { database, processes, [Symbol.asyncDispose]: dispose };
}

function readyUrl({ stdout, stderr }: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    for (const input of [stdout, stderr]) {
      if (!input) continue;
      createInterface({ input }).on('line', (line) => {
        lines.push(line);
        const ready = /"url":"([^"]+)".*"msg":"ready"/.exec(line);
        if (ready?.[1]) resolve(ready[1]);
      });
    }
  });
}
