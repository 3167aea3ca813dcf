import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { pidOf, stopChild, type Server } from './child.ts';
import { cores, pin } from './cpu.ts';

const root = process.env.BENCH_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const startMs = 60_000;
/** Every request is counted as in production, and none is refused. */
const countedButFree = {
  RATE_LIMIT_MEMBER: '100000000',
  RATE_LIMIT_TENANT: '100000000',
  RATE_LIMIT_STARTS: '100000000',
  QUERY_COST_LIMIT: '100000000',
  QUERY_COST_PER_SECOND: '1000000',
  MAX_GENERATIONS_PER_MEMBER: '100000000',
  MAX_GENERATIONS_PER_TENANT: '100000000',
  MAX_SOCKETS_PER_MEMBER: '100000000',
  MAX_SOCKETS_PER_TENANT: '100000000',
  MAX_SUBSCRIPTIONS_PER_MEMBER: '100000000',
  MAX_SUBSCRIPTIONS_PER_TENANT: '100000000',
};

/** Draftwire as it ships: the built process on its embedded database, with a key. */
export interface Product extends Server {
  readonly key: string;
  /** The owner's URL of its database. */
  readonly databaseUrl: string;
  /** The Unix socket that the product itself talks to its database over. */
  readonly databaseSocket: string;
  /** Sends an operation over HTTP; throws when the answer has errors. */
  ask<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
}

/** Starts it in a folder of its own, with the process, not its database, on the server's core. `stop` removes the folder. */
export async function startProduct(env: Readonly<Record<string, string>> = {}): Promise<Product> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-bench-'));
  const port = await freePort();
  const nodeFlags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
  const child = spawn(process.execPath, [...nodeFlags, path.join(root, 'dist/main.js')], {
    cwd: root,
    env: { ...productEnvironment(), DATA_DIR: dataDir, PORT: String(port), ...countedButFree, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the product ended before it was ready')));
  await Promise.race([untilReady(url), gone]);
  gone.catch(() => undefined);
  pin(pidOf(child), cores.server);
  const key = (await readFile(path.join(dataDir, 'dev-key'), 'utf8')).trim();
  const { home } = JSON.parse(await readFile(path.join(dataDir, 'postgres.json'), 'utf8')) as { home: string };
  const pool = new Pool(url, { connections: 64, pipelining: 1 });
  return {
    name: 'Draftwire',
    url,
    pid: pidOf(child),
    key,
    ...(await databaseOf(home)),
    async ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
      const { body } = await pool.request({
        path: '/graphql',
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await body.json()) as { data: T; errors?: unknown };
      if (errors) throw new Error(`the product refused: ${JSON.stringify(errors)}`);
      return data;
    },
    async stop() {
      await pool.close();
      await stopChild(child);
      await rm(home, { recursive: true, force: true });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What this process got from npm and from other tools must not change the product. */
function productEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + startMs;
  for (;;) {
    try {
      if ((await fetch(`${url}/readyz`)).ok) return;
    } catch {
      // It does not listen yet.
    }
    if (Date.now() > deadline) throw new Error(`the product was not ready within ${startMs} ms`);
    await pause(50);
  }
}

async function databaseOf(home: string): Promise<Pick<Product, 'databaseUrl' | 'databaseSocket'>> {
  const password = (await readFile(path.join(home, 'data', 'owner-password'), 'utf8')).trim();
  const port = (await readFile(path.join(home, 'data', 'postmaster.pid'), 'utf8')).split('\n')[3];
  return {
    databaseUrl: `postgres://draftwire:${password}@127.0.0.1:${port}/draftwire`,
    databaseSocket: path.join(home, `.s.PGSQL.${port}`),
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
