import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serviceOperations, silentOperations } from '../../src/audit/entry.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import type { Purger } from '../../src/generations/purge.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { services } from '../../src/kernel/service.ts';
import { setCeilings } from '../../src/limits/limit-setting.service.ts';
import { buildSchemas } from '../../src/schema.ts';
import { InstallationService } from '../../src/tenants/installation.service.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { byService, trailOf, type Trace } from '../harness/audit-trail.ts';
import { eventually } from '../harness/eventually.ts';
import { finishedGeneration, startGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { openPurger } from '../harness/purger.ts';

// What is done without a person is on record as a service's, in the transaction that does it.

let app: TestApp;
let seed: Seed;
let owner: Caller;
let database: Database;
let purger: Purger;
let installation: InstallationService;

beforeAll(async () => {
  app = await openTestApp({ env: { OFFLINE_TOKENS_PER_SECOND: '200' } });
  seed = await openSeed(app);
  const log = openLog({ level: 'silent' });
  database = await openDatabase({ ...databaseDefaults, url: app.database.url, maxConnections: 6 }, { log, clock: systemClock });
  purger = openPurger(database, log);
  installation = new InstallationService(database);
});
beforeEach(async () => {
  owner = await seed.tenant('Acme');
});
afterAll(async () => {
  await database.close();
  await seed.close();
  await app.stop();
});

/** What services did in a tenant. */
const served = async (tenantId = owner.tenantId): Promise<Trace[]> =>
  (await trailOf(app, tenantId)).filter(({ actor }) => actor.startsWith('service_')).map((entry) => ({ ...entry }));
const servedOnce = (operation: string) =>
  eventually(async () => (await served()).find((entry) => entry.operation === operation) ?? false, 10_000, operation);

describe('the sweeper', () => {
  const loseProcess = (id: string) =>
    app.sql`update generations set lease_until = now() - interval '1 second', epoch = epoch + 1 where id = ${uuidOf(id)}`;

  it('takes a letter over', async () => {
    const id = await startGeneration(owner);
    await loseProcess(id);
    expect(await servedOnce('generationTakeOver')).toEqual(
      byService('sweeper', 'generationTakeOver', { thing: id, before: { epoch: 2 }, after: { epoch: 3 } }),
    );
    await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
  });

  it('ends a letter that was taken over too often', async () => {
    const id = await startGeneration(owner);
    await app.sql`update generations set take_overs = 3 where id = ${uuidOf(id)}`;
    await loseProcess(id);
    expect(await servedOnce('generationClose')).toEqual(
      byService('sweeper', 'generationClose', { thing: id, after: { status: 'FAILED', reason: 'ABANDONED' } }),
    );
  });
});

describe('retention', () => {
  it('is one entry a tenant and run, which says how many and nothing of them', async () => {
    const other = await seed.tenant();
    const letters = [];
    for (const caller of [owner, owner, other]) {
      await caller.ask('mutation { tenantUpdate(input: { generationRetentionDays: 7 }) { errors { code } } }');
      letters.push((await finishedGeneration(app, caller)).id);
    }
    const kept = (await finishedGeneration(app, owner)).id;
    for (const id of letters)
      await app.sql`update generations set finished_at = now() - interval '8 days' where id = ${uuidOf(id)}`;

    await purger.run();
    await purger.run();

    const expired = (tenantId: string, count: number) => [
      byService('retention', 'generationsExpire', { thing: tenantId, after: { letters: count } }),
    ];
    expect(await served()).toEqual(expired(owner.tenantId, 2));
    expect(await served(other.tenantId)).toEqual(expired(other.tenantId, 1));
    expect(await app.sql`select from generations where id = ${uuidOf(kept)}`).toHaveLength(1);
  });
});

describe('the command line', () => {
  it('suspends, resumes and deletes; what a deleted tenant leaves goes on record, too', async () => {
    const { tenantId } = owner;
    await installation.suspend(tenantId);
    await installation.resume(tenantId);
    await expect(installation.delete(tenantId, 'another name')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await installation.delete(tenantId, 'Acme');
    await expect(installation.suspend(tenantId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const byAdmin = [
      byService('admin', 'tenantSuspend', { thing: tenantId, after: { status: 'SUSPENDED' } }),
      byService('admin', 'tenantResume', { thing: tenantId, after: { status: 'ACTIVE' } }),
      byService('admin', 'tenantDelete', { thing: tenantId, before: { name: 'Acme' } }),
    ];
    expect(await served()).toEqual(byAdmin);

    await app.sql`update tenants set deleted_at = now() - interval '1 minute' where id = ${uuidOf(tenantId)}`;
    await purger.run();
    expect(await app.sql`select from tenants where id = ${uuidOf(tenantId)}`).toEqual([]);
    const erased = byService('eraser', 'tenantErase', { thing: tenantId, before: { deletedAt: expect.any(String) as string } });
    expect(await served()).toEqual([...byAdmin, erased]);
  });

  it('sets ceilings', async () => {
    await setCeilings(database, owner.tenantId, new Map());
    await setCeilings(database, owner.tenantId, new Map([['SOCKETS_PER_TENANT', 5]]));
    await setCeilings(database, owner.tenantId, new Map([['SOCKETS_PER_TENANT', null]]));
    const changed = (before: number | null, after: number | null) =>
      byService('admin', 'tenantLimitsUpdate', {
        thing: owner.tenantId,
        before: { ceilings: { SOCKETS_PER_TENANT: before } },
        after: { ceilings: { SOCKETS_PER_TENANT: after } },
      });
    expect(await served()).toEqual([changed(null, 5), changed(5, null)]);
  });
});

it('what somebody may not have given any more is taken back on record', async () => {
  const admin = await seed.member({ of: owner, role: 'admin' });
  const { invitationCreate } = await admin.ask<{ invitationCreate: { invitation: { id: string } } }>(
    'mutation { invitationCreate(input: { email: "ada@example.org", role: "member" }) { invitation { id } } }',
  );
  await owner.ask('mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }', { id: admin.memberId });
  const what = { thing: invitationCreate.invitation.id, before: { status: 'PENDING' }, after: { status: 'REVOKED' } };
  expect(await served()).toEqual([byService('access', 'invitationRevoke', what)]);
});

it('is found by the name of the service, and verified like everything else', async () => {
  await installation.suspend(owner.tenantId);
  await installation.resume(owner.tenantId);
  const found = await eventually(async () => {
    const answer = await owner.ask<{ auditLog: { nodes: { operation: string; position: number | null }[] } }>(
      '{ auditLog(filter: { actor: "service_admin" }) { nodes { operation position } } }',
    );
    return answer.auditLog.nodes.every(({ position }) => position !== null) && answer.auditLog.nodes;
  });
  expect(found.map(({ operation }) => operation)).toEqual(['tenantResume', 'tenantSuspend']);
  expect(await owner.ask('{ auditVerify { isIntact isComplete verifiedTo } }')).toEqual({
    auditVerify: { isIntact: true, isComplete: true, verifiedTo: 2 },
  });
});

it('the engine records in the name of no person', async () => {
  const forged = database.engine.sql(
    (sql) => sql`
      insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id)
      values (${uuidOf(owner.tenantId)}, gen_random_uuid(), 'tenantDelete', 'person_x', 'key', 'key_x')`,
  );
  await expect(forged).rejects.toThrow();
  expect(await trailOf(app, owner.tenantId)).toEqual([]);
});

it('the schema names every service, and all that happens without a mutation', () => {
  const { api } = buildSchemas({} as never);
  const fields = api.getType('AuditEntry') as unknown as { getFields(): Record<string, { description: string }> };
  const { operation, proofId } = fields.getFields();
  for (const name of Object.keys({ ...serviceOperations, ...silentOperations }))
    expect(operation?.description).toContain(`\`${name}\``);
  for (const name of Object.keys(services)) expect(proofId?.description).toContain(`\`${name}\``);
});
