import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgPolicy,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, engineRole, engineWall, tenantWall } from '../db/tenancy.ts';
import type { ErrorCode } from '../kernel/errors.ts';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** What was recorded of a thing, before or after an act. */
export type Recorded = Record<string, unknown>;

/**
 * What was done and what was refused. The app adds rows and changes none; the engine writes a row's place in the chain, once. No foreign
 * keys: an entry outlives what it tells of, the tenant and its people included, of whom it knows keyed pseudonyms only.
 */
export const auditEntries = pgTable(
  'audit_entries',
  {
    tenantId: id('ten').notNull(),
    id: id('aud').notNull(),
    /** The transaction that wrote it: what is older than every running one is whole, and can be sealed. */
    txid: xid8()
      .notNull()
      .default(sql`pg_current_xact_id()`),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** The GraphQL name of the field, `request` for a request that was refused as a whole, or what happened without one (`entry.ts`). */
    operation: text().notNull(),
    /** Why it was refused; null when it was done. */
    code: text().$type<ErrorCode>(),
    /** How often: refusals of a minute are one entry. */
    count: integer().notNull().default(1),
    /** A keyed pseudonym of the member, or `service_` and the name of a service. */
    actor: text().notNull(),
    proofKind: text().notNull(),
    proofId: text().notNull(),
    /** Null for what the product did by itself, like the two behind it. */
    transport: text(),
    /** The network that the client's address is in. */
    address: text(),
    requestId: text(),
    /** The id of the thing, people as pseudonyms; null when there is no single one. */
    thing: text(),
    before: jsonb().$type<Recorded>(),
    after: jsonb().$type<Recorded>(),
    /** Its place in the tenant's chain, from 1 without gaps; null until it is sealed. */
    position: bigint({ mode: 'number' }),
    /** Hex SHA-256 of the entry, its position and the hash before; null until it is sealed. */
    hash: text(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    // What waits for its place. All other indexes hold sealed entries only: the sealer pays for them, no mutation does.
    index('audit_entries_unsealed')
      .on(table.txid, table.id)
      .where(sql`position is null`),
    uniqueIndex('audit_entries_tenant_id_position')
      .on(table.tenantId, table.position)
      .where(sql`position is not null`),
    index('audit_entries_tenant_id_created_at')
      .on(table.tenantId, table.createdAt)
      .where(sql`position is not null`),
    index('audit_entries_tenant_id_thing')
      .on(table.tenantId, table.thing, table.id)
      .where(sql`position is not null and thing is not null`),
    tenantWall(),
    engineReads(),
    // What services do is recorded where they do it; in the name of a person the engine can record nothing.
    pgPolicy('engine_records', {
      as: 'permissive',
      for: 'insert',
      to: engineRole,
      withCheck: sql`proof_kind = 'service'`,
    }),
    // A grant lets the engine at the place in the chain only, and this at rows that have none yet.
    pgPolicy('engine_seals', {
      as: 'permissive',
      for: 'update',
      to: engineRole,
      using: sql`position is null`,
      withCheck: sql`position is not null`,
    }),
  ],
);

/** How far each tenant's chain is sealed: without it, a chain whose end was cut off would look whole. */
export const auditHeads = pgTable(
  'audit_heads',
  {
    tenantId: id('ten').primaryKey(),
    position: bigint({ mode: 'number' }).notNull(),
    hash: text().notNull(),
    /** Hex HMAC-SHA-256 of position, hash and doubt under a key of the processes': who can only write to the database cannot make one. */
    mac: text().notNull(),
    /** Where the sealer first found a head that was not made by us, and went on all the same; null while it never did. */
    doubtedAt: bigint({ mode: 'number' }),
    sealedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  () => [tenantWall(), engineWall()],
);

export type AuditRow = typeof auditEntries.$inferSelect;
export type AuditHeadRow = typeof auditHeads.$inferSelect;
