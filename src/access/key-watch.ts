import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';

/** Revoked access ends within 5 s: 3 s that a key may be remembered, this long to the next look, and the look. */
const lookMs = 1_500;
const lookDeadlineMs = 3_000;

interface Watched {
  readonly listeners: Set<() => void>;
  /** On the monotonic clock; known since the last look, so that a key runs out even while the database is away. */
  endsAt: number;
}

interface Parts {
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of keys that are found to be over. */
  readonly onOver: (keyIds: readonly string[]) => void;
}

/**
 * Ends what outlives its key. Keys with something open in this process are looked at together: one statement every 1.5 s and on each hint
 * that one of them changed. The hint makes it quick, the looking makes it sure.
 */
export class KeyWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly unsubscribe: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;
  /** A hint came while a look was under way. */
  private isStale = false;

  constructor(private readonly parts: Parts) {}

  open(): void {
    const { bus } = this.parts;
    this.unsubscribe.push(
      bus.on('key.changed', ({ ids }) => {
        if (ids.some((id) => this.watched.has(id))) this.look();
      }),
      bus.onGap(() => this.look()),
    );
    this.timer = setInterval(() => this.look(), lookMs);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    for (const stop of this.unsubscribe) stop();
    this.isStale = false;
    await this.looking;
  }

  /** Calls `onEnd` once, with what to say, when the scope's key is over; returns how to stop. */
  watch({ proof: { id: keyId } }: Scope, onEnd: (error: AppError) => void): () => void {
    const watched = this.watched.get(keyId) ?? { listeners: new Set(), endsAt: Infinity };
    this.watched.set(keyId, watched);
    const listener = () => onEnd(new AppError('FORBIDDEN', 'this key was revoked or has expired'));
    watched.listeners.add(listener);
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size === 0 && this.watched.get(keyId) === watched) this.watched.delete(keyId);
    };
  }

  private look(): void {
    this.isStale = this.looking !== null;
    this.looking ??= this.round().finally(() => {
      this.looking = null;
      if (this.isStale) this.look();
    });
  }

  private async round(): Promise<void> {
    const { clock, database, log } = this.parts;
    const now = clock.monotonic();
    this.end([...this.watched].flatMap(([id, { endsAt }]) => (endsAt <= now ? [id] : [])));
    const ids = [...this.watched.keys()];
    if (ids.length === 0) return;
    try {
      // One of the acts without a tenant (protocol.md, rule 20): the keys are of whoever is connected.
      const alive = await database.engine.sql<{ id: string; expires_in_ms: number | null }>(
        (sql) => sql`
          select id, (extract(epoch from expires_at - now()) * 1000)::float8 as expires_in_ms
          from api_keys
          where id = any(${ids.map((id) => uuidOf(id, 'key'))}::uuid[])
            and revoked_at is null and (expires_at is null or expires_at > now())`,
        { idempotent: true, deadlineMs: lookDeadlineMs },
      );
      const endsIn = new Map(alive.map(({ id, expires_in_ms: ms }) => [idOfUuid('key', id), ms ?? Infinity]));
      for (const [id, watched] of this.watched) watched.endsAt = now + (endsIn.get(id) ?? Infinity);
      this.end(ids.filter((id) => !endsIn.has(id)));
    } catch (err) {
      // The next look decides.
      log.warn({ err, keys: ids.length }, 'could not look whether keys are still valid');
    }
  }

  private end(ids: readonly string[]): void {
    if (ids.length === 0) return;
    // First of all, so that nobody comes back with what is remembered.
    this.parts.onOver(ids);
    for (const id of ids) {
      const watched = this.watched.get(id);
      this.watched.delete(id);
      for (const listener of watched?.listeners ?? []) listener();
    }
  }
}
