import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgPolicy, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, engineRole, tenantWall } from '../db/tenancy.ts';
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
    /** `*` is all that its member may do. Of what is named only what its member may do counts. */
    permissions: text().array().$type<(Permission | '*')[]>().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** From this moment the key is refused; null for no such moment. */
    expiresAt: timestamp({ withTimezone: true }),
    /** About when it was last shown: written at most once a minute. Null before its first use. */
    lastUsedAt: timestamp({ withTimezone: true }),
    /** From this moment the key is refused; null while it is valid. */
    revokedAt: timestamp({ withTimezone: true }),
    /** The key that this one took over from, when it was made by a rotation; a key is replaced once. */
    replacesId: id('key'),
    /** Uuids of the keys that made it or handed out its secret, and of those that made them: their budgets count its calls, too. */
    makers: uuid()
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Limits of its own, beside those of its member and tenant; null for none. */
    requestsPerMinute: integer(),
    startsPerMinute: integer(),
    maxGenerations: integer(),
    maxSockets: integer(),
    maxSubscriptions: integer(),
  },
  (table) => [
    foreignKey({ columns: [table.tenantId, table.memberId], foreignColumns: [members.tenantId, members.id] }).onDelete('cascade'),
    foreignKey({ columns: [table.tenantId, table.replacesId], foreignColumns: [table.tenantId, table.id] }),
    index('api_keys_tenant_id_member_id').on(table.tenantId, table.memberId),
    unique('api_keys_tenant_id_id').on(table.tenantId, table.id),
    unique('api_keys_tenant_id_replaces_id').on(table.tenantId, table.replacesId),
    // Whether a tenant has keys with limits is asked often.
    index('api_keys_limited')
      .on(table.tenantId)
      .where(sql`coalesce(requests_per_minute, starts_per_minute, max_generations, max_sockets, max_subscriptions) is not null`),
    tenantWall(),
    engineReads(),
    // When a key was used is written for all tenants in one go; a grant lets the engine at that column only.
    pgPolicy('engine_notes_use', { as: 'permissive', for: 'update', to: engineRole, using: sql`true`, withCheck: sql`true` }),
  ],
);

export type ApiKeyRow = typeof apiKeys.$inferSelect;
