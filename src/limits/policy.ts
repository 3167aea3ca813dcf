import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { Remembered } from '../kernel/remembered.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CostLimit } from './cost.ts';
import { costNames, limitNames, tenantLimitKeys, tighter, type KeyLimits, type TenantLimits } from './names.ts';

/** The configured limits, for tenants of which nothing else is said; an absent one is no limit. */
export type RateLimits = Partial<TenantLimits>;

/** All limits that hold for a caller. */
export interface CallerLimits {
  readonly tenant: TenantLimits;
  /** What the operations of the tenant may cost. */
  readonly cost: CostLimit;
  /** Null when the caller's key has no limits of its own, or there is no key. */
  readonly key: KeyLimits | null;
}

interface OfTenant extends Omit<CallerLimits, 'key'> {
  readonly hasLimitedKeys: boolean;
}

type Caller = Pick<Scope, 'tenantId' | 'keyId'>;

/** Which limits hold for whom: what the installation allows the tenant, or less if the tenant has set less, and those of the key. */
export class Policy {
  private readonly tenants: Remembered<OfTenant>;
  private readonly keys: Remembered<KeyLimits | null, string>;

  constructor(
    private readonly database: Database,
    clock: Clock,
    private readonly configured: RateLimits,
    private readonly configuredCost: CostLimit,
  ) {
    this.tenants = new Remembered(clock, (tenantId) => this.lookAtTenant(tenantId));
    this.keys = new Remembered(clock, (keyId, tenantId) => this.lookAtKey(keyId, tenantId));
  }

  /** The limits of a caller if they can be had without waiting; null when they have to be looked up. */
  known({ tenantId, keyId }: Caller): CallerLimits | null {
    const known = this.tenants.known(tenantId);
    if (!known) return null;
    const { hasLimitedKeys, tenant, cost } = known;
    if (!hasLimitedKeys || keyId === null) return { tenant, cost, key: null };
    const key = this.keys.known(keyId, tenantId);
    return key === undefined ? null : { tenant, cost, key };
  }

  /** The limits of a caller. Several callers who ask at once share one look. */
  async of(caller: Caller): Promise<CallerLimits> {
    const known = this.known(caller);
    if (known) return known;
    const { tenantId, keyId } = caller;
    const { hasLimitedKeys, tenant, cost } = this.tenants.known(tenantId) ?? (await this.tenants.get(tenantId));
    const key = hasLimitedKeys && keyId !== null ? await this.keys.get(keyId, tenantId) : null;
    return { tenant, cost, key };
  }

  /** What the installation allows: the tenant's ceiling, or what is configured. */
  ceilingOf(name: keyof TenantLimits, ceiling: number | null): number {
    return ceiling ?? this.configured[name] ?? 0;
  }

  /** Forgets what is known of these tenants and keys, or of all where `ids` is null: it is looked up when they ask next. */
  forget(ids: readonly string[] | null): void {
    this.tenants.forget(ids);
    this.keys.forget(ids);
  }

  private async lookAtTenant(tenantId: string): Promise<OfTenant> {
    const tenantUuid = uuidOf(tenantId, 'ten');
    const rows = await this.database.as({ tenantId }).sql<OwnRow>(
      (sql) => sql`
        select name, ceiling, own, false as is_key from tenant_limits where tenant_id = ${tenantUuid}
        union all (
          select '', null, null, true from api_keys where tenant_id = ${tenantUuid}
            and coalesce(requests_per_minute, starts_per_minute, max_generations, max_sockets, max_subscriptions) is not null limit 1)`,
      { idempotent: true },
    );
    const byName = new Map(rows.map((row) => [row.name, row]));
    const tenant = Object.fromEntries(
      tenantLimitKeys.map((key) => {
        const row = byName.get(limitNames[key]);
        return [key, tighter(this.ceilingOf(key, row?.ceiling ?? null), row?.own ?? 0)];
      }),
    ) as TenantLimits;
    const cost = {
      maximum: byName.get(costNames.maximum)?.ceiling ?? this.configuredCost.maximum,
      restoreRate: Math.max(1, byName.get(costNames.restoreRate)?.ceiling ?? this.configuredCost.restoreRate),
    };
    return { tenant, cost, hasLimitedKeys: rows.some((row) => row.is_key) };
  }

  private async lookAtKey(keyId: string, tenantId: string): Promise<KeyLimits | null> {
    const [row] = await this.database.as({ tenantId }).sql<Record<keyof KeyLimits, number | null>>(
      (sql) => sql`
        select requests_per_minute as requests, starts_per_minute as starts, max_generations as generations, max_sockets as sockets,
          max_subscriptions as subscriptions
        from api_keys where tenant_id = ${uuidOf(tenantId, 'ten')} and id = ${uuidOf(keyId, 'key')}`,
      { idempotent: true },
    );
    if (!row || Object.values(row).every((each) => each === null)) return null;
    const { requests, starts, generations, sockets, subscriptions } = row;
    return {
      requests: requests ?? 0,
      starts: starts ?? 0,
      generations: generations ?? 0,
      sockets: sockets ?? 0,
      subscriptions: subscriptions ?? 0,
    };
  }
}

interface OwnRow {
  name: string;
  ceiling: number | null;
  own: number | null;
  is_key: boolean;
}
