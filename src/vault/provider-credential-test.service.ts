import type { ActOf, ActService } from '../audit/act.service.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { ProviderError, type Provider, type ProviderErrorCode, type ProviderHttp } from '../providers/port.ts';
import type { ProviderCredentialService } from './provider-credential.service.ts';
import type { ProviderKeyService } from './provider-key.service.ts';

/** What a provider said of a key. */
export type CredentialVerdict =
  'OK' | 'AUTH' | 'QUOTA' | 'RATE_LIMIT' | 'OVERLOAD' | 'UNREACHABLE' | 'TIMEOUT' | 'UNREADABLE' | 'OTHER';

/** The answer to a test. */
export interface CredentialTest {
  readonly verdict: CredentialVerdict;
  /** From the call to the end of its answer, whatever it was. */
  readonly latencyMs: number;
  /** Names of models that the key may use, by name, the first hundred; null unless it is OK. */
  readonly models: readonly string[] | null;
  /** How many there are, as far as the provider listed them at once; null unless it is OK. */
  readonly modelCount: number | null;
  /** What the provider said, for people; null when it is OK. */
  readonly message: string | null;
}

/** Which credential to test. */
export interface CredentialTestInput {
  readonly id: string;
  readonly idempotencyKey?: string | null;
}

interface Found {
  readonly provider: string;
  readonly test: CredentialTest;
}

/** What the service is built on. */
export interface CredentialTestParts {
  readonly credentials: ProviderCredentialService;
  readonly keys: ProviderKeyService;
  readonly providers: readonly Provider[];
  readonly http: ProviderHttp;
  readonly acts: ActService;
  readonly clock: Clock;
}

const longestMs = 10_000;
const mostNamed = 100;
const verdictOf: Partial<Record<ProviderErrorCode, CredentialVerdict>> = {
  PROVIDER_AUTH: 'AUTH',
  PROVIDER_QUOTA: 'QUOTA',
  RATE_LIMITED: 'RATE_LIMIT',
  OVERLOADED: 'OVERLOAD',
  NETWORK: 'UNREACHABLE',
  TIMEOUT: 'TIMEOUT',
  CREDENTIAL_UNREADABLE: 'UNREADABLE',
};

/** Asks providers whether they take tenants' own keys. It asks whatever the breakers say, and they do not count what it finds. */
export class ProviderCredentialTestService {
  constructor(private readonly parts: CredentialTestParts) {}

  /** Lists the models that the key may use, which costs nothing, where the tenant's calls go. A repeat with the same idempotency key asks nobody. */
  async test(scope: Scope, input: CredentialTestInput): Promise<CredentialTest> {
    scope.require('credentials:write');
    let found: Found | null = null;
    const act: ActOf<CredentialTest> = {
      operation: 'providerCredentialTest',
      input,
      before: async () => {
        found = await this.find(scope, input.id);
      },
      again: async (_thing, kept) => JSON.parse(kept ?? 'null') as CredentialTest,
    };
    return this.parts.acts.run(scope, act, async ({ record, keep }) => {
      if (!found) throw new Error('nobody was asked');
      const { provider, test } = found;
      const { verdict, modelCount } = test;
      record({ thing: input.id, before: null, after: { provider, verdict, modelCount } });
      keep(JSON.stringify(test));
      return test;
    });
  }

  private async find(scope: Scope, id: string): Promise<Found> {
    const { credentials, providers } = this.parts;
    const { provider: name } = await credentials.get(scope, id);
    const provider = providers.find((each) => each.id === name);
    if (!provider) throw new AppError('INVALID_INPUT', `this process has no provider ${name}`, { path: ['input', 'id'] });
    return { provider: name, test: await this.ask(scope.tenantId, provider) };
  }

  private async ask(tenantId: string, usual: Provider): Promise<CredentialTest> {
    const { keys, http, clock } = this.parts;
    // As it stands now, not as it was a moment ago on this process.
    keys.forget([tenantId]);
    const startedAt = clock.monotonic();
    const signal = AbortSignal.timeout(longestMs);
    const tested = (verdict: CredentialVerdict, rest: Partial<CredentialTest>): CredentialTest => ({
      verdict,
      latencyMs: clock.monotonic() - startedAt,
      models: null,
      modelCount: null,
      message: null,
      ...rest,
    });
    try {
      const own = await keys.find(tenantId, usual);
      const provider = own?.elsewhere?.provider ?? usual;
      if (!own || !provider.listModels) throw new AppError('NOT_FOUND', 'no such provider credential', { path: ['input', 'id'] });
      const { fetch } = own.elsewhere?.http ?? http;
      const names = await provider.listModels({ signal, fetch, apiKey: own.apiKey });
      return tested('OK', { models: names.toSorted().slice(0, mostNamed), modelCount: names.length });
    } catch (error) {
      if (signal.aborted) {
        return tested('TIMEOUT', { message: `${usual.id} gave no answer within ${longestMs} ms` });
      }
      if (!(error instanceof ProviderError)) throw error;
      return tested(verdictOf[error.code] ?? 'OTHER', { message: error.message });
    }
  }
}
