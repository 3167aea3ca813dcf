import type { Endpoint } from '../kernel/endpoints.ts';
import { anthropic } from './anthropic.ts';
import { google } from './google.ts';
import { offline } from './offline.ts';
import { openai } from './openai.ts';
import type { Provider, ProviderOptions } from './port.ts';

/** A vendor's key, and where to reach it; a null base URL is the vendor's own. */
export interface VendorConfig {
  readonly apiKey: string;
  readonly baseUrl: string | null;
}

/** Which providers this process has: a vendor without a configuration is not offered, the offline one always is. */
export interface ProvidersConfig {
  readonly openai: VendorConfig | null;
  readonly anthropic: VendorConfig | null;
  readonly google: VendorConfig | null;
  /** Providers of whoever runs this installation, each with a name of its own for what `apis` has. */
  readonly endpoints: readonly Endpoint[];
  readonly offline: { readonly tokensPerSecond: number };
}

/** What providers speak, by the name that it has in `PROVIDERS`: a new vendor is one file and one line here. */
const apis: Readonly<Record<string, (options: ProviderOptions) => Provider>> = {
  chat: (options) => openai({ ...options, api: 'chat' }),
  responses: (options) => openai({ ...options, api: 'responses' }),
  anthropic,
  google,
};

/** All that is offered, in this order. */
const makers: readonly ((config: ProvidersConfig) => Provider | Provider[] | null)[] = [
  (config) => config.openai && openai({ apiKey: config.openai.apiKey, baseURL: config.openai.baseUrl }),
  (config) => config.anthropic && anthropic({ apiKey: config.anthropic.apiKey, baseURL: config.anthropic.baseUrl }),
  (config) => config.google && google({ apiKey: config.google.apiKey, baseURL: config.google.baseUrl }),
  (config) => config.endpoints.map(configured),
  (config) => offline(config.offline),
];

function configured({ id, api, baseUrl, apiKey, models }: Endpoint): Provider {
  const make = Object.hasOwn(apis, api) ? apis[api] : undefined;
  if (!make) throw new Error(`PROVIDERS: ${id}: there is no api ${api}, only ${Object.keys(apis).join(', ')}`);
  return make({ id, apiKey, baseURL: baseUrl, models });
}

/** The providers that can be asked. Nothing is opened or checked: a wrong key shows at the first call. */
export function openProviders(config: ProvidersConfig): Provider[] {
  return makers.flatMap((make) => make(config) ?? []);
}
