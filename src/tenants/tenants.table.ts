import { integer, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';

/** Organisations whose data is kept apart. */
export const tenants = pgTable(
  'tenants',
  {
    id: id('ten').primaryKey(),
    name: text().notNull(),
    /** Finished generations older than this are deleted; null keeps them. */
    generationRetentionDays: integer(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [tenantWall('id'), engineReads()],
);

/** People in a tenant. */
export const members = pgTable(
  'members',
  {
    id: id('mem').notNull().unique(),
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    email: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    unique('members_tenant_id_id').on(table.tenantId, table.id),
    unique('members_tenant_id_email').on(table.tenantId, table.email),
    tenantWall(),
  ],
);

export type TenantRow = typeof tenants.$inferSelect;
export type MemberRow = typeof members.$inferSelect;
