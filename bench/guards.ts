import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { cores } from './harness/cpu.ts';
import { atMost, type Report } from './harness/report.ts';
import { quantile, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

const processes = 10;
const masking = fileURLToPath(new URL('peers/masking.ts', import.meta.url));

/** How long it takes to mask a prompt of 8 KiB full of personal details, from the first one of a process on. */
export function guards({ rounds }: Effort): Promise<Report> {
  const run = (isWarm: boolean, core: string): number[] =>
    JSON.parse(
      execFileSync('taskset', ['-c', core, process.execPath, masking], {
        env: { ...process.env, WARM: isWarm ? '1' : '0' },
        encoding: 'utf8',
      }),
    ) as number[];
  // V8 compiles and collects beside the process that it does so for, where there is a core for it.
  const both = `${cores.server},${cores.load}`;
  const runs = (isWarm: boolean, core: string) => Array.from({ length: rounds * processes }, () => run(isWarm, core));
  const warm = runs(true, both);
  const cold = runs(false, both);
  const narrow = runs(true, cores.load);
  const firsts = (all: readonly number[][]): number[] => all.flatMap(([first]) => first ?? []);
  const laters = (all: readonly number[][]): number[] => all.flatMap((times) => times.slice(1));
  const later = laters(warm);
  const row = (times: readonly number[]) => ({
    'p50 ms': round(quantile(times, 0.5)),
    'p95 ms': round(quantile(times, 0.95)),
    'p99 ms': round(quantile(times, 0.99)),
    'most ms': round(Math.max(...times)),
  });
  return Promise.resolve({
    benchmark: 'guards',
    rounds,
    table: {
      'the first of a process, as it boots': row(firsts(warm)),
      'the first of a process, not warmed': row(firsts(cold)),
      'all later ones': row(later),
      'the first, with one core': row(firsts(narrow)),
      'all later ones, with one core': row(laters(narrow)),
    },
    gates: [
      atMost('ms for the first prompt of a process, p50', round(quantile(firsts(warm), 0.5)), 5),
      atMost('ms for later prompts, p99', round(quantile(later, 0.99)), 5),
    ],
    notes: {
      prompts: '8 KiB, a name, number, address and pages of a person in each line, other ones each time',
      first: spreadOf(firsts(warm)),
    },
  });
}
