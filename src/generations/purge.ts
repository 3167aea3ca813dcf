import { serviceDeedsRecorded, type ServiceDeed } from '../audit/record.service.ts';
import type { LedgerService } from '../budgets/ledger.service.ts';
import { deleteEntries } from '../caching/entry.ts';
import type { Connection, Database } from '../db/client.ts';
import { idOfUuid, prefixOfId } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { ServiceName } from '../kernel/service.ts';
import type { Bus } from '../messages/bus.ts';

/** A reader that is half-way through the chunks when a generation ends has this long to come to the end. */
const chunksLiveMs = 60_000;
const purgeMs = 10_000;
/** Rows of each kind per round: a round stays short, and what is left goes with the next. */
const batch = 500;
/** Of a deleted tenant's generations more go in a round: nobody reads beside them. */
const mostBatches = 100;

/** A deleted tenant's row stays as long as a process may remember that its keys were good, so that what they still write finds it. */
const lastDelaySeconds = 15;

/**
 * Deletes what nobody needs any more: chunks of finished generations, expired idempotency keys and entries of the cache, generations past their tenant's retention,
 * and deleted tenants with everything in them. Settles what was reserved for generations that have ended or are gone.
 */
export class Purger {
  private readonly rounds = new Rounds(() => this.round());

  private unsubscribe = (): void => undefined;

  constructor(
    private readonly parts: {
      readonly database: Database;
      readonly ledger: LedgerService;
      readonly bus: Bus;
      readonly log: Log;
    },
  ) {}

  open(): void {
    this.rounds.open(purgeMs);
    // A tenant may be gone: what it runs is stopped now.
    this.unsubscribe = this.parts.bus.on('access.changed', ({ ids }) => {
      if (ids.some((id) => prefixOfId(id) === 'ten')) void this.run();
    });
  }

  async close(): Promise<void> {
    this.unsubscribe();
    await this.rounds.close();
  }

  /** One round, now. */
  run(): Promise<void> {
    return this.rounds.run();
  }

  private async round(): Promise<void> {
    try {
      const { bus, database, ledger } = this.parts;
      const { engine } = database;
      await deleteTenants(engine, (ids) => {
        bus.publish('generation.cancelRequested', ids);
        bus.publish('generation.changed', ids);
      });
      await deleteChunks(engine);
      await deleteClaims(engine);
      await deleteEntries(engine);
      await deleteExpired(engine);
      await ledger.sweep(engine);
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

/** A round is on record with one entry for each tenant: how many letters, and neither which nor what was in them. */
async function deleteExpired(engine: Connection): Promise<void> {
  await engine.transaction(
    async (transaction) => {
      const gone = await transaction.sql<{ tenant_id: string; letters: number }>(
        (sql) => sql`
          with gone as (
            delete from generations where (tenant_id, id) in (
              select g.tenant_id, g.id from tenants t
              join generations g on g.tenant_id = t.id and g.finished_at < now() - make_interval(days => t.generation_retention_days)
              where t.generation_retention_days is not null limit ${batch} for update of g skip locked)
            returning tenant_id
          )
          select tenant_id, count(*)::int as letters from gone group by tenant_id`,
      );
      const deeds = gone.map(({ tenant_id: uuid, letters }) =>
        deedOf('retention', 'generationsExpire', uuid, { before: null, after: { letters } }),
      );
      if (deeds.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, deeds));
    },
    { idempotent: true },
  );
}

function deedOf(
  service: ServiceName,
  operation: string,
  tenantUuid: string,
  what: Pick<ServiceDeed, 'before' | 'after'>,
): ServiceDeed {
  const tenantId = idOfUuid('ten', tenantUuid);
  return { tenantId, service, operation, thing: tenantId, ...what };
}

/** The generations of deleted tenants, unfinished ones first, then the tenants that have none left; `onStopped` is told what was not finished. */
async function deleteTenants(engine: Connection, onStopped: (ids: string[]) => void): Promise<void> {
  const gone = await engine.sql((sql) => sql`select from tenants where deleted_at is not null limit 1`, { idempotent: true });
  if (gone.length === 0) return;
  for (const isUnfinished of [true, false]) {
    for (let round = 0, isMore = true; isMore && round < mostBatches; round++) {
      const deleted = await engine.sql<{ id: string }>(
        (sql) => sql`
          delete from generations where (tenant_id, id) in (
            select g.tenant_id, g.id from tenants t join generations g on g.tenant_id = t.id
            where t.deleted_at is not null ${isUnfinished ? sql`and g.status in ('QUEUED', 'RUNNING')` : sql``} limit ${batch})
          returning id`,
        { idempotent: true },
      );
      if (isUnfinished) onStopped(deleted.map(({ id }) => idOfUuid('gen', id)));
      isMore = deleted.length === batch;
    }
  }
  // What is left goes with the row: the database sees to it.
  await engine.transaction(
    async (transaction) => {
      const rows = await transaction.sql<{ id: string; deleted_at: Date }>(
        (sql) => sql`
          delete from tenants t where t.deleted_at < now() - make_interval(secs => ${lastDelaySeconds}::float8)
            and not exists (select from generations g where g.tenant_id = t.id)
          returning id, deleted_at`,
      );
      const deeds = rows.map(({ id, deleted_at: deletedAt }) =>
        deedOf('eraser', 'tenantErase', id, { before: { deletedAt }, after: null }),
      );
      if (deeds.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, deeds));
    },
    { idempotent: true },
  );
}
