import { sql } from 'drizzle-orm';
import { pgPolicy, pgRole } from 'drizzle-orm/pg-core';

/** Acts for one tenant at a time; row-level security holds for it on every tenant table. Created by `migrate`, granted to the login user. */
export const appRole = pgRole('draftwire_app').existing();

/** Spans tenants: the engine's group flush, the sweeper and key lookup. It owns nothing, bypasses nothing, and sees only what has an engine policy. */
export const engineRole = pgRole('draftwire_engine').existing();

/** The setting that `Database.as` sets to the uuid of the tenant it acts for: in the transaction, or of the connection for as long as it acts for that one. */
export const tenantSetting = 'draftwire.tenant';

/**
 * The second wall of a tenant table: the app role sees and writes only rows of the tenant its transaction acts for, and none outside one.
 * `column` is the tenant's column (`id` on the tenants table itself). Policies alone do not bind the owner:
 * the table's migration also says `force row level security`.
 */
export function tenantWall(column = 'tenant_id') {
  // The setting reads '' once a transaction that set it has ended.
  const isOurs = sql.raw(`${column} = nullif(current_setting('${tenantSetting}', true), '')::uuid`);
  return pgPolicy('tenant_wall', { as: 'permissive', for: 'all', to: appRole, using: isOurs, withCheck: isOurs });
}

/** Lets the engine's role at every tenant's rows of this table; what it may do with them is up to its grants. */
export function engineWall() {
  return pgPolicy('engine_wall', { as: 'permissive', for: 'all', to: engineRole, using: sql`true`, withCheck: sql`true` });
}

/** Lets the engine's role read every tenant's rows of this table and write none (key lookup). */
export function engineReads() {
  return pgPolicy('engine_reads', { as: 'permissive', for: 'select', to: engineRole, using: sql`true` });
}
