import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { kill, pid as ourPid } from 'node:process';
import { programEnvironment, type Place } from './embedded-place.ts';

/** A process that stops the server when our end of its pipe closes, be it by `stop` or by our death. */
export interface Guard {
  isRunning(): boolean;
  /** Stops the server; resolves when it has exited. */
  stop(): Promise<void>;
}

const stopDeadlineMs = 10_000;

// One shell reads our pipe, one waits for the server, so that the end of either ends both. Detached: Ctrl-C reaches none of them.
const prologue = 'guard=$1; echo "$$ $2" >"$guard"; trap \'rm -f "$guard"\' EXIT; shift 2; exec 3<&0;';
const startAndWatch = `${prologue} "$@" </dev/null 3<&- & server=$!; (read -r _ <&3; kill -INT $server) & watcher=$!; wait $server; kill $watcher`;
const watchOnly = `${prologue} read -r _ <&3; kill -INT "$1"; while kill -0 "$1"; do sleep 0.05; done 2>/dev/null`;

/** Starts the server under a guard. */
export function startGuarded(place: Place, command: readonly string[]): Guard {
  return spawnGuard(place, startAndWatch, command);
}

/** Puts a guard on a server that has lost its own. */
export function watchOrphan(place: Place, serverPid: number): Guard {
  return spawnGuard(place, watchOnly, [String(serverPid)]);
}

/** Whether a guard of another process lives: that process is starting the server, holds it, or has died and the guard is stopping it. */
export async function isGuardedByOther(place: Place): Promise<boolean> {
  const guards = (await readdir(place.home)).filter(
    (name) => name.startsWith('guard-') && name !== path.basename(guardFile(place)),
  );
  const alive = await Promise.all(guards.map((name) => isGuardAlive(path.join(place.home, name))));
  return alive.includes(true);
}

async function isGuardAlive(file: string): Promise<boolean> {
  try {
    const pid = Number((await readFile(file, 'utf8')).split(' ')[0]);
    return isAlive(pid) && (await hasArgument(pid, file));
  } catch {
    // Gone meanwhile.
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    return pid > 0 && kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a living process was started with this argument. After a restart of the machine or container another may have its number. */
export async function hasArgument(pid: number, argument: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').includes(argument);
  } catch {
    // Gone meanwhile, or a system without /proc, where the number has to do.
    return isAlive(pid);
  }
}

function spawnGuard(place: Place, script: string, args: readonly string[]): Guard {
  const log = openSync(path.join(place.home, 'server.log'), 'a', 0o600);
  const stdio: StdioOptions = ['pipe', log, log];
  const child = spawn('/bin/sh', ['-c', script, 'sh', guardFile(place), String(ourPid), ...args], {
    ...place.account,
    detached: true,
    stdio,
    cwd: '/',
    env: programEnvironment,
  });
  closeSync(log);
  // Neither the guard nor its pipe keeps us alive.
  child.unref();
  const input = child.stdin;
  if (input instanceof net.Socket) input.unref();
  input?.on('error', () => undefined);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  return {
    isRunning,
    stop: async () => {
      if (!isRunning()) return;
      child.ref();
      input?.end();
      const timer = setTimeout(() => forceDown(child), stopDeadlineMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function guardFile(place: Place): string {
  return path.join(place.home, `guard-${ourPid}`);
}

/** The guard leads its own process group, the server included: SIGQUIT makes Postgres stop at once and recover at the next start. */
function forceDown(child: ChildProcess): void {
  if (child.pid !== undefined) kill(-child.pid, 'SIGQUIT');
}
