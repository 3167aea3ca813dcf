import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';

const writeMs = 20_000;
/** More keys than this within one round keep the time they had. */
const mostNoted = 10_000;

/** Writes down when keys were last used: at most once a minute for a key, all keys in one statement, never on a request's way. */
export class LastUse {
  private used = new Set<string>();
  private readonly rounds = new Rounds(() => this.round());

  constructor(private readonly parts: { readonly database: Database; readonly log: Log }) {}

  open(): void {
    this.rounds.open(writeMs);
  }

  /** Notes that a key was used just now. */
  note(keyId: string): void {
    if (this.used.size < mostNoted) this.used.add(keyId);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.rounds.close();
    await this.write();
  }

  /** One round, now. */
  write(): Promise<void> {
    return this.rounds.run();
  }

  private async round(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used].map((id) => uuidOf(id, 'key'));
    this.used = new Set();
    try {
      // One of the acts without a tenant (protocol.md, rule 20). Another process may have written within the minute.
      await this.parts.database.engine.sql(
        (sql) => sql`
          update api_keys set last_used_at = now()
          where id = any(${ids}::uuid[]) and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
        { idempotent: true, deadlineMs: 5_000 },
      );
    } catch (err) {
      // A key in use is noted again.
      this.parts.log.warn({ err }, 'could not note when keys were used');
    }
  }
}
