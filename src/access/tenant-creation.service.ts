import { eq } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { givenEmail, givenName } from '../kernel/given.ts';
import { newId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { tenants, type TenantRow } from '../tenants/tenants.table.ts';
import { refuseCapped } from './key-makers.ts';
import { insertTenant } from './new-tenant.service.ts';

/** The tenant to make. */
export interface TenantInput {
  readonly name: string;
  readonly ownerEmail: string;
  readonly idempotencyKey?: string | null;
}

/** A tenant, and its owner's key with its only copy; null for whoever may not see that again. */
export interface CreatedTenant {
  readonly tenant: TenantRow;
  readonly ownerKey: string | null;
}

/** What the service is built on. */
export interface TenantCreationParts {
  readonly database: Database;
  readonly acts: ActService;
  /** What keyed hashes are made with. */
  readonly secret: string;
  /** How many the people of one tenant may make in a day; 0 for any number. */
  readonly mostADay: number;
}

/** Makes tenants, for the people of a tenant that runs the installation. They see nothing of it afterwards. */
export class TenantCreationService {
  constructor(private readonly parts: TenantCreationParts) {}

  /** Makes a tenant, its owner and the owner's key. INVALID_INPUT names the bad field, RATE_LIMITED says when there can be more. */
  async create(scope: Scope, input: TenantInput): Promise<CreatedTenant> {
    scope.require('tenants:create');
    const name = givenName(input.name, ['input', 'name']);
    const email = givenEmail(input.ownerEmail, ['input', 'ownerEmail']);
    const { acts, database, secret } = this.parts;
    const again = async (tenantId: string, ownerKey: string | null): Promise<CreatedTenant> => ({
      tenant: await getTenant(database.as({ tenantId }), tenantId),
      ownerKey,
    });
    return acts.run(scope, { operation: 'tenantCreate', input, again }, async (act) => {
      await refuseCapped(act, scope, 'people of a tenant that it makes');
      await this.takeOne(act, scope);
      const tenantId = newId('ten');
      const made = await act.within({ tenantId }, async (statements) => {
        const owner = { tenantId, memberId: newId('mem'), name, email, keyName: 'owner' };
        const { key } = await insertTenant(statements, secret, owner, 'installation');
        return { tenant: await getTenant(statements, tenantId), ownerKey: key };
      });
      act.keep(made.ownerKey);
      act.record({ thing: tenantId, before: null, after: { name } });
      return made;
    });
  }

  /** Counts one in the act's own transaction: who waits for another's sees its count, and what fails is not counted. */
  private async takeOne(act: Act, { tenantId }: Scope): Promise<void> {
    const { mostADay } = this.parts;
    if (mostADay === 0) return;
    const own = uuidOf(tenantId, 'ten');
    const [bucket] = await act.sql<{ used: number; left_ms: number }>(
      (sql) => sql`
        insert into rate_buckets as b (tenant_id, subject, kind, used) values (${own}, ${own}, 'tenants', 1)
        on conflict (tenant_id, subject, kind) do update
        set used = case when b.window_started_at <= now() - interval '1 day' then 1 else b.used + 1 end,
            window_started_at = case when b.window_started_at <= now() - interval '1 day' then now() else b.window_started_at end
        returning used, (extract(epoch from window_started_at + interval '1 day' - now()) * 1000)::float8 as left_ms`,
    );
    if (!bucket || bucket.used <= mostADay) return;
    throw new AppError('RATE_LIMITED', `a tenant makes at most ${mostADay} tenants in a day`, {
      retryAfterMs: Math.ceil(bucket.left_ms),
    });
  }
}

async function getTenant({ query }: Statements, id: string): Promise<TenantRow> {
  const [row] = await query.select().from(tenants).where(eq(tenants.id, id));
  if (!row) throw new AppError('NOT_FOUND', 'no such tenant');
  return row;
}
