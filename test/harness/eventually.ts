import { setTimeout as pause } from 'node:timers/promises';
import { vi } from 'vitest';
import { stopwatch } from './stopwatch.ts';

const lookMs = 20;

/**
 * So long a test waits for what comes at once when all goes well: enough for a busy machine, and less than a lease, so that nothing comes only
 * because one ran out. What is promised to come sooner has a deadline of its own.
 */
export const patienceMs = 12_000;

/**
 * Looks until there is something (not null, undefined or false) and gives it; throws once `deadlineMs` has passed. A shorter deadline than
 * `patienceMs` stands still while somebody waits for a processor, until `patienceMs` are over.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  deadlineMs = patienceMs,
  what = 'it',
): Promise<Exclude<T, null | undefined | false>> {
  const elapsed = stopwatch();
  const atLast = performance.now() + Math.max(deadlineMs, patienceMs);
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    if (elapsed() > deadlineMs || performance.now() > atLast) throw new Error(`${what} did not come within ${deadlineMs} ms`);
    await pause(lookMs);
  }
}

/** Tries until the check does not throw; throws as it does once `patienceMs` has passed. */
export function soon<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: patienceMs, interval: lookMs });
}
