import { holderOf, isLoopback } from '../kernel/address.ts';

/** What an address is told that holds too much. */
export const crowdedAddress = 'too many connections from this address';

/**
 * Counts what each address holds open, those of one IPv6 /64 together. This machine's own address is not counted: behind a proxy here that nobody named as trusted
 * it would be everybody's. The map is as large as the number of open connections at most.
 */
export class Crowd {
  private readonly held = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** Whether this address may hold no more. */
  isFull(address: string): boolean {
    return (this.held.get(holderOf(address)) ?? 0) >= this.most;
  }

  /** Counts one more; what it returns is called once, when that one is gone. */
  enter(address: string): () => void {
    if (isLoopback(address)) return () => undefined;
    const holder = holderOf(address);
    this.held.set(holder, (this.held.get(holder) ?? 0) + 1);
    return () => {
      const left = (this.held.get(holder) ?? 0) - 1;
      if (left > 0) this.held.set(holder, left);
      else this.held.delete(holder);
    };
  }

  /** Addresses that hold anything. */
  get size(): number {
    return this.held.size;
  }
}
