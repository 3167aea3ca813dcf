import { foreignKey, index, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';
import type { Permission } from '../kernel/scope.ts';
import { members } from '../tenants/tenants.table.ts';

/** API keys. Only a keyed hash of the secret is stored. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: id('key').notNull().unique(),
    tenantId: id('ten').notNull(),
    memberId: id('mem').notNull(),
    name: text().notNull(),
    /** Hex HMAC-SHA-256 of the whole key under the process's secret. */
    secretHash: text().notNull(),
    permissions: text().array().$type<Permission[]>().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** From this moment the key is refused; null while it is valid. */
    revokedAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    foreignKey({ columns: [table.tenantId, table.memberId], foreignColumns: [members.tenantId, members.id] }).onDelete('cascade'),
    index('api_keys_tenant_id_member_id').on(table.tenantId, table.memberId),
    unique('api_keys_tenant_id_id').on(table.tenantId, table.id),
    tenantWall(),
    engineReads(),
  ],
);

export type ApiKeyRow = typeof apiKeys.$inferSelect;
