import type { Deed } from '../audit/act.service.ts';
import { serviceDeedsRecorded } from '../audit/record.service.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid, uuidOfId } from '../kernel/id.ts';
import { sendHint } from '../messages/postgres-bus.ts';

/** A tenant as whoever runs the installation sees it. */
export interface InstalledTenant {
  readonly id: string;
  readonly name: string;
  readonly status: 'ACTIVE' | 'SUSPENDED' | 'DELETED';
}

interface TenantLine {
  id: string;
  name: string;
  is_suspended: boolean;
  is_deleted: boolean;
}

const pageSize = 500;

/** The tenants of an installation, for whoever runs it: nobody in a tenant, and so none of the API's callers. */
export class InstallationService {
  constructor(private readonly database: Database) {}

  /** All tenants, oldest first; deleted ones while something of them is left. One of the acts without a tenant (protocol.md, rule 20). */
  async *list(): AsyncGenerator<InstalledTenant, void, void> {
    for (let after: string | null = null; ;) {
      const from: string | null = after;
      const rows: TenantLine[] = await this.database.engine.sql<TenantLine>(
        (sql) => sql`
          select id, name, suspended_at is not null as is_suspended, deleted_at is not null as is_deleted from tenants
          where ${from}::uuid is null or id > ${from}::uuid order by id limit ${pageSize}`,
        { idempotent: true },
      );
      for (const { id, name, is_suspended: isSuspended, is_deleted: isDeleted } of rows)
        yield { id: idOfUuid('ten', id), name, status: isDeleted ? 'DELETED' : isSuspended ? 'SUSPENDED' : 'ACTIVE' };
      after = rows.at(-1)?.id ?? null;
      if (rows.length < pageSize) return;
    }
  }

  /**
   * Lets nobody of the tenant in any more, at once where the hint of it arrives and within 5 s where it is lost: streams end, what waits to be
   * written goes on waiting. Again changes nothing.
   */
  async suspend(id: string): Promise<void> {
    await this.change(
      id,
      'tenantSuspend',
      { after: { status: 'SUSPENDED' } },
      (sql) => sql`
      update tenants set suspended_at = coalesce(suspended_at, now())
      where id = ${uuidOf(id, 'ten')} and deleted_at is null returning id`,
    );
  }

  /** Lets the tenant's people in again. */
  async resume(id: string): Promise<void> {
    await this.change(
      id,
      'tenantResume',
      { after: { status: 'ACTIVE' } },
      (sql) => sql`
      update tenants set suspended_at = null where id = ${uuidOf(id, 'ten')} and deleted_at is null returning id`,
    );
  }

  /** Deletes the tenant for good, with everything in it; NOT_FOUND too when its name is another. The servers clear away what it leaves. */
  async delete(id: string, name: string): Promise<void> {
    await this.change(
      id,
      'tenantDelete',
      { before: { name }, after: null },
      (sql) => sql`
      update tenants set deleted_at = now() where id = ${uuidOf(id, 'ten')} and name = ${name} and deleted_at is null returning id`,
    );
  }

  /** A statement that gives a row when there is such a tenant, and its record. */
  private async change(
    id: string,
    operation: string,
    { before = null, after }: { readonly before?: Deed['before']; readonly after: Deed['after'] },
    statement: (sql: SqlTag) => Statement,
  ): Promise<void> {
    if (uuidOfId(id, 'ten') === null) throw noSuchTenant(id);
    await this.database.as({ tenantId: id }).transaction(async (transaction) => {
      const found = await transaction.sql(statement);
      if (found.length === 0) throw noSuchTenant(id);
      const deed = { tenantId: id, service: 'admin', operation, thing: id, before, after } as const;
      await transaction.sql((sql) => serviceDeedsRecorded(sql, [deed]));
    });
    await sendHint(this.database, 'access.changed', [id]);
  }
}

function noSuchTenant(id: string): AppError {
  return new AppError('NOT_FOUND', `there is no such tenant: ${id}`);
}
