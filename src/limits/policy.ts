import { LRUCache } from 'lru-cache';
import type { Database, TenantScope } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { CostBudget } from './cost.ts';
import type { LimitName } from './share.ts';

/** How much each limit allows in a minute; 0 is no limit. */
export type RateLimits = Readonly<Record<LimitName, number>>;

/** All that holds for a tenant. */
export interface TenantLimits extends RateLimits {
  readonly cost: CostBudget;
}

/** For so long a change of a tenant's limits may go unnoticed. */
const rememberedMs = 3_000;

/** What holds for a tenant: its own limits or, where it has none, the configured ones. */
export class Policy {
  private readonly known = new LRUCache<string, TenantLimits>({ max: 10_000, ttl: rememberedMs });
  private readonly looking = new Map<string, Promise<TenantLimits>>();

  constructor(
    private readonly database: Database,
    private readonly configured: TenantLimits,
  ) {}

  /** Looked up once at a time. */
  async of(scope: TenantScope): Promise<TenantLimits> {
    const { tenantId } = scope;
    const known = this.known.get(tenantId);
    if (known) return known;
    const looking = this.looking.get(tenantId) ?? this.look(scope).finally(() => this.looking.delete(tenantId));
    this.looking.set(tenantId, looking);
    return looking;
  }

  private async look(scope: TenantScope): Promise<TenantLimits> {
    const [own] = await this.database
      .as(scope)
      .sql<Record<LimitName | 'cost' | 'costPerSecond', number | null>>(
        (sql) =>
          sql`select member, tenant, starts, cost, cost_per_second as "costPerSecond" from rate_limits where tenant_id = ${uuidOf(scope.tenantId, 'ten')}`,
        { idempotent: true },
      );
    const limits = {
      member: own?.member ?? this.configured.member,
      tenant: own?.tenant ?? this.configured.tenant,
      starts: own?.starts ?? this.configured.starts,
      cost: {
        maximum: own?.cost ?? this.configured.cost.maximum,
        restoreRate: Math.max(1, own?.costPerSecond ?? this.configured.cost.restoreRate),
      },
    };
    this.known.set(scope.tenantId, limits);
    return limits;
  }
}
