import { doublePrecision, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
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

/**
 * What the operations of a tenant have cost and not yet got back: a row for each tenant, made at first use. What runs is reserved apart, by
 * the minute in which it began (`epoch` and the one before), and does not come back with time: else it would come back twice, by time and
 * when it is settled. Reservations of a process that died are dropped with their minute.
 */
export const costBuckets = pgTable(
  'cost_buckets',
  {
    tenantId: id('ten')
      .primaryKey()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    /** As it was at `spentAt`, on the database's clock. */
    spent: doublePrecision().notNull().default(0),
    spentAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** Minutes since 1970. */
    epoch: integer().notNull().default(0),
    reserved: integer().notNull().default(0),
    reservedBefore: integer().notNull().default(0),
    /** By the latest statement: an update returns only what it wrote. */
    granted: integer().notNull().default(0),
  },
  () => [tenantWall()],
);

/** Limits of tenants that have their own, a minute unless said otherwise; null is the configured one, 0 is none. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    tenantId: id('ten')
      .primaryKey()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    member: integer(),
    tenant: integer(),
    starts: integer(),
    /** What its operations may cost at once, and how much of it comes back in a second. */
    cost: integer(),
    costPerSecond: integer(),
  },
  () => [tenantWall()],
);
