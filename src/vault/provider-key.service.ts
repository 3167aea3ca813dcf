import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { ProviderError, type Provider } from '../providers/port.ts';
import { UnreadableError, type About } from './seal.ts';
import type { VaultService } from './vault.service.ts';

/** What the service is built on. */
export interface ProviderKeyParts {
  readonly database: Database;
  readonly vault: VaultService;
  readonly clock: Clock;
  readonly log: Log;
}

/** A tenant's own keys by provider. */
type OwnKeys = ReadonlyMap<string, string | UnreadableError>;

/** For so long a change that no hint told of may go unnoticed. */
const rememberedMs = 3_000;
const lookDeadlineMs = 2_000;

/** What a tenant's own key for a provider is sealed as. */
export function aboutProviderKey(tenantId: string, provider: string): About {
  return { tenantId, purpose: 'provider credential', thing: provider };
}

/** The tenants' own keys for whoever calls providers. All of a tenant are looked up together; most have none, and that is remembered too. */
export class ProviderKeyService {
  private readonly remembered: LRUCache<string, OwnKeys>;
  private readonly looking = new Map<string, Promise<OwnKeys>>();
  /** Counts what was forgotten: a look that began before may have read what is no longer so. */
  private forgotten = 0;

  constructor(private readonly parts: ProviderKeyParts) {
    const perf = { now: () => parts.clock.monotonic() };
    this.remembered = new LRUCache({ max: 10_000, ttl: rememberedMs, ttlResolution: 0, perf });
  }

  /** The tenant's own key; null when it has none; undefined when that is not known without a look, or the key cannot be read. */
  known(tenantId: string, provider: Provider): string | null | undefined {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.get(tenantId);
    if (!keys) return undefined;
    const own = keys.get(provider.id) ?? null;
    return own instanceof UnreadableError ? undefined : own;
  }

  /** Begins to look, so that who asks soon after need not wait. */
  prepare(tenantId: string, provider: Provider): void {
    if (!provider.takesKeys || this.remembered.has(tenantId)) return;
    // Whoever needs it asks again and hears of the failure.
    this.look(tenantId).catch(() => undefined);
  }

  /** The tenant's own key; null when it has none. Throws ProviderError CREDENTIAL_UNREADABLE, or UNAVAILABLE and TIMEOUT while the database is away. */
  async find(tenantId: string, provider: Provider): Promise<string | null> {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.get(tenantId) ?? (await this.look(tenantId));
    const own = keys.get(provider.id) ?? null;
    if (!(own instanceof UnreadableError)) return own;
    this.parts.log.error({ err: own, tenantId, provider: provider.id }, 'a tenant’s own key for a provider cannot be read');
    throw new ProviderError('CREDENTIAL_UNREADABLE', `the tenant’s own key for ${provider.id} cannot be read`, {
      retryable: false,
    });
  }

  /** Looks again when the keys of these tenants are needed next; of all without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    this.forgotten++;
    this.looking.clear();
    if (tenantIds === null) this.remembered.clear();
    else for (const id of tenantIds) this.remembered.delete(id);
  }

  /** Once at a time for a tenant. */
  private look(tenantId: string): Promise<OwnKeys> {
    const looking = this.looking.get(tenantId);
    if (looking) return looking;
    const { forgotten } = this;
    const look: Promise<OwnKeys> = this.read(tenantId)
      .then((keys) => {
        if (forgotten === this.forgotten) this.remembered.set(tenantId, keys);
        return keys;
      })
      .finally(() => {
        if (this.looking.get(tenantId) === look) this.looking.delete(tenantId);
      });
    this.looking.set(tenantId, look);
    return look;
  }

  private async read(tenantId: string): Promise<OwnKeys> {
    const rows = await this.parts.database
      .as({ tenantId })
      .sql<{ provider: string; sealed: string }>(
        (sql) => sql`select provider, sealed from provider_credentials where tenant_id = ${uuidOf(tenantId, 'ten')}`,
        { idempotent: true, deadlineMs: lookDeadlineMs },
      );
    const keys = new Map<string, string | UnreadableError>();
    for (const { provider, sealed } of rows) keys.set(provider, await this.open(aboutProviderKey(tenantId, provider), sealed));
    return keys;
  }

  private async open(about: About, sealed: string): Promise<string | UnreadableError> {
    try {
      return await this.parts.vault.unseal(about, sealed);
    } catch (error) {
      if (error instanceof UnreadableError) return error;
      throw error;
    }
  }
}
