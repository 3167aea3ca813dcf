import type { Connection, Statements } from '../db/connection.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { afterCalls, afterProbe, type Breaker, type BreakerState, type ProbeEnd, type Slots, type Tally } from './breaker.ts';
import { averaged, knownMsAt, type Latency } from './first-tokens.ts';

/** How many models outside the catalogue have a breaker: blocked ones first, then those with the latest calls. Those of the catalogue always have one. */
export const mostModels = 1_000;
/** How many of them stay when there are too many. Those whose calls are longest ago go first, but none that is blocked. */
const mostKept = 900;
/** A statement that takes longer is given up, and the next round tries again. */
const deadlineMs = 3_000;

/** How a model is doing, as the database has it. */
export interface StoredHealth {
  readonly model: string;
  readonly breaker: Breaker;
  /** Milliseconds; null when nobody knows. */
  readonly latencyMs: number | null;
}

/** All models that have a breaker. `now` and all other times are milliseconds on the database's clock. */
export interface Look {
  readonly now: number;
  readonly models: readonly StoredHealth[];
}

/** What a process has seen of a model since it last told the database. */
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
 * The statements of the breakers; none of them is made for each call. They are acts without a tenant (protocol.md, rule 20), since how a vendor
 * is doing belongs to no tenant, and they go by the database's clock.
 */
export class HealthStore {
  /** The models that the last look found. */
  private known: ReadonlySet<string> = new Set();

  constructor(
    private readonly engine: Connection,
    private readonly openMs: number,
    /** Models that have a breaker however many others there are. */
    private readonly listed: () => readonly string[],
  ) {}

  async look(): Promise<Look> {
    const rows = await readAll(this.engine, this.listed());
    this.known = new Set(rows.map(({ model }) => model));
    return { now: rows[0]?.now ?? 0, models: rows.map((row) => storedOf(row)) };
  }

  /** Adds what was seen and how probes ended; gives the models whose breaker has changed its state by that. */
  async tell(seen: readonly Seen[], probes: readonly EndedProbe[]): Promise<string[]> {
    const models = [...new Set([...seen, ...probes].map(({ model }) => model))].toSorted();
    const added = models.filter((model) => !this.known.has(model));
    if (added.length > 0) await this.add(added);
    return this.engine.transaction(
      async (transaction) => {
        const rows = await readSome(transaction, models);
        const told = rows.map((row) => toldOf(row, seen, probes, this.openMs));
        await write(transaction, told);
        return told.filter(({ breaker, before }) => breaker.round !== before.round).map(({ model }) => model);
      },
      { deadlineMs },
    );
  }

  /**
   * Makes rows for models that are told of for the first time. Forgets models that nobody has called for a day and, when there are too many, models
   * outside the catalogue: anybody can make up a name, and some vendors take any. No such name pushes out a model that is blocked.
   */
  private async add(models: readonly string[]): Promise<void> {
    const listed = this.listed();
    await this.engine.sql(
      (sql) => sql`
        with old as (
          (select model from model_health where told_at < now() - interval '1 day')
          union
          (select model from model_health where model <> all(${listed}::text[]) and (state = 'CLOSED' or next_probe_at <= now())
           order by told_at desc offset ${mostKept})
        ), free as (
          select h.model from model_health h where h.model in (select model from old) and h.model <> all(${models}::text[])
          order by h.model for update skip locked
        ), gone as (delete from model_health where model in (select model from free))
        insert into model_health (model)
        select added.model from unnest(${models}::text[]) as added (model)
        where added.model = any(${listed}::text[])
           or (select count(*) from model_health where model <> all(${listed}::text[]) and model not in (select model from free)) < ${mostModels}
        order by 1 on conflict (model) do nothing`,
      { idempotent: true, deadlineMs },
    );
  }

  /** Claims the probe of a model: once it is due, one of all processes gets it, and the round that it is of. Null for everybody else. */
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

function readAll(connection: Statements, listed: readonly string[]): Promise<Row[]> {
  return connection.sql<Row>(
    (sql) => sql`
      ${columns(sql)} from model_health
      order by (model = any(${listed}::text[])) desc, (state <> 'CLOSED' and next_probe_at > now()) desc, told_at desc
      limit ${mostModels + listed.length}`,
    { idempotent: true, deadlineMs },
  );
}

/** These, locked in the order of their names, so that two processes never wait for each other. */
function readSome(connection: Statements, models: readonly string[]): Promise<Row[]> {
  return connection.sql<Row>(
    (sql) => sql`${columns(sql)} from model_health where model = any(${models}::text[]) order by model for update`,
  );
}

function columns(sql: SqlTag): Statement {
  return sql`
      select extract(epoch from now())::float8 * 1000 as now, model, state, round, extract(epoch from since)::float8 * 1000 as since,
        extract(epoch from next_probe_at)::float8 * 1000 as next_probe_at, failures, recent,
        latency_ms, latency_weight, extract(epoch from latency_at)::float8 * 1000 as latency_at`;
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
