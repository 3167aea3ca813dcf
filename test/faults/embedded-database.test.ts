import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execPath, geteuid, kill } from 'node:process';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedded, type EmbeddedServer } from '../../src/db/embedded.ts';
import { openLog } from '../../src/kernel/log.ts';

const log = openLog({ level: 'silent' });
// What is tested here survives the death of processes, not of the machine.
const options = { fsync: false };
const holderScript = fileURLToPath(new URL('../fixtures/embedded-holder.ts', import.meta.url));
const cleanups: (() => unknown)[] = [];
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-embedded-'));
  await chmod(dataDir, 0o711);
  const made = dataDir;
  cleanups.push(() => rm(made, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(): Promise<EmbeddedServer> {
  const server = await openEmbedded({ dataDir, log, options });
  cleanups.push(() => server.stop());
  return server;
}

/** Another process that holds, or could not hold, the database. */
async function holder(): Promise<{ child: ChildProcess; pid: number; url?: string; error?: string }> {
  const child = spawn(execPath, ['--disable-warning=ExperimentalWarning', holderScript, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let holds = false;
  cleanups.push(async () => {
    const server = holds ? await serverPid().catch(() => 0) : 0;
    child.kill('SIGKILL');
    // Its guard stops the server; the folder can go after that.
    if (server > 0) await untilGone(server);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, 'line')) as [string];
  const outcome = JSON.parse(line) as { url?: string; error?: string };
  holds = outcome.url !== undefined;
  return { child, pid: child.pid ?? 0, ...outcome };
}

async function ask<Row extends postgres.Row>(url: string, text: string): Promise<Row[]> {
  const client = postgres(url, { max: 1, connect_timeout: 5 });
  try {
    return [...(await client.unsafe<Row[]>(text))];
  } finally {
    await client.end({ timeout: 5 });
  }
}

async function serverPid(): Promise<number> {
  return Number((await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} lives on`);
    await turn();
  }
}

describe('the embedded database', () => {
  it.each(['with spaces', 'Ada, Byron', 'the "old" one', "it's $HOME; #1", 'größe 😀'])(
    'lives in a folder called %s',
    async (name) => {
      dataDir = path.join(dataDir, name);
      await mkdir(dataDir, { mode: 0o711 });
      const { url, socketPath } = await open();
      expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(socketPath?.startsWith(dataDir)).toBe(true);
    },
  );

  it('starts, serves, stops without a trace and starts again with what it had', async () => {
    const first = await openEmbedded({ dataDir, log, options });
    const pid = await serverPid();
    expect(
      await ask(first.url, `select current_setting('server_encoding') as encoding, version() like 'PostgreSQL 18%' as is18`),
    ).toEqual([{ encoding: 'UTF8', is18: true }]);
    await ask(first.url, 'create table kept as select 1 as one');
    await first.stop();
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(path.join(dataDir, 'postgres'))).toEqual(['data', 'server.log']);
    await expect(ask(first.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    const second = await open();
    expect(await ask(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('admits nobody without the password, which only its user can read', async () => {
    const { url } = await open();
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await ask(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await ask(url, `select distinct auth_method from pg_hba_file_rules`)).toEqual([{ auth_method: 'scram-sha-256' }]);
    expect((await stat(path.join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(dataDir, 'postgres/data/owner-password'))).mode & 0o777).toBe(0o600);
  });

  it.runIf(os.platform() === 'linux')('hands nothing of our environment to the server', async () => {
    process.env['CANARY_KEY'] = 'canary';
    cleanups.push(() => delete process.env['CANARY_KEY']);
    await open();
    const environment = await readFile(`/proc/${await serverPid()}/environ`, 'utf8');
    expect(environment).toContain('LC_ALL');
    expect(environment).not.toContain('canary');
    expect(environment).not.toContain('HOME=');
  });
});

describe('after kill -9 of the process that holds it', () => {
  it('the server stops, and starts again at once with what was committed', async () => {
    const held = await holder();
    await ask(held.url ?? '', 'create table kept as select 1 as one');
    const pid = await serverPid();
    held.child.kill('SIGKILL');
    const next = await open();
    expect(await ask(next.url, 'select one from kept')).toEqual([{ one: 1 }]);
    expect(await serverPid()).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('the guard stops the server even if nobody comes back', async () => {
    const held = await holder();
    const pid = await serverPid();
    held.child.kill('SIGKILL');
    await untilGone(pid);
  });

  it('and of its guard, the orphan is adopted, guarded and stopped', async () => {
    const held = await holder();
    const pid = await serverPid();
    const guards = (await readdir(path.join(dataDir, 'postgres'))).filter((name) => name.startsWith('guard-'));
    expect(guards).toEqual([`guard-${held.pid}`]);
    const guard = Number((await readFile(path.join(dataDir, 'postgres', guards[0] ?? ''), 'utf8')).split(' ')[0]);
    // The whole of the guard, which is every process of its group but the server, before its holder.
    const group = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    for (const member of group) {
      const status = await readFile(`/proc/${member}/stat`, 'utf8').catch(() => '');
      const [, parent, processGroup] = status
        .slice(status.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      if (processGroup === guard && Number(member) !== pid && parent === guard) kill(Number(member), 'SIGKILL');
    }
    if (isAlive(guard)) kill(guard, 'SIGKILL');
    held.child.kill('SIGKILL');
    await untilGone(held.pid);
    expect(isAlive(pid)).toBe(true);

    const next = await openEmbedded({ dataDir, log, options });
    expect(await serverPid()).toBe(pid);
    expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.stop();
    expect(isAlive(pid)).toBe(false);
  });
});

it.runIf(os.platform() === 'linux')('starts over a pid file whose number now belongs to another process', async () => {
  const first = await openEmbedded({ dataDir, log, options });
  const file = path.join(dataDir, 'postgres/data/postmaster.pid');
  const stale = (await readFile(file, 'utf8')).replace(/^\d+/, String(process.pid));
  await first.stop();
  await writeFile(file, stale);
  const next = await open();
  expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

describe('two processes', () => {
  it('cannot hold it both: the second is told who does', async () => {
    const held = await holder();
    await expect(openEmbedded({ dataDir, log, options })).rejects.toThrow(`in use by process ${held.pid}`);
    expect(await ask(held.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('that begin at once on an empty folder end with one holder', async () => {
    const both = await Promise.all([holder(), holder()]);
    const winner = both.find((one) => one.url !== undefined);
    const loser = both.find((one) => one.error !== undefined);
    expect(loser?.error).toContain(`in use by process ${winner?.pid}`);
    expect(await ask(winner?.url ?? '', 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('follow each other when the first stops in order', async () => {
    const held = await holder();
    const exited = once(held.child, 'exit');
    held.child.kill('SIGTERM');
    const next = await open();
    expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await exited).toEqual([0, null]);
  });
});

describe.runIf(geteuid?.() === 0)('as root, where the user that runs it cannot go', () => {
  it('lives elsewhere, found again by a pointer', async () => {
    await chmod(dataDir, 0o700);
    const first = await openEmbedded({ dataDir, log, options });
    const { home } = JSON.parse(await readFile(path.join(dataDir, 'postgres.json'), 'utf8')) as { home: string };
    cleanups.push(() => rm(home, { recursive: true, force: true }));
    await ask(first.url, 'create table kept as select 1 as one');
    await first.stop();
    expect((await stat(home)).mode & 0o777).toBe(0o700);

    const second = await openEmbedded({ dataDir, log, options });
    expect(await ask(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
    await second.stop();

    await rm(home, { recursive: true });
    await expect(openEmbedded({ dataDir, log, options })).rejects.toThrow('which is not there');
  });
});
