import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asSet } from '../kernel/setting.ts';
import { readMasterKeys, type MasterKey } from '../kernel/master-keys.ts';

/** The master key in `DATA_DIR/master-key`, made when there is none; only its owner can read the file. Several processes may do so at once. */
export async function openDevelopmentMasterKey(dataDir: string): Promise<MasterKey[]> {
  const path = join(dataDir, 'master-key');
  const text = (await read(path)) ?? (await make(path));
  return asSet(path, async () => readMasterKeys(text));
}

async function make(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  try {
    // All of it or none is there for others, and who comes second finds the first.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
