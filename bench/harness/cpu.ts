import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Where things run: the measured server on one core, everything that loads it on the other, the database on either. */
export const cores = { server: '0', load: '1' } as const;

/** Clock ticks a second in /proc, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Keeps all threads of a process on one core. */
export function pin(pid: number, core: string): void {
  execFileSync('taskset', ['-acp', core, String(pid)], { stdio: 'ignore' });
}

/** CPU seconds, user and system, that a process has used. */
export function cpuSeconds(pid: number): number {
  const { ticks } = statOf(pid);
  return ticks / ticksPerSecond;
}

/** CPU seconds of everything that a process started, and that those started, as far as it still runs or was waited for. */
export function cpuSecondsBelow(pid: number): number {
  const parents = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { parent, ticks, waitedTicks } = statOf(Number(name));
      parents.set(Number(name), { parent, ticks: ticks + waitedTicks });
    } catch {
      // It ended between the listing and the read.
    }
  }
  const isBelow = (id: number): boolean => {
    const parent = parents.get(id)?.parent;
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  let ticks = 0;
  for (const [id, process] of parents) if (isBelow(id)) ticks += process.ticks;
  return ticks / ticksPerSecond;
}

function statOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; what follows it starts with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, waitedUser, waitedSystem] = fields.slice(11, 15).map(Number);
  return {
    parent: Number(fields[1]),
    ticks: (user ?? 0) + (system ?? 0),
    waitedTicks: (waitedUser ?? 0) + (waitedSystem ?? 0),
  };
}

/** The share of both cores that anything used since the last reading, read before and after a run to tell how quiet the machine was. */
export function busySeconds(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}
