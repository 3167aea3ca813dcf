import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lane } from '../../src/db/lane.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { askToSet, keysOf, setKey, startWith, writeWith, type Credential } from '../harness/own-keys.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const parts = 'id provider fingerprint createdAt updatedAt updatedBy { id }';
const list = `query ($first: Int, $after: String) {
  providerCredentials(first: $first, after: $after) { nodes { ${parts} } pageInfo { hasNextPage endCursor } }
}`;
const remove = `mutation ($input: ProviderCredentialDeleteInput!) {
  providerCredentialDelete(input: $input) { deletedId errors { code message path } }
}`;
const node = `query ($id: ID!) { node(id: $id) { __typename id ... on ProviderCredential { ${parts} } } }`;
const house = { openai: 'sk-of-the-house-openai', anthropic: 'sk-of-the-house-anthropic' };

let mock: MockProvider;
let app: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  mock = await MockProvider.open();
  app = await openTestApp({
    env: {
      OPENAI_API_KEY: house.openai,
      OPENAI_BASE_URL: `${mock.url}/v1`,
      ANTHROPIC_API_KEY: house.anthropic,
      ANTHROPIC_BASE_URL: mock.url,
    },
  });
  seed = await openSeed(app);
});
beforeEach(async () => {
  mock.reset();
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  await mock.close();
});

const listed = async (asker: Caller) =>
  (await asker.ask<{ providerCredentials: { nodes: Credential[] } }>(list)).providerCredentials.nodes;
const deleted = async (asker: Caller, id: string) =>
  (await asker.ask<{ providerCredentialDelete: unknown }>(remove, { input: { id } })).providerCredentialDelete;

describe('providerCredentialSet', () => {
  it('keeps a key, and shows a fingerprint of it', async () => {
    const credential = await setKey(owner, 'openai', 'sk-of-the-tenant');

    expect(credential).toEqual({
      id: expect.stringMatching(/^pcr_/),
      provider: 'openai',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      createdAt: expect.any(String),
      updatedAt: credential.createdAt,
      updatedBy: { id: owner.memberId },
    });
    expect(await listed(owner)).toEqual([credential]);
    expect(await owner.ask(node, { id: credential.id })).toEqual({ node: { __typename: 'ProviderCredential', ...credential } });
  });

  it('takes the place of the key before: same id, another fingerprint, and who set it', async () => {
    const first = await setKey(owner, 'openai', 'sk-of-the-tenant');
    const colleague = await seed.member({ of: owner });
    const second = await setKey(colleague, 'openai', 'sk-of-the-tenant-2');
    const third = await setKey(owner, 'openai', 'sk-of-the-tenant');

    expect(second).toMatchObject({ id: first.id, createdAt: first.createdAt, updatedBy: { id: colleague.memberId } });
    expect(new Date(second.updatedAt).getTime()).toBeGreaterThan(new Date(first.updatedAt).getTime());
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(third.fingerprint).toBe(first.fingerprint);
    expect(await listed(owner)).toEqual([third]);
  });

  it('keeps one for each provider, and each tenant its own', async () => {
    const other = await seed.tenant();
    const mine = [await setKey(owner, 'openai', 'sk-the-same'), await setKey(owner, 'anthropic', 'sk-the-same')];
    const theirs = await setKey(other, 'openai', 'sk-the-same');

    expect(await listed(owner)).toEqual(mine);
    expect(await listed(other)).toEqual([theirs]);
    // The same key has another fingerprint elsewhere: nobody learns that two tenants share one.
    expect(theirs.fingerprint).not.toBe(mine[0]?.fingerprint);
  });

  it('survives twenty at once: one credential, which opens', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => setKey(owner, 'openai', `sk-of-the-tenant-${index}`)),
    );

    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    const [kept] = await listed(owner);
    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });
    const [key = ''] = mock.calls.flatMap(keysOf);
    expect(await setKey(owner, 'openai', key)).toMatchObject({ fingerprint: kept?.fingerprint });
  });

  it.each([
    ['a provider that takes no keys', { provider: 'offline' }],
    ['no provider', { provider: '' }],
    ['a provider that is not there', { provider: 'openai ' }],
  ])('refuses %s', async (_name, change) => {
    expect(await askToSet(owner, { apiKey: 'sk-of-the-tenant', ...change })).toEqual({
      providerCredential: null,
      errors: [
        {
          code: 'INVALID_INPUT',
          message: 'no provider by this name takes keys; those that do: openai, anthropic',
          path: ['input', 'provider'],
        },
      ],
    });
    expect(await listed(owner)).toEqual([]);
  });

  it.each([
    ['none', ''],
    ['seven characters', 'sk-1234'],
    ['513', 'x'.repeat(513)],
    ['a line break', 'sk-canary-1\r\nx-evil: 1'],
    ['a space', 'sk-canary of'],
    ['letters that no header takes', 'sk-canary-ключ'],
  ])('refuses a key with %s, and does not repeat it', async (_name, apiKey) => {
    expect(await askToSet(owner, { provider: 'openai', apiKey })).toEqual({
      providerCredential: null,
      errors: [{ code: 'INVALID_INPUT', message: 'a key has 8 to 512 visible ASCII characters', path: ['input', 'apiKey'] }],
    });
    expect(await listed(owner)).toEqual([]);
  });

  it('does not repeat a key in what it says about the rest of the input', async () => {
    const mutation = `mutation ($input: ProviderCredentialSetInput!) { providerCredentialSet(input: $input) { errors { code } } }`;
    const bad = [
      { provider: 'openai', apiKey: ['sk-canary-list'] },
      { provider: 'openai', apiKey: { key: 'sk-canary-object' } },
      { provider: 'openai', apiKey: 'sk-canary-beside', address: 'https://evil.example' },
      { provider: null, apiKey: 'sk-canary-null' },
      { apiKey: 'sk-canary-missing' },
      'sk-canary-bare',
      ['sk-canary-outer'],
    ];
    for (const input of bad) {
      const { errors } = await owner.answer(mutation, { input });
      expect(errors?.map(({ extensions }) => extensions?.['code'])).toContain('INVALID_INPUT');
      expect(JSON.stringify(errors)).not.toContain('canary');
    }
    for (const literal of ['["sk-canary-list"]', '{ key: "sk-canary-object" }']) {
      const query = `mutation { providerCredentialSet(input: { provider: "openai", apiKey: ${literal} }) { errors { code } } }`;
      const { errors } = await owner.answer(query);
      expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      expect(JSON.stringify(errors)).not.toContain('canary');
    }
    expect(app.lines.join('')).not.toContain('canary');
    expect(await listed(owner)).toEqual([]);
  });

  it('says where in the input the fault is', async () => {
    const mutation = `mutation ($input: ProviderCredentialSetInput!) { providerCredentialSet(input: $input) { errors { code } } }`;
    const { errors } = await owner.answer(mutation, { input: { provider: 'openai', apiKey: 5 } });
    expect(errors).toMatchObject([
      {
        message: 'Variable "$input" got an invalid value at "input.apiKey"; String cannot represent a non string value',
        extensions: { code: 'INVALID_INPUT', path: ['input', 'apiKey'] },
      },
    ]);
  });

  it('requires credentials:write, every other permission does not do', async () => {
    const others = allPermissions.filter((permission) => permission !== 'credentials:write');
    const member = await seed.member({ of: owner, can: others });
    const forbidden = [{ code: 'FORBIDDEN', message: 'this needs the permission credentials:write', path: null }];

    expect(await askToSet(member, { provider: 'openai', apiKey: 'sk-of-a-member' })).toEqual({
      providerCredential: null,
      errors: forbidden,
    });
    const credential = await setKey(owner, 'openai', 'sk-of-the-tenant');
    expect(await deleted(member, credential.id)).toEqual({ deletedId: null, errors: forbidden });
    expect(await listed(member)).toEqual([credential]);
    const writer = await seed.member({ of: owner, can: ['credentials:write'] });
    expect(await deleted(writer, credential.id)).toEqual({ deletedId: credential.id, errors: [] });
  });
});

describe('providerCredentialDelete', () => {
  it('forgets the key for good', async () => {
    const credential = await setKey(owner, 'openai', 'sk-of-the-tenant');
    expect(await deleted(owner, credential.id)).toEqual({ deletedId: credential.id, errors: [] });

    expect(await listed(owner)).toEqual([]);
    expect(await owner.ask(node, { id: credential.id })).toEqual({ node: null });
    const rows = await app.sql`select from provider_credentials where tenant_id = ${uuidOf(owner.tenantId)}`;
    expect(rows).toHaveLength(0);
    const none = {
      deletedId: null,
      errors: [{ code: 'NOT_FOUND', message: 'no such provider credential', path: ['input', 'id'] }],
    };
    expect(await deleted(owner, credential.id)).toEqual(none);
    expect((await setKey(owner, 'openai', 'sk-of-the-tenant')).id).not.toBe(credential.id);
  });

  it('knows neither another tenant’s nor what is no id', async () => {
    const other = await seed.tenant();
    const theirs = await setKey(other, 'openai', 'sk-of-another');
    for (const id of [theirs.id, newId('pcr'), owner.memberId, '', 'openai']) {
      expect(await deleted(owner, id), id).toEqual({
        deletedId: null,
        errors: [{ code: 'NOT_FOUND', message: 'no such provider credential', path: ['input', 'id'] }],
      });
    }
    expect(await listed(other)).toEqual([theirs]);
  });
});

describe('providerCredentials', () => {
  it('goes by pages, oldest first', async () => {
    const first = await setKey(owner, 'openai', 'sk-of-the-tenant');
    const second = await setKey(owner, 'anthropic', 'sk-of-the-tenant');
    const one = await owner.ask<{ providerCredentials: { nodes: unknown; pageInfo: { endCursor: string } } }>(list, { first: 1 });
    expect(one.providerCredentials).toMatchObject({ nodes: [first], pageInfo: { hasNextPage: true } });
    expect(await owner.ask(list, { first: 1, after: one.providerCredentials.pageInfo.endCursor })).toMatchObject({
      providerCredentials: { nodes: [second], pageInfo: { hasNextPage: false } },
    });
  });

  it('requires credentials:read, for nodes too', async () => {
    const credential = await setKey(owner, 'openai', 'sk-of-the-tenant');
    const member = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'credentials:read') });
    for (const [query, variables] of [
      [list, {}],
      [node, { id: credential.id }],
    ] as const) {
      const { errors } = await member.answer(query, variables);
      expect(errors?.map(({ message, extensions }) => [message, extensions?.['code']])).toEqual([
        ['this needs the permission credentials:read', 'FORBIDDEN'],
      ]);
    }
    const reader = await seed.member({ of: owner, can: ['credentials:read'] });
    expect(await listed(reader)).toEqual([credential]);
  });

  it('keeps what somebody set who is gone', async () => {
    const leaver = await seed.member({ of: owner });
    const credential = await setKey(leaver, 'openai', 'sk-of-the-tenant');
    await app.sql`delete from members where id = ${uuidOf(leaver.memberId)}`;
    expect(await listed(owner)).toEqual([{ ...credential, updatedBy: null }]);
  });
});

describe('a generation', () => {
  it.each([
    ['openai/m', 'openai', house.openai],
    ['anthropic/m', 'anthropic', house.anthropic],
  ] as const)('of %s is written with the key of its tenant, another tenant’s with ours', async (model, provider, ours) => {
    const other = await seed.tenant();
    await setKey(owner, provider, `sk-own-for-${provider}`);

    expect(await writeWith(app.url, owner, model)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await writeWith(app.url, other, model)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await writeWith(app.url, owner, model)).toMatchObject({ status: 'SUCCEEDED' });

    const own = `sk-own-for-${provider}`;
    expect(mock.calls.map(keysOf)).toEqual([[own], [ours], [own]]);
    // Nowhere else in the call either.
    const [mine, theirs] = mock.calls.map(({ headers, body }) => JSON.stringify({ headers, body }));
    expect(mine).not.toContain(ours);
    expect(theirs).not.toContain(own);
  });

  it('costs its start no statement more while it is known that the tenant has no key', async () => {
    await writeWith(app.url, owner, 'openai/m');
    const sent = vi.spyOn(Lane.prototype, 'send');
    const looks = () => sent.mock.calls.filter(([{ text }]) => /provider_credentials|data_keys/.test(text)).length;
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => startWith(owner, 'openai/m')));
    // Within the 3 s for which it is remembered.
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect(looks()).toBe(0);
    const other = await seed.tenant();
    await Promise.all(Array.from({ length: 5 }, () => startWith(other, 'openai/m')));
    await Promise.all(Array.from({ length: 5 }, () => startWith(other, 'offline/draft')));
    expect(looks()).toBe(1);
    sent.mockRestore();
  });

  it('is written with the key for its own provider only', async () => {
    await setKey(owner, 'anthropic', 'sk-own-for-anthropic');
    await writeWith(app.url, owner, 'openai/m');
    expect(mock.calls.flatMap(keysOf)).toEqual([house.openai]);
  });

  it('takes the key as it is when its attempt begins: set, changed and deleted', async () => {
    await writeWith(app.url, owner, 'openai/m');
    const { id } = await setKey(owner, 'openai', 'sk-own-one');
    await writeWith(app.url, owner, 'openai/m');
    await setKey(owner, 'openai', 'sk-own-two');
    await writeWith(app.url, owner, 'openai/m');
    await deleted(owner, id);
    await writeWith(app.url, owner, 'openai/m');
    expect(mock.calls.flatMap(keysOf)).toEqual([house.openai, 'sk-own-one', 'sk-own-two', house.openai]);
  });

  it('takes a changed key for its next attempt', async () => {
    await setKey(owner, 'openai', 'sk-own-one');
    const isCalled = Promise.withResolvers<void>();
    const isChanged = Promise.withResolvers<void>();
    mock.script({
      status: 503,
      raw: '{"error":{"message":"overloaded"}}',
      pieces: [],
    });
    mock.script(() => {
      isCalled.resolve();
      return {
        pieces: (async function* () {
          await isChanged.promise;
          yield 'never read';
        })(),
        finish: null,
      };
    });
    const writing = writeWith(app.url, owner, 'openai/m');
    await isCalled.promise;
    await setKey(owner, 'openai', 'sk-own-two');
    isChanged.resolve();
    await writing;
    expect(mock.calls.flatMap(keysOf).slice(0, 3)).toEqual(['sk-own-one', 'sk-own-one', 'sk-own-two']);
  });

  it('fails as the provider says when it does not take the key, without a try with ours', async () => {
    await setKey(owner, 'openai', 'sk-own-canary-wrong');
    mock.always({
      status: 401,
      raw: JSON.stringify({ error: { message: 'Incorrect API key provided: sk-own-canary-wrong.', code: 'invalid_api_key' } }),
    });
    const { status, failure } = await writeWith(app.url, owner, 'openai/m');
    expect([status, failure?.code]).toEqual(['FAILED', 'PROVIDER_AUTH']);
    expect(failure?.message).toContain('openai answered 401');
    expect(failure?.message).not.toContain('canary');
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-canary-wrong']);
  });

  it('fails with its own code when the key cannot be read, and calls nobody', async () => {
    await setKey(owner, 'openai', 'sk-own-one');
    const other = await seed.tenant();
    await setKey(other, 'openai', 'sk-of-another');
    const [mine, theirs] = [uuidOf(owner.tenantId), uuidOf(other.tenantId)];
    // Somebody who may write to the database moves a key to where it does not belong.
    await app.sql`update provider_credentials set sealed = (select sealed from provider_credentials where tenant_id = ${theirs}) where tenant_id = ${mine}`;
    await expect
      .poll(async () => (await writeWith(app.url, owner, 'openai/m')).failure, { timeout: 10_000 })
      .toEqual({ code: 'CREDENTIAL_UNREADABLE', message: 'the tenant’s own key for openai cannot be read' });
    const calls = mock.calls.length;
    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({
      status: 'FAILED',
      attempts: [{ model: 'openai/m', endedBy: 'FAILED' }],
    });
    expect(mock.calls.length).toBe(calls);
    expect(mock.calls.flatMap(keysOf)).not.toContain('sk-of-another');
    // Models without a key of the tenant's own are none the worse, and a new key heals it.
    expect(await writeWith(app.url, owner, 'anthropic/m')).toMatchObject({ status: 'SUCCEEDED' });
    await setKey(owner, 'openai', 'sk-own-three');
    expect(await writeWith(app.url, owner, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });
    expect(mock.calls.flatMap(keysOf).at(-1)).toBe('sk-own-three');
  });
});
