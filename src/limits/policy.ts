import { LRUCache } from 'lru-cache';
import type { Database, TenantScope } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
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
/** What is older is looked up again when it is used, and used meanwhile: nobody waits for it. */
const freshMs = 1_500;

interface Known {
  readonly limits: TenantLimits;
  /** On the monotonic clock. */
  readonly askedAt: number;
}

/** What holds for a tenant: its own limits or, where it has none, the configured ones. */
export class Policy {
  private readonly remembered = new LRUCache<string, Known>({ max: 10_000 });
  private readonly looking = new Map<string, Promise<TenantLimits>>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly configured: TenantLimits,
  ) {}

  /** What is known without a look; null when it has to be looked up first. */
  known(scope: TenantScope): TenantLimits | null {
    const known = this.remembered.get(scope.tenantId);
    if (!known) return null;
    const age = this.clock.monotonic() - known.askedAt;
    if (age >= rememberedMs) return null;
    // Fails again, and is heard then, once the answer is too old to be used.
    if (age >= freshMs) this.look(scope).catch(() => undefined);
    return known.limits;
  }

  /** Looked up once at a time. */
  async of(scope: TenantScope): Promise<TenantLimits> {
    return this.known(scope) ?? this.look(scope);
  }

  private look(scope: TenantScope): Promise<TenantLimits> {
    const looking = this.looking.get(scope.tenantId) ?? this.read(scope).finally(() => this.looking.delete(scope.tenantId));
    this.looking.set(scope.tenantId, looking);
    return looking;
  }

  private async read(scope: TenantScope): Promise<TenantLimits> {
    const askedAt = this.clock.monotonic();
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
    this.remembered.set(scope.tenantId, { limits, askedAt });
    return limits;
  }
}
