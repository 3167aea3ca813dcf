import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../kernel/log.ts';
import { LateError, pauseBeforeRetry } from './failures.ts';
import { Lane, type LaneOptions } from './lane.ts';

export interface ListenHandlers {
  onPayload(payload: string): void;
  /** Called after each connect: hints sent before it may be lost, so read everything watched. */
  onConnect(): void;
}

/** Hears one channel on its own connection until stopped, through every loss of it. A half-open connection is noticed by the heartbeat. */
export class Listener {
  private readonly stopping = new AbortController();
  private readonly connected = Promise.withResolvers<void>();
  private lane: Lane | null = null;
  private readonly running: Promise<void>;

  constructor(
    private readonly channel: string,
    private readonly handlers: ListenHandlers,
    private readonly options: LaneOptions & { readonly heartbeatMs: number },
    private readonly log: Log,
  ) {
    this.running = this.run();
  }

  /** Resolves when the channel is heard for the first time. */
  get ready(): Promise<void> {
    return this.connected.promise;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.connected.resolve();
    this.lane?.destroy();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.hear(() => (attempt = 0));
      } catch (error) {
        if (signal.aborted) return;
        this.log.warn({ err: error, channel: this.channel }, 'lost the connection that listens');
      }
      // Stopping ends the pause; the loop's condition sees it.
      await sleep(pauseBeforeRetry(attempt), undefined, { signal }).catch(() => undefined);
    }
  }

  private async hear(onConnected: () => void): Promise<void> {
    const lane = new Lane(
      { ...this.options, onNotification: (channel, payload) => channel === this.channel && this.handlers.onPayload(payload) },
      () => undefined,
    );
    this.lane = lane;
    const { signal } = this.stopping;
    const { heartbeatMs } = this.options;
    const ask = (text: string) =>
      lane.within(
        heartbeatMs,
        () => new LateError(true),
        lane.sendSimple(text).rows,
        () => false,
      );
    try {
      await ask(`listen "${this.channel.replaceAll('"', '""')}"`);
      if (signal.aborted) return;
      onConnected();
      this.connected.resolve();
      this.handlers.onConnect();
      while (!signal.aborted) {
        await lane.whileOpen(sleep(heartbeatMs, undefined, { signal }));
        await ask('select 1');
      }
    } finally {
      lane.destroy();
    }
  }
}
