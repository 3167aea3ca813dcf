import { LRUCache } from 'lru-cache';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { Remembered } from '../kernel/remembered.ts';
import { nothingUsed, ProviderError, type Provider, type ProviderHttp } from '../providers/port.ts';
import { UnreadableError, type About } from './seal.ts';
import type { VaultService } from './vault.service.ts';

/** What the service is built on. */
export interface ProviderKeyParts {
  readonly database: Database;
  readonly vault: VaultService;
  readonly clock: Clock;
  readonly log: Log;
  /** How calls to addresses go out that this tenant named. */
  readonly httpOf: (tenantId: string) => ProviderHttp;
}

/** What a tenant's calls to a provider are made with in place of the installation's own. */
export interface OwnAccess {
  readonly apiKey: string;
  /** The provider where the tenant has it, and the guarded way there; null where it is as for everybody. */
  readonly elsewhere: { readonly provider: Provider; readonly http: ProviderHttp } | null;
}

interface OwnKey {
  readonly apiKey: string;
  readonly baseUrl: string | null;
}

/** A tenant's own keys by provider. */
type OwnKeys = ReadonlyMap<string, OwnKey | UnreadableError>;

const lookDeadlineMs = 2_000;

/** What a tenant's own key for a provider is sealed for. The address is a part of that: whoever changes a stored address gets no key sent there. */
export function aboutProviderKey(tenantId: string, provider: string, baseUrl: string | null): About {
  return { tenantId, purpose: 'provider credential', thing: baseUrl === null ? provider : `${provider} at ${baseUrl}` };
}

/** The tenants' own keys, for whoever calls providers. All keys of a tenant are read together. Most tenants have none, and that is remembered too. */
export class ProviderKeyService {
  private readonly remembered: Remembered<OwnKeys>;
  /** A vendor's client for an address and a key is made once. */
  private readonly elsewhere = new LRUCache<string, NonNullable<OwnAccess['elsewhere']>>({ max: 1_000, ttl: 600_000 });

  constructor(private readonly parts: ProviderKeyParts) {
    this.remembered = new Remembered(parts.clock, (tenantId) => this.read(tenantId));
  }

  /** The tenant's own access; null when it has none. Undefined when it has to be looked up, or its key cannot be read: `find` says which. */
  known(tenantId: string, provider: Provider): OwnAccess | null | undefined {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.known(tenantId);
    if (!keys) return undefined;
    const own = keys.get(provider.id) ?? null;
    return own instanceof UnreadableError ? undefined : own && this.accessBy(tenantId, provider, own);
  }

  /** Begins to look the keys up, so that whoever asks soon after need not wait. */
  prepare(tenantId: string, provider: Provider): void {
    if (!provider.takesKeys || this.remembered.known(tenantId)) return;
    // Whoever needs it asks again and hears of the failure.
    this.remembered.get(tenantId).catch(() => undefined);
  }

  /** The tenant's own access; null when it has none. Throws ProviderError CREDENTIAL_UNREADABLE, or UNAVAILABLE and TIMEOUT while the database is away. */
  async find(tenantId: string, provider: Provider): Promise<OwnAccess | null> {
    const own = await this.ownKey(tenantId, provider);
    if (!(own instanceof UnreadableError)) return own && this.accessBy(tenantId, provider, own);
    this.parts.log.error({ err: own, tenantId, provider: provider.id }, 'a tenant’s own key for a provider cannot be read');
    throw new ProviderError('CREDENTIAL_UNREADABLE', `the tenant’s own key for ${provider.id} cannot be read`, {
      retryable: false,
      usage: nothingUsed,
    });
  }

  /** The tenant's own address of this provider; null when it has none. */
  async addressOf(tenantId: string, provider: Provider): Promise<string | null> {
    const own = await this.ownKey(tenantId, provider);
    // A key that cannot be read calls nobody. This word is no address, so no text that was written elsewhere is taken for its own.
    return own instanceof UnreadableError ? 'unreadable' : (own?.baseUrl ?? null);
  }

  /** Forgets the keys of these tenants, or of all where `tenantIds` is null: they are looked up when they are needed next. */
  forget(tenantIds: readonly string[] | null): void {
    this.remembered.forget(tenantIds);
  }

  private async read(tenantId: string): Promise<OwnKeys> {
    const rows = await this.parts.database
      .as({ tenantId })
      .sql<{ provider: string; sealed: string; base_url: string | null }>(
        (sql) => sql`select provider, sealed, base_url from provider_credentials where tenant_id = ${uuidOf(tenantId, 'ten')}`,
        { idempotent: true, deadlineMs: lookDeadlineMs },
      );
    const keys = new Map<string, OwnKey | UnreadableError>();
    for (const { provider, sealed, base_url: baseUrl = null } of rows) {
      const apiKey = await this.open(aboutProviderKey(tenantId, provider, baseUrl), sealed);
      keys.set(provider, apiKey instanceof UnreadableError ? apiKey : { apiKey, baseUrl });
    }
    return keys;
  }

  private async ownKey(tenantId: string, provider: Provider): Promise<OwnKey | UnreadableError | null> {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.known(tenantId) ?? (await this.remembered.get(tenantId));
    return keys.get(provider.id) ?? null;
  }

  private accessBy(tenantId: string, provider: Provider, { apiKey, baseUrl }: OwnKey): OwnAccess {
    if (baseUrl === null || !provider.at) return { apiKey, elsewhere: null };
    const name = JSON.stringify([tenantId, provider.id, baseUrl, apiKey]);
    let elsewhere = this.elsewhere.get(name);
    if (!elsewhere) {
      elsewhere = { provider: provider.at(baseUrl, apiKey), http: this.parts.httpOf(tenantId) };
      this.elsewhere.set(name, elsewhere);
    }
    return { apiKey, elsewhere };
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
