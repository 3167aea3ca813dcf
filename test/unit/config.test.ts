import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig, type Env } from '../../src/config.ts';
import { tenantLimitKeys } from '../../src/limits/names.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'draftwire-config-'));
const file = (name: string, text: string): string => {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
};
const url = 'postgres://user:canary@db.example:5432/draftwire';
const secret = '0123456789abcdef0123456789abcdef';

describe('readConfig', () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('needs nothing in development', () => {
    expect(readConfig({})).toMatchObject({
      isProduction: false,
      http: { host: '127.0.0.1', port: 4_000, allowedOrigins: [], metricsToken: null },
      dataDir: '.data',
      database: null,
      role: 'all',
      defaultModel: null,
      providers: { openai: null, anthropic: null },
      engine: { leaseMs: 15_000, totalTimeoutMs: 120_000, firstTokenTimeoutMs: 30_000, idleTimeoutMs: 15_000, windowMs: 25 },
      limits: Object.fromEntries(tenantLimitKeys.map((name) => [name, 10_000])),
      secret: 'development',
    });
  });

  it('limits rates in production; 0 is no limit, and less is a problem', () => {
    const production = { NODE_ENV: 'production', DATABASE_URL: url, SECRET: secret };
    expect(readConfig(production).limits).toEqual({
      member: 100,
      tenant: 1_000,
      starts: 50,
      memberGenerations: 20,
      tenantGenerations: 200,
      memberSockets: 100,
      tenantSockets: 1_000,
      memberSubscriptions: 200,
      tenantSubscriptions: 5_000,
    });
    expect(readConfig({ ...production, RATE_LIMIT_MEMBER: '0', RATE_LIMIT_STARTS: '7' }).limits).toMatchObject({
      member: 0,
      starts: 7,
    });
    expect(() => readConfig({ RATE_LIMIT_TENANT: '-1' })).toThrow('RATE_LIMIT_TENANT is "-1", not a number from 0 to 100000000');
  });

  it('reads values, lists, files, and takes empty for absent', () => {
    const config = readConfig({
      PORT: ' 8080 ',
      HOST: '',
      ALLOWED_ORIGINS: 'https://a.example, https://b.example,',
      OPENAI_API_KEY: 'sk-1',
      ANTHROPIC_API_KEY_FILE: file('anthropic', 'sk-ant-2\n'),
      OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
      SECRET_FILE: file('secret', `${secret}\n`),
      DATABASE_URL: url,
    });
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 8_080, allowedOrigins: ['https://a.example', 'https://b.example'] },
      providers: {
        openai: { apiKey: 'sk-1', baseUrl: 'http://127.0.0.1:11434/v1' },
        anthropic: { apiKey: 'sk-ant-2', baseUrl: null },
      },
      secret,
      database: { url, ownerUrl: null },
    });
  });

  it('takes origins of pages, of applications and of files, and any', () => {
    const origins = [
      'https://app.example:8443',
      'capacitor://localhost',
      'chrome-extension://abcdef',
      'http://[::1]:3000',
      'null',
      '*',
    ];
    expect(readConfig({ ALLOWED_ORIGINS: origins.join(', ') }).http.allowedOrigins).toEqual(origins);
  });

  it('takes master keys from a value or a file, the first first', () => {
    const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    expect(readConfig({}).masterKeys).toBeNull();
    const fromValue = readConfig({ MASTER_KEY: `${one},${two}` }).masterKeys;
    expect(fromValue?.map(({ key }) => key.export().toString('base64'))).toEqual([one, two]);
    const fromFile = readConfig({ MASTER_KEY_FILE: file('master', `${one}\n${two}\n`) }).masterKeys;
    expect(fromFile?.map(({ id }) => id)).toEqual(fromValue?.map(({ id }) => id));
  });

  it('takes a server of one’s own without a key', () => {
    expect(readConfig({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' }).providers.openai).toEqual({
      apiKey: 'none',
      baseUrl: 'http://127.0.0.1:11434/v1',
    });
  });

  const secrets = ['DATABASE_URL', 'DATABASE_OWNER_URL', 'SECRET', 'METRICS_TOKEN', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'];

  it('takes every secret from a file, but for its last line break', () => {
    const valueOf = (name: string): string => (name.endsWith('_URL') ? `${url}?for=${name}` : ` ${name} with 16 characters `);
    const files = secrets.map((name) => [`${name}_FILE`, file(name, `${valueOf(name)}\r\n`)]);
    const config = readConfig(Object.fromEntries(files) as Env);
    expect(config).toMatchObject({
      database: { url: valueOf('DATABASE_URL'), ownerUrl: valueOf('DATABASE_OWNER_URL') },
      secret: valueOf('SECRET'),
      http: { metricsToken: valueOf('METRICS_TOKEN') },
      providers: { openai: { apiKey: valueOf('OPENAI_API_KEY') }, anthropic: { apiKey: valueOf('ANTHROPIC_API_KEY') } },
    });
  });

  it('names every secret that is given twice, at once', () => {
    const twice = secrets.flatMap((name) => [
      [name, 'canary'],
      [`${name}_FILE`, '/x'],
    ]);
    let message = '';
    try {
      readConfig(Object.fromEntries(twice) as Env);
    } catch (error) {
      message = String(error);
    }
    for (const name of secrets) expect(message).toContain(`${name} and ${name}_FILE are both set`);
    expect(message).not.toContain('canary');
  });

  it.each<[string, Env, string]>([
    ['a port that is none', { PORT: 'http' }, 'PORT is "http", not a number from 0 to 65535'],
    ['a port with a fraction', { PORT: '1.5' }, 'PORT is "1.5", not a whole number'],
    ['a port that is too high', { PORT: '65536' }, 'PORT is "65536"'],
    ['a role that is none', { ROLE: 'boss' }, 'ROLE is "boss", not one of all, api, worker'],
    ['a log level that is none', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud"'],
    ['a database that is no URL', { DATABASE_URL: 'canary' }, 'DATABASE_URL is no URL that begins with postgres://'],
    ['another database', { DATABASE_URL: 'mysql://root:canary@x/y' }, 'DATABASE_URL is no URL that begins with postgres://'],
    ['an owner without a database', { DATABASE_OWNER_URL: url }, 'DATABASE_OWNER_URL needs DATABASE_URL beside it'],
    ['a file that is not there', { SECRET_FILE: '/no/such/file' }, 'SECRET_FILE: cannot read /no/such/file: ENOENT'],
    ['a file that is a folder', { METRICS_TOKEN_FILE: '/' }, 'METRICS_TOKEN_FILE: cannot read /: EISDIR'],
    ['an empty file', { OPENAI_API_KEY_FILE: '/dev/null' }, 'OPENAI_API_KEY_FILE: /dev/null is empty'],
    ['a secret given twice', { SECRET: 'canary', SECRET_FILE: '/x' }, 'SECRET and SECRET_FILE are both set'],
    ['a database in a file that is no URL', { DATABASE_URL_FILE: file('no-url', 'canary') }, 'DATABASE_URL is no URL'],
    ['a proxy that is no network', { TRUSTED_PROXIES: '10.0.0.0/8, proxy' }, 'TRUSTED_PROXIES has "proxy"'],
    ['a way out that is a URL', { OUTBOUND_ALLOW: 'idp.corp.example, https://idp' }, 'OUTBOUND_ALLOW has "https://idp"'],
    ['a network that is too narrow', { TRUSTED_PROXIES: '10.0.0.0/33' }, 'TRUSTED_PROXIES has "10.0.0.0/33"'],
    ['usage reports for no graph', { APOLLO_KEY: 'canary' }, 'APOLLO_KEY needs APOLLO_GRAPH_REF beside it'],
    ['a list of documents that is missing', { TRUSTED_DOCUMENTS: 'enforce' }, 'needs TRUSTED_DOCUMENTS_FILE beside it'],
    ['a list that is no JSON', { TRUSTED_DOCUMENTS_FILE: file('list', 'canary') }, 'it is not JSON'],
    ['another format', { TRUSTED_DOCUMENTS_FILE: file('format', '{"format":"x"}') }, 'its format is not version 1 of'],
    ['an entry without a document', { TRUSTED_DOCUMENTS_FILE: file('entry', '{"a":1}') }, 'its entry 1 is no id with a document'],
    ['a master key that is none', { MASTER_KEY: 'canary' }, 'MASTER_KEY: its key 1 is not 32 bytes in base64'],
    ['a master key given twice', { MASTER_KEY: 'canary', MASTER_KEY_FILE: '/x' }, 'MASTER_KEY and MASTER_KEY_FILE are both set'],
    ['a key of two lines', { OPENAI_API_KEY_FILE: file('two-lines', 'canary\ncanary\n') }, 'OPENAI_API_KEY has a line break'],
    ['a key that no header can carry', { GOOGLE_API_KEY: 'canary–' }, 'GOOGLE_API_KEY has a line break, or what else'],
    ['a token that no header can carry', { METRICS_TOKEN: 'canary–' }, 'METRICS_TOKEN has a line break, or what else'],
    ['a short secret', { SECRET: 'canary' }, 'SECRET has fewer than 16 characters'],
    ['production without a database', { NODE_ENV: 'production' }, 'DATABASE_URL is missing'],
    ['a mode that may be meant for production', { NODE_ENV: 'Production' }, 'NODE_ENV is "Production"; did you mean production?'],
    ['production in quotes', { NODE_ENV: '"production"' }, 'did you mean production?'],
    ['production with a space behind it', { NODE_ENV: 'production ' }, 'DATABASE_URL is missing'],
    ['an origin without a scheme', { ALLOWED_ORIGINS: 'https://a.example,b.example' }, 'ALLOWED_ORIGINS has "b.example"'],
    ['an origin with a path', { ALLOWED_ORIGINS: 'https://a.example/app' }, 'ALLOWED_ORIGINS has "https://a.example/app"'],
    ['an origin with a star', { ALLOWED_ORIGINS: 'https://*.a.example' }, 'which is no origin such as https://app.example.com'],
    ['production without a secret', { NODE_ENV: 'production', DATABASE_URL: url }, 'SECRET or SECRET_FILE is missing'],
  ])('refuses %s', (_name, env, problem) => {
    expect(() => readConfig(env)).toThrow(problem);
    expect(() => readConfig(env)).not.toThrow('canary');
  });

  it('reads both forms of a list of documents', () => {
    const operations = [{ id: 'a', name: 'A', type: 'query', body: '{ a }' }];
    for (const list of [{ format: 'apollo-persisted-query-manifest', version: 1, operations }, { a: '{ a }' }]) {
      const env = { TRUSTED_DOCUMENTS: 'audit', TRUSTED_DOCUMENTS_FILE: file('documents', JSON.stringify(list)) };
      expect(readConfig(env).trustedDocuments).toEqual({ mode: 'audit', byId: new Map([['a', '{ a }']]) });
    }
  });

  it('names all problems at once', () => {
    expect(() => readConfig({ PORT: 'x', ROLE: 'y' })).toThrow(/PORT is "x".*\n.*ROLE is "y"/);
  });

  it('lets production have an embedded database when it is asked for', () => {
    expect(readConfig({ NODE_ENV: 'production', EMBEDDED_DATABASE: '1' })).toMatchObject({ isProduction: true, database: null });
  });

  it('reads providers by configuration, with keys that are settings of their own', () => {
    const written = [
      {
        id: 'groq',
        baseUrl: 'https://api.groq.com/openai/v1',
        apiKeySetting: 'GROQ_API_KEY',
        models: ['fast', { name: 'long', contextWindow: 32_768, hasStructuredOutput: true }],
      },
      { id: 'local', api: 'anthropic', baseUrl: 'http://127.0.0.1:11434/v1' },
    ];
    expect(readConfig({ PROVIDERS: JSON.stringify(written), GROQ_API_KEY: 'gsk-1' }).providers.endpoints).toEqual([
      {
        id: 'groq',
        api: 'chat',
        baseUrl: 'https://api.groq.com/openai/v1',
        apiKey: 'gsk-1',
        models: [
          { name: 'fast', contextWindow: null, maxOutputTokens: null, hasStructuredOutput: null },
          { name: 'long', contextWindow: 32_768, maxOutputTokens: null, hasStructuredOutput: true },
        ],
      },
      { id: 'local', api: 'anthropic', baseUrl: 'http://127.0.0.1:11434/v1', apiKey: 'none', models: [] },
    ]);
  });

  it.each<[unknown, string]>([
    ['{', 'PROVIDERS: it is no JSON'],
    [{}, 'PROVIDERS: it has to be a list'],
    [[{ id: 'openai', baseUrl: 'https://a.example' }], 'PROVIDERS: entry 0: the id openai is taken'],
    [[{ id: 'A', baseUrl: 'https://a.example' }], 'PROVIDERS: entry 0: id has 1 to 31'],
    [[{ id: 'a', baseUrl: 'ftp://a.example' }], 'PROVIDERS: a: baseUrl is no URL'],
    [[{ id: 'a', baseUrl: 'https://a.example', key: 'sk-secret' }], 'PROVIDERS: entry 0 has key, which is none of'],
    [
      [{ id: 'a', baseUrl: 'https://a.example', apiKey: 'sk-secret', apiKeySetting: 'A_KEY' }],
      'PROVIDERS: a: apiKey and apiKeySetting are both set',
    ],
    [[{ id: 'a', baseUrl: 'https://a.example', apiKeySetting: 'A_KEY' }], 'PROVIDERS: a: A_KEY is not set'],
    [[{ id: 'a', baseUrl: 'https://a.example', models: [''] }], 'PROVIDERS: a: a model is a name'],
    [[{ id: 'a', api: 'CHAT!', baseUrl: 'https://a.example' }], 'PROVIDERS: a: api is no name of one'],
    [[{ id: 'a', baseUrl: 'https://a.example', models: [{ name: 'm', contextWindow: 0 }] }], 'PROVIDERS: a: m: contextWindow'],
    [
      [{ id: 'a', baseUrl: 'https://a.example', models: [{ name: 'm', hasStructuredOutput: 'yes' }] }],
      'PROVIDERS: a: m: hasStructuredOutput',
    ],
  ])('says what is wrong with PROVIDERS %j, and no key', (written, message) => {
    const text = typeof written === 'string' ? written : JSON.stringify(written);
    const read = () => readConfig({ PROVIDERS: text });
    expect(read).toThrow(message);
    expect(read).not.toThrow('sk-secret');
  });
});
