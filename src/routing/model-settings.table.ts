import { sql } from 'drizzle-orm';
import { boolean, integer, jsonb, pgPolicy, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { appRole, engineWall } from '../db/tenancy.ts';
import type { PriceLine } from './model-setting.ts';

/** What an operator says of models, in place of what is built in; of no tenant. A model that is not built in is offered by its row. */
export const modelSettings = pgTable(
  'model_settings',
  {
    /** `<provider>/<name>`. */
    id: text().primaryKey(),
    /** These are null where what is built in holds. */
    contextWindow: integer(),
    maxOutputTokens: integer(),
    hasStructuredOutput: boolean(),
    retiresAt: timestamp({ withTimezone: true }),
    prices: jsonb().$type<readonly PriceLine[]>(),
    changedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [pgPolicy('everyone_reads', { as: 'permissive', for: 'select', to: appRole, using: sql`true` }), engineWall()],
);
