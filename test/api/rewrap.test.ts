import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMasterKeys } from '../../src/kernel/master-keys.ts';
import { openDevelopmentMasterKey } from '../../src/vault/development-master-key.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { byService, trailOf } from '../harness/audit-trail.ts';
import { runAdmin } from '../harness/command.ts';
import { openTestDatabase } from '../harness/database.ts';
import { newMasterKey, openMockApps, type MockApps } from '../harness/mock-apps.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { askerAt, keysOf, setKey, writeWith } from '../harness/own-keys.ts';
import { openSeed } from '../harness/seed.ts';
import { mockEnv } from '../harness/tales.ts';

const idOf = (key: string) => readMasterKeys(key)[0]?.id ?? '';

describe('npm run admin -- rewrap', () => {
  let apps: MockApps;
  beforeEach(async () => {
    apps = await openMockApps();
  });
  afterEach(() => apps.close());

  const open = (masterKey: string): Promise<TestApp> => apps.open({ MASTER_KEY: masterKey });
  const rewrap = (masterKey: string) =>
    runAdmin(['rewrap'], { NODE_ENV: 'production', DATABASE_URL: apps.database.url, MASTER_KEY: masterKey });
  const rows = (app: TestApp) =>
    app.sql<{ id: string; wrapped: string }>`select master_key_id as id, wrapped from data_keys order by tenant_id`;
  /** Sets a key for each of three tenants. */
  const three = async (app: TestApp) => {
    const seed = await openSeed(app);
    const tenants = [await seed.tenant(), await seed.tenant(), await seed.tenant()];
    for (const [index, tenant] of tenants.entries()) await setKey(tenant, 'openai', `sk-own-of-tenant-${index}`);
    await seed.close();
    return tenants;
  };

  it('moves every tenant to the first key beside processes at work; then the old one can go', async () => {
    const [old, next] = [newMasterKey(), newMasterKey()];
    const both = await open(`${old},${next}`);
    const tenants = await three(both);
    const before = await rows(both);
    expect(before.map(({ id }) => id)).toEqual(before.map(() => idOf(old)));

    expect(await rewrap(`${next},${old}`)).toEqual({
      code: 0,
      stdout: `3 data keys were wrapped anew, with ${idOf(next)}.\n`,
      stderr: '',
    });

    const after = await rows(both);
    expect(after.map(({ id }) => id)).toEqual(before.map(() => idOf(next)));
    expect(after.filter(({ wrapped }) => before.some((row) => row.wrapped === wrapped))).toEqual([]);
    for (const { tenantId } of tenants)
      expect((await trailOf(both, tenantId)).filter(({ operation }) => operation === 'dataKeyRewrap')).toEqual([
        byService('admin', 'dataKeyRewrap', {
          thing: tenantId,
          before: { masterKeyId: idOf(old) },
          after: { masterKeyId: idOf(next) },
        }),
      ]);
    const alone = await open(next);
    for (const app of [both, alone]) {
      for (const { key } of tenants) await writeWith(app.url, askerAt(app.url, key), 'openai/m');
    }
    const own = tenants.map((_tenant, index) => `sk-own-of-tenant-${index}`);
    expect(apps.mock.calls.flatMap(keysOf)).toEqual([...own, ...own]);
    expect(alone.lines.join('')).not.toContain('MASTER_KEY lacks');
  });

  it('does what is left, once', async () => {
    const [old, next] = [newMasterKey(), newMasterKey()];
    const app = await open(`${next},${old}`);
    const earlier = await open(old);
    await three(app);
    const moved = await rows(app);
    // Broken off in the middle: one is done, two are not. Then twice at once.
    await three(earlier);
    const done = await Promise.all([rewrap(`${next},${old}`), rewrap(`${next},${old}`)]);
    expect(done.map(({ code }) => code)).toEqual([0, 0]);
    const after = await rows(app);
    expect(after.map(({ id }) => id)).toEqual(after.map(() => idOf(next)));
    expect(after).toHaveLength(6);
    // Who was done is left alone.
    for (const row of moved) expect(after).toContainEqual(row);
    expect(await rewrap(`${next},${old}`)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 data keys/) });
    expect(await rows(app)).toEqual(after);
  });

  it('leaves alone what it cannot open, and says so', async () => {
    const [old, next] = [newMasterKey(), newMasterKey()];
    const app = await open(old);
    await three(app);
    const before = await rows(app);
    expect(await rewrap(next)).toEqual({
      code: 1,
      stdout: `0 data keys were wrapped anew, with ${idOf(next)}.\n`,
      stderr: '3 data keys are wrapped with master keys that are not among those given\n',
    });
    expect(await rows(app)).toEqual(before);
  });

  it('needs the keys, and shows none', async () => {
    const missing = await rewrap('');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toBe('MASTER_KEY is missing: the new key first, then those it takes over from\n');
    const bad = await rewrap('canary');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('MASTER_KEY: its key 1 is not 32 bytes in base64; openssl rand -base64 32 makes one');
    expect(`${bad.stdout}${bad.stderr}`).not.toContain('canary');
  });
});

describe('a master key in development', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
  const newFolder = async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-master-'));
    folders.push(folder);
    return folder;
  };

  it('is made once, for its owner alone, however many want it at once', async () => {
    const folder = await newFolder();
    const opened = await Promise.all(Array.from({ length: 20 }, () => openDevelopmentMasterKey(folder)));
    const again = await openDevelopmentMasterKey(folder);
    expect(new Set([...opened, again].map(([key]) => key?.id)).size).toBe(1);
    const file = path.join(folder, 'master-key');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(readMasterKeys(await readFile(file, 'utf8')).map(({ id }) => id)).toEqual([again[0]?.id]);
  });

  it('is the same for the next process in the folder', async () => {
    const mock = await MockProvider.open();
    const database = await openTestDatabase();
    const folder = await newFolder();
    const env = { ...mockEnv(mock), DATA_DIR: folder };
    const first = await openTestApp({ database, env });
    await setKey(first, 'openai', 'sk-own-one');
    await first.stop();
    const second = await openTestApp({ database, env });
    expect(await writeWith(second.url, second, 'openai/m')).toMatchObject({ status: 'SUCCEEDED' });
    await second.stop();
    await database.drop();
    await mock.close();
    expect(mock.calls.flatMap(keysOf)).toEqual(['sk-own-one']);
  });
});
