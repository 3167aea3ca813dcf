import { integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import { tenants } from '../tenants/tenants.table.ts';
import type { TenantLimitName } from './names.ts';

/**
 * What is used of each limit in its running window: a row for a tenant, and one for each member, limited key and kind, made at first use.
 * `subject` is the uuid of whom it counts; there are no more rows than there are of these, so none is cleaned up.
 */
export const rateBuckets = pgTable(
  'rate_buckets',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    subject: uuid().notNull(),
    kind: text().$type<'requests' | 'starts' | 'tenant'>().notNull(),
    used: integer().notNull().default(0),
    /** On the database's clock. A window begins with the first use after the last one ended. */
    windowStartedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.subject, table.kind] }), tenantWall()],
);

/** Limits of tenants where they are not the configured ones: a ceiling that an operator sets, and what the tenant has lowered it to. */
export const tenantLimits = pgTable(
  'tenant_limits',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    name: text().$type<TenantLimitName>().notNull(),
    /** What the installation allows; null is the configured limit, 0 is none. The app may read it, only the engine writes it. */
    ceiling: integer(),
    /** What the tenant has set; null where it has not. It holds only where it is below the ceiling. */
    own: integer(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.name] }), tenantWall(), engineWall()],
);
