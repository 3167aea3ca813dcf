import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { Remembered } from '../kernel/remembered.ts';
import { nothingUsed, ProviderError, type Provider } from '../providers/port.ts';
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

const lookDeadlineMs = 2_000;

/** What a tenant's own key for a provider is sealed as. */
export function aboutProviderKey(tenantId: string, provider: string): About {
  return { tenantId, purpose: 'provider credential', thing: provider };
}

/** The tenants' own keys for whoever calls providers. All of a tenant are looked up together; most have none, and that is remembered too. */
export class ProviderKeyService {
  private readonly remembered: Remembered<OwnKeys>;

  constructor(private readonly parts: ProviderKeyParts) {
    this.remembered = new Remembered(parts.clock, (tenantId) => this.read(tenantId));
  }

  /** The tenant's own key; null when it has none; undefined when that is not known without a look, or the key cannot be read. */
  known(tenantId: string, provider: Provider): string | null | undefined {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.known(tenantId);
    if (!keys) return undefined;
    const own = keys.get(provider.id) ?? null;
    return own instanceof UnreadableError ? undefined : own;
  }

  /** Begins to look, so that who asks soon after need not wait. */
  prepare(tenantId: string, provider: Provider): void {
    if (!provider.takesKeys || this.remembered.known(tenantId)) return;
    // Whoever needs it asks again and hears of the failure.
    this.remembered.get(tenantId).catch(() => undefined);
  }

  /** The tenant's own key; null when it has none. Throws ProviderError CREDENTIAL_UNREADABLE, or UNAVAILABLE and TIMEOUT while the database is away. */
  async find(tenantId: string, provider: Provider): Promise<string | null> {
    if (!provider.takesKeys) return null;
    const keys = this.remembered.known(tenantId) ?? (await this.remembered.get(tenantId));
    const own = keys.get(provider.id) ?? null;
    if (!(own instanceof UnreadableError)) return own;
    this.parts.log.error({ err: own, tenantId, provider: provider.id }, 'a tenant’s own key for a provider cannot be read');
    throw new ProviderError('CREDENTIAL_UNREADABLE', `the tenant’s own key for ${provider.id} cannot be read`, {
      retryable: false,
      usage: nothingUsed,
    });
  }

  /** Looks again when the keys of these tenants are needed next; of all without `tenantIds`. */
  forget(tenantIds: readonly string[] | null): void {
    this.remembered.forget(tenantIds);
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
