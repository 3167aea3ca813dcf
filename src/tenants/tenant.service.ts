import { and, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import { rowsById } from '../db/by-id.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange, givenName } from '../kernel/given.ts';
import { missing, type Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { members, tenants, type CacheMode, type MemberRow, type TenantRow } from './tenants.table.ts';

/** What to change about a tenant; absent leaves as it is. */
export interface TenantUpdate {
  readonly name?: string | null;
  readonly generationRetentionDays?: number | null;
  readonly masksPersonalData?: boolean | null;
  readonly generationCacheMode?: CacheMode | null;
  readonly generationCacheMaxAgeSeconds?: number | null;
}

const longestRetentionDays = 3_650;
/** So long a text is given to others at most. */
export const mostCacheSeconds = 30 * 86_400;

/** The tenant of a scope and its people. */
export class TenantService {
  constructor(private readonly parts: { readonly database: Database; readonly acts: ActService; readonly bus: Bus }) {}

  /** Tenants by id, in the order asked for; null for all but the own one. */
  async list(scope: Scope, ids: readonly string[]): Promise<(TenantRow | null)[]> {
    if (!ids.includes(scope.tenantId)) return ids.map(() => null);
    const { query } = this.parts.database.as(scope);
    const [row] = await query.select().from(tenants).where(isOwn(scope));
    return ids.map((id) => (row && id === row.id ? row : null));
  }

  /** Members by id, removed ones too, in the order asked for, for whoever sees a thing that names them; null for unknown ones. */
  async members(scope: Scope, ids: readonly string[]): Promise<(MemberRow | null)[]> {
    return rowsById('mem', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select()
        .from(members)
        .where(and(eq(members.tenantId, scope.tenantId), inArray(members.id, known))),
    );
  }

  /** The same for whoever asks for them by themselves: without `members:read` the own person, and FORBIDDEN for any other. */
  async membersAsked(scope: Scope, ids: readonly string[]): Promise<(MemberRow | AppError | null)[]> {
    if (scope.can('members:read')) return this.members(scope, ids);
    const isOwnPerson = (id: string) => id === scope.memberId;
    const [own = null] = ids.some(isOwnPerson) ? await this.members(scope, [scope.memberId]) : [];
    return ids.map((id) => (isOwnPerson(id) ? own : missing('members:read')));
  }

  /** Changes settings of the own tenant. INVALID_INPUT names the bad field. */
  async update(scope: Scope, input: TenantUpdate): Promise<TenantRow> {
    scope.require('tenant:write');
    const { generationRetentionDays: days, generationCacheMaxAgeSeconds: maxAge } = input;
    checkRange(days, 1, longestRetentionDays, ['input', 'generationRetentionDays']);
    checkCacheAge(maxAge, ['input', 'generationCacheMaxAgeSeconds']);
    const name = input.name == null ? undefined : givenName(input.name, ['input', 'name']);
    const tenant = await this.parts.acts.run(scope, { operation: 'tenantUpdate', input: {} }, async (act) => {
      const [before] = await act.query.select().from(tenants).where(isOwn(scope)).for('update');
      if (!before) throw noSuchTenant();
      const change = {
        ...(days !== undefined && { generationRetentionDays: days }),
        ...(name !== undefined && { name }),
        ...(input.masksPersonalData != null && { masksPersonalData: input.masksPersonalData }),
        ...(input.generationCacheMode != null && { generationCacheMode: input.generationCacheMode }),
        ...(maxAge !== undefined && { generationCacheMaxAgeSeconds: maxAge }),
      };
      if (Object.keys(change).length === 0) return before;
      const [row] = await act.query.update(tenants).set(change).where(isOwn(scope)).returning();
      if (!row) throw noSuchTenant();
      const fields = Object.keys(change) as (keyof typeof change)[];
      const changed = (of: TenantRow) => Object.fromEntries(fields.map((field) => [field, of[field]]));
      act.record({ thing: row.id, before: changed(before), after: changed(row) });
      return row;
    });
    this.parts.bus.publish('tenant.changed', [scope.tenantId]);
    return tenant;
  }

  /** Deletes the own tenant: nobody is let in any more, what runs is stopped, and everything goes within minutes. INVALID_INPUT for another name. */
  async delete(scope: Scope, { name }: { readonly name: string }): Promise<string> {
    scope.require('tenant:delete');
    await this.parts.acts.run(scope, { operation: 'tenantDelete', input: {} }, async (act) => {
      const [tenant] = await act.query.select().from(tenants).where(isOwn(scope)).for('update');
      if (!tenant) throw noSuchTenant();
      if (tenant.name !== name)
        throw new AppError('INVALID_INPUT', 'this is not the name of the tenant', { path: ['input', 'name'] });
      await act.query
        .update(tenants)
        .set({ deletedAt: sql`now()` })
        .where(isOwn(scope));
      act.record({ thing: tenant.id, before: settingsOf(tenant), after: null });
    });
    this.parts.bus.publish('access.changed', [scope.tenantId]);
    return scope.tenantId;
  }
}

/** Throws INVALID_INPUT, naming `path`, for an age at which no text is given to others. */
export function checkCacheAge(seconds: number | null | undefined, path: readonly string[]): void {
  checkRange(seconds, 1, mostCacheSeconds, path);
}

function isOwn({ tenantId }: Scope): SQL {
  return eq(tenants.id, tenantId);
}

function settingsOf(tenant: TenantRow) {
  const { name, generationRetentionDays, masksPersonalData, generationCacheMode, generationCacheMaxAgeSeconds } = tenant;
  return { name, generationRetentionDays, masksPersonalData, generationCacheMode, generationCacheMaxAgeSeconds };
}

function noSuchTenant(): AppError {
  return new AppError('NOT_FOUND', 'no such tenant');
}
