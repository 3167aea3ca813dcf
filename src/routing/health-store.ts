import type { Connection, Statements } from '../db/connection.ts';
import { afterCalls, afterProbe, type Breaker, type BreakerState, type ProbeEnd, type Slots, type Tally } from './breaker.ts';
import { averaged, knownMsAt, type Latency } from './first-tokens.ts';

/** A process knows at most so many models: those that were told of last. */
export const mostModels = 1_000;
/** No longer than the next look is away. */
const deadlineMs = 3_000;

/** How a model does, as a look found it. */
export interface StoredHealth {
  readonly model: string;
  readonly breaker: Breaker;
  /** Milliseconds; null when nobody knows. */
  readonly latencyMs: number | null;
}

/** All models that were told of, at `now` on the database's clock, which all times are on. */
export interface Look {
  readonly now: number;
  readonly models: readonly StoredHealth[];
}

/** What a process has seen of a model since it last told. */
export interface Seen {
  readonly model: string;
  /** The round of the breaker in which the calls were made. */
  readonly round: number;
  readonly tally: Tally;
  readonly firstTokens: { readonly count: number; readonly totalMs: number };
}

/** How a probe ended. */
export interface EndedProbe {
  readonly model: string;
  readonly round: number;
  readonly end: ProbeEnd;
}

interface Row {
  now: number;
  model: string;
  state: BreakerState;
  round: number;
  since: number;
  next_probe_at: number | null;
  failures: number;
  recent: Slots;
  latency_ms: number | null;
  latency_weight: number;
  latency_at: number | null;
}

/**
 * The statements of the breakers, none of them one per call. Acts without a tenant (protocol.md, rule 20), on the database's clock: how a
 * vendor does is no tenant's.
 */
export class HealthStore {
  /** Those that the last look found. */
  private known: ReadonlySet<string> = new Set();

  constructor(
    private readonly engine: Connection,
    private readonly openMs: number,
  ) {}

  async look(): Promise<Look> {
    const rows = await read(this.engine, null);
    this.known = new Set(rows.map(({ model }) => model));
    return { now: rows[0]?.now ?? 0, models: rows.map((row) => storedOf(row)) };
  }

  /** Adds what was seen and how probes ended; answers which models are in another state now. */
  async tell(seen: readonly Seen[], probes: readonly EndedProbe[]): Promise<string[]> {
    const models = [...new Set([...seen, ...probes].map(({ model }) => model))].toSorted();
    const added = models.filter((model) => !this.known.has(model));
    if (added.length > 0) await this.add(added);
    return this.engine.transaction(
      async (transaction) => {
        const rows = await read(transaction, models);
        const told = rows.map((row) => toldOf(row, seen, probes, this.openMs));
        await write(transaction, told);
        return told.filter(({ breaker, before }) => breaker.round !== before.round).map(({ model }) => model);
      },
      { deadlineMs },
    );
  }

  /** Models that are told of for the first time; those that nobody has called for a day are forgotten. */
  private async add(models: readonly string[]): Promise<void> {
    await this.engine.sql(
      (sql) => sql`
        with gone as (delete from model_health where told_at < now() - interval '1 day' and model <> all(${models}::text[]))
        insert into model_health (model) select unnest(${models}::text[]) order by 1 on conflict (model) do nothing`,
      { idempotent: true, deadlineMs },
    );
  }

  /** The round of the probe, for who got it: one of all processes, and none before it is due. */
  async claimProbe(model: string): Promise<number | null> {
    const [claimed] = await this.engine.sql<{ round: number }>(
      (sql) => sql`
        update model_health set state = 'HALF_OPEN', round = round + 1, since = now(),
          next_probe_at = now() + ${this.openMs}::float8 * interval '1 millisecond'
        where model = ${model} and state <> 'CLOSED' and next_probe_at <= now() returning round`,
      { deadlineMs },
    );
    return claimed?.round ?? null;
  }
}

interface Told extends StoredHealth {
  readonly before: Breaker;
  readonly latency: Latency | null;
}

function toldOf(row: Row, seen: readonly Seen[], probes: readonly EndedProbe[], openMs: number): Told {
  const before = breakerOf(row);
  let breaker = before;
  let latency = latencyOf(row);
  for (const probe of probes) if (probe.model === row.model) breaker = afterProbe(breaker, probe, row.now, openMs);
  for (const each of seen) {
    if (each.model !== row.model) continue;
    breaker = afterCalls(breaker, each, row.now, openMs);
    latency = averaged(latency, each.firstTokens, row.now);
  }
  return { model: row.model, before, breaker, latency, latencyMs: knownMsAt(latency, row.now) };
}

/** With `models`: these, locked in the order of their names, so that two processes never wait for each other. */
function read(connection: Statements, models: readonly string[] | null): Promise<Row[]> {
  return connection.sql<Row>(
    (sql) => sql`
      select extract(epoch from now())::float8 * 1000 as now, model, state, round, extract(epoch from since)::float8 * 1000 as since,
        extract(epoch from next_probe_at)::float8 * 1000 as next_probe_at, failures, recent,
        latency_ms, latency_weight, extract(epoch from latency_at)::float8 * 1000 as latency_at
      from model_health ${
        models === null
          ? sql`order by told_at desc limit ${mostModels}`
          : sql`where model = any(${models}::text[]) order by model for update`
      }`,
    models === null ? { idempotent: true, deadlineMs } : {},
  );
}

async function write(transaction: Statements, told: readonly Told[]): Promise<void> {
  const seconds = (ms: number | null | undefined): number | null => (ms === null || ms === undefined ? null : ms / 1_000);
  const rows = told.map(({ model, breaker, latency }) => ({
    ...breaker,
    model,
    since: seconds(breaker.since),
    next_probe_at: seconds(breaker.nextProbeAt),
    latency_ms: latency?.ms ?? null,
    latency_weight: latency?.weight ?? 0,
    latency_at: seconds(latency?.at),
  }));
  await transaction.sql(
    (sql) => sql`
      update model_health h set state = t.state, round = t.round, since = to_timestamp(t.since),
        next_probe_at = to_timestamp(t.next_probe_at), failures = t.failures, recent = t.recent, latency_ms = t.latency_ms,
        latency_weight = t.latency_weight, latency_at = to_timestamp(t.latency_at), told_at = now()
      from jsonb_to_recordset(${sql.json(rows)}::jsonb) as t (model text, state text, round int, since float8, next_probe_at float8,
        failures int, recent jsonb, latency_ms float8, latency_weight float8, latency_at float8)
      where h.model = t.model`,
  );
}

function storedOf(row: Row): StoredHealth {
  return { model: row.model, breaker: breakerOf(row), latencyMs: knownMsAt(latencyOf(row), row.now) };
}

function breakerOf({ state, round, since, next_probe_at, failures, recent }: Row): Breaker {
  return { state, round, since, nextProbeAt: next_probe_at, failures, recent };
}

function latencyOf({ latency_ms, latency_weight, latency_at }: Row): Latency | null {
  return latency_ms === null || latency_at === null ? null : { ms: latency_ms, weight: latency_weight, at: latency_at };
}
