import { eq, and, inArray } from 'drizzle-orm';
import type { ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import { rowsById } from '../db/by-id.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { members, tenants, type MemberRow, type TenantRow } from './tenants.table.ts';

/** What to change about a tenant; absent leaves as it is. */
export interface TenantUpdate {
  readonly generationRetentionDays?: number | null;
}

const longestRetentionDays = 3_650;

/** The tenant of a scope and its people. */
export class TenantService {
  constructor(
    private readonly database: Database,
    private readonly acts: ActService,
  ) {}

  /** Tenants by id, in the order asked for; null for all but the own one. */
  async list(scope: Scope, ids: readonly string[]): Promise<(TenantRow | null)[]> {
    if (!ids.includes(scope.tenantId)) return ids.map(() => null);
    const [row] = await this.database.as(scope).query.select().from(tenants).where(eq(tenants.id, scope.tenantId));
    return ids.map((id) => (row && id === row.id ? row : null));
  }

  /** Members by id, in the order asked for; null for unknown ones. */
  async members(scope: Scope, ids: readonly string[]): Promise<(MemberRow | null)[]> {
    return rowsById('mem', ids, (known) =>
      this.database
        .as(scope)
        .query.select()
        .from(members)
        .where(and(eq(members.tenantId, scope.tenantId), inArray(members.id, known))),
    );
  }

  async update(scope: Scope, { generationRetentionDays: days }: TenantUpdate): Promise<TenantRow> {
    scope.require('tenant:write');
    if (days != null && (days < 1 || days > longestRetentionDays)) {
      throw new AppError('INVALID_INPUT', `generationRetentionDays is ${days}, not 1 to ${longestRetentionDays}`, {
        path: ['input', 'generationRetentionDays'],
      });
    }
    const isTenant = eq(tenants.id, scope.tenantId);
    return this.acts.run(scope, { operation: 'tenantUpdate', input: {}, idempotent: true }, async ({ query, record }) => {
      const [before] = await query.select().from(tenants).where(isTenant).for('update');
      if (!before) throw new AppError('NOT_FOUND', 'no such tenant');
      const after = days === undefined ? before : { ...before, generationRetentionDays: days };
      if (days !== undefined) await query.update(tenants).set({ generationRetentionDays: days }).where(isTenant);
      record({ thing: scope.tenantId, before: settingsOf(before), after: settingsOf(after) });
      return after;
    });
  }
}

function settingsOf({ generationRetentionDays }: TenantRow): Record<string, unknown> {
  return { generationRetentionDays };
}
