import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import type { Log } from '../kernel/log.ts';
import type { Bus } from './bus.ts';
import { messageKinds, type MessageKind } from './catalogue.ts';

const channel = 'draftwire';
/** Postgres refuses payloads of 8,000 bytes; an id in JSON takes 33. */
const idsPerPayload = 200;
/** Beyond this the oldest are dropped: hints are worth less than memory, and readers have their floor. */
const maxPending = 10_000;

/** Hints all processes on the database, from one that has no bus of its own, such as a command. Resolves when it is sent, or lost. */
export async function sendHint(database: Database, kind: MessageKind, ids: readonly string[]): Promise<void> {
  const payloads = payloadsOf(randomUUID(), kind, ids);
  // What it tells of is done: the processes find it by themselves, some seconds later.
  await database.notify(channel, payloads).catch(() => undefined);
}

/** Carries a bus's messages to the other processes on the same database and theirs here, by NOTIFY: hints that may be lost. */
export class PostgresBus {
  private readonly processId = randomUUID();
  private pending = new Map<MessageKind, Set<string>>();
  private sending: Promise<void> | null = null;
  private constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly log: Log,
  ) {}

  static async open(database: Database, bus: Bus, log: Log): Promise<{ stop(): Promise<void> }> {
    const bridge = new PostgresBus(database, bus, log);
    const listening = await database.listen(channel, {
      onPayload: (payload) => bridge.receive(payload),
      onConnect: () => bus.gap(),
    });
    const stopListening = bus.on('*', (message) => {
      if (!message.isRemote) bridge.add(message.kind, message.ids);
    });
    return {
      stop: async () => {
        stopListening();
        await bridge.sending;
        await listening.stop();
      },
    };
  }

  private add(kind: MessageKind, ids: readonly string[]): void {
    const pending = this.pending.get(kind) ?? new Set();
    for (const id of ids) if (pending.size < maxPending) pending.add(id);
    this.pending.set(kind, pending);
    // What comes while one statement is under way goes together with the next.
    this.flush();
  }

  private flush(): void {
    this.sending ??= this.send().finally(() => {
      this.sending = null;
      // Added after the last look and before this line.
      if (this.pending.size > 0) this.flush();
    });
  }

  private async send(): Promise<void> {
    await Promise.resolve();
    while (this.pending.size > 0) {
      const payloads = [...this.pending].flatMap(([kind, ids]) => payloadsOf(this.processId, kind, [...ids]));
      this.pending = new Map();
      try {
        await this.database.notify(channel, payloads);
      } catch (err) {
        // A hint: readers elsewhere find the rows by themselves within a second.
        this.log.debug({ err }, 'hints were not sent');
      }
    }
  }

  private receive(payload: string): void {
    let message: { from?: unknown; kind?: unknown; ids?: unknown };
    try {
      message = JSON.parse(payload) as typeof message;
    } catch {
      // Whatever else is on this channel is not ours.
      return;
    }
    const { from, kind, ids } = message;
    if (from === this.processId || typeof kind !== 'string' || !Object.hasOwn(messageKinds, kind) || !Array.isArray(ids)) return;
    this.bus.carry({ kind: kind as MessageKind, ids: ids.filter((id) => typeof id === 'string'), isRemote: true });
  }
}

function payloadsOf(from: string, kind: MessageKind, ids: readonly string[]): string[] {
  return chunked(ids, idsPerPayload).map((part) => JSON.stringify({ from, kind, ids: part }));
}

function chunked<T>(things: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < things.length; from += size) parts.push(things.slice(from, from + size));
  return parts;
}
