import { foreignKey, index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineWall, tenantWall } from '../db/tenancy.ts';
import { generations } from './generations.table.ts';

/**
 * Which generation writes, or wrote, the text that starts with the same key may share. It holds no text: whoever deletes the generation deletes
 * all that the cache keeps of it.
 */
export const cacheEntries = pgTable(
  'cache_entries',
  {
    tenantId: id('ten').notNull(),
    key: text().notNull(),
    generationId: id('gen').notNull(),
    /** How long after its end the text may be given to others. */
    maxAgeSeconds: integer().notNull(),
    /** From then on nobody can be given it. */
    expiresAt: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.key] }),
    foreignKey({
      columns: [table.tenantId, table.generationId],
      foreignColumns: [generations.tenantId, generations.id],
    }).onDelete('cascade'),
    index('cache_entries_generation').on(table.tenantId, table.generationId),
    index('cache_entries_expiry').on(table.expiresAt),
    tenantWall(),
    engineWall(),
  ],
);
