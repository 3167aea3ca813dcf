import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busySeconds, cores, pin } from './harness/cpu.ts';
import { print, type Report } from './harness/report.ts';

/** How long and how often a benchmark measures. */
export interface Effort {
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
}

const benchmarks = {
  http: async (effort: Effort) => (await import('./http.ts')).http(effort),
  stream: async (effort: Effort) => (await import('./stream.ts')).stream(effort),
  start: async (effort: Effort) => (await import('./start.ts')).start(effort),
  access: async (effort: Effort) => (await import('./access.ts')).access(effort),
  sse: async (effort: Effort) => (await import('./sse.ts')).sse(effort),
  gateway: async (effort: Effort) => (await import('./gateway.ts')).gateway(effort),
  limits: async (effort: Effort) => (await import('./limits.ts')).limits(effort),
  budget: async (effort: Effort) => (await import('./budget.ts')).budget(effort),
  guards: async (effort: Effort) => (await import('./guards.ts')).guards(effort),
} satisfies Record<string, (effort: Effort) => Promise<Report>>;

const folder = fileURLToPath(new URL('.', import.meta.url));
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Installs the peers when they are missing, builds the product, runs one benchmark; 1 when a gate is not met. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
  });
  const [name = ''] = positionals;
  if (!Object.hasOwn(benchmarks, name))
    throw new Error(`usage: npm run bench -- ${Object.keys(benchmarks).join(' | ')} [--rounds 5] [--seconds 3]`);
  if (!existsSync(path.join(folder, 'node_modules')))
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  pin(process.pid, cores.load);
  const [startedAt, busyAt] = [Date.now(), busySeconds()];
  const report = await benchmarks[name as keyof typeof benchmarks]({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
  });
  const machine = {
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    node: process.version,
    at: new Date().toISOString(),
    busyCores: Number(((busySeconds() - busyAt) / ((Date.now() - startedAt) / 1_000)).toFixed(2)),
    loadAverage: os.loadavg()[0],
  };
  return print({ ...report, notes: { ...report.notes, machine } }) ? 0 : 1;
}

process.exitCode = await main();
