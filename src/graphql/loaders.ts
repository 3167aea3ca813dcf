import DataLoader from 'dataloader';
import type { Scope } from '../kernel/scope.ts';

/** Makes the batch function of a loader; the function object itself is the loader's key, so define it once, at module or class level. */
export type LoaderFactory<K, V> = (scope: Scope) => (keys: readonly K[]) => Promise<readonly (V | Error)[]>;

/** The DataLoaders of one operation: one per factory, made when first asked for. */
export class Loaders {
  private readonly made = new Map<unknown, DataLoader<unknown, unknown>>();

  constructor(private readonly scope: Scope) {}

  /** The operation's loader for this factory. Keys are compared by value: use strings. */
  get<K, V>(factory: LoaderFactory<K, V>): DataLoader<K, V> {
    const existing = this.made.get(factory);
    if (existing) return existing as DataLoader<K, V>;
    const loader = new DataLoader<K, V>(factory(this.scope), { maxBatchSize: 500 });
    this.made.set(factory, loader);
    return loader;
  }

  /** Forgets what was read, so that the next result of a subscription reads afresh. */
  clear(): void {
    if (this.made.size > 0) for (const loader of this.made.values()) loader.clearAll();
  }
}
