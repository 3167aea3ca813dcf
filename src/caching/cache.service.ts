import type { Database, TenantScope } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import { Remembered } from '../kernel/remembered.ts';
import type { Models } from '../routing/models.ts';
import type { CacheMode } from '../tenants/tenants.table.ts';
import type { ProviderKeyService } from '../vault/provider-key.service.ts';
import { cacheKey, reads, writes, type TextInputs, type CacheUse } from './caching.ts';
import { findEntry, type EntryClaim } from './entry.ts';

/** What a caller or a tenant wants of the cache. */
export interface CacheWish {
  readonly mode: CacheMode;
  /** Null for the default. */
  readonly maxAgeSeconds?: number | null;
}

/** What a start is to do with the cache. */
export interface CachePlan {
  readonly use: CacheUse;
  /** The model of the text that it copies; null when it copies none. */
  readonly model: string | null;
  /** How it becomes the one that others follow, unless another is quicker: then it follows that one. Null when it does neither. */
  readonly claim: EntryClaim | null;
}

/** What the service is built on. */
export interface CacheParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly models: Pick<Models, 'find'>;
  readonly keys: Pick<ProviderKeyService, 'addressOf'>;
  /** How long a generation may be written at most. */
  readonly writtenForMs: number;
}

/** A text is kept a day where nobody says how long. */
const defaultAgeSeconds = 86_400;

/**
 * The feature `caching`: a text that succeeded is given to later starts of the same tenant that would come to the same, and starts at the same
 * time share one call. What a tenant sets holds on this process from the next start on, and on others within three seconds.
 */
export class CacheService {
  private readonly tenants: Remembered<CacheWish>;

  constructor(private readonly parts: CacheParts) {
    this.tenants = new Remembered(parts.clock, (tenantId) => this.read(tenantId));
  }

  /** What a start wants of the cache: what its caller says, else its template, else the tenant. A caller who says no age gets the template's. */
  async wishOf({ tenantId }: TenantScope, asked: CacheWish | null | undefined, ofTemplate: CacheWish | null): Promise<CacheWish> {
    const mode = asked?.mode ?? ofTemplate?.mode;
    if (mode) return { mode, maxAgeSeconds: asked?.maxAgeSeconds ?? ofTemplate?.maxAgeSeconds ?? null };
    return this.tenants.known(tenantId) ?? (await this.tenants.get(tenantId));
  }

  /** What a start does; null when the cache is OFF for it. `inputs` is called only when it is not. */
  async plan(scope: TenantScope, wish: CacheWish, inputs: () => TextInputs): Promise<CachePlan | null> {
    const { mode } = wish;
    if (mode === 'OFF') return null;
    const maxAgeSeconds = wish.maxAgeSeconds ?? defaultAgeSeconds;
    const known = inputs();
    const key = cacheKey({ ...known, addresses: await this.addressesOf(scope, known) });
    const use: CacheUse = { mode, key, maxAgeSeconds, outcome: 'MISS', source: null };
    const { database, writtenForMs } = this.parts;
    const found = reads(use) ? await findEntry(database.as(scope), uuidOf(scope.tenantId), use) : null;
    if (found && (found.isKept || found.isRunning)) {
      const outcome = found.isKept ? 'HIT' : 'SHARED';
      return { use: { ...use, outcome, source: found.id }, model: found.model, claim: null };
    }
    return { use, model: null, claim: writes(use) ? { use, replaces: found?.id ?? null, writtenForMs } : null };
  }

  /** Looks again when these tenants start next; all of them without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    this.tenants.forget(tenantIds);
  }

  private async addressesOf({ tenantId }: TenantScope, { models, branches }: TextInputs): Promise<Record<string, string>> {
    const all = [models, ...Object.values(branches)].flatMap((ids) => ids ?? []);
    const providers = new Set(all.map((id) => this.parts.models.find(id)?.provider));
    const addresses: Record<string, string> = {};
    for (const provider of providers) {
      const address = provider && (await this.parts.keys.addressOf(tenantId, provider));
      if (address) addresses[provider.id] = address;
    }
    return addresses;
  }

  private async read(tenantId: string): Promise<CacheWish> {
    const [row] = await this.parts.database.as({ tenantId }).sql<{ mode: CacheMode; max_age_seconds: number | null }>(
      (sql) => sql`
        select generation_cache_mode as mode, generation_cache_max_age_seconds as max_age_seconds from tenants
        where id = ${uuidOf(tenantId, 'ten')}`,
      { idempotent: true },
    );
    return { mode: row?.mode ?? 'OFF', maxAgeSeconds: row?.max_age_seconds ?? null };
  }
}
