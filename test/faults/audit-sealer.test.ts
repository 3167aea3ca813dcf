import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RefusalCounter } from '../../src/audit/refusals.ts';
import { HeadSeal } from '../../src/audit/chain.ts';
import { Pseudonyms } from '../../src/audit/pseudonym.ts';
import { Sealer } from '../../src/audit/sealer.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { Bus } from '../../src/messages/bus.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { trailOf } from '../harness/audit-trail.ts';
import { eventually } from '../harness/eventually.ts';
import { startFleet } from '../harness/process.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const retention = 'mutation ($days: Int) { tenantUpdate(input: { generationRetentionDays: $days }) { errors { code } } }';
const verify = `query ($from: SafeInt, $to: SafeInt) { auditVerify(from: $from, to: $to) {
  isIntact isComplete verifiedFrom verifiedTo brokenAt reason sealedTo sealedAt sealedHash unsealed } }`;

interface Answers {
  readonly tenantUpdate?: { readonly errors: readonly { readonly code: string }[] };
}

interface Verification {
  readonly isIntact: boolean;
  readonly isComplete: boolean;
  readonly verifiedFrom: number;
  readonly verifiedTo: number;
  readonly brokenAt: number | null;
  readonly reason: string | null;
  readonly sealedTo: number;
  readonly sealedHash: string | null;
  readonly unsealed: number;
}

const silent = openLog({ level: 'silent' });
let app: TestApp;
let seed: Seed;
let owner: Caller;
let database: Database;
/** One more than the app's own: what seals when it is told to. */
let sealer: Sealer;
let tenant: string;

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
  database = await openDatabase(
    { ...databaseDefaults, url: app.database.url, maxConnections: 6 },
    { log: silent, clock: systemClock },
  );
  sealer = new Sealer({ database, seal: new HeadSeal('development'), bus: new Bus(silent), log: silent });
});
beforeEach(async () => {
  owner = await seed.tenant();
  tenant = uuidOf(owner.tenantId, 'ten');
});
afterAll(async () => {
  await database.close();
  await seed.close();
  await app.stop();
});

const verified = async (variables: object = {}) =>
  (await owner.ask<{ auditVerify: Verification }>(verify, { ...variables })).auditVerify;
const act = async (count: number) => {
  for (let days = 1; days <= count; days++) await owner.ask(retention, { days });
};
const sealedTo = (position: number) =>
  eventually(async () => {
    await sealer.run();
    const found = await verified();
    return found.sealedTo >= position && found.unsealed === 0 && found;
  });
/** What somebody does who owns the tables. */
async function tamper(change: string): Promise<void> {
  const hand = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  await hand.unsafe(change.replaceAll('TENANT', `tenant_id = '${tenant}'`));
  await hand.end();
}
const positions = async () => {
  const rows = await app.sql<{
    position: number | null;
  }>`select position::int from audit_entries where tenant_id = ${tenant} order by txid, id`;
  return rows.map(({ position }) => position);
};

describe('the sealer', () => {
  it('gives places in the order of transactions, and waits for one that is still open', async () => {
    await act(2);
    await sealedTo(2);
    const held = postgres(app.database.url, { max: 1, onnotice: () => undefined });
    const release = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const late = held.begin(async (sql) => {
      await sql`insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id)
        values (${tenant}, gen_random_uuid(), 'late', 'person_x', 'key', 'key_x')`;
      isHeld.resolve();
      await release.promise;
    });
    await isHeld.promise;
    // Begun later and committed at once: a sequence would have numbers for them already.
    await act(3);
    const other = await seed.tenant();
    await other.ask(retention, { days: 1 });
    // Whole rounds, one of them while the app's own are under way: mutations did not wait, and their entries do.
    await sealer.run();
    await sealer.run();
    expect(await verified()).toMatchObject({ isIntact: true, sealedTo: 2, unsealed: 3 });
    expect((await other.ask<{ auditVerify: Verification }>(verify)).auditVerify).toMatchObject({ sealedTo: 0, unsealed: 1 });

    release.resolve();
    await late;
    await held.end();
    expect(await sealedTo(6)).toMatchObject({ isIntact: true, isComplete: true, verifiedTo: 6, sealedTo: 6 });
    expect(await positions()).toEqual([1, 2, 3, 4, 5, 6]);
    const [third] = await app.sql`select operation from audit_entries where tenant_id = ${tenant} and position = 3`;
    expect(third).toEqual({ operation: 'late' });
  });

  it('leaves no gap and no two of a place when many act through two processes, whatever is rolled back', async () => {
    await using fleet = await startFleet({}, {});
    const [one, two] = fleet.processes;
    if (!one || !two) throw new Error('no processes');
    const call = (index: number) => {
      const through = index % 2 === 0 ? one : two;
      // Some of it is refused inside its transaction.
      if (index % 5 === 0)
        return through.ask<Answers>('mutation ($id: ID!) { generationDelete(input: { id: $id }) { errors { code } } }', {
          id: newId('gen'),
        });
      return through.ask<Answers>(retention, { days: 1 + (index % 9) });
    };
    // All write the same row: more at once than this would wait for it too long on a busy machine.
    const callers = Array.from({ length: 30 }, async (_, caller) => {
      for (let index = caller; index < 300; index += 30) expect((await call(index)).tenantUpdate?.errors ?? []).toEqual([]);
    });
    await Promise.all(callers);
    // Each process has made a key for itself.
    const { auditLog } = await one.ask<{ auditLog: { nodes: unknown[] } }>(
      '{ auditLog(first: 100, filter: { actor: "service_development" }) { nodes { id } } }',
    );
    const all = 240 + auditLog.nodes.length;
    const found = await eventually(async () => {
      const { auditVerify } = await one.ask<{ auditVerify: Verification }>(verify);
      return auditVerify.sealedTo >= all && auditVerify.unsealed === 0 && auditVerify;
    }, 20_000);
    expect(found).toMatchObject({ isIntact: true, isComplete: true, verifiedFrom: 1, verifiedTo: all, sealedTo: all });
    expect((await two.ask<{ auditVerify: Verification }>(verify)).auditVerify).toEqual(found);
  });

  it('goes on where a dump was restored into another cluster, whose transactions have smaller numbers', async () => {
    await app.sql`insert into audit_entries (tenant_id, id, txid, operation, actor, proof_kind, proof_id)
      values (${tenant}, gen_random_uuid(), '9000000000', 'restored', 'person_x', 'key', 'key_x')`;
    expect(await sealedTo(1)).toMatchObject({ isIntact: true, sealedTo: 1 });
  });
});

describe('auditVerify', () => {
  const intact = { isIntact: true, isComplete: true, brokenAt: null, reason: null };

  beforeEach(async () => {
    await act(6);
    await sealedTo(6);
  });

  it('finds nothing where nothing was done, as a whole and in parts', async () => {
    const whole = await verified();
    expect(whole).toMatchObject({ ...intact, verifiedFrom: 1, verifiedTo: 6, sealedTo: 6, unsealed: 0 });
    expect(whole.sealedHash).toMatch(/^[0-9a-f]{64}$/);
    expect(await verified({ from: 3, to: 4 })).toMatchObject({ ...intact, verifiedFrom: 3, verifiedTo: 4 });
    expect(await verified({ from: 6, to: 900 })).toMatchObject({ ...intact, verifiedFrom: 6, verifiedTo: 6 });
    expect(await (await seed.tenant()).ask(verify)).toMatchObject({
      auditVerify: { ...intact, verifiedTo: 0, sealedTo: 0, sealedHash: null },
    });
  });

  it('vouches for what is before and behind a name that was erased', async () => {
    await owner.ask('mutation { apiKeyCreate(input: { name: "of Ada", permissions: ["models:read"] }) { errors { code } } }');
    await act(1);
    await sealedTo(8);
    await tamper(`update audit_entries set after = jsonb_set(after, '{name}', '"(erased)"') where TENANT and position = 7`);
    expect((await trailOf(app, owner.tenantId)).filter(({ after }) => JSON.stringify(after).includes('Ada'))).toEqual([]);
    expect(await verified()).toMatchObject({ isIntact: false, brokenAt: 7, reason: 'ENTRY_CHANGED' });
    await act(2);
    await sealedTo(0);
    expect(await verified({ to: 6 })).toMatchObject({ ...intact, verifiedTo: 6 });
    expect(await verified({ from: 8 })).toMatchObject({ ...intact, verifiedFrom: 8, verifiedTo: 10 });
  });

  it.each([
    [{ from: 0 }, ['from']],
    [{ from: 3, to: 2 }, ['to']],
  ])('refuses %j', async (variables, path) => {
    expect((await owner.answer(verify, variables)).errors?.[0]?.extensions).toEqual({ code: 'INVALID_INPUT', path });
  });

  const inserted = 'insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id, position, hash)';
  const copied = 'select tenant_id, gen_random_uuid(), operation, actor, proof_kind, proof_id';
  const movedHead =
    'update audit_heads h set position = 5, hash = e.hash from audit_entries e where h.TENANT and e.TENANT and e.position = 5';
  it.each([
    [
      'a changed value',
      `update audit_entries set after = '{"generationRetentionDays": 99}' where TENANT and position = 3`,
      3,
      'ENTRY_CHANGED',
    ],
    [
      'a changed time',
      `update audit_entries set created_at = created_at - interval '1 microsecond' where TENANT and position = 4`,
      4,
      'ENTRY_CHANGED',
    ],
    ['another actor', `update audit_entries set actor = 'person_other' where TENANT and position = 1`, 1, 'ENTRY_CHANGED'],
    ['a changed hash', `update audit_entries set hash = repeat('0', 64) where TENANT and position = 6`, 6, 'ENTRY_CHANGED'],
    ['a deleted entry', 'delete from audit_entries where TENANT and position = 2', 2, 'ENTRY_MISSING'],
    ['a cut end', 'delete from audit_entries where TENANT and position >= 5', 5, 'ENTRY_MISSING'],
    ['a cut beginning', 'delete from audit_entries where TENANT and position = 1', 1, 'ENTRY_MISSING'],
    ['everything gone but the head', 'delete from audit_entries where TENANT', 1, 'ENTRY_MISSING'],
    [
      'two that changed places',
      `update audit_entries set position = 100 where TENANT and position = 2;
       update audit_entries set position = 2 where TENANT and position = 3;
       update audit_entries set position = 3 where TENANT and position = 100`,
      2,
      'ENTRY_CHANGED',
    ],
    [
      'one put between',
      `update audit_entries set position = position + 100 where TENANT and position > 3;
       update audit_entries set position = position - 99 where TENANT and position > 100;
       ${inserted} ${copied}, 4, hash from audit_entries where TENANT and position = 3`,
      4,
      'ENTRY_CHANGED',
    ],
    ['one put behind', `${inserted} ${copied}, 7, hash from audit_entries where TENANT and position = 3`, 7, 'ENTRY_ADDED'],
    ['no head', 'delete from audit_heads where TENANT', 6, 'HEAD_CHANGED'],
    ['a head that was moved', movedHead, 6, 'ENTRY_ADDED'],
    [
      'a cut end with a head to match',
      `${movedHead}; delete from audit_entries where TENANT and position = 6`,
      5,
      'HEAD_CHANGED',
    ],
    ['a head of another hand', `update audit_heads set mac = repeat('0', 64) where TENANT`, 6, 'HEAD_CHANGED'],
  ])('finds %s, and still does when the log has gone on', async (_what, change, brokenAt, reason) => {
    await tamper(change);
    expect(await verified()).toMatchObject({ isIntact: false, brokenAt, reason });

    // The sealer does not vouch for what it finds: acts go on, their entries are sealed, and what was broken stays so.
    await act(2);
    await sealedTo(0);
    const later = await verified();
    expect(later.isIntact).toBe(false);
    expect(later.brokenAt).toBeLessThanOrEqual(brokenAt);
    expect(app.lines.filter((line) => line.includes('could not seal'))).toEqual([]);
    // What the sealer itself found is on record, once.
    const doubts = (await trailOf(app, owner.tenantId)).filter(({ operation }) => operation === 'auditDoubt');
    if (reason === 'HEAD_CHANGED') expect(doubts).toMatchObject([{ actor: 'service_sealer', thing: owner.tenantId }]);
    else expect(doubts.length).toBeLessThanOrEqual(1);
  });
});

describe('refused acts', () => {
  it('are bounded, and what is above the bound is said', async () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    const counter = new RefusalCounter({ database, pseudonyms: new Pseudonyms('x'), log }, 2);
    const scope = new Scope(owner.tenantId, owner.memberId, { kind: 'key', id: newId('key') }, []);
    for (const operation of ['a', 'b', 'c', 'a', 'd']) counter.note(scope, operation, 'FORBIDDEN');
    await counter.close();

    const rows =
      await app.sql`select operation, count, transport, address from audit_entries where tenant_id = ${tenant} order by operation`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { operation: 'a', count: 2, transport: null, address: null },
      { operation: 'b', count: 1, transport: null, address: null },
    ]);
    expect(lines.join('')).toContain('"lost":2');
  });
});
