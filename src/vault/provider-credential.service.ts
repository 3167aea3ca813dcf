import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import { AppError } from '../kernel/errors.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { OutboundRules } from '../kernel/outbound-rules.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { providerCredentials, type ProviderCredentialRow } from './provider-credentials.table.ts';
import { aboutProviderKey } from './provider-key.service.ts';
import type { VaultService } from './vault.service.ts';

const { sealed: _sealed, ...columns } = getTableColumns(providerCredentials);

/** A credential as it is read: everything but the key. */
export type ProviderCredentialView = Omit<ProviderCredentialRow, 'sealed'>;

/** A key to keep. */
export interface ProviderCredentialSet {
  readonly provider: string;
  readonly apiKey: string;
  readonly baseUrl?: string | null;
  readonly idempotencyKey?: string | null;
}

/** What the service is built on. */
export interface ProviderCredentialParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly vault: VaultService;
  readonly bus: Bus;
  /** Ids of the providers that take keys. */
  readonly providers: readonly string[];
  /** Where tenants may have their providers called. */
  readonly outbound: OutboundRules;
}

/** It travels in a header: visible ASCII only. */
const keyPattern = /^[\x21-\x7e]{8,512}$/;
const longestUrl = 500;

/** Tenants' own keys for providers, for the people who look after them. Nobody gets a key back. */
export class ProviderCredentialService {
  constructor(private readonly parts: ProviderCredentialParts) {}

  /** Oldest first. */
  async page(scope: Scope, input: PageInput): Promise<Page<ProviderCredentialView>> {
    scope.require('credentials:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'providerCredentials',
      table: providerCredentials,
      columns,
      direction: 'ascending',
    });
  }

  /** Credentials by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(ProviderCredentialView | null)[]> {
    scope.require('credentials:read');
    return rowsById('pcr', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select(columns)
        .from(providerCredentials)
        .where(and(eq(providerCredentials.tenantId, scope.tenantId), inArray(providerCredentials.id, known))),
    );
  }

  /** Sets the tenant's key for a provider, in the place of the one before. It is not tried: a wrong one shows at the next call. */
  async set(scope: Scope, asked: ProviderCredentialSet): Promise<ProviderCredentialView> {
    const { provider, apiKey, idempotencyKey = null } = asked;
    scope.require('credentials:write');
    this.checkProvider(provider);
    if (!keyPattern.test(apiKey)) {
      throw new AppError('INVALID_INPUT', 'a key has 8 to 512 visible ASCII characters', { path: ['input', 'apiKey'] });
    }
    const baseUrl = asked.baseUrl == null ? null : this.checkedUrl(asked.baseUrl);
    const { acts, vault, bus } = this.parts;
    const about = aboutProviderKey(scope.tenantId, provider, baseUrl);
    // A hash of the input is stored for repeats. The key goes into it only as its fingerprint.
    const fingerprinted = { provider, apiKey: await vault.fingerprint(scope, about, apiKey), idempotencyKey };
    const input = baseUrl === null ? fingerprinted : { ...fingerprinted, baseUrl };
    const again = async (id: string) => this.get(scope, id, ['input', 'idempotencyKey']);
    const row = await acts.run(scope, { operation: 'providerCredentialSet', input, again }, async (act) => {
      const isThis = and(eq(providerCredentials.tenantId, scope.tenantId), eq(providerCredentials.provider, provider));
      const [before] = await act.query.select(columns).from(providerCredentials).where(isThis).for('update');
      const { sealed, fingerprint } = await vault.seal(act, about, apiKey);
      const changed = { sealed, baseUrl, fingerprint, updatedBy: scope.memberId, updatedAt: sql`now()` };
      const [after] = await act.query
        .insert(providerCredentials)
        .values({ id: newId('pcr'), tenantId: scope.tenantId, provider, ...changed })
        .onConflictDoUpdate({ target: [providerCredentials.tenantId, providerCredentials.provider], set: changed })
        .returning(columns);
      if (!after) throw new Error('the credential was not returned');
      act.record({ thing: after.id, before: before ? shownOf(before) : null, after: shownOf(after) });
      return after;
    });
    bus.publish('credential.changed', [scope.tenantId]);
    return row;
  }

  /** Deletes a key; from the next call on the provider is called with the installation's own. */
  async delete(scope: Scope, id: string): Promise<string> {
    scope.require('credentials:write');
    if (uuidOfId(id, 'pcr') === null) throw noSuchCredential();
    await this.parts.acts.run(scope, { operation: 'providerCredentialDelete', input: {} }, async (act) => {
      const [gone] = await act.query
        .delete(providerCredentials)
        .where(and(eq(providerCredentials.tenantId, scope.tenantId), eq(providerCredentials.id, id)))
        .returning(columns);
      if (!gone) throw noSuchCredential();
      act.record({ thing: id, before: shownOf(gone), after: null });
    });
    this.parts.bus.publish('credential.changed', [scope.tenantId]);
    return id;
  }

  /** One by id, for those who may change it; throws NOT_FOUND. */
  async get(scope: Scope, id: string, path = ['input', 'id']): Promise<ProviderCredentialView> {
    scope.require('credentials:write');
    if (uuidOfId(id, 'pcr') === null) throw noSuchCredential(path);
    const isThis = and(eq(providerCredentials.tenantId, scope.tenantId), eq(providerCredentials.id, id));
    const [row] = await this.parts.database.as(scope).query.select(columns).from(providerCredentials).where(isThis);
    if (!row) throw noSuchCredential(path);
    return row;
  }

  /** The address as it is stored. Which addresses its name resolves to is checked with each call, since that may change. */
  private checkedUrl(text: string): string {
    const refuse = (reason: string): never => {
      throw new AppError('INVALID_INPUT', reason, { path: ['input', 'baseUrl'] });
    };
    if (text.length > longestUrl || !URL.canParse(text)) return refuse(`this is no URL of at most ${longestUrl} characters`);
    const url = new URL(text);
    if (url.search !== '' || url.hash !== '') return refuse('a base URL has no query and no fragment');
    const refusal = this.parts.outbound.refusalOf(url);
    return refusal === null ? url.href.replace(/\/+$/, '') : refuse(refusal);
  }

  private checkProvider(provider: string): void {
    const { providers } = this.parts;
    if (providers.includes(provider)) return;
    const known = providers.length === 0 ? 'none here does' : `those that do: ${providers.join(', ')}`;
    throw new AppError('INVALID_INPUT', `no provider by this name takes keys; ${known}`, { path: ['input', 'provider'] });
  }
}

/** What may be put on record about a credential. */
function shownOf({ provider, baseUrl, fingerprint }: ProviderCredentialView) {
  return { provider, ...(baseUrl !== null && { baseUrl }), fingerprint };
}

function noSuchCredential(path = ['input', 'id']): AppError {
  return new AppError('NOT_FOUND', 'no such provider credential', { path });
}
