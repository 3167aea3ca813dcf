import { setTimeout as pause } from 'node:timers/promises';

/** Whether work is done within so many milliseconds; it goes on where it is not. Rejects as the work does. */
export async function isDoneWithin(ms: number, work: Promise<void>): Promise<boolean> {
  const timer = new AbortController();
  const late = pause(Math.max(0, ms), false, { signal: timer.signal });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer.abort();
    // Aborted by the line above: nobody waits for it any more.
    late.catch(() => undefined);
  }
}
