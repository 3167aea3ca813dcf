import type { Database, TenantScope } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { Remembered } from '../kernel/remembered.ts';
import { noGuards, type Guards } from './guards.ts';

interface TenantGuards {
  readonly masks: boolean;
}

/**
 * What guards a generation that is started: what its template says, and the tenant's wish to mask in any case. That wish holds from the next start on
 * where it was made; elsewhere as soon as its hint arrives, and after three seconds without one.
 */
export class GuardService {
  private readonly tenants: Remembered<TenantGuards>;

  constructor(
    private readonly database: Database,
    clock: Clock,
  ) {
    this.tenants = new Remembered(clock, (tenantId) => this.read(tenantId));
  }

  /** The guards of one generation of the scope's tenant. */
  async of({ tenantId }: TenantScope, own: Guards | null): Promise<Guards> {
    const guards = own ?? { ...noGuards, personal: [] };
    const { masks } = this.tenants.known(tenantId) ?? (await this.tenants.get(tenantId));
    return masks ? { ...guards, masking: true } : guards;
  }

  /** Looks again when these tenants start next; all of them without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    this.tenants.forget(tenantIds);
  }

  private async read(tenantId: string): Promise<TenantGuards> {
    const [row] = await this.database
      .as({ tenantId })
      .sql<TenantGuards>((sql) => sql`select masks_personal_data as masks from tenants where id = ${uuidOf(tenantId, 'ten')}`, {
        idempotent: true,
      });
    return { masks: row?.masks ?? false };
  }
}
