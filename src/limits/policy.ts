import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Scope } from '../kernel/scope.ts';
import { limitNames, tenantLimitKeys, tighter, type KeyLimits, type TenantLimits } from './names.ts';

/** What is configured for tenants that nothing else is said about; an absent limit is none. */
export type RateLimits = Partial<TenantLimits>;

/** What holds for a caller. */
export interface Held {
  readonly tenant: TenantLimits;
  /** Null when the key in use has no limits of its own, or it is no key. */
  readonly key: KeyLimits | null;
}

/** For so long a change of limits may go unnoticed where no hint of it arrives. */
const rememberedMs = 3_000;

interface OfTenant {
  readonly limits: TenantLimits;
  readonly hasLimitedKeys: boolean;
}

type Caller = Pick<Scope, 'tenantId' | 'keyId'>;

/** What holds for whom: what the installation allows the tenant, lowered by what the tenant has set itself, and what its key has. */
export class Policy {
  private readonly tenants: Remembered<OfTenant>;
  private readonly keys: Remembered<KeyLimits | null>;

  constructor(
    private readonly database: Database,
    private readonly configured: RateLimits,
  ) {
    this.tenants = new Remembered((tenantId) => this.lookAtTenant(tenantId));
    this.keys = new Remembered((keyId, tenantId) => this.lookAtKey(keyId, tenantId));
  }

  /** Looked up once at a time. */
  async of({ tenantId, keyId }: Caller): Promise<Held> {
    const { limits, hasLimitedKeys } = this.tenants.known(tenantId) ?? (await this.tenants.get(tenantId, tenantId));
    if (!hasLimitedKeys || keyId === null) return { tenant: limits, key: null };
    const key = this.keys.known(keyId);
    return { tenant: limits, key: key === undefined ? await this.keys.get(keyId, tenantId) : key };
  }

  /** What the installation allows: the tenant's ceiling, or what is configured. */
  ceilingOf(name: keyof TenantLimits, ceiling: number | null): number {
    return ceiling ?? this.configured[name] ?? 0;
  }

  /** Looks again when these tenants and keys ask next; at all of them without `ids`. */
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
    const limits = Object.fromEntries(
      tenantLimitKeys.map((key) => {
        const row = byName.get(limitNames[key]);
        return [key, tighter(this.ceilingOf(key, row?.ceiling ?? null), row?.own ?? 0)];
      }),
    ) as TenantLimits;
    return { limits, hasLimitedKeys: rows.some((row) => row.is_key) };
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

/** Answers of a look, each for a while; a look that began before something was forgotten is not remembered. */
class Remembered<T extends object | null> {
  private readonly answers = new LRUCache<string, { readonly answer: T }>({ max: 10_000, ttl: rememberedMs });
  private readonly looking = new Map<string, Promise<T>>();
  private forgotten = 0;

  constructor(private readonly look: (id: string, tenantId: string) => Promise<T>) {}

  known(id: string): T | undefined {
    return this.answers.get(id)?.answer;
  }

  get(id: string, tenantId: string): Promise<T> {
    const looking = this.looking.get(id);
    if (looking) return looking;
    const { forgotten } = this;
    const look = this.look(id, tenantId).then((answer) => {
      if (forgotten === this.forgotten) this.answers.set(id, { answer });
      return answer;
    });
    this.looking.set(id, look);
    const over = () => {
      if (this.looking.get(id) === look) this.looking.delete(id);
    };
    look.then(over, over);
    return look;
  }

  forget(ids: readonly string[] | null): void {
    this.forgotten++;
    this.looking.clear();
    if (ids === null) this.answers.clear();
    else for (const id of ids) this.answers.delete(id);
  }
}
