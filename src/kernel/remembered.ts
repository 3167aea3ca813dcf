import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';

/** For so long a change may go unnoticed where no hint of it arrives. */
const rememberedMs = 3_000;
/** What is older is looked up again when it is used, and used meanwhile: nobody waits for it. */
const freshMs = 1_500;

/**
 * What a look at the database found, by name: each answer for three seconds at most, or for as long as `holdsMs` says of it, looked up once at
 * a time. A look that began before something was forgotten is not remembered. `A` is what a look needs to know beside the name.
 */
export class Remembered<T extends object | null, A = void> {
  private readonly answers = new LRUCache<string, { readonly answer: T; readonly askedAt: number }>({ max: 10_000 });
  private readonly looking = new Map<string, Promise<T>>();
  private forgotten = 0;

  constructor(
    private readonly clock: Clock,
    private readonly look: (name: string, asked: A) => Promise<T>,
    private readonly holdsMs: (answer: T) => number = () => rememberedMs,
  ) {}

  /** The answer, where it can be had without waiting; undefined when it has to be looked up. */
  known(name: string, asked: A): T | undefined {
    const known = this.answers.get(name);
    if (!known) return undefined;
    const age = this.clock.monotonic() - known.askedAt;
    if (age >= Math.min(rememberedMs, this.holdsMs(known.answer))) return undefined;
    // Fails again, and is heard then, once the answer is too old to be used.
    if (age >= freshMs) this.get(name, asked).catch(() => undefined);
    return known.answer;
  }

  /** A fresh answer; rejects as the look does. */
  get(name: string, asked: A): Promise<T> {
    const looking = this.looking.get(name);
    if (looking) return looking;
    const { forgotten } = this;
    const askedAt = this.clock.monotonic();
    const look = this.look(name, asked).then((answer) => {
      if (forgotten === this.forgotten) this.answers.set(name, { answer, askedAt });
      return answer;
    });
    this.looking.set(name, look);
    const over = () => {
      if (this.looking.get(name) === look) this.looking.delete(name);
    };
    look.then(over, over);
    return look;
  }

  /** Looks again when these are asked for next: those of these names, or those whose answer is such a one; all of them with null. */
  forget(which: readonly string[] | ((answer: T) => boolean) | null): void {
    this.forgotten++;
    this.looking.clear();
    if (which === null) this.answers.clear();
    else if (typeof which === 'function') {
      for (const [name, { answer }] of this.answers) if (which(answer)) this.answers.delete(name);
    } else for (const name of which) this.answers.delete(name);
  }
}
