import type { Database, TenantScope } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { Remembered } from '../kernel/remembered.ts';
import { estimatedCostMicros } from './estimate.ts';
import { choose, blockedLast, type Chosen, type World } from './choose.ts';
import type { Facts } from './facts.ts';
import { hedgeOf, type Hedge } from './hedging.ts';
import { autoRoute, type Models } from './models.ts';
import type { RoutePlan } from './plan.ts';
import { lately } from './route-times.service.ts';
import type { Histogram } from './histogram.ts';
import { readDefinition, type RouteDefinition } from './tree.ts';

/** A tenant has at most so many routes: they are read together. */
export const mostRoutes = 50;

/** A route as it stands; `definition` is null where another build wrote what this one cannot read. */
interface StandingRoute {
  readonly id: string;
  readonly version: number;
  readonly definition: RouteDefinition | null;
  /** How long its calls have lately taken to their first text; null where no call is known of. */
  readonly times: Histogram | null;
}

interface ReadableRoute extends StandingRoute {
  readonly definition: RouteDefinition;
}

/** What the service is built on. */
export interface RoutePlanParts {
  readonly database: Database;
  readonly models: Models;
  readonly clock: Clock;
  readonly log: Log;
  /** What is known of models beside what the catalogue says. */
  readonly world: Omit<World, 'now' | 'costMicros' | 'misfit'>;
}

interface StandingRow {
  id: string;
  name: string;
  version: number;
  definition: unknown;
  counts: Histogram['counts'] | null;
}

/** What a route comes to, and why. */
export interface Explanation extends Chosen {
  readonly route: RoutePlan['route'];
  /** When a second model is asked beside a late first one; null: never. */
  readonly hedge: Hedge | null;
}

/**
 * Makes plans of what `generationStart` is asked for: a model, a route of the tenant's, or the installation's `auto`. What was published here
 * holds from the next plan on; elsewhere as soon as its hint arrives, and after three seconds without one.
 */
export class RoutePlanService {
  private readonly standing: Remembered<ReadonlyMap<string, StandingRoute>>;

  constructor(private readonly parts: RoutePlanParts) {
    this.standing = new Remembered(parts.clock, (tenantId) => this.read(tenantId));
  }

  /**
   * The plan for what a generation asks for. Throws INVALID_INPUT for a model or route that is unknown, and when no model of it can write the
   * generation; UNAVAILABLE for a route that this build cannot read.
   */
  async plan(scope: TenantScope, requested: string, facts: Facts): Promise<RoutePlan> {
    const found = await this.find(scope, requested);
    if (!found) {
      const plan = this.parts.models.plan(requested);
      const standing = this.parts.models.fitting(plan.models, facts);
      return { ...plan, models: blockedLast(standing, this.parts.world.blockedUntil).models };
    }
    const { id, version, definition, times } = found;
    const { models, branches } = this.choose(definition, facts);
    if (models.length === 0) throw noneFits(requested, facts);
    const hedgeAfterMs = hedgeOf(definition.hedging, times)?.afterMs ?? null;
    return { route: { id, version }, models, branches, retry: definition.retry, hedgeAfterMs };
  }

  /** How `plan` would come to its answer; throws as it does. */
  async explain(scope: TenantScope, requested: string, facts: Facts, at?: Date): Promise<Explanation> {
    const found = await this.find(scope, requested);
    if (found) {
      const { id, version, definition, times } = found;
      return { ...this.choose(definition, facts, at), route: { id, version }, hedge: hedgeOf(definition.hedging, times) };
    }
    const { route, models: named, branches } = this.parts.models.plan(requested, at);
    const { models, reasons } = blockedLast(this.parts.models.fitting(named, facts, at), this.parts.world.blockedUntil);
    const isNamed = requested !== autoRoute;
    const mode = isNamed ? ('single' as const) : ('fallback' as const);
    const why = isNamed ? 'the model was named' : 'no route of this name: what the installation is configured for';
    const steps = [why, ...reasons].map((reason) => ({ at: 'route', mode, reason }));
    const shares = new Map(models.slice(0, 1).map((model) => [model, 1]));
    return { route, models, branches, steps, shares, hedge: null };
  }

  /** What a definition comes to, now or at another moment. */
  choose(definition: RouteDefinition, facts: Facts, now = this.parts.clock.now()): Chosen {
    const { models, world } = this.parts;
    return choose(definition, facts, {
      ...world,
      now,
      costMicros: (model) => estimatedCostMicros(models.priceOf(model, now), facts),
      misfit: (model) => models.misfit(model, facts, now),
    });
  }

  /** Looks again when these tenants ask next; all of them without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    this.standing.forget(tenantIds);
  }

  /** The tenant's route of this name; null for a model, and for `auto` where the tenant has no route of that name. */
  private async find({ tenantId }: TenantScope, requested: string): Promise<ReadableRoute | null> {
    // Models have a slash in their names, routes never.
    if (requested.includes('/')) return null;
    const routes = this.standing.known(tenantId) ?? (await this.standing.get(tenantId));
    const found = routes.get(requested);
    if (!found) return requested === autoRoute ? null : unknownRoute(requested, [...routes.keys()]);
    const { definition } = found;
    if (!definition) throw new AppError('UNAVAILABLE', `the route ${requested} was written by a later build than this one`);
    return { ...found, definition };
  }

  private async read(tenantId: string): Promise<ReadonlyMap<string, StandingRoute>> {
    const rows = await this.parts.database.as({ tenantId }).sql<StandingRow>(
      (sql) => sql`
        select r.id, r.name, r.version, v.definition, (select jsonb_object_agg(key, weight) from ${lately(sql)}) as counts
        from routes r join route_versions v on v.tenant_id = r.tenant_id and v.route_id = r.id and v.number = r.version
        left join route_times t on t.tenant_id = r.tenant_id and t.route_id = r.id and t.version = r.version
        where r.tenant_id = ${uuidOf(tenantId, 'ten')} order by r.name limit ${mostRoutes}`,
      { idempotent: true },
    );
    return new Map(rows.map((row) => [row.name, this.standingOf(row)]));
  }

  private standingOf({ id, name, version, definition, counts }: StandingRow): StandingRoute {
    const standing = { id: idOfUuid('rte', id), version, times: counts && { counts } };
    try {
      // A model that this process does not have fails when it is called, and the route goes on.
      return { ...standing, definition: readDefinition(definition, () => null, []) };
    } catch (err) {
      this.parts.log.error({ err, routeId: id, route: name, version }, 'a route cannot be read');
      return { ...standing, definition: null };
    }
  }
}

function noneFits(route: string, { isStructured }: Facts): AppError {
  const why = isStructured ? 'retired, or cannot be held to a JSON Schema, which the template asks for' : 'retired';
  return new AppError(
    'INVALID_INPUT',
    `all models that the route ${route} comes to here are ${why}; \`routeExplain\` names them`,
    {
      path: ['input', 'model'],
    },
  );
}

function unknownRoute(requested: string, routes: readonly string[]): never {
  const known = [...new Set([autoRoute, ...routes.slice(0, 20)])].join(', ');
  throw new AppError(
    'INVALID_INPUT',
    `there is no route ${requested.slice(0, 60)}, only ${known}; models are named <provider>/<name>`,
    {
      path: ['input', 'model'],
    },
  );
}
