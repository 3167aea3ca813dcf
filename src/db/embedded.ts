import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { pid as ourPid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import type { Log } from '../kernel/log.ts';
import { findPlace, programEnvironment, type Place } from './embedded-place.ts';
import { hasArgument, isAlive, isGuardedByOther, startGuarded, watchOrphan, type Guard } from './embedded-guard.ts';

const run = promisify(execFile);

export interface EmbeddedOptions {
  /** Whether commits wait for the disk; false only for tests. */
  readonly fsync?: boolean;
  readonly maxConnections?: number;
}

export interface EmbeddedServer {
  /** The owner's URL. */
  readonly url: string;
  /** Its Unix socket, which costs less per message than the address in `url`; null where the folder's name is too long for one. */
  readonly socketPath: string | null;
  /** Closes our hold and stops the server; resolves when it has exited. */
  stop(): Promise<void>;
}

const owner = 'draftwire';
const startDeadlineMs = 60_000;
// What fits into the address of a Unix socket on Linux and macOS, less the end mark.
const longestSocketPath = 102;
// Session lock on the database `postgres`: who has it owns the cluster.
const holderLock = 7_233_918_452;
const holderName = (pid: number) => `draftwire holder ${pid}`;

/** The cluster is in use by a living process; its pid is in the message. */
class HeldError extends Error {
  override readonly name = 'HeldError';
}

/**
 * Starts PostgreSQL under `dataDir` and stops it with us, even when we are killed: a guard stops it when our end of a pipe closes.
 * A server that an earlier process left behind is adopted, one that a living process holds is refused.
 */
export async function openEmbedded(parts: { dataDir: string; log: Log; options?: EmbeddedOptions }): Promise<EmbeddedServer> {
  const place = await findPlace(path.resolve(parts.dataDir));
  const password = await makeCluster(place, parts.options?.fsync !== false);
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const guard = (await runningPid(place)) === null ? await start(place, parts.options ?? {}) : null;
    try {
      const held = await hold(place, password);
      if (held) return await serverOf(place, password, held, guard ?? watchOrphan(place, held.pid), parts.log);
    } catch (error) {
      await guard?.stop();
      throw error;
    }
    await guard?.stop();
    if (Date.now() > deadline)
      throw new Error(`the embedded database did not start; its log ends with: ${await endOfLog(place)}`);
    await sleep(25);
  }
}

async function serverOf(place: Place, password: string, held: Hold, guard: Guard, log: Log): Promise<EmbeddedServer> {
  let isStopping = false;
  held.onLost(() => {
    if (!isStopping) log.error({ home: place.home }, 'lost the embedded database; its own log is server.log there');
  });
  const [known] = await held.client`select from pg_database where datname = ${owner}`;
  if (!known) await held.client.unsafe(`create database ${owner}`);
  return {
    url: urlOf(password, held.port, owner),
    socketPath: await findSocket(place, held.port),
    stop: async () => {
      isStopping = true;
      await held.client.end({ timeout: 1 });
      await guard.stop();
    },
  };
}

interface Hold {
  readonly client: postgres.Sql;
  readonly pid: number;
  readonly port: number;
  onLost(listener: () => void): void;
}

/** Takes the lock that makes the running server ours; null when there is no server to take, or it is on its way down. */
async function hold(place: Place, password: string): Promise<Hold | null> {
  const running = await readPidFile(place);
  if (!running?.isReady || !isAlive(running.pid)) return null;
  let lost: () => void = () => undefined;
  const client = postgres(urlOf(password, running.port, 'postgres'), {
    max: 1,
    idle_timeout: 0,
    max_lifetime: 0,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => undefined,
    onclose: () => lost(),
    connection: { application_name: holderName(ourPid) },
  });
  try {
    const [answer] = await client<{ isOurs: boolean }[]>`select pg_try_advisory_lock(${String(holderLock)}::bigint) as "isOurs"`;
    if (answer?.isOurs) {
      // The guard of a process that is gone is about to stop this server; one whose process lives is about to lock it.
      if (!(await isGuardedByOther(place))) {
        return { client, pid: running.pid, port: running.port, onLost: (listener) => (lost = listener) };
      }
    } else {
      await refuseIfHeld(client, place);
    }
  } catch (error) {
    if (error instanceof HeldError) throw error;
    // Refused, or cut while it goes down: no server of ours yet, and the caller looks again.
  }
  await client.end({ timeout: 1 });
  return null;
}

async function refuseIfHeld(client: postgres.Sql, place: Place): Promise<void> {
  const [holder] = await client<{ name: string }[]>`
    select a.application_name as name from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) + l.objid::bigint = ${String(holderLock)}::bigint`;
  const pid = Number(/^draftwire holder (\d+)$/.exec(holder?.name ?? '')?.[1]);
  if (!pid || !isAlive(pid)) return;
  await client.end({ timeout: 1 });
  throw new HeldError(
    `the database in ${place.home} is in use by process ${pid}: stop it, use its address, or set another DATA_DIR`,
  );
}

async function start(place: Place, options: EmbeddedOptions): Promise<Guard> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(await freePort()),
    // A list: in quotes a comma is part of a name.
    unix_socket_directories: socketPathOf(place, 0) === null ? '' : `"${place.home.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    max_connections: String(options.maxConnections ?? 100),
    timezone: 'UTC',
    log_timezone: 'UTC',
    // What people wrote is in statements and in the details of errors: neither belongs in a log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...(options.fsync === false && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const guard = startGuarded(place, [path.join(place.bin, 'postgres'), '-D', path.join(place.home, 'data'), ...parameters]);
  const deadline = Date.now() + startDeadlineMs;
  while (guard.isRunning() && Date.now() < deadline) {
    const found = await readPidFile(place);
    if (found?.isReady && isAlive(found.pid)) break;
    await sleep(5);
  }
  return guard;
}

/** Makes the cluster unless it is there; returns the owner's password. Made aside and renamed, so that half a cluster is never taken for a whole. */
async function makeCluster(place: Place, isDurable: boolean): Promise<string> {
  const final = path.join(place.home, 'data');
  for (const name of await readdir(place.home)) {
    // `new-<pid>-...` of a process that died half-way.
    const maker = Number(/^new-(\d+)-/.exec(name)?.[1]);
    if (maker && !isAlive(maker)) await rm(path.join(place.home, name), { recursive: true, force: true });
  }
  if (!(await exists(final))) {
    const scratch = await mkdtemp(path.join(place.home, `new-${ourPid}-`));
    try {
      await initialise(place, scratch, isDurable);
      await rename(path.join(scratch, 'data'), final).catch(async (error: unknown) => {
        // Another process made it meanwhile: that one counts.
        if (!(await exists(final))) throw error;
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return (await readFile(path.join(final, 'owner-password'), 'utf8')).trim();
}

async function initialise(place: Place, scratch: string, isDurable: boolean): Promise<void> {
  const passwordFile = path.join(scratch, 'password');
  await writeFile(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  if (place.account) for (const owned of [scratch, passwordFile]) await chown(owned, place.account.uid, place.account.gid);
  const choices = [
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=scram-sha-256',
  ];
  await run(
    path.join(place.bin, 'initdb'),
    [
      '-D',
      path.join(scratch, 'data'),
      '-U',
      owner,
      `--pwfile=${passwordFile}`,
      ...choices,
      '--no-instructions',
      ...(isDurable ? [] : ['--no-sync']),
    ],
    { ...place.account, env: programEnvironment, cwd: '/' },
  );
  // Kept with the data, so that one rename makes both the cluster's.
  await rename(passwordFile, path.join(scratch, 'data', 'owner-password'));
}

interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

/** postmaster.pid: pid, data directory, start time, port, socket folder, address, shared memory, status. */
async function readPidFile(place: Place): Promise<PidFile | null> {
  try {
    const lines = (await readFile(path.join(place.home, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
  } catch {
    // None, or one being written: no server to speak of.
    return null;
  }
}

/** The server's pid; null when none runs. A pid file that names somebody else's process is removed: Postgres would not start beside it. */
async function runningPid(place: Place): Promise<number | null> {
  const found = await readPidFile(place);
  if (!found || !isAlive(found.pid)) return null;
  if (await hasArgument(found.pid, path.join(place.home, 'data'))) return found.pid;
  await rm(path.join(place.home, 'data', 'postmaster.pid'), { force: true });
  return null;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Where Postgres makes its socket; null when the path would not fit into a socket's address. */
function socketPathOf(place: Place, port: number): string | null {
  const file = path.join(place.home, `.s.PGSQL.${port}`);
  return Buffer.byteLength(path.join(place.home, '.s.PGSQL.65535')) <= longestSocketPath ? file : null;
}

/** An adopted server may be an older build's, without a socket. */
async function findSocket(place: Place, port: number): Promise<string | null> {
  const file = socketPathOf(place, port);
  return file !== null && (await exists(file)) ? file : null;
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://${owner}:${password}@127.0.0.1:${port}/${database}`;
}

async function endOfLog(place: Place): Promise<string> {
  const text = await readFile(path.join(place.home, 'server.log'), 'utf8').catch(() => '(no log)');
  return text.trim().split('\n').slice(-5).join(' | ');
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
