import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import type { Purger } from '../../src/generations/purge.ts';
import { openLog } from '../../src/kernel/log.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { finishedGeneration } from '../harness/letters.ts';
import { openPurger } from '../harness/purger.ts';

describe('what nobody needs any more', () => {
  let app: TestApp;
  let database: Database;
  let purger: Purger;

  beforeAll(async () => {
    app = await openTestApp();
    const log = openLog({ level: 'silent' });
    database = await openDatabase({ ...databaseDefaults, url: app.database.url, maxConnections: 6 }, { log, clock: systemClock });
    purger = openPurger(database, log);
  });
  afterAll(async () => {
    await database.close();
    await app.stop();
  });

  const counts = async () => {
    const [row] =
      await app.sql`select (select count(*)::int from generations) as generations, (select count(*)::int from chunks) as chunks,
      (select count(*)::int from idempotency_keys) as keys`;
    return row;
  };

  it('deletes chunks a minute after the end, keys when they expire, and generations past the retention of their tenant', async () => {
    const { id } = await finishedGeneration(app);
    await app.sql`insert into chunks (tenant_id, generation_id, attempt, start, body) select tenant_id, id, 1, 0, 'left' from generations on conflict do nothing`;
    await app.sql`insert into idempotency_keys (tenant_id, member_id, operation, key, input_hash, thing_id, expires_at)
      select tenant_id, member_id, 'generationStart', 'old', 'x', id, now() - interval '1 second' from generations`;
    const before = await counts();
    expect(before).toMatchObject({ generations: 1, keys: 1 });

    await purger.run();
    expect(await counts()).toEqual({ ...before, keys: 0 });

    await app.sql`update generations set finished_at = finished_at - interval '61 seconds'`;
    await purger.run();
    expect(await counts()).toEqual({ generations: 1, chunks: 0, keys: 0 });
    expect(await app.ask('query ($id: ID!) { generation(id: $id) { text } }', { id })).toMatchObject({
      generation: { text: expect.stringContaining('Dear') },
    });

    await app.ask('mutation { tenantUpdate(input: { generationRetentionDays: 7 }) { errors { code } } }');
    await app.sql`update generations set finished_at = now() - interval '6 days'`;
    await purger.run();
    expect(await counts()).toMatchObject({ generations: 1 });
    await app.sql`update generations set finished_at = now() - interval '8 days'`;
    await purger.run();
    expect(await counts()).toMatchObject({ generations: 0 });
  });
});
