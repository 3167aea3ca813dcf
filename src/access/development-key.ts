import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../kernel/errors.ts';
import type { KeyService } from './key.service.ts';

/** The key in `DATA_DIR/dev-key`; a new one, with its tenant, when there is none that this database knows. Only its owner can read the file. */
export async function openDevelopmentKey(keys: KeyService, dataDir: string): Promise<string> {
  const path = join(dataDir, 'dev-key');
  const stored = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
  const isKnown = stored !== null && (await isValid(keys, stored));
  const key = isKnown ? stored : await keys.createDevelopmentKey();
  if (!isKnown) await writeFile(path, `${key}\n`, { mode: 0o600 });
  await keys.appointDevelopment();
  return key;
}

async function isValid(keys: KeyService, key: string): Promise<boolean> {
  try {
    await keys.authenticate({ authorization: `Bearer ${key}` });
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return false;
    // Of a suspended tenant: another key of it would be no better.
    if (error instanceof AppError && error.code === 'FORBIDDEN') return true;
    throw error;
  }
}
