/** Why there is nothing at hand: `later` calls back when there may be, `ask` wants `next` to be asked, which knows an end, a failure or a promise. */
export type Pending = 'later' | 'ask';

/**
 * An iterator that gives what is at hand without a promise; at a thousand messages a second promises are most of the cost. It has one reader,
 * who either polls or waits for `next`, never both at once.
 */
export interface Pollable<T extends object> {
  /** What comes next, if it is at hand. Never throws: a failure is `ask`ed for. */
  poll(): T | Pending;
  /** Calls `wake`, instead of the one before, whenever a poll that said `later` may say something else; for nothing at times. */
  whenReady(wake: () => void): void;
}

/** An iterator that can be read in both ways. */
export type PollableIterator<T extends object> = AsyncIterableIterator<T, undefined> & Pollable<T>;

/** The same iterator, when it can be polled; else null. */
export function pollable<T extends object>(iterator: AsyncIterator<T>): (AsyncIterator<T> & Pollable<T>) | null {
  return 'poll' in iterator && 'whenReady' in iterator ? (iterator as AsyncIterator<T> & Pollable<T>) : null;
}
