import type { Connection } from '../db/client.ts';
import type { Run } from './run.ts';

/** Text of one attempt that is to be stored. */
export interface Piece {
  readonly run: Run;
  readonly attempt: number;
  readonly start: number;
  readonly body: string;
  /** Milliseconds since the attempt's first token, on the first flush of the attempt; else null. */
  readonly firstTokenAgeMs: number | null;
}

/** What the database says about a generation at an append: the fence, and whether it is to be cancelled. By the uuid of its run. */
export interface Standing {
  readonly epoch: number;
  readonly isRunning: boolean;
  readonly isCancelRequested: boolean;
}

interface StandingRow {
  id: string;
  epoch: number;
  running: boolean;
  cancel: boolean;
}

/**
 * Stores the pieces of any number of generations in one statement, and answers how each generation stands; one that is missing in
 * the answer was deleted. Pieces whose epoch is not the row's are not stored. Repeating it is harmless: a longer body of the same
 * start wins, whichever statement comes last.
 */
export async function appendPieces(engine: Connection, pieces: readonly Piece[]): Promise<Map<string, Standing>> {
  const tenants = pieces.map(({ run }) => run.tenantUuid);
  const ids = pieces.map(({ run }) => run.uuid);
  const epochs = pieces.map(({ run }) => run.epoch);
  const numbers = pieces.map(({ attempt }) => attempt);
  const starts = pieces.map(({ start }) => start);
  const bodies = pieces.map(({ body }) => body);
  const rows = await engine.sql<StandingRow>(
    (sql) => sql`
      with piece as materialized (
        select p.* from unnest(${tenants}::uuid[], ${ids}::uuid[], ${epochs}::int[], ${numbers}::int[], ${starts}::int[], ${bodies}::text[])
          as p (tenant_id, id, epoch, attempt, start, body)
      ), standing as materialized (
        select p.tenant_id, p.id, p.attempt, p.start, p.body, p.epoch as asked, g.epoch, g.status = 'RUNNING' as running,
               g.cancel_requested_at is not null as cancel
        from piece p join generations g on g.tenant_id = p.tenant_id and g.id = p.id
      ), stored as (
        insert into chunks (tenant_id, generation_id, attempt, start, body)
        select tenant_id, id, attempt, start, body from standing where epoch = asked and running
        on conflict (tenant_id, generation_id, attempt, start) do update set body = excluded.body
        where octet_length(excluded.body) > octet_length(chunks.body)
      )
      select id, epoch, running, cancel from standing`,
    { idempotent: true },
  );
  return standings(rows);
}

/**
 * Stores when the first token of attempts came, for those pieces that say it. It takes each generation before its attempt, as the end of a run does: in the
 * other order the two wait for each other, for the second that the database takes to see it.
 */
export async function storeFirstTokens(engine: Connection, pieces: readonly Piece[]): Promise<void> {
  const firsts = pieces.filter(({ firstTokenAgeMs }) => firstTokenAgeMs !== null);
  if (firsts.length === 0) return;
  const tenants = firsts.map(({ run }) => run.tenantUuid);
  const ids = firsts.map(({ run }) => run.uuid);
  const epochs = firsts.map(({ run }) => run.epoch);
  const numbers = firsts.map(({ attempt }) => attempt);
  const ages = firsts.map(({ firstTokenAgeMs }) => firstTokenAgeMs ?? 0);
  await engine.sql(
    (sql) => sql`
      with first as materialized (
        select f.tenant_id, f.id, f.epoch, f.attempt, now() - make_interval(secs => f.age / 1000) as at
        from unnest(${tenants}::uuid[], ${ids}::uuid[], ${epochs}::int[], ${numbers}::int[], ${ages}::float8[])
          as f (tenant_id, id, epoch, attempt, age)
      ), told as (
        update generations g set first_token_at = coalesce(g.first_token_at, f.at) from first f
        where g.tenant_id = f.tenant_id and g.id = f.id and g.epoch = f.epoch
        returning g.tenant_id, g.id, f.attempt, f.at
      )
      update attempts a set first_token_at = coalesce(a.first_token_at, t.at) from told t
      where a.tenant_id = t.tenant_id and a.generation_id = t.id and a.number = t.attempt`,
    { idempotent: true },
  );
}

/** How generations stand, for those that have had no append for a while. */
export async function askStandings(engine: Connection, runs: readonly Run[]): Promise<Map<string, Standing>> {
  const rows = await engine.sql<StandingRow>(
    (sql) => sql`
      select g.id, g.epoch, g.status = 'RUNNING' as running, g.cancel_requested_at is not null as cancel
      from unnest(${runs.map((run) => run.tenantUuid)}::uuid[], ${runs.map((run) => run.uuid)}::uuid[]) as r (tenant_id, id)
      join generations g on g.tenant_id = r.tenant_id and g.id = r.id`,
    { idempotent: true },
  );
  return standings(rows);
}

function standings(rows: readonly StandingRow[]): Map<string, Standing> {
  return new Map(rows.map(({ id, epoch, running, cancel }) => [id, { epoch, isRunning: running, isCancelRequested: cancel }]));
}
