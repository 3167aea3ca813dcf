import { doublePrecision, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { engineWall } from '../db/tenancy.ts';
import type { BreakerState, Slots } from './breaker.ts';

/** How the models of the installation do, of no tenant: one circuit breaker each, and the time of their first tokens. */
export const modelHealth = pgTable(
  'model_health',
  {
    /** `<provider>/<name>`. */
    model: text().primaryKey(),
    state: text().$type<BreakerState>().notNull().default('CLOSED'),
    /** Counts the changes of state: what was seen of an earlier one changes nothing. */
    round: integer().notNull().default(0),
    /** When the state began. */
    since: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** When the next probe may begin, whether or not somebody still waits for the last one; null when closed. */
    nextProbeAt: timestamp({ withTimezone: true }),
    /** Qualifying failures in a row. */
    failures: integer().notNull().default(0),
    /** Such as `{ "340551": [7, 1] }`: calls and failures by the number of their slot of time. */
    recent: jsonb().$type<Slots>().notNull().default({}),
    /** The average time of first tokens, and how many it stands for; both as of `latencyAt`. */
    latencyMs: doublePrecision(),
    latencyWeight: doublePrecision().notNull().default(0),
    latencyAt: timestamp({ withTimezone: true }),
    toldAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [engineWall()],
);
