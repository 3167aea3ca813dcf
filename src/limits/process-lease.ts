import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { ProcessTurn } from './hold.ts';

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tells the others that this process lives: what it holds counts as long as its lease lasts. A process whose lease ran out goes on under another id. */
export class ProcessLease {
  /** For how many milliseconds after the end of its lease others still count what a process holds: a renewal that began in time may still be under way. */
  readonly graceMs: number;
  private uuid: string | null = null;
  /** Its id before the lease was lost; null when nobody can count that any more. */
  private ghost: string | null = null;
  private turn = 0;
  /** Until then, on the monotonic clock, the lease certainly lasts. */
  private trustedUntil = 0;
  private timer: NodeJS.Timeout | null = null;
  private beginning: Promise<string> | null = null;
  private renewing: Promise<void> | null = null;
  private readonly losers: (() => void)[] = [];

  constructor(
    private readonly leaseMs: number,
    private readonly parts: Parts,
  ) {
    // As long as a renewal may take.
    this.graceMs = Math.max(500, leaseMs / 3);
  }

  /** Calls `listener` whenever the lease was lost, and with it all that the process held. */
  onLost(listener: () => void): void {
    this.losers.push(listener);
  }

  open(): void {
    this.timer = setInterval(() => void this.renew(), this.leaseMs / 3);
  }

  /** Whether the lease certainly lasts, so that others count what this process holds. */
  get isTrusted(): boolean {
    return this.parts.clock.monotonic() < this.trustedUntil;
  }

  /** The turn of the next statement that asks for slots; the lease begins with the first. Throws UNAVAILABLE when it is not certain that the lease lasts. */
  async nextTurn(): Promise<ProcessTurn> {
    // After a long silence others may count nothing of this process any more.
    if (this.uuid !== null && !this.isTrusted) await this.renew();
    const process = this.uuid ?? (await this.begin());
    if (!this.isTrusted) throw new AppError('UNAVAILABLE', 'this process cannot say that it lives', { retryAfterMs: 1_000 });
    return { process, turn: ++this.turn, graceMs: this.graceMs };
  }

  /** Whether the answer to this turn may be believed: it came while the lease lasted, and under the id that the process still has. */
  isStill({ process }: ProcessTurn): boolean {
    return this.uuid === process && this.isTrusted;
  }

  /** The lease of this id has run out, and nothing is held under it any more. Does nothing if the process has another id by now. */
  lose(process: string): void {
    if (this.uuid !== process) return;
    this.uuid = null;
    this.ghost = process;
    this.trustedUntil = 0;
    this.parts.log.warn('this process was taken to be dead; what it has open looks for its place again');
    for (const listener of this.losers) listener();
  }

  /** Gives everything back at once. */
  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.renewing;
    const { uuid } = this;
    if (uuid === null && this.ghost === null) return;
    this.uuid = null;
    try {
      await this.engine((sql) => sql`delete from processes where id in (${uuid}::uuid, ${this.ghost}::uuid)`);
    } catch (err) {
      // The lease runs out by itself.
      this.parts.log.warn({ err }, 'could not give slots back');
    }
  }

  private begin(): Promise<string> {
    this.beginning ??= this.insert().finally(() => {
      this.beginning = null;
    });
    return this.beginning;
  }

  private async insert(): Promise<string> {
    const uuid = randomUUID();
    const sentAt = this.parts.clock.monotonic();
    const { ghost } = this;
    // Deletes processes that are long dead, which nobody counts, and its own former id: that one would still count for a while, and leave no room for what is open here.
    await this.engine(
      (sql) => sql`
        with gone as (delete from processes where lease_until < now() - interval '1 hour' or id = ${ghost}::uuid)
        insert into processes (id, lease_until) values (${uuid}::uuid, now() + ${this.leaseMs}::float8 * interval '1 millisecond')
        on conflict (id) do update set lease_until = excluded.lease_until`,
    );
    this.uuid = uuid;
    if (this.ghost === ghost) this.ghost = null;
    this.trustedUntil = sentAt + this.leaseMs;
    return uuid;
  }

  private async renew(): Promise<void> {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = null;
    });
    await this.renewing;
  }

  private async renewOnce(): Promise<void> {
    const { uuid } = this;
    if (uuid === null) return;
    const sentAt = this.parts.clock.monotonic();
    try {
      const alive = await this.engine(
        (sql) => sql`
          update processes set lease_until = now() + ${this.leaseMs}::float8 * interval '1 millisecond'
          where id = ${uuid}::uuid and lease_until > now() returning id`,
      );
      if (this.uuid !== uuid) return;
      if (alive.length === 0) this.lose(uuid);
      else this.trustedUntil = sentAt + this.leaseMs;
    } catch (err) {
      // There are more tries before the lease runs out.
      this.parts.log.warn({ err }, 'could not renew the lease of this process');
    }
  }

  /** One of the acts without a tenant (protocol.md, rule 20): a process belongs to none. */
  private engine(statement: Parameters<Database['engine']['sql']>[0]): Promise<unknown[]> {
    return this.parts.database.engine.sql(statement, { idempotent: true, deadlineMs: this.graceMs });
  }
}
