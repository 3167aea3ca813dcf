import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { mockModels, MockProvider } from '../harness/mock-provider.ts';
import { askToSet, keysOf, startWith, writeWith } from '../harness/own-keys.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const house = 'sk-of-the-house-openai';
const health = '{ providers { id models { id health { state failures } } } }';
const test = `mutation ($id: ID!) { providerCredentialTest(input: { id: $id }) {
  test { verdict latencyMs models modelCount message }
  errors { code message path }
} }`;
const credentials = '{ providerCredentials { nodes { id provider baseUrl } } }';
const failing = { status: 500, raw: '{"error":{"message":"no"}}' };

interface Tested {
  readonly test: Record<string, unknown> | null;
  readonly errors: readonly object[];
}

let vendor: MockProvider;
let own: MockProvider;
let app: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  vendor = await MockProvider.open();
  own = await MockProvider.open();
  app = await openTestApp({
    env: {
      OPENAI_API_KEY: house,
      OPENAI_BASE_URL: `${vendor.url}/v1`,
      ANTHROPIC_API_KEY: 'sk-of-the-house-anthropic',
      ANTHROPIC_BASE_URL: vendor.url,
      OUTBOUND_ALLOW: '127.0.0.1',
      PROVIDER_MAX_CONCURRENT: '4',
      BREAKER_OPEN_MS: '30000',
    },
  });
  seed = await openSeed(app);
});
beforeEach(async () => {
  vendor.reset();
  own.reset();
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  await vendor.close();
  await own.close();
});

async function set(caller: Caller, baseUrl: string | null, provider = 'openai', apiKey = 'sk-own-canary-1'): Promise<string> {
  const { providerCredential, errors } = await askToSet(caller, { provider, apiKey, baseUrl });
  if (!providerCredential) throw new Error(JSON.stringify(errors));
  return providerCredential.id;
}
const tested = async (caller: Caller, id: string): Promise<Tested> =>
  (await caller.ask<{ providerCredentialTest: Tested }>(test, { id })).providerCredentialTest;
const stateOf = async (model: string) => {
  const { providers } = await owner.ask<{
    providers: { models: { id: string; health: { state: string; failures: number } }[] }[];
  }>(health);
  return providers.flatMap(({ models }) => models).find(({ id }) => id === model)?.health ?? null;
};

describe('an address of the tenant’s own', () => {
  it('is where its calls go, with its key; others go on as before', async () => {
    const other = await seed.tenant();
    await set(owner, `${own.url}/v1/`);
    expect(await owner.ask(credentials)).toEqual({
      providerCredentials: { nodes: [{ id: expect.any(String) as string, provider: 'openai', baseUrl: `${own.url}/v1` }] },
    });

    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await writeWith(app.url, other, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });

    expect(own.calls.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
    expect(own.calls.flatMap(keysOf)).toEqual(['sk-own-canary-1']);
    expect(vendor.calls.flatMap(keysOf)).toEqual([house]);
    // Nothing of the installation's goes there, in whatever header.
    expect(JSON.stringify(own.calls)).not.toContain(house);
  });

  it('goes with the key that it was set with, and away with it', async () => {
    await set(owner, `${own.url}/v1`);
    await writeWith(app.url, owner, 'openai/m');
    await set(owner, null, 'openai', 'sk-own-canary-2');
    await writeWith(app.url, owner, 'openai/m');

    expect(own.calls.flatMap(keysOf)).toEqual(['sk-own-canary-1']);
    expect(vendor.calls.flatMap(keysOf)).toEqual(['sk-own-canary-2']);
    expect(await owner.ask(credentials)).toMatchObject({ providerCredentials: { nodes: [{ baseUrl: null }] } });
  });

  it('cannot be changed under the key: it opens with its own address only', async () => {
    await set(owner, `${own.url}/v1`);
    await app.sql`update provider_credentials set base_url = ${`${vendor.url}/v1`} where tenant_id = ${uuidOf(owner.tenantId)}`;

    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({
      status: 'FAILED',
      failure: { code: 'CREDENTIAL_UNREADABLE' },
    });
    expect([...vendor.calls, ...own.calls]).toEqual([]);
  });

  it('is on record in the audit log, and the key is not', async () => {
    await set(owner, `${own.url}/v1`);
    const [entry] = await app.sql<{ after: object }>`
      select after from audit_entries where tenant_id = ${uuidOf(owner.tenantId)} and operation = 'providerCredentialSet'`;
    expect(entry?.after).toMatchObject({ provider: 'openai', baseUrl: `${own.url}/v1` });
    expect(JSON.stringify(entry)).not.toContain('canary');
  });

  // Every spelling that a URL knows for an address, and what is no address of a web server at all.
  it.each([
    'https://10.0.0.1/v1',
    'https://172.16.0.1/v1',
    'https://192.168.1.1/v1',
    'https://100.64.0.1/v1',
    'https://127.0.0.2/v1',
    'https://127.0.0.2./v1',
    'https://2130706434/v1',
    'https://0x7f000002/v1',
    'https://0177.0.0.2/v1',
    'https://１２７.０.０.２/v1',
    'https://[::1]/v1',
    'https://[::ffff:127.0.0.2]/v1',
    'https://[::ffff:7f00:2]/v1',
    'https://[64:ff9b::7f00:1]/v1',
    'https://[2002:7f00:1::]/v1',
    'https://[fe80::1]/v1',
    'https://[fc00::1]/v1',
    'https://[fd00:ec2::254]/v1',
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://0251.0376.0251.0376/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://100.100.100.200/',
    'https://168.63.129.16/',
    'https://192.0.0.192/',
    'https://0/',
    'https://255.255.255.255/',
    'https://224.0.0.1/',
    'http://api.example/v1',
    'http://8.8.8.8/v1',
    'ftp://api.example/v1',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_',
    'data:text/plain,x',
    'javascript:alert(1)',
    'https://user@api.example/v1',
    'https://user:word@api.example/v1',
    'https://api.example/v1?key=x',
    'https://api.example/v1#x',
    'api.example/v1',
    '//api.example/v1',
    'https://',
    '',
    `https://api.example/${'x'.repeat(500)}`,
  ])('is not taken: %s', async (baseUrl) => {
    expect(await askToSet(owner, { provider: 'openai', apiKey: 'sk-own-canary-1', baseUrl })).toEqual({
      providerCredential: null,
      errors: [{ code: 'INVALID_INPUT', message: expect.any(String) as string, path: ['input', 'baseUrl'] }],
    });
    expect(await owner.ask(credentials)).toEqual({ providerCredentials: { nodes: [] } });
  });

  it.each([['https://localhost/v1'], ['https://metadata.google.internal/v1'], ['https://draftwire.invalid/v1']])(
    'that is a name is looked at when it is called: %s',
    { timeout: 30_000 },
    async (baseUrl) => {
      const id = await set(owner, baseUrl);
      const { test: answer } = await tested(owner, id);
      expect(answer).toMatchObject({ verdict: expect.stringMatching(/^(UNREACHABLE|TIMEOUT)$/) as string, models: null });
      expect([...vendor.calls, ...own.calls]).toEqual([]);
    },
  );

  it('whose server sends elsewhere is not followed', async () => {
    let requests = 0;
    const trap: Server = createServer((_request, response) => {
      requests += 1;
      response.writeHead(307, { location: `${vendor.url}/v1/chat/completions` }).end();
    }).listen(0, '127.0.0.1');
    await once(trap, 'listening');
    await set(owner, `http://127.0.0.1:${(trap.address() as AddressInfo).port}/v1`);

    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({ status: 'FAILED', failure: { code: 'INVALID_REQUEST' } });
    expect([requests, vendor.calls.length]).toEqual([1, 0]);
    trap.close();
  });

  it('that fails opens no breaker for others, and takes none of their places', async () => {
    const other = await seed.tenant();
    await set(owner, `${own.url}/v1`);
    own.always(failing);
    for (let round = 0; round < 3; round++) {
      expect(await writeWith(app.url, owner, 'openai/shared')).toMatchObject({
        status: 'FAILED',
        failure: { code: 'OVERLOADED' },
      });
    }
    expect(own.calls.length).toBeGreaterThan(5);
    expect((await stateOf('openai/shared'))?.state ?? 'CLOSED').toBe('CLOSED');

    // As many as there are places wait for an answer that never comes.
    own.always({ firstMs: 600_000 });
    const waiting = await Promise.all(Array.from({ length: 6 }, () => startWith(owner, 'openai/shared')));
    await expect.poll(() => own.calls.filter(({ body }) => body['model'] === 'shared').length).toBeGreaterThan(10);
    expect(await writeWith(app.url, other, 'openai/shared')).toMatchObject({ status: 'SUCCEEDED' });
    for (const id of waiting)
      await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
  });

  it('writes texts of its own: none from elsewhere is given in their place, nor theirs elsewhere', async () => {
    const variables = await sampleVariables(owner);
    const input = { template: 'cover-letter-classic', variables, model: 'openai/m', cache: { mode: 'ON' } };
    const begun = async () => {
      const { generationStart } = await owner.ask<{
        generationStart: { generation: { id: string; cache: { outcome: string } } };
      }>('mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id cache { outcome } } } }', {
        input,
      });
      const { id, cache } = generationStart.generation;
      await expect
        .poll(async () => owner.ask('query ($id: ID!) { generation(id: $id) { status } }', { id }))
        .toEqual({ generation: { status: 'SUCCEEDED' } });
      return cache.outcome;
    };
    const calls = () => [vendor.calls.length, own.calls.length];
    expect([await begun(), await begun(), calls()]).toEqual(['MISS', 'HIT', [1, 0]]);
    // A key for the same address asks the same model.
    await set(owner, null);
    expect([await begun(), calls()]).toEqual(['HIT', [1, 0]]);
    await set(owner, `${own.url}/v1`);
    expect([await begun(), await begun(), calls()]).toEqual(['MISS', 'HIT', [1, 1]]);
    await set(owner, null);
    expect([await begun(), calls()]).toEqual(['HIT', [1, 1]]);
  });

  it('is called while the breaker of everybody else is open, and a failing key of a tenant opens none', async () => {
    const [other, third] = [await seed.tenant(), await seed.tenant()];
    vendor.always(failing);
    await set(third, null);
    for (let round = 0; round < 3; round++) await writeWith(app.url, third, 'openai/broken');
    expect(vendor.calls.length).toBeGreaterThan(5);
    expect((await stateOf('openai/broken'))?.state ?? 'CLOSED').toBe('CLOSED');

    for (let round = 0; round < 3; round++) await writeWith(app.url, other, 'openai/broken');
    const calls = vendor.calls.length;
    await writeWith(app.url, other, 'openai/broken');
    expect(vendor.calls.length).toBe(calls);
    await set(owner, `${own.url}/v1`);
    expect(await writeWith(app.url, owner, 'openai/broken')).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('providerCredentialTest', () => {
  it('says OK, how long it took and which models there are', async () => {
    const id = await set(owner, null);
    expect(await tested(owner, id)).toEqual({
      test: { verdict: 'OK', latencyMs: expect.any(Number) as number, models: mockModels, modelCount: 2, message: null },
      errors: [],
    });
    expect(vendor.calls.map(({ path }) => path)).toEqual(['/v1/models']);
    expect(vendor.calls.flatMap(keysOf)).toEqual(['sk-own-canary-1']);
  });

  it.each([
    ['openai', '/v1', '/v1/models'],
    ['anthropic', '', '/v1/models?limit=1000'],
  ])('asks %s where the tenant has it', async (provider, version, path) => {
    const id = await set(owner, `${own.url}${version}`, provider);
    expect(await tested(owner, id)).toMatchObject({ test: { verdict: 'OK', models: mockModels } });
    expect(own.calls.map((call) => call.path)).toEqual([path]);
    expect(vendor.calls).toEqual([]);
  });

  it.each([
    [401, 'invalid_api_key', 'AUTH'],
    [403, 'permission_error', 'AUTH'],
    [429, 'insufficient_quota', 'QUOTA'],
    [429, 'rate_limit_exceeded', 'RATE_LIMIT'],
    [503, 'server_error', 'OVERLOAD'],
    [404, 'not_found', 'OTHER'],
  ])('gives the class of HTTP %i %s: %s', async (status, word, verdict) => {
    const id = await set(owner, null);
    vendor.script({ status, raw: JSON.stringify({ error: { code: word, message: 'no, not sk-own-canary-1' } }) });
    const answer = await tested(owner, id);

    expect(answer).toMatchObject({
      test: { verdict, models: null, modelCount: null, message: expect.stringMatching(/^openai answered \d+/) as string },
      errors: [],
    });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(app.lines.join('')).not.toContain('canary');
  });

  it('asks once for a repeat with the same idempotency key', async () => {
    const id = await set(owner, null);
    const again = `mutation ($id: ID!) { providerCredentialTest(input: { id: $id, idempotencyKey: "one" }) { test { verdict latencyMs models } } }`;
    const first = await owner.ask(again, { id });
    expect(await owner.ask(again, { id })).toEqual(first);
    expect(vendor.calls).toHaveLength(1);
  });

  it('says when nobody is there, and asks again however often that was', async () => {
    const gone = await MockProvider.open();
    const { url } = gone;
    await gone.close();
    const id = await set(owner, `${url}/v1`);
    for (let round = 0; round < 7; round++) {
      expect(await tested(owner, id)).toMatchObject({
        test: { verdict: 'UNREACHABLE', message: 'openai could not be reached (ECONNREFUSED)' },
      });
    }
    expect((await stateOf('openai/m')) ?? { state: 'CLOSED', failures: 0 }).toEqual({ state: 'CLOSED', failures: 0 });
  });

  it('asks though the breaker is open, and says nothing to it', async () => {
    vendor.always(failing);
    const other = await seed.tenant();
    for (let round = 0; round < 3; round++) await writeWith(app.url, other, 'anthropic/down');
    const id = await set(owner, null, 'anthropic');
    const before = vendor.calls.length;
    expect(await tested(owner, id)).toMatchObject({ test: { verdict: 'OVERLOAD' } });
    expect(vendor.calls.length).toBe(before + 1);
  });

  it('tests the key as it stands now, and finds only the own', async () => {
    const id = await set(owner, null);
    await tested(owner, id);
    await set(owner, null, 'openai', 'sk-own-canary-3');
    await tested(owner, id);
    expect(vendor.calls.flatMap(keysOf)).toEqual(['sk-own-canary-1', 'sk-own-canary-3']);

    const other = await seed.tenant();
    expect(await tested(other, id)).toEqual({
      test: null,
      errors: [{ code: 'NOT_FOUND', message: 'no such provider credential', path: ['input', 'id'] }],
    });
    expect(vendor.calls).toHaveLength(2);
  });

  it('says UNREADABLE where the key cannot be decrypted, and asks nobody', async () => {
    const id = await set(owner, null);
    await app.sql`update provider_credentials set sealed = 'v1.AAAA' where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(await tested(owner, id)).toMatchObject({
      test: { verdict: 'UNREADABLE', message: 'the tenant’s own key for openai cannot be read' },
    });
    expect(vendor.calls).toEqual([]);
  });

  it('is on record with its verdict', async () => {
    const id = await set(owner, null);
    vendor.script({ status: 401, raw: '{"error":{"message":"no, not sk-own-canary-1"}}' });
    await tested(owner, id);
    const [entry] = await app.sql<{ after: object }>`
      select after from audit_entries where tenant_id = ${uuidOf(owner.tenantId)} and operation = 'providerCredentialTest'`;
    expect(entry?.after).toEqual({ provider: 'openai', verdict: 'AUTH', modelCount: null });
  });
});
