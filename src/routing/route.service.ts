import { and, asc, eq, getTableColumns, inArray, type SQL } from 'drizzle-orm';
import type { ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Connection, Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import { AppError } from '../kernel/errors.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import type { Models } from './models.ts';
import { mostRoutes, type RoutePlanService } from './route-plan.service.ts';
import { routes, routeVersions, type RouteRow, type RouteVersionRow } from './routes.table.ts';
import { readDefinition } from './tree.ts';

/** A route with the version in use. */
export interface RouteView extends RouteRow {
  readonly current: RouteVersionRow;
}

/** A route to publish. */
export interface RoutePublish {
  readonly name: string;
  readonly definition: Record<string, unknown>;
  readonly note?: string | null;
  readonly basedOn?: number | null;
  readonly idempotencyKey?: string | null;
}

/** What the service is built on. */
export interface RouteParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly bus: Bus;
  readonly models: Models;
  readonly plans: RoutePlanService;
}

const namePattern = /^[a-z][a-z0-9-]{0,39}$/;
const longestNote = 500;
const longestDefinition = 32_768;
const isCurrent = and(
  eq(routeVersions.tenantId, routes.tenantId),
  eq(routeVersions.routeId, routes.id),
  eq(routeVersions.number, routes.version),
);

/** The tenants' own routes: published, rolled back and deleted, one version after the other. */
export class RouteService {
  constructor(private readonly parts: RouteParts) {}

  /** All routes of the tenant, by name; there are at most fifty. */
  async all(scope: Scope): Promise<RouteView[]> {
    scope.require('routes:read');
    return readRoutes(this.parts.database.as(scope), scope);
  }

  /** Routes by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(RouteView | null)[]> {
    scope.require('routes:read');
    return rowsById('rte', ids, (known) => readRoutes(this.parts.database.as(scope), scope, inArray(routes.id, known)));
  }

  /** Versions by id, in the order asked for; null for unknown ones and other tenants'. */
  async versionsById(scope: Scope, ids: readonly string[]): Promise<(RouteVersionRow | null)[]> {
    scope.require('routes:read');
    return rowsById('rtv', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select()
        .from(routeVersions)
        .where(and(eq(routeVersions.tenantId, scope.tenantId), inArray(routeVersions.id, known))),
    );
  }

  /** A page of a route's versions, newest first. */
  async versions(scope: Scope, routeId: string, input: PageInput): Promise<Page<RouteVersionRow>> {
    scope.require('routes:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'routeVersions',
      table: routeVersions,
      columns: getTableColumns(routeVersions),
      direction: 'descending',
      where: eq(routeVersions.routeId, routeId),
    });
  }

  /**
   * Makes a new version of the route with this name, and the route with its first, and takes it into use. INVALID_INPUT names what is wrong in the
   * definition, CONFLICT says that another version than `basedOn` is in use.
   */
  async publish(scope: Scope, input: RoutePublish): Promise<RouteView> {
    scope.require('routes:write');
    const { name, note = null, basedOn = null } = input;
    if (!namePattern.test(name)) {
      throw new AppError('INVALID_INPUT', 'a name has 1 to 40 small letters, digits and hyphens, a letter first', {
        path: ['input', 'name'],
      });
    }
    if (note !== null && note.length > longestNote)
      throw new AppError('INVALID_INPUT', `a note has at most ${longestNote} characters`, { path: ['input', 'note'] });
    const definition = this.checked(input.definition);
    const again = async (thing: string) => thing;
    const id = await this.parts.acts.run(scope, { operation: 'routePublish', input, again }, async (act) => {
      const route = await lockRoute(act, scope, eq(routes.name, name));
      if (basedOn !== null && basedOn !== (route?.version ?? 0)) {
        throw new AppError('CONFLICT', `version ${route?.version ?? 0} is in use, not ${basedOn}`, {
          path: ['input', 'basedOn'],
        });
      }
      const made = route ? await newVersionOf(act, scope, route) : await newRoute(act, scope, name);
      await act.query.insert(routeVersions).values({
        tenantId: scope.tenantId,
        id: newId('rtv'),
        routeId: made.id,
        number: made.version,
        definition,
        note,
        publishedBy: scope.memberId,
      });
      act.record({ thing: made.id, before: route && { version: route.version }, after: { name, version: made.version } });
      return made.id;
    });
    this.changed(scope);
    // One that a repeat stands for may be deleted by now.
    return this.get(scope, id, ['input', 'idempotencyKey']);
  }

  /** Takes an earlier version into use again, as it is; NOT_FOUND names what is not there. */
  async rollback(scope: Scope, { id, version }: { readonly id: string; readonly version: number }): Promise<RouteView> {
    scope.require('routes:write');
    if (uuidOfId(id, 'rte') === null) throw noSuchRoute();
    await this.parts.acts.run(scope, { operation: 'routeRollback', input: {}, idempotent: true }, async (act) => {
      const route = await lockRoute(act, scope, eq(routes.id, id));
      if (!route) throw noSuchRoute();
      const ofRoute = and(eq(routeVersions.tenantId, scope.tenantId), eq(routeVersions.routeId, id));
      const [found] = await act.query
        .select({ number: routeVersions.number })
        .from(routeVersions)
        .where(and(ofRoute, eq(routeVersions.number, version)));
      if (!found) throw new AppError('NOT_FOUND', 'the route has no such version', { path: ['input', 'version'] });
      await act.query.update(routes).set({ version }).where(isRoute(scope, id));
      act.record({ thing: id, before: { version: route.version }, after: { version } });
    });
    this.changed(scope);
    return this.get(scope, id);
  }

  /** Deletes a route with all its versions; generations that run by it go on. */
  async delete(scope: Scope, id: string): Promise<string> {
    scope.require('routes:write');
    if (uuidOfId(id, 'rte') === null) throw noSuchRoute();
    await this.parts.acts.run(scope, { operation: 'routeDelete', input: {} }, async (act) => {
      const [gone] = await act.query.delete(routes).where(isRoute(scope, id)).returning();
      if (!gone) throw noSuchRoute();
      act.record({ thing: id, before: { name: gone.name, version: gone.version }, after: null });
    });
    this.changed(scope);
    return id;
  }

  /** What of a definition is stored: all of it, once it is known to be readable. */
  private checked(definition: Record<string, unknown>): Record<string, unknown> {
    const path = ['input', 'definition'];
    if (JSON.stringify(definition).length > longestDefinition)
      throw new AppError('INVALID_INPUT', `a definition has at most ${longestDefinition} characters of JSON`, { path });
    readDefinition(definition, (model) => this.problemOf(model), path);
    // One that was written into the document has no prototype, and drizzle takes no such thing.
    return structuredClone(definition);
  }

  /** A model that is retired would be left out of every plan: whoever publishes it means another. */
  private problemOf(model: string): string | null {
    const { models } = this.parts;
    if (!models.find(model)) return `there is no model ${model}`;
    const retiredAt = models.retiredAt(model);
    return retiredAt && `the model ${model} was retired on ${retiredAt.toISOString().slice(0, 10)}`;
  }

  private changed({ tenantId }: Scope): void {
    this.parts.plans.forget([tenantId]);
    this.parts.bus.publish('route.changed', [tenantId]);
  }

  private async get(scope: Scope, id: string, path?: readonly string[]): Promise<RouteView> {
    const [route] = await readRoutes(this.parts.database.as(scope), scope, eq(routes.id, id));
    return route ?? Promise.reject(noSuchRoute(path));
  }
}

async function readRoutes({ query }: Connection, scope: Scope, where?: SQL): Promise<RouteView[]> {
  const rows = await query
    .select({ route: routes, current: routeVersions })
    .from(routes)
    .innerJoin(routeVersions, isCurrent)
    .where(and(eq(routes.tenantId, scope.tenantId), where))
    .orderBy(asc(routes.name))
    .limit(mostRoutes);
  return rows.map(({ route, current }) => ({ ...route, current }));
}

/** The route, kept from everybody else who would change it; routes are made one at a time. */
async function lockRoute(act: Statements, scope: Scope, which: SQL): Promise<RouteRow | null> {
  await act.sql((sql) => sql`select from tenants where id = ${uuidOf(scope.tenantId, 'ten')} for no key update`);
  const [route] = await act.query
    .select()
    .from(routes)
    .where(and(eq(routes.tenantId, scope.tenantId), which))
    .for('update');
  return route ?? null;
}

async function newRoute(act: Statements, scope: Scope, name: string): Promise<RouteRow> {
  const [count] = await act.sql<{ routes: number }>(
    (sql) => sql`select count(*)::int as routes from routes where tenant_id = ${uuidOf(scope.tenantId, 'ten')}`,
  );
  if ((count?.routes ?? 0) >= mostRoutes) throw new AppError('LIMIT_EXCEEDED', `a tenant has at most ${mostRoutes} routes`);
  const [made] = await act.query
    .insert(routes)
    .values({ tenantId: scope.tenantId, id: newId('rte'), name, version: 1 })
    .returning();
  if (!made) throw new Error('the route was not returned');
  return made;
}

/** After a rollback the number goes on from the highest there is, not from the one in use. */
async function newVersionOf(act: Statements, scope: Scope, { id }: RouteRow): Promise<RouteRow> {
  const [next] = await act.sql<{ number: number }>(
    (sql) => sql`
      select max(number) + 1 as number from route_versions
      where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and route_id = ${uuidOf(id, 'rte')}`,
  );
  const [made] = await act.query
    .update(routes)
    .set({ version: next?.number ?? 1 })
    .where(isRoute(scope, id))
    .returning();
  if (!made) throw new Error('the route was not returned');
  return made;
}

function isRoute({ tenantId }: Scope, id: string) {
  return and(eq(routes.tenantId, tenantId), eq(routes.id, id));
}

function noSuchRoute(path: readonly string[] = ['input', 'id']): AppError {
  return new AppError('NOT_FOUND', 'no such route', { path });
}
