import { index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';

/** What a member's idempotency key stands for: the thing that the first call with it made. Rows live for a day and may outlive their member by that. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: id('ten').notNull(),
    memberId: id('mem').notNull(),
    /** The mutation's name. */
    operation: text().notNull(),
    /** A hash of the key: the key itself is half of what opens `sealed`. */
    key: text().notNull(),
    /** Hex SHA-256 of the coerced input without the key. */
    inputHash: text().notNull(),
    /** Null only inside the transaction of the first call, before it has made the thing. */
    thingId: uuid(),
    /** The prefix of the thing's id; null is `gen`. */
    thingKind: text(),
    /** The part of the answer that is a secret, sealed (`idempotency/seal.ts`); null when there is none. */
    sealed: text(),
    /** From then on the record may be taken over by a new call. */
    expiresAt: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.memberId, table.operation, table.key] }),
    index('idempotency_keys_expires_at').on(table.expiresAt),
    // Not the tenant first: without statistics Postgres would take it for the primary key's equal.
    index('idempotency_keys_thing_id').on(table.thingId, table.tenantId),
    tenantWall(),
    engineWall(),
  ],
);
