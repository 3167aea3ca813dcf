import type { Connection } from '../db/client.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import type { CacheUse } from './caching.ts';

/** A generation's claim to be the one that others with its key follow. */
export interface EntryClaim {
  readonly use: CacheUse;
  /** The uuid of the generation whose entry it replaces, since that was found to be of no use; null for none. An entry of any other has come meanwhile, and stays. */
  readonly replaces: string | null;
  /** How long it may be written at most. */
  readonly writtenForMs: number;
}

/** How many expired entries are deleted in one round. */
const batch = 500;

/**
 * A part of a statement that makes a generation the one that others with its key follow; `source` is a relation with its `tenant_id` and `id`. It
 * returns whose the entry is then (`generation_id`). Of any number of claims at once one wins; the update that changes nothing is
 * there so that all others see who. A use that only writes (WRITE) wins whatever it finds.
 */
export function entryClaimed(sql: SqlTag, { use, replaces, writtenForMs }: EntryClaim, source: Statement): Statement {
  const isAny = use.mode === 'WRITE';
  return sql`
        insert into cache_entries as e (tenant_id, key, generation_id, max_age_seconds, expires_at)
        select tenant_id, ${use.key}::text, id, ${use.maxAgeSeconds}::int,
               now() + make_interval(secs => ${use.maxAgeSeconds + writtenForMs / 1_000}::float8)
        from ${source}
        on conflict (tenant_id, key) do update
        set generation_id = case when ${isAny}::bool or e.generation_id = ${replaces}::uuid then excluded.generation_id else e.generation_id end,
            max_age_seconds = case when ${isAny}::bool or e.generation_id = ${replaces}::uuid then excluded.max_age_seconds else e.max_age_seconds end,
            expires_at = case when ${isAny}::bool or e.generation_id = ${replaces}::uuid then excluded.expires_at else e.expires_at end
        returning e.generation_id`;
}

/** What an entry leads to. */
export interface FoundEntry {
  /** The uuid of its generation. */
  readonly id: string;
  /** The model of its latest attempt. */
  readonly model: string;
  /** Whether it is being written, or will be. */
  readonly isRunning: boolean;
  /** Whether its text is whole and young enough. */
  readonly isKept: boolean;
}

/** Where the entry of a key leads; null when there is none. */
export async function findEntry(
  connection: Connection,
  tenantUuid: string,
  { key, maxAgeSeconds }: CacheUse,
): Promise<FoundEntry | null> {
  const [row] = await connection.sql<{ id: string; model: string; is_running: boolean; is_kept: boolean }>(
    (sql) => sql`
      select g.id, g.model, g.finished_at is null and g.cancel_requested_at is null as is_running,
        coalesce(g.status = 'SUCCEEDED' and g.finished_at > now() - make_interval(secs => least(e.max_age_seconds, ${maxAgeSeconds}::int)), false) as is_kept
      from cache_entries e join generations g on g.tenant_id = e.tenant_id and g.id = e.generation_id
      where e.tenant_id = ${tenantUuid} and e.key = ${key}`,
    { idempotent: true },
  );
  return row ? { id: row.id, model: row.model, isRunning: row.is_running, isKept: row.is_kept } : null;
}

/** Deletes entries that have expired: their texts are given to nobody any more. */
export async function deleteEntries(engine: Connection): Promise<void> {
  await engine.sql(
    (sql) => sql`
      delete from cache_entries where expires_at < now() and ctid in (
        select ctid from cache_entries where expires_at < now() order by expires_at limit ${batch})`,
    { idempotent: true },
  );
}
