import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cores, pin } from './cpu.ts';

/** A server process under measurement. */
export interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** A named peer; its process talks over IPC. */
export interface Peer extends Server {
  readonly child: ChildProcess;
}

const stopMs = 15_000;

/** Starts `peers/<file>.ts` on the server's core; it says where it listens, over IPC. */
export async function startPeer(name: string, file: string, env: Readonly<Record<string, string>> = {}): Promise<Peer> {
  const path = fileURLToPath(new URL(`../peers/${file}.ts`, import.meta.url));
  const child = spawn(
    process.execPath,
    [...(process.env.BENCH_PEER_FLAGS ?? '').split(' ').filter((flag) => flag !== ''), path],
    {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended before it was ready`)));
  const [{ url }] = (await Promise.race([once(child, 'message'), gone])) as [{ url: string }];
  gone.catch(() => undefined);
  const pid = pidOf(child);
  pin(pid, cores.server);
  return { name, url, pid, child, stop: () => stopChild(child) };
}

/** Ends a child politely, and for good when it does not listen. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}
