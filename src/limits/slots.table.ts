import { sql } from 'drizzle-orm';
import { jsonb, pgPolicy, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { appRole, engineWall, tenantWall } from '../db/tenancy.ts';
import { tenants } from '../tenants/tenants.table.ts';

/** What is counted while it is open. */
export const slotKinds = ['sockets', 'subscriptions'] as const;
export type SlotKind = (typeof slotKinds)[number];

/** Processes that hold slots; they belong to no tenant. One whose lease has run out holds nothing any more. */
export const processes = pgTable(
  'processes',
  {
    id: uuid().primaryKey(),
    leaseUntil: timestamp({ withTimezone: true }).notNull(),
  },
  () => [pgPolicy('everyone_reads', { as: 'permissive', for: 'select', to: appRole, using: sql`true` }), engineWall()],
);

/** What one process holds: how many slots, and by which of its statements (`turn`), so that one that arrives late changes nothing. */
export interface Holder {
  readonly held: number;
  readonly turn: number;
}

/** Who holds how many sockets and subscriptions of a member, key or tenant (`subject`, its uuid); a row for each, made at first use. */
export const heldSlots = pgTable(
  'held_slots',
  {
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    subject: uuid().notNull(),
    kind: text({ enum: slotKinds }).notNull(),
    /** By the uuid of the process. */
    holders: jsonb().$type<Readonly<Record<string, Holder>>>().notNull().default({}),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.subject, table.kind] }), tenantWall()],
);

/** Who holds how many calls to a provider, of no tenant; a row for each provider whose calls are bounded, made at first use. */
export const heldPlaces = pgTable(
  'held_places',
  {
    provider: text().primaryKey(),
    /** By the uuid of the process. */
    holders: jsonb().$type<Readonly<Record<string, Holder>>>().notNull().default({}),
  },
  () => [engineWall()],
);
