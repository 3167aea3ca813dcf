import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

/** A server that serves from a data folder. */
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
}

const answerWithinMs = 2_000;

/** Says in `DATA_DIR/server.json` where this process listens; the answer takes it back. */
export async function announce(dataDir: string, url: string): Promise<() => Promise<void>> {
  const path = fileOf(dataDir);
  await writeFile(path, `${JSON.stringify({ url, pid: process.pid } satisfies RunningServer)}\n`);
  return async () => {
    const current = await read(path);
    // Where processes share a folder the newest is announced: it is not ours to take back.
    if (current?.pid === process.pid && current.url === url) await rm(path, { force: true });
  };
}

/** The server that serves from this folder; null when none does. A file that a killed process left behind counts for nothing. */
export async function findRunning(dataDir: string): Promise<RunningServer | null> {
  const server = await read(fileOf(dataDir));
  return server && isAlive(server.pid) && (await answers(server.url)) ? server : null;
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'server.json');
}

async function read(path: string): Promise<RunningServer | null> {
  try {
    const { url, pid } = JSON.parse(await readFile(path, 'utf8')) as Partial<RunningServer>;
    return typeof url === 'string' && Number.isInteger(pid) && pid !== undefined && pid > 0 ? { url, pid } : null;
  } catch {
    // Absent, or cut off by a crash: the same as no server.
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(answerWithinMs) });
    return response.ok && ((await response.json()) as { status?: unknown }).status === 'ok';
  } catch {
    // Nobody there, or somebody else.
    return false;
  }
}
