import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';

/** For so long a change may go unnoticed where no hint of it arrives. */
const rememberedMs = 3_000;
/** What is older is looked up again when it is used, and used meanwhile: nobody waits for it. */
const freshMs = 1_500;

/**
 * What a tenant has set, as a look at the database found it: each answer for three seconds at most, looked up once at a time. A look that
 * began before something was forgotten is not remembered.
 */
export class Remembered<T extends object | null> {
  private readonly answers = new LRUCache<string, { readonly answer: T; readonly askedAt: number }>({ max: 10_000 });
  private readonly looking = new Map<string, Promise<T>>();
  private forgotten = 0;

  constructor(
    private readonly clock: Clock,
    private readonly look: (id: string, tenantId: string) => Promise<T>,
  ) {}

  /** The answer, where it can be had without waiting; undefined when it has to be looked up. */
  known(id: string, tenantId = id): T | undefined {
    const known = this.answers.get(id);
    if (!known) return undefined;
    const age = this.clock.monotonic() - known.askedAt;
    if (age >= rememberedMs) return undefined;
    // Fails again, and is heard then, once the answer is too old to be used.
    if (age >= freshMs) this.get(id, tenantId).catch(() => undefined);
    return known.answer;
  }

  /** A fresh answer; rejects as the look does. */
  get(id: string, tenantId = id): Promise<T> {
    const looking = this.looking.get(id);
    if (looking) return looking;
    const { forgotten } = this;
    const askedAt = this.clock.monotonic();
    const look = this.look(id, tenantId).then((answer) => {
      if (forgotten === this.forgotten) this.answers.set(id, { answer, askedAt });
      return answer;
    });
    this.looking.set(id, look);
    const over = () => {
      if (this.looking.get(id) === look) this.looking.delete(id);
    };
    look.then(over, over);
    return look;
  }

  /** Looks again when these are asked for next; all of them without `ids`. */
  forget(ids: readonly string[] | null): void {
    this.forgotten++;
    this.looking.clear();
    if (ids === null) this.answers.clear();
    else for (const id of ids) this.answers.delete(id);
  }
}
