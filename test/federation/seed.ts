import { KeyService } from '../../dist/access/key.service.js';
import { databaseDefaults, openDatabase } from '../../dist/db/client.js';
import { openEmbedded } from '../../dist/db/embedded.js';
import { migrate } from '../../dist/db/migrate.js';
import { systemClock } from '../../dist/kernel/clock.js';
import { openLog } from '../../dist/kernel/log.js';
import { allPermissions } from '../../dist/kernel/scope.js';

export interface Keys {
  /** Of the tenant whose letters are read. */
  readonly owner: string;
  /** Of the same person, without `schema:federate`. */
  readonly unfederated: string;
  /** Of another tenant. */
  readonly foreign: string;
}

/** Makes two tenants and their keys in the embedded database of a Draftwire that does not run yet. */
export async function seedKeys(dataDir: string, secret: string): Promise<Keys> {
  const log = openLog({ level: 'silent' });
  const embedded = await openEmbedded({ dataDir, log });
  try {
    await migrate(embedded.url, { loginUrl: embedded.url });
    const database = await openDatabase({ ...databaseDefaults, url: embedded.url }, { log, clock: systemClock });
    try {
      const keys = new KeyService(database, secret);
      const owner = await keys.bootstrap('Partner', 'owner@partner.example');
      const foreign = await keys.bootstrap('Foreign', 'owner@foreign.example');
      const others = allPermissions.filter((permission: string) => permission !== 'schema:federate');
      return {
        owner: owner.key,
        unfederated: await keys.create(owner.tenantId, owner.memberId, 'without schema:federate', others),
        foreign: foreign.key,
      };
    } finally {
      await database.close();
    }
  } finally {
    await embedded.stop();
  }
}
