import { foreignKey, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';
import { members } from '../tenants/tenants.table.ts';

/** Invitations to become a member. Only a keyed hash of the token is stored. */
export const invitations = pgTable(
  'invitations',
  {
    tenantId: id('ten').notNull(),
    id: id('inv').notNull().unique(),
    /** The member that accepting it makes: known before, so that it makes one only. */
    memberId: id('mem').notNull(),
    invitedById: id('mem').notNull(),
    email: text().notNull(),
    /** The name of the role they are to have. */
    role: text().notNull(),
    /** Hex HMAC-SHA-256 of the whole token under the process's secret. */
    secretHash: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** From this moment it is refused. */
    expiresAt: timestamp({ withTimezone: true }).notNull(),
    /** Null while nobody has accepted it. */
    acceptedAt: timestamp({ withTimezone: true }),
    /** Null while it was not revoked. */
    revokedAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    unique('invitations_tenant_id_id').on(table.tenantId, table.id),
    unique('invitations_tenant_id_member_id').on(table.tenantId, table.memberId),
    foreignKey({ columns: [table.tenantId, table.invitedById], foreignColumns: [members.tenantId, members.id] }).onDelete(
      'cascade',
    ),
    tenantWall(),
    engineReads(),
  ],
);

export type InvitationRow = typeof invitations.$inferSelect;
