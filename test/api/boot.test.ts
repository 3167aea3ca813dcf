import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp } from '../harness/app.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';

describe('a start that cannot succeed', () => {
  let folder = '';
  let database: TestDatabase;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-boot-'));
    database = await openTestDatabase();
  });
  afterAll(async () => {
    await database.drop();
    await rm(folder, { recursive: true });
  });

  it('names DATA_DIR when it is a file', async () => {
    const dataDir = path.join(folder, 'file');
    await writeFile(dataDir, '');
    await expect(openTestApp({ database, env: { DATA_DIR: dataDir } })).rejects.toThrow(`DATA_DIR ${dataDir}: EEXIST`);
  });

  it('names DATABASE_URL when nobody answers there, without its password', async () => {
    const unused = 'postgres://user:canary@127.0.0.1:1/draftwire';
    const start = openTestApp({ database, env: { DATABASE_URL: unused } });
    await expect(start).rejects.toThrow(/^DATABASE_URL: .*ECONNREFUSED 127\.0\.0\.1:1/);
    await expect(start).rejects.not.toThrow('canary');
  });

  it('names DATABASE_OWNER_URL when it is the owner that is refused', async () => {
    const owner = new URL(database.url);
    owner.pathname = '/no-such-database';
    const start = openTestApp({ database, env: { DATABASE_OWNER_URL: owner.href } });
    await expect(start).rejects.toThrow(/^DATABASE_OWNER_URL: .*no-such-database/);
  });

  it('names PORT when it is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(openTestApp({ database, env: { PORT: String(port) } })).rejects.toThrow(
      `HOST 127.0.0.1, PORT ${port}: listen EADDRINUSE`,
    );
    await new Promise((resolve) => taken.close(resolve));
  });
});
