import { Gauge, type Registry } from 'prom-client';
import type { Engine } from './engine.ts';
import type { Follower } from './follow.ts';

/** Adds what this process is writing and who reads it. */
export function observeGenerations(registry: Registry, { engine, follower }: { engine: Engine; follower: Follower }): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge('draftwire_generations_running', 'Generations that this process is writing.', () => engine.runningCount);
  gauge('draftwire_generation_readers', 'Readers of generation streams on this process.', () => follower.readerCount);
}
