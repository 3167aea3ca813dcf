import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Env } from '../../src/config.ts';
import { KeyService } from '../../src/access/key.service.ts';
import { databaseDefaults, openDatabase } from '../../src/db/client.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { stopwatch } from '../harness/stopwatch.ts';
import type { TestApp } from '../harness/app.ts';
import type { TestDatabase } from '../harness/database.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { newMasterKey, openMockApps, type MockApps } from '../harness/mock-apps.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { askerAt, askToSet, keysOf, setKey, startWith, writeWith } from '../harness/own-keys.ts';
import { startFleet, type RunningProcess } from '../harness/process.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { mockEnv, tellTales } from '../harness/tales.ts';

const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }';

/** A key of a new tenant where keys are hashed with this secret. */
async function keyOfNewTenant({ url }: TestDatabase, secret: string): Promise<string> {
  const parts = { log: openLog({ level: 'silent' }), clock: systemClock };
  const database = await openDatabase({ ...databaseDefaults, url, maxConnections: 6 }, parts);
  const { key } = await new KeyService(database, secret).bootstrap('Acme', 'ada@acme.example');
  await database.close();
  return key;
}

it('a take-over writes with the key of the tenant, from another process', async () => {
  await using mock = await MockProvider.open();
  const text = tellTales(mock);
  const env = { ...mockEnv(mock), MASTER_KEY: newMasterKey(), GENERATION_LEASE_MS: '1000' };
  await using fleet = await startFleet(env, env);
  const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
  await setKey(writer, 'openai', 'sk-own-of-the-tenant');
  const id = await startWith(writer, 'openai/teller');
  await using reader = readGeneration({ urls: [other.url], key: writer.key, id });
  await reader.atLeast(100);

  writer.signal('SIGKILL');

  expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: text(2) });
  expect(mock.calls.map(keysOf)).toEqual([['sk-own-of-the-tenant'], ['sk-own-of-the-tenant']]);
});

describe('two processes', () => {
  let apps: MockApps;
  let mock: MockProvider;
  beforeEach(async () => {
    apps = await openMockApps();
    ({ mock } = apps);
  });
  afterEach(() => apps.close());
  const open = (env: Env): Promise<TestApp> => apps.open(env);

  it('heed what the other was told: set, changed, deleted', async () => {
    const masterKey = newMasterKey();
    const [one, two] = [await open({ MASTER_KEY: masterKey }), await open({ MASTER_KEY: masterKey })];
    const lastKey = async () => {
      await writeWith(two.url, two, 'openai/m');
      return mock.calls.flatMap(keysOf).at(-1);
    };
    expect(await lastKey()).toBe('sk-test');
    const { id } = await setKey(one, 'openai', 'sk-own-one');
    await eventually(async () => (await lastKey()) === 'sk-own-one', 5_000, 'the key');
    await setKey(one, 'openai', 'sk-own-two');
    await eventually(async () => (await lastKey()) === 'sk-own-two', 5_000, 'the other key');
    await one.ask('mutation ($id: ID!) { providerCredentialDelete(input: { id: $id }) { deletedId } }', { id });
    await eventually(async () => (await lastKey()) === 'sk-test', 5_000, 'the end of the key');
  });

  it('heed within 3 s what no hint told them', async () => {
    const app = await open({ MASTER_KEY: newMasterKey() });
    await setKey(app, 'openai', 'sk-own-one');
    await writeWith(app.url, app, 'openai/m');
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-one']);
    await app.sql`delete from provider_credentials`;
    const sinceChanged = stopwatch();
    await eventually(
      async () => {
        await writeWith(app.url, app, 'openai/m');
        return mock.calls.flatMap(keysOf).at(-1) === 'sk-test';
      },
      5_000,
      'the end of the key',
    );
    expect(sinceChanged()).toBeLessThan(4_500);
  });

  it('with different master keys fail clearly, and destroy nothing', async () => {
    const one = await open({ MASTER_KEY: newMasterKey() });
    await setKey(one, 'openai', 'sk-own-one');
    const before = await one.sql`select wrapped, sealed from data_keys join provider_credentials using (tenant_id)`;

    const two = await open({ MASTER_KEY: newMasterKey() });
    expect(two.lines.join('')).toContain('MASTER_KEY lacks what secrets in the database are sealed under');
    expect(await writeWith(two.url, two, 'openai/m')).toMatchObject({
      status: 'FAILED',
      failure: { code: 'CREDENTIAL_UNREADABLE' },
    });
    expect(mock.calls).toEqual([]);
    expect(await askToSet(two, { provider: 'openai', apiKey: 'sk-own-two' })).toEqual({
      providerCredential: null,
      errors: [
        {
          code: 'UNAVAILABLE',
          message: 'the secrets of this tenant cannot be opened here; the operator has to give the master key',
          path: null,
        },
      ],
    });
    expect(await one.sql`select wrapped, sealed from data_keys join provider_credentials using (tenant_id)`).toEqual(before);
    expect(await writeWith(one.url, one, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-one']);
  });

  it('do not start in production where a master key is missing that is needed', async () => {
    const production = { NODE_ENV: 'production', SECRET: 'a secret of thirty-two characters' };
    const without = await open(production);
    const key = await keyOfNewTenant(apps.database, production.SECRET);
    const at = ({ url }: TestApp) => askerAt(url, key);
    expect(await askToSet(at(without), { provider: 'openai', apiKey: 'sk-own-one' })).toEqual({
      providerCredential: null,
      errors: [{ code: 'UNAVAILABLE', message: 'this installation keeps no secrets: MASTER_KEY is not set', path: null }],
    });
    expect(await writeWith(without.url, at(without), 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });

    const masterKey = newMasterKey();
    await setKey(at(await open({ ...production, MASTER_KEY: masterKey })), 'openai', 'sk-own-one');
    for (const env of [{}, { MASTER_KEY: newMasterKey() }]) {
      await expect(open({ ...production, ...env })).rejects.toThrow(
        /^MASTER_KEY lacks what secrets in the database are sealed under: [0-9a-f]{16}$/,
      );
    }
    await open({ ...production, MASTER_KEY: `${newMasterKey()},${masterKey}` });
  });

  it('wait for a database that does not say whether there is a key, and can be cancelled meanwhile', async () => {
    const app = await open({ MASTER_KEY: newMasterKey() });
    await setKey(app, 'openai', 'sk-own-one');
    const owner = postgres(apps.database.url, { max: 1, onnotice: () => undefined });
    const free = Promise.withResolvers<void>();
    const isLocked = Promise.withResolvers<void>();
    const lock = owner.begin(async (sql) => {
      await sql`lock table provider_credentials in access exclusive mode`;
      isLocked.resolve();
      await free.promise;
    });
    await isLocked.promise;
    const [patient, cancelled] = [await startWith(app, 'openai/m'), await startWith(app, 'openai/m')];
    await eventually(
      () => app.lines.join('').includes('did not say with what and when a call may be made'),
      patienceMs,
      'the warning',
    );
    await app.ask(cancel, { id: cancelled });
    const reader = await new StreamReader(app, cancelled).toEnd();
    expect(reader.messages.at(-1)?.generation?.status).toBe('CANCELLED');
    expect(mock.calls).toEqual([]);

    free.resolve();
    await lock;
    await owner.end();
    const ended = await new StreamReader(app, patient).toEnd();
    expect(ended.messages.at(-1)?.generation?.status).toBe('SUCCEEDED');
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-one']);
  });

  it('notice a data key that was lost: nothing opens, and a new key of the tenant works', async () => {
    const app = await open({ MASTER_KEY: newMasterKey() });
    const first = await setKey(app, 'openai', 'sk-own-one');
    await writeWith(app.url, app, 'openai/m');
    const [row] = await app.sql<{ tenant: string }>`select tenant_id as tenant from data_keys`;
    expect(row?.tenant).toMatch(/^[0-9a-f-]{36}$/);
    // Its credentials go with it: they would be unreadable for ever.
    await app.sql`delete from data_keys where tenant_id = ${row?.tenant ?? ''}`;
    const second = await setKey(app, 'openai', 'sk-own-two');
    expect(second.id).not.toBe(first.id);
    await writeWith(app.url, app, 'openai/m');
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-one', 'sk-own-two']);
  });
});
