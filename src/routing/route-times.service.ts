import type { Database } from '../db/client.ts';
import { hasDoneNothing } from '../db/failures.ts';
import { uuidOf } from '../db/ids.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { isAway } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { Rounds } from '../kernel/rounds.ts';
import type { RoutePlan } from './plan.ts';
import { halfLifeMs, knownMs, leastWeight, mostHalfLives, remembered, bucketOf } from './histogram.ts';

/** How often what was seen is told. */
const tellMs = 1_000;
const deadlineMs = 3_000;
/** Between two tellings no more versions than this are counted: what is beyond is left out. */
const mostVersions = 1_000;
/** What the database refused this often is given up. */
const mostTries = 3;

interface Seen {
  readonly tenantId: string;
  readonly routeId: string;
  readonly version: number;
  readonly counts: Map<number, number>;
  /** How often it was refused. */
  readonly tries: number;
}

/**
 * Counts how long calls take to their first text, for routes that ask a second model when the first is late. All processes count together: each tells
 * the database once a second, by one statement for each version of a route, and the counts are read with the routes. Each version has
 * its own counts, since another may lead to other models.
 */
export class RouteTimesService {
  private readonly rounds = new Rounds(() => this.tell());
  private seen = new Map<string, Seen>();

  constructor(private readonly parts: { readonly database: Database; readonly log: Log }) {}

  /** Begins to tell. */
  open(): void {
    this.rounds.open(tellMs);
  }

  /** Tells what is left. */
  async close(): Promise<void> {
    await this.rounds.close();
    await this.rounds.run();
  }

  /** A call by this version had its first text after `ms`, or was given up after `ms` without any. */
  took(tenantId: string, { id, version }: NonNullable<RoutePlan['route']>, ms: number): void {
    this.count({ tenantId, routeId: id, version, counts: new Map([[bucketOf(ms), 1]]), tries: 0 });
  }

  private count(more: Seen): void {
    const name = `${more.tenantId} ${more.routeId} ${more.version}`;
    const seen = this.seen.get(name);
    if (!seen) {
      if (this.seen.size < mostVersions) this.seen.set(name, more);
      return;
    }
    for (const [bucket, count] of more.counts) seen.counts.set(bucket, (seen.counts.get(bucket) ?? 0) + count);
    this.seen.set(name, { ...seen, tries: Math.max(seen.tries, more.tries) });
  }

  /** One statement for each version, so that one that fails costs the others nothing. While the database is away, what was not sent is kept. */
  private async tell(): Promise<void> {
    const all = [...this.seen.values()];
    this.seen = new Map();
    for (const [index, seen] of all.entries()) {
      try {
        await this.add(seen);
      } catch (err) {
        const { routeId, version } = seen;
        this.parts.log.warn({ err, routeId, version }, 'could not tell how long a route takes');
        const [away, tries] = [isAway(err), seen.tries + 1];
        // What may have been added is not told again: counting it twice would be worse than losing it.
        if (hasDoneNothing(err) && (away || tries < mostTries)) this.count(away ? seen : { ...seen, tries });
        if (!away) continue;
        for (const unsent of all.slice(index + 1)) this.count(unsent);
        return;
      }
    }
  }

  /** Nothing is added to a version that is gone. */
  private async add({ tenantId, routeId, version, counts }: Seen): Promise<void> {
    await this.parts.database.as({ tenantId }).sql(
      (sql) => sql`
        insert into route_times as t (tenant_id, route_id, version, counts)
        select tenant_id, route_id, number, ${sql.json(Object.fromEntries(counts))}::jsonb from route_versions
        where tenant_id = ${uuidOf(tenantId, 'ten')} and route_id = ${uuidOf(routeId, 'rte')} and number = ${version}
        on conflict (tenant_id, route_id, version) do update set counted_at = now(), counts = (
          select coalesce(jsonb_object_agg(bucket, weight), '{}') from (
            select bucket, sum(weight) as weight from (
              select key as bucket, weight from ${lately(sql)}
              union all select key, value::float8 from jsonb_each_text(excluded.counts)
            ) as each group by bucket having sum(weight) >= ${leastWeight}::float8
          ) as added)`,
      { deadlineMs },
    );
  }
}

/**
 * A relation for a row `t` of route_times: each bucket of its histogram (`key`) with its weight as of now. Weights halve with time, but never below what
 * leaves the row `remembered` calls in sum, for a week: the last calls of a quiet route are the best that anybody knows of it.
 */
export function lately(sql: SqlTag): Statement {
  return sql`(
    select key, value::float8 * case when t.counted_at > now() - make_interval(secs => ${knownMs / 1_000}::float8) then greatest(
      power(0.5::float8, least(${mostHalfLives}, greatest(0, extract(epoch from now() - t.counted_at)::float8) * 1000 / ${halfLifeMs}::float8)),
      least(1, ${remembered}::float8 / (select sum(weight::float8) from jsonb_each_text(t.counts) as each (bucket, weight)))) else 0 end as weight
    from jsonb_each_text(t.counts)) as lately`;
}
