import { foreignKey, integer, jsonb, pgTable, primaryKey, timestamp } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { tenantWall } from '../db/tenancy.ts';
import { routeVersions } from './routes.table.ts';
import type { Histogram } from './histogram.ts';

/** How long calls by routes that hedge have lately taken to their first text. */
export const routeTimes = pgTable(
  'route_times',
  {
    tenantId: id('ten').notNull(),
    routeId: id('rte').notNull(),
    version: integer().notNull(),
    /** As of `countedAt`. */
    counts: jsonb().$type<Histogram['counts']>().notNull(),
    countedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.routeId, table.version] }),
    foreignKey({
      name: 'route_times_version',
      columns: [table.tenantId, table.routeId, table.version],
      foreignColumns: [routeVersions.tenantId, routeVersions.routeId, routeVersions.number],
    }).onDelete('cascade'),
    tenantWall(),
  ],
);
