import { boolean, foreignKey, index, integer, jsonb, pgTable, primaryKey, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { engineReads, tenantWall } from '../db/tenancy.ts';
import { members, tenants } from '../tenants/tenants.table.ts';
import type { SigningAlgorithm } from './algorithms.ts';

/** Which role whoever has this value in the role claim has here. */
export interface RoleGrant {
  readonly value: string;
  /** The name of a built-in role or of one of the tenant's own. */
  readonly role: string;
}

/**
 * OIDC issuers whose tokens prove people of a tenant. A token says by its issuer and audience whose it is, so that pair is unique over all
 * tenants: two tenants with the same pair could act with each other's tokens. The pair of a deleted issuer stays with its tenant, for tokens
 * that are still out there must not begin to prove people of another.
 */
export const issuers = pgTable(
  'issuers',
  {
    id: id('iss').notNull().unique(),
    tenantId: id('ten')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    /** What tokens have as `iss`, to the letter. */
    url: text().notNull(),
    /** What tokens have as, or among, `aud`. */
    audience: text().notNull(),
    algorithms: text().array().$type<SigningAlgorithm[]>().notNull(),
    subjectClaim: text().notNull(),
    emailClaim: text(),
    roleClaim: text(),
    roles: jsonb().$type<readonly RoleGrant[]>().notNull(),
    /** The role of those whose role claim gives none; null refuses them. */
    defaultRole: text(),
    isEnabled: boolean().notNull().default(true),
    /** Raised with each change of what its tokens prove. */
    revision: integer().notNull().default(1),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    deletedAt: timestamp({ withTimezone: true }),
  },
  (table) => [
    unique('issuers_tenant_id_id').on(table.tenantId, table.id),
    unique('issuers_url_audience').on(table.url, table.audience),
    tenantWall(),
    engineReads(),
  ],
);

/**
 * Who the people of issuers are. A person is known by the issuer's URL, the claim that names them and its value, so that two registrations of
 * one issuer know the same people, and a change of the claim never makes one person another.
 */
export const identities = pgTable(
  'identities',
  {
    tenantId: id('ten').notNull(),
    issuer: text().notNull(),
    claim: text().notNull(),
    subject: text().notNull(),
    memberId: id('mem').notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.issuer, table.claim, table.subject] }),
    foreignKey({ columns: [table.tenantId, table.memberId], foreignColumns: [members.tenantId, members.id] }).onDelete('cascade'),
    index('identities_tenant_id_member_id').on(table.tenantId, table.memberId),
    tenantWall(),
  ],
);

export type IssuerRow = typeof issuers.$inferSelect;
