import { setTimeout as pause } from 'node:timers/promises';
import { vi } from 'vitest';

const lookMs = 20;

/**
 * So long a test waits for what comes at once when all goes well: enough for a busy machine, and less than a lease, so that nothing comes only
 * because one ran out. What is promised to come sooner has a deadline of its own.
 */
export const patienceMs = 12_000;

/** Looks until there is something (not null, undefined or false) and gives it; throws once `deadlineMs` has passed. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  deadlineMs = patienceMs,
  what = 'it',
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${deadlineMs} ms`);
    await pause(lookMs);
  }
}

/** Tries until the check does not throw; throws as it does once `patienceMs` has passed. */
export function soon<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: patienceMs, interval: lookMs });
}
