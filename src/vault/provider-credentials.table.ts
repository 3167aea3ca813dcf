import { foreignKey, index, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { id } from '../db/ids.ts';
import { tenantWall } from '../db/tenancy.ts';
import { members } from '../tenants/tenants.table.ts';
import { dataKeys } from './data-keys.table.ts';

/** Tenants' own keys for providers, one for each at most. */
export const providerCredentials = pgTable(
  'provider_credentials',
  {
    id: id('pcr').notNull().unique(),
    tenantId: id('ten')
      .notNull()
      .references(() => dataKeys.tenantId, { onDelete: 'cascade' }),
    /** The provider's id, the part of a model id before the slash. */
    provider: text().notNull(),
    /** The key, sealed with the tenant's data key. */
    sealed: text().notNull(),
    /** Where the tenant has the provider at an address of its own, without a slash at the end; null for the usual. The key opens with this address only. */
    baseUrl: text(),
    /** A keyed hash of the key, to tell it from others. */
    fingerprint: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** When the key was last set. */
    updatedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** Who set it last; null once that person is gone. Its migration clears this column alone then. */
    updatedBy: id('mem'),
  },
  (table) => [
    unique('provider_credentials_tenant_id_provider').on(table.tenantId, table.provider),
    foreignKey({
      name: 'provider_credentials_updated_by_member',
      columns: [table.tenantId, table.updatedBy],
      foreignColumns: [members.tenantId, members.id],
    }),
    index('provider_credentials_updated_by').on(table.updatedBy, table.tenantId),
    tenantWall(),
  ],
);

export type ProviderCredentialRow = typeof providerCredentials.$inferSelect;
