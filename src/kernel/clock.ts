import { performance } from 'node:perf_hooks';

/** Time as an argument. Wall time is for people and records, monotonic time for measuring. */
export interface Clock {
  now(): Date;
  /** Milliseconds since an arbitrary start; never goes back, goes on while the process is stopped. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
};
