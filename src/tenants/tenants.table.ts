import { sql } from 'drizzle-orm';
import { boolean, integer, pgPolicy, pgTable, text, timestamp, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, engineRole, tenantWall } from '../db/tenancy.ts';

/** Whether a generation may be given a text that another wrote (READ), lets others have its own (WRITE), both (ON) or neither. */
export const cacheModes = ['OFF', 'READ', 'WRITE', 'ON'] as const;
export type CacheMode = (typeof cacheModes)[number];

/** Organisations whose data is kept apart. */
export const tenants = pgTable(
  'tenants',
  {
    id: id('ten').primaryKey(),
    name: text().notNull(),
    /** Finished generations older than this are deleted; null keeps them. */
    generationRetentionDays: integer(),
    /** Whether personal details are masked in all prompts, whatever their templates say. */
    masksPersonalData: boolean().notNull().default(false),
    /** How generations use the texts of others where their callers say nothing. */
    generationCacheMode: text({ enum: cacheModes }).notNull().default('OFF'),
    /** How old such a text may be; null for the installation's default. */
    generationCacheMaxAgeSeconds: integer(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** While it is set nobody is let in and nothing is started; null for a tenant in use. */
    suspendedAt: timestamp({ withTimezone: true }),
    /** From this moment the tenant is gone for everybody; the row goes last, when all of its things have. */
    deletedAt: timestamp({ withTimezone: true }),
    /** Its people may make other tenants. The app may read it; only the engine writes it, for who is at the command line. */
    runsInstallation: boolean().notNull().default(false),
  },
  () => [
    tenantWall('id'),
    engineReads(),
    pgPolicy('engine_appoints', { as: 'permissive', for: 'update', to: engineRole, using: sql`true`, withCheck: sql`true` }),
    // The row of a deleted tenant goes when its things have.
    pgPolicy('engine_deletes', { as: 'permissive', for: 'delete', to: engineRole, using: sql`deleted_at is not null` }),
  ],
);

/** People in a tenant. */
export const members = pgTable(
  'members',
  {
    id: id('mem').notNull().unique(),
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    email: text().notNull(),
    /** What people call them; null when nobody said. */
    name: text(),
    /** The name of a built-in role (`access/roles.ts`) or of one of the tenant's own; it counts where `claimedRoles` is null. */
    role: text().notNull().default('member'),
    /**
     * For people of an issuer, whose tokens decide: the names of the roles that the claims of their last token gave. Null for those who were
     * given a role here.
     */
    claimedRoles: text().array(),
    /** When that token was issued, by its own account. */
    claimedAt: timestamp({ withTimezone: true }),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** From this moment they are nobody here; what they made stays. Null for members. */
    removedAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    unique('members_tenant_id_id').on(table.tenantId, table.id),
    uniqueIndex('members_tenant_id_email')
      .on(table.tenantId, table.email)
      .where(sql`removed_at is null`),
    tenantWall(),
    engineReads(),
  ],
);

export type TenantRow = typeof tenants.$inferSelect;
export type MemberRow = typeof members.$inferSelect;
