import { setTimeout as pause } from 'node:timers/promises';

const lookMs = 20;

/** Looks until there is something (not null, undefined or false) and gives it; throws once `deadlineMs` has passed. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  deadlineMs = 10_000,
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
