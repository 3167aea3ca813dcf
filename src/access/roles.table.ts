import { pgTable, primaryKey, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';
import type { Permission } from '../kernel/scope.ts';
import { tenants } from '../tenants/tenants.table.ts';

/** Roles that a tenant made, beside the built-in ones; members name them. */
export const roles = pgTable(
  'roles',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    id: id('rol').notNull(),
    /** For good: members and invitations hold it. */
    name: text().notNull(),
    permissions: text().array().$type<Permission[]>().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    unique('roles_tenant_id_name').on(table.tenantId, table.name),
    tenantWall(),
    engineReads(),
  ],
);
