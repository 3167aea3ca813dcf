import { foreignKey, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import { members } from '../tenants/tenants.table.ts';

/** What a member's idempotency key stands for: the thing that the first call with it made. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: id('ten').notNull(),
    memberId: id('mem').notNull(),
    /** The mutation's name. */
    operation: text().notNull(),
    key: text().notNull(),
    /** Hex SHA-256 of the coerced input without the key. */
    inputHash: text().notNull(),
    thingId: uuid().notNull(),
    /** From then on the record may be taken over by a new call. */
    expiresAt: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.memberId, table.operation, table.key] }),
    foreignKey({ columns: [table.tenantId, table.memberId], foreignColumns: [members.tenantId, members.id] }).onDelete('cascade'),
    index('idempotency_keys_expires_at').on(table.expiresAt),
    // Not the tenant first: without statistics Postgres would take it for the primary key's equal.
    index('idempotency_keys_thing_id').on(table.thingId, table.tenantId),
    tenantWall(),
    engineWall(),
  ],
);
