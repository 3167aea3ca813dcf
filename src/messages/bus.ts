import type { Log } from '../kernel/log.ts';
import type { Message, MessageKind } from './catalogue.ts';

export type Listener = (message: Message) => void;

/** Carries messages inside the process, at once and in order. A listener that throws is logged and harms nobody else. */
export class Bus {
  private readonly listeners = new Map<MessageKind | '*', Set<Listener>>();
  private readonly reconnects = new Set<() => void>();

  constructor(private readonly log: Log) {}

  /** Listens to one kind, or to all; returns how to stop. */
  on(kind: MessageKind | '*', listener: Listener): () => void {
    const listeners = this.listeners.get(kind) ?? new Set();
    this.listeners.set(kind, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Lets a memory forget what messages of these kinds name, and everything after a gap. */
  forgetOn(memory: { forget(ids: readonly string[] | null): void }, ...kinds: readonly MessageKind[]): void {
    for (const kind of kinds) this.on(kind, ({ ids }) => memory.forget(ids));
    this.onGap(() => memory.forget(null));
  }

  /** Called when messages of other processes may have been missed: read what you watch. */
  onGap(listener: () => void): () => void {
    this.reconnects.add(listener);
    return () => void this.reconnects.delete(listener);
  }

  publish(kind: MessageKind, ids: readonly string[]): void {
    if (ids.length > 0) this.carry({ kind, ids, isRemote: false });
  }

  carry(message: Message): void {
    for (const key of [message.kind, '*'] as const) {
      for (const listener of this.listeners.get(key) ?? []) this.guarded(() => listener(message));
    }
  }

  gap(): void {
    for (const listener of this.reconnects) this.guarded(listener);
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (err) {
      this.log.error({ err }, 'a listener failed');
    }
  }
}
