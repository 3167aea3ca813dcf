import { readFileSync } from 'node:fs';

/** Where Linux counts how long somebody has waited for a processor. */
const pressure = '/proc/pressure/cpu';

/** So many milliseconds somebody on this machine has waited for a processor, ever; 0 where nobody counts. */
function waitedMs(): number {
  try {
    return Number(/^some .*total=(\d+)/m.exec(readFileSync(pressure, 'utf8'))?.[1] ?? 0) / 1_000;
  } catch {
    // Other systems, and containers that are not shown it: all time counts.
    return 0;
  }
}

/**
 * A stopwatch that stands still while somebody waits for a processor: what is promised in milliseconds is promised for a machine with room for
 * it. It gives the milliseconds from when it was made to `at`, a moment of `performance.now()`.
 */
export function stopwatch(): (at?: number) => number {
  const [startedAt, before] = [performance.now(), waitedMs()];
  return (at = performance.now()) => Math.max(0, at - startedAt - (waitedMs() - before));
}
