import { foreignKey, integer, jsonb, pgTable, primaryKey, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { tenantWall } from '../db/tenancy.ts';
import { members, tenants } from '../tenants/tenants.table.ts';

/** Named choices of models, a tenant's own. One called `auto` takes the place of the installation's for who names no model. */
export const routes = pgTable(
  'routes',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    id: id('rte').notNull(),
    /** What `generationStart` is asked for. */
    name: text().notNull(),
    /** The version in use. */
    version: integer().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    unique('routes_tenant_id_name').on(table.tenantId, table.name),
    tenantWall(),
  ],
);

/** What a route said at one time; never changed. */
export const routeVersions = pgTable(
  'route_versions',
  {
    tenantId: id('ten').notNull(),
    id: id('rtv').notNull(),
    routeId: id('rte').notNull(),
    /** Counts the versions of a route from 1. */
    number: integer().notNull(),
    /** As its author wrote it; `readDefinition` reads it. */
    definition: jsonb().$type<Record<string, unknown>>().notNull(),
    /** Why, in its author's words; null when they had none. */
    note: text(),
    publishedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** Who wrote it; null once that person is gone. Its migration clears this column alone then. */
    publishedBy: id('mem'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    unique('route_versions_tenant_id_route_id_number').on(table.tenantId, table.routeId, table.number),
    foreignKey({
      name: 'route_versions_route',
      columns: [table.tenantId, table.routeId],
      foreignColumns: [routes.tenantId, routes.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'route_versions_published_by_member',
      columns: [table.tenantId, table.publishedBy],
      foreignColumns: [members.tenantId, members.id],
    }),
    tenantWall(),
  ],
);

export type RouteRow = typeof routes.$inferSelect;
export type RouteVersionRow = typeof routeVersions.$inferSelect;
