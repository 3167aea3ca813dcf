import type { Connection, Database } from '../db/client.ts';
import type { Log } from '../kernel/log.ts';

/** A reader that is half-way through the chunks when a generation ends has this long to come to the end. */
const chunksLiveMs = 60_000;
const purgeMs = 10_000;
/** Rows of each kind per round: a round stays short, and what is left goes with the next. */
const batch = 500;

/** Deletes what nobody needs any more: chunks of finished generations, expired idempotency keys, generations past their tenant's retention. */
export class Purger {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;

  constructor(private readonly parts: { readonly database: Database; readonly log: Log }) {}

  open(): void {
    this.timer = setInterval(() => void this.run(), purgeMs);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  /** One round, now. */
  run(): Promise<void> {
    this.running ??= this.round().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async round(): Promise<void> {
    try {
      const { engine } = this.parts.database;
      await deleteChunks(engine);
      await deleteClaims(engine);
      await deleteExpired(engine);
    } catch (err) {
      // The next round does it.
      this.parts.log.warn({ err }, 'could not clean up');
    }
  }
}

async function deleteChunks(engine: Connection): Promise<void> {
  await engine.sql(
    (sql) => sql`
      with done as (
        update generations set chunks_deleted_at = now()
        where (tenant_id, id) in (
          select tenant_id, id from generations
          where finished_at is not null and chunks_deleted_at is null and finished_at < now() - make_interval(secs => ${chunksLiveMs / 1_000}::float8)
          order by finished_at limit ${batch} for update skip locked)
        returning tenant_id, id
      )
      delete from chunks c using done d where c.tenant_id = d.tenant_id and c.generation_id = d.id`,
    { idempotent: true },
  );
}

async function deleteClaims(engine: Connection): Promise<void> {
  await engine.sql(
    (sql) => sql`
      delete from idempotency_keys where expires_at < now() and ctid in (
        select ctid from idempotency_keys where expires_at < now() order by expires_at limit ${batch})`,
    { idempotent: true },
  );
}

async function deleteExpired(engine: Connection): Promise<void> {
  await engine.sql(
    (sql) => sql`
      delete from generations where (tenant_id, id) in (
        select g.tenant_id, g.id from tenants t
        join generations g on g.tenant_id = t.id and g.finished_at < now() - make_interval(days => t.generation_retention_days)
        where t.generation_retention_days is not null limit ${batch} for update of g skip locked)`,
    { idempotent: true },
  );
}
