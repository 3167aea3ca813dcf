import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';
import { tenants } from '../tenants/tenants.table.ts';

/** The key that a tenant's secrets are sealed with, itself sealed with a master key. Without its row they are unreadable for ever. */
export const dataKeys = pgTable(
  'data_keys',
  {
    tenantId: id('ten')
      .primaryKey()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    /** Which master key it is wrapped with. */
    masterKeyId: text().notNull(),
    /** 32 bytes, sealed with that master key. */
    wrapped: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    wrappedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [
    tenantWall(),
    // Which master keys are in use concerns all tenants together; a grant lets the engine at that column only, not at the keys.
    engineReads(),
  ],
);
