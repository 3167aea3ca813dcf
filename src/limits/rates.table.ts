import { integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { tenantWall } from '../db/tenancy.ts';
import { tenants } from '../tenants/tenants.table.ts';

/**
 * What is used of each limit in its running window: a row for a tenant, and one for each member and kind, made at first use. `subject` is
 * the uuid of whom it counts; there are no more rows than there are members, so none is cleaned up.
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

/** Limits of tenants that have their own, a minute; null is the configured one, 0 is none. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    tenantId: id('ten')
      .primaryKey()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    member: integer(),
    tenant: integer(),
    starts: integer(),
  },
  () => [tenantWall()],
);
