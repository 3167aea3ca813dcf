import { LRUCache } from 'lru-cache';
import type { Scope } from '../kernel/scope.ts';

/** What a look found, and for how many milliseconds it holds. */
export interface Found {
  readonly scope: Scope;
  readonly ttl: number;
}

const mostRemembered = 10_000;

/** Scopes by what proved them, for a short while: the same proof is looked at once at a time. What changes meanwhile is forgotten, and looks that began before that are not remembered. */
export class RememberedScopes {
  private readonly known = new LRUCache<string, Scope>({ max: mostRemembered });
  private readonly looking = new Map<string, Promise<Scope>>();
  private forgotten = 0;

  /** The scope under this name, or what `look` finds. */
  async get(name: string, look: () => Promise<Found>): Promise<Scope> {
    const known = this.known.get(name);
    if (known) return known;
    const waiting = this.looking.get(name);
    if (waiting) return waiting;
    const { forgotten } = this;
    const found = look().then(({ scope, ttl }) => {
      if (ttl > 0 && forgotten === this.forgotten) this.known.set(name, scope, { ttl });
      return scope;
    });
    this.looking.set(name, found);
    try {
      return await found;
    } finally {
      if (this.looking.get(name) === found) this.looking.delete(name);
    }
  }

  /** Looks again when these are shown next. */
  forget(which: (scope: Scope) => boolean): void {
    this.forgotten++;
    this.looking.clear();
    for (const [name, scope] of this.known) if (which(scope)) this.known.delete(name);
  }
}
