import { and, eq, isNull } from 'drizzle-orm';
import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { idOfName, newId } from '../kernel/id.ts';
import type { Permission } from '../kernel/scope.ts';
import type { ServiceName } from '../kernel/service.ts';
import { members } from '../tenants/tenants.table.ts';
import { hashOf, newKeyText } from './key-text.ts';
import { apiKeys } from './keys.table.ts';
import { everything, ownerRole } from './roles.ts';

/** What a server in development works in. */
export const developmentTenant = idOfName('ten', 'development');

/** Whoever holds this advisory lock appoints the tenant that runs the installation. */
export const appointmentLock = 7_233_918_454;

/** A tenant with its owner and the owner's key; the key is shown this once. */
export interface Owner {
  readonly tenantId: string;
  readonly memberId: string;
  readonly key: string;
}

/** A tenant to make. */
export interface NewTenant {
  readonly tenantId: string;
  readonly memberId: string;
  readonly name: string;
  /** The owner's address. */
  readonly email: string;
  /** What the owner's key is called. */
  readonly keyName: string;
}

interface NewKey {
  readonly tenantId: string;
  readonly memberId: string;
  readonly name: string;
  readonly permissions: readonly (Permission | typeof everything)[];
}

/** Makes a tenant, its owner and the owner's key, in a transaction that acts for it; one that is there already gets a key. On record as the service's. */
export async function insertTenant(
  transaction: Statements,
  secret: string,
  { tenantId, memberId: wantedId, name, email, keyName }: NewTenant,
  service: ServiceName,
): Promise<Owner> {
  // Not by drizzle, which names all columns: that the tenant runs the installation is not the app's to say.
  const made = await transaction.sql(
    (sql) => sql`insert into tenants (id, name) values (${uuidOf(tenantId, 'ten')}, ${name}) on conflict do nothing returning id`,
  );
  const { query } = transaction;
  await query.insert(members).values({ id: wantedId, tenantId, email, role: ownerRole }).onConflictDoNothing();
  // The development tenant may be of an older build, which named its owner otherwise.
  const isOwner = and(eq(members.tenantId, tenantId), eq(members.email, email), isNull(members.removedAt));
  const [owner] = await query.select({ id: members.id }).from(members).where(isOwner);
  const memberId = owner?.id ?? wantedId;
  const deed = { tenantId, service, operation: 'tenantCreate', thing: tenantId, before: null, after: { name } };
  if (made.length > 0) await transaction.sql((sql) => serviceDeedsRecorded(sql, [deed]));
  const key = { tenantId, memberId, name: keyName, permissions: [everything] } as const;
  return { tenantId, memberId, key: await insertKey(transaction, secret, key, { service }) };
}

/** Makes a key; the answer is its only copy. On record as the service's. */
export async function insertKey(
  transaction: Statements,
  secret: string,
  { tenantId, memberId, name, permissions }: NewKey,
  { service }: { readonly service: ServiceName },
): Promise<string> {
  const id = newId('key');
  const key = newKeyText(id, secret);
  await transaction.query
    .insert(apiKeys)
    .values({ id, tenantId, memberId, name, secretHash: hashOf(key, secret), permissions: [...permissions] });
  const deed = { tenantId, service, operation: 'apiKeyCreate', thing: id, before: null, after: { name, permissions } };
  await transaction.sql((sql) => serviceDeedsRecorded(sql, [deed]));
  return key;
}

/** Lets the people of a tenant run the installation; again changes nothing. One of the acts without a tenant (protocol.md, rule 20). */
export async function appoint(database: Database, tenantId: string, service: ServiceName): Promise<void> {
  await database.engine.transaction((transaction) => appointIn(transaction, tenantId, service), { idempotent: true });
}

/**
 * Lets the people of a tenant run the installation, unless another's run it, the development tenant's aside; gives whether they do now. Of
 * many at once one is appointed. One of the acts without a tenant (protocol.md, rule 20).
 */
export async function appointFirst(database: Database, tenantId: string, service: ServiceName): Promise<boolean> {
  return database.engine.transaction(
    async (transaction) => {
      // Whoever is behind sees what the one before it has committed.
      await transaction.sql((sql) => sql`select pg_advisory_xact_lock(${appointmentLock})`);
      if (await isRunByAnother(transaction, tenantId)) return false;
      await appointIn(transaction, tenantId, service);
      return true;
    },
    { idempotent: true },
  );
}

async function appointIn(transaction: Statements, tenantId: string, service: ServiceName): Promise<void> {
  const appointed = await transaction.sql(
    (sql) => sql`
      update tenants set runs_installation = true where id = ${uuidOf(tenantId, 'ten')} and not runs_installation returning id`,
  );
  const deed = { thing: tenantId, before: { runsInstallation: false }, after: { runsInstallation: true } };
  if (appointed.length > 0)
    await transaction.sql((sql) => serviceDeedsRecorded(sql, [{ tenantId, service, operation: 'tenantAppoint', ...deed }]));
}

/** Whether a tenant other than this and the development's runs the installation. */
async function isRunByAnother(transaction: Statements, tenantId: string): Promise<boolean> {
  const [own, development] = [uuidOf(tenantId, 'ten'), uuidOf(developmentTenant, 'ten')];
  const found = await transaction.sql(
    (sql) => sql`
      select from tenants where runs_installation and deleted_at is null and id <> ${development} and id <> ${own} limit 1`,
  );
  return found.length > 0;
}
