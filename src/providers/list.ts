import type { Endpoint } from '../kernel/endpoints.ts';
import { anthropic } from './anthropic.ts';
import { google } from './google.ts';
import { offline } from './offline.ts';
import { openai } from './openai.ts';
import type { Provider } from './port.ts';

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
  /** Servers that speak OpenAI's Chat Completions, each a provider of its own. */
  readonly endpoints: readonly Endpoint[];
  readonly offline: { readonly tokensPerSecond: number };
}

/** Every provider we know, in the order in which they are offered; a new one is one file and one line here. */
const makers: readonly ((config: ProvidersConfig) => Provider | Provider[] | null)[] = [
  (config) => config.openai && openai({ apiKey: config.openai.apiKey, baseURL: config.openai.baseUrl }),
  (config) => config.anthropic && anthropic({ apiKey: config.anthropic.apiKey, baseURL: config.anthropic.baseUrl }),
  (config) => config.google && google({ apiKey: config.google.apiKey, baseURL: config.google.baseUrl }),
  (config) =>
    config.endpoints.map(({ id, baseUrl, apiKey, models }) => openai({ id, baseURL: baseUrl, apiKey, models, api: 'chat' })),
  (config) => offline(config.offline),
];

/** The providers that can be asked. Nothing is opened or checked: a wrong key shows at the first call. */
export function openProviders(config: ProvidersConfig): Provider[] {
  return makers.flatMap((make) => make(config) ?? []);
}
