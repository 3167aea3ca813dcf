import { bigint, foreignKey, index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { tenantWall } from '../db/tenancy.ts';
import { members } from '../tenants/tenants.table.ts';

/** Calls that tried a model and are no generation's: what they used. Those that were refused before they began used nothing, and are not kept. */
export const modelTrials = pgTable(
  'model_trials',
  {
    tenantId: id('ten').notNull(),
    /** The id that it was reserved under. It is made like a generation's, but there is no such generation. */
    id: id('gen').notNull(),
    memberId: id('mem').notNull(),
    /** The API key it was asked for with; null for none. */
    keyId: id('key'),
    model: text().notNull(),
    /** What the provider counted; null where it did not say. */
    inputTokens: integer(),
    outputTokens: integer(),
    /** In millionths of a US dollar; null where price or usage is unknown. */
    costMicros: bigint({ mode: 'number' }),
    /** What it may have cost at most, which is what budgets counted where `costMicros` is null; null where the price is unknown. */
    mostCostMicros: bigint({ mode: 'number' }),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    foreignKey({
      name: 'model_trials_member',
      columns: [table.tenantId, table.memberId],
      foreignColumns: [members.tenantId, members.id],
    }).onDelete('cascade'),
    index('model_trials_member_id').on(table.memberId, table.tenantId),
    tenantWall(),
  ],
);
