import { readFileSync } from 'node:fs';
import { databaseDefaults, type DatabaseConfig } from './db/client.ts';
import type { EngineConfig } from './generations/engine-parts.ts';
import { isNetwork } from './kernel/address.ts';
import { isOutboundEntry } from './kernel/outbound-rules.ts';
import { readMasterKeys, type MasterKey } from './kernel/master-keys.ts';
import { readManifest, trustModes, type TrustedDocuments } from './kernel/manifest.ts';
import type { CostLimit } from './limits/cost.ts';
import type { TenantLimits } from './limits/names.ts';
import { readEndpoints, type Endpoint } from './kernel/endpoints.ts';
import type { ProvidersConfig } from './providers/list.ts';
import type { PlacesConfig } from './routing/places.ts';

export const roles = ['all', 'api', 'worker'] as const;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Everything that can be set from outside; see the table in README. Times are milliseconds. */
export interface Config {
  readonly isProduction: boolean;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly allowedOrigins: readonly string[];
    /** Networks of our own proxies, whose X-Forwarded-For is believed. */
    readonly trustedProxies: readonly string[];
    readonly metricsToken: string | null;
    /** WebSockets and streams of one address, each. */
    readonly maxPerAddress: number;
  };
  /** Hosts, addresses and networks that may be called although they are not of the public internet, or by plain HTTP. */
  readonly outboundAllow: readonly string[];
  /** Where Apollo's usage reports go; null and nothing is reported. */
  readonly usageReporting: { readonly key: string; readonly graphRef: string } | null;
  readonly trustedDocuments: TrustedDocuments;
  readonly dataDir: string;
  /** Null: the embedded database under `dataDir`. */
  readonly database: DatabaseConfig | null;
  readonly role: (typeof roles)[number];
  readonly logLevel: string;
  readonly defaultModel: string | null;
  readonly providers: ProvidersConfig;
  readonly engine: EngineConfig;
  readonly calls: {
    /** How long a breaker stays open before the next probe; 0: breakers never open. */
    readonly breakerOpenMs: number;
    readonly places: PlacesConfig;
  };
  readonly limits: TenantLimits;
  readonly queryCost: CostLimit;
  /** How many tenants the people of one that runs the installation may make in a day; 0 for any number. */
  readonly tenantsPerDay: number;
  /** Keys are hashed with it; a word that everybody knows where none is given and none is demanded. */
  readonly secret: string;
  /** What tenants' secrets are sealed under, the first for new ones; null: none given. */
  readonly masterKeys: readonly MasterKey[] | null;
  /** How long each part may take to stop. */
  readonly stopDeadlineMs: number;
}

/** Enough for whoever tries things out on the development tenant, its scripts included. */
const developmentLimit = 10_000;

export type Env = Readonly<Record<string, string | undefined>>;

/** Reads the configuration; throws one Error that lists every problem. */
export function readConfig(env: Env): Config {
  const read = new Reader(env);
  const isProduction = readMode(read);
  const engine: EngineConfig = {
    leaseMs: read.integer('GENERATION_LEASE_MS', 15_000, 300, 600_000),
    totalTimeoutMs: read.integer('GENERATION_TOTAL_TIMEOUT_MS', 120_000, 100, 3_600_000),
    firstTokenTimeoutMs: read.integer('GENERATION_FIRST_TOKEN_TIMEOUT_MS', 30_000, 10, 3_600_000),
    idleTimeoutMs: read.integer('GENERATION_IDLE_TIMEOUT_MS', 15_000, 10, 3_600_000),
    windowMs: read.integer('STREAM_WINDOW_MS', 25, 0, 1_000),
    drainTimeoutMs: read.integer('DRAIN_TIMEOUT_MS', 20_000, 0, 600_000),
    maxRunning: read.integer('MAX_RUNNING_GENERATIONS', 200, 1, 100_000),
  };
  const url = read.secretUrl('DATABASE_URL', ['postgres:', 'postgresql:']);
  const ownerUrl = read.secretUrl('DATABASE_OWNER_URL', ['postgres:', 'postgresql:']);
  const maxConnections = read.integer('DATABASE_MAX_CONNECTIONS', databaseDefaults.maxConnections, 6, 1_000);
  if (url === null && ownerUrl !== null) read.problem('DATABASE_OWNER_URL needs DATABASE_URL beside it');
  if (url === null && isProduction && env.EMBEDDED_DATABASE !== '1') {
    read.problem('DATABASE_URL is missing; set it, or EMBEDDED_DATABASE=1 for one process on one machine');
  }
  const secret = read.secret('SECRET');
  if (secret === null && isProduction && url !== null)
    read.problem('SECRET or SECRET_FILE is missing: 32 or more random characters, the same for all processes');
  if (secret !== null && secret.length < 16) read.problem('SECRET has fewer than 16 characters');
  const config: Config = {
    isProduction,
    http: {
      host: read.text('HOST') ?? '127.0.0.1',
      port: read.integer('PORT', 4_000, 0, 65_535),
      allowedOrigins: read.origins('ALLOWED_ORIGINS'),
      trustedProxies: read.networks('TRUSTED_PROXIES'),
      metricsToken: read.token('METRICS_TOKEN'),
      maxPerAddress: read.integer('MAX_CONNECTIONS_PER_ADDRESS', 1_000, 1, 100_000),
    },
    outboundAllow: read.outbound('OUTBOUND_ALLOW'),
    usageReporting: usageReporting(read),
    trustedDocuments: trustedDocuments(read),
    dataDir: read.text('DATA_DIR') ?? '.data',
    database: url === null ? null : { ...databaseDefaults, url, ownerUrl, maxConnections },
    role: read.oneOf('ROLE', roles, 'all'),
    logLevel: read.oneOf('LOG_LEVEL', logLevels, 'info'),
    defaultModel: read.text('DEFAULT_MODEL'),
    providers: {
      openai: vendor(read, 'OPENAI'),
      anthropic: vendor(read, 'ANTHROPIC'),
      google: vendor(read, 'GOOGLE'),
      endpoints: endpoints(read),
      offline: { tokensPerSecond: read.number('OFFLINE_TOKENS_PER_SECOND', 60, 0, 1_000_000) },
    },
    engine,
    calls: {
      breakerOpenMs: read.integer('BREAKER_OPEN_MS', 30_000, 0, 3_600_000),
      places: places(read),
    },
    limits: {
      member: limit(read, 'RATE_LIMIT_MEMBER', isProduction ? 100 : developmentLimit),
      tenant: limit(read, 'RATE_LIMIT_TENANT', isProduction ? 1_000 : developmentLimit),
      starts: limit(read, 'RATE_LIMIT_STARTS', isProduction ? 50 : developmentLimit),
      memberGenerations: limit(read, 'MAX_GENERATIONS_PER_MEMBER', isProduction ? 20 : developmentLimit),
      tenantGenerations: limit(read, 'MAX_GENERATIONS_PER_TENANT', isProduction ? 200 : developmentLimit),
      memberSockets: limit(read, 'MAX_SOCKETS_PER_MEMBER', isProduction ? 100 : developmentLimit),
      tenantSockets: limit(read, 'MAX_SOCKETS_PER_TENANT', isProduction ? 1_000 : developmentLimit),
      memberSubscriptions: limit(read, 'MAX_SUBSCRIPTIONS_PER_MEMBER', isProduction ? 200 : developmentLimit),
      tenantSubscriptions: limit(read, 'MAX_SUBSCRIPTIONS_PER_TENANT', isProduction ? 5_000 : developmentLimit),
    },
    queryCost: {
      maximum: limit(read, 'QUERY_COST_LIMIT', isProduction ? 10_000 : 100_000),
      restoreRate: read.integer('QUERY_COST_PER_SECOND', isProduction ? 500 : 10_000, 1, 1_000_000),
    },
    tenantsPerDay: limit(read, 'TENANTS_PER_DAY', 100),
    secret: secret ?? 'development',
    masterKeys: masterKeys(read),
    stopDeadlineMs: engine.drainTimeoutMs + 10_000,
  };
  read.finish();
  return config;
}

/** Whoever means production must not get a server that lets everybody in: a slip of the pen is no other mode. */
function readMode(read: Reader): boolean {
  const mode = read.text('NODE_ENV');
  if (mode === null || mode === 'production') return mode !== null;
  if (/^["']?prod/i.test(mode)) read.problem(`NODE_ENV is "${mode}"; did you mean production?`);
  return false;
}

function masterKeys(read: Reader): Config['masterKeys'] {
  const text = read.secret('MASTER_KEY');
  try {
    return text === null ? null : readMasterKeys(text);
  } catch (error) {
    read.problem(`MASTER_KEY: ${error instanceof Error ? error.message : 'unknown error'}; openssl rand -base64 32 makes one`);
    return null;
  }
}

function usageReporting(read: Reader): Config['usageReporting'] {
  const key = read.secret('APOLLO_KEY');
  const graphRef = read.text('APOLLO_GRAPH_REF');
  if (key === null) return null;
  if (graphRef === null) read.problem('APOLLO_KEY needs APOLLO_GRAPH_REF beside it, such as my-graph@current');
  return { key, graphRef: graphRef ?? '' };
}

function trustedDocuments(read: Reader): TrustedDocuments {
  const mode = read.oneOf('TRUSTED_DOCUMENTS', trustModes, 'off');
  const path = read.text('TRUSTED_DOCUMENTS_FILE');
  if (mode !== 'off' && path === null) read.problem(`TRUSTED_DOCUMENTS=${mode} needs TRUSTED_DOCUMENTS_FILE beside it`);
  const text = path === null ? null : read.content('TRUSTED_DOCUMENTS_FILE', path);
  try {
    return { mode, byId: text === null ? new Map() : readManifest(text) };
  } catch (error) {
    read.problem(`TRUSTED_DOCUMENTS_FILE: ${path}: ${error instanceof Error ? error.message : 'unknown error'}`);
    return { mode, byId: new Map() };
  }
}

function limit(read: Reader, name: string, standard: number): number {
  return read.integer(name, standard, 0, 100_000_000);
}

/** A number for each provider, or `openai:100,anthropic:50` and a number for the others. */
function places(read: Reader): PlacesConfig {
  const name = 'PROVIDER_MAX_CONCURRENT';
  let others: number | null = null;
  const byProvider = new Map<string, number>();
  for (const entry of read.list(name)) {
    const [, provider, digits] = /^(?:([a-z0-9-]+):)?([1-9]\d{0,5})$/.exec(entry) ?? [];
    if (digits === undefined)
      read.problem(`${name} has "${entry}", which is no number from 1 and no provider with one, such as openai:100`);
    else if (provider === undefined) others = Number(digits);
    else byProvider.set(provider, Number(digits));
  }
  return { byProvider, others, waitMs: read.integer('PROVIDER_WAIT_MS', 2_000, 0, 60_000) };
}

/** Providers by configuration: JSON, in the setting or in a file; a key can be a setting of its own, which can be in a file too. */
function endpoints(read: Reader): readonly Endpoint[] {
  const text = read.secret('PROVIDERS');
  try {
    const found = text === null ? [] : readEndpoints(text);
    return found.map(({ apiKeySetting, apiKey, ...rest }) => {
      const set = apiKeySetting === null ? null : read.token(apiKeySetting);
      if (apiKeySetting !== null && set === null) read.problem(`PROVIDERS: ${rest.id}: ${apiKeySetting} is not set`);
      return { ...rest, apiKey: set ?? apiKey ?? noKey };
    });
  } catch (error) {
    read.problem(`PROVIDERS: ${error instanceof Error ? error.message : 'unknown error'}`);
    return [];
  }
}

/** Servers of one's own often ask for no key; the SDKs insist on some. */
const noKey = 'none';

function vendor(read: Reader, name: 'OPENAI' | 'ANTHROPIC' | 'GOOGLE'): { apiKey: string; baseUrl: string | null } | null {
  const apiKey = read.token(`${name}_API_KEY`);
  const baseUrl = read.url(`${name}_BASE_URL`, ['http:', 'https:']);
  if (apiKey !== null) return { apiKey, baseUrl };
  return baseUrl === null ? null : { apiKey: noKey, baseUrl };
}

/** `null` is that of files and of frames without one of their own. */
const originPattern = /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@"'*]+\/?)$/i;

/** Reads values by name and collects what is wrong with them; an empty value counts as absent. */
class Reader {
  private readonly problems: string[] = [];

  constructor(private readonly env: Env) {}

  problem(text: string): void {
    this.problems.push(text);
  }

  text(name: string): string | null {
    const value = this.env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  }

  /** A value that may be in a file instead, named by `<name>_FILE`; only its last line break is cut. */
  secret(name: string): string | null {
    const value = this.text(name);
    const path = this.text(`${name}_FILE`);
    if (path === null) return value;
    if (value !== null) {
      this.problem(`${name} and ${name}_FILE are both set; one of them is enough`);
      return value;
    }
    const content = this.content(`${name}_FILE`, path)?.replace(/\r?\n$/, '') ?? null;
    if (content === null || content.trim() !== '') return content;
    this.problem(`${name}_FILE: ${path} is empty`);
    return null;
  }

  /** A secret that goes into a header, as it is. */
  token(name: string): string | null {
    const value = this.secret(name);
    if (value !== null && /[^\x20-\x7e]/.test(value)) this.problem(`${name} has a line break, or what else no header can carry`);
    return value;
  }

  /** What is in a file that a setting names; null when it cannot be read. */
  content(name: string, path: string): string | null {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.problem(`${name}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
      return null;
    }
  }

  list(name: string): string[] {
    return (this.text(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  /** As browsers send them; one that they never send would be of no use, and nobody would say so. */
  origins(name: string): string[] {
    const found = this.list(name);
    for (const each of found.filter((text) => !originPattern.test(text))) {
      this.problem(`${name} has "${each}", which is no origin such as https://app.example.com`);
    }
    return found;
  }

  networks(name: string): string[] {
    const found = this.list(name);
    for (const each of found.filter((text) => !isNetwork(text))) {
      this.problem(`${name} has "${each}", which is no address and no network such as 10.0.0.0/8`);
    }
    return found;
  }

  outbound(name: string): string[] {
    const found = this.list(name);
    for (const each of found.filter((text) => !isOutboundEntry(text))) {
      this.problem(`${name} has "${each}", which is no host, no address and no network such as 10.0.0.0/8`);
    }
    return found;
  }

  number(name: string, standard: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === null) return standard;
    const value = Number(text);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    this.problem(`${name} is "${text}", not a number from ${least} to ${most}`);
    return standard;
  }

  integer(name: string, standard: number, least: number, most: number): number {
    const value = this.number(name, standard, least, most);
    if (Number.isInteger(value)) return value;
    this.problem(`${name} is "${value}", not a whole number`);
    return standard;
  }

  oneOf<T extends string>(name: string, values: readonly T[], standard: T): T {
    const text = this.text(name);
    if (text === null) return standard;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) this.problem(`${name} is "${text}", not one of ${values.join(', ')}`);
    return value ?? standard;
  }

  url(name: string, protocols: readonly string[]): string | null {
    return this.asUrl(name, this.text(name), protocols);
  }

  secretUrl(name: string, protocols: readonly string[]): string | null {
    return this.asUrl(name, this.secret(name), protocols);
  }

  /** The value is not repeated in a problem: URLs hold passwords. */
  private asUrl(name: string, text: string | null, protocols: readonly string[]): string | null {
    if (text === null) return null;
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
    this.problem(`${name} is no URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    return null;
  }

  finish(): void {
    if (this.problems.length > 0)
      throw new Error(`the configuration has problems:\n${this.problems.map((each) => `  ${each}`).join('\n')}`);
  }
}

/** What to name when the database fails at the start. */
export function settingsOf({ database }: Config): { databaseSetting: string; ownerSetting: string } {
  const databaseSetting = database === null ? 'the embedded database' : 'DATABASE_URL';
  return { databaseSetting, ownerSetting: database?.ownerUrl ? 'DATABASE_OWNER_URL' : databaseSetting };
}
