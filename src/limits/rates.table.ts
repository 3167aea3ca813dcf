import { doublePrecision, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import { tenants } from '../tenants/tenants.table.ts';
import type { costNames, TenantLimitName } from './names.ts';

/**
 * What is used of each rate in its running window. A tenant has a row, and so has each of its members and limited keys for each kind; rows are made at first use.
 * `subject` is the uuid of who is counted. There are never more rows than members and keys give rise to, so nothing cleans them up.
 */
export const rateBuckets = pgTable(
  'rate_buckets',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    subject: uuid().notNull(),
    kind: text().$type<'requests' | 'starts' | 'tenant' | 'tenants'>().notNull(),
    used: integer().notNull().default(0),
    /** On the database's clock. A window begins with the first use after the last one ended. */
    windowStartedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.subject, table.kind] }), tenantWall()],
);

/**
 * What the operations of a tenant have cost and time has not given back yet: a row for each tenant, made at first use. What still runs is reserved apart, by
 * the minute in which it began (`epoch`, and the one before it). Time does not give that back, or it would come back twice: by time and when
 * it is settled. Reservations of a process that died are dropped with their minute.
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
    /** What the latest statement granted. It is a column since an update returns only what it wrote. */
    granted: integer().notNull().default(0),
  },
  () => [tenantWall()],
);

/** Limits of tenants where they are not the configured ones: a ceiling that an operator sets, and what the tenant has lowered it to. */
export const tenantLimits = pgTable(
  'tenant_limits',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    name: text().$type<TenantLimitName | (typeof costNames)[keyof typeof costNames]>().notNull(),
    /** What the installation allows; null is the configured limit, 0 is none. The app may read it, only the engine writes it. */
    ceiling: integer(),
    /** What the tenant has set; null where it has not. It holds only where it is below the ceiling. */
    own: integer(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.name] }), tenantWall(), engineWall()],
);
