import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import postgres from 'postgres';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../src/access/key.service.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import type { Admission } from '../../src/graphql/admission.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { LimitService } from '../../src/limits/limit.service.ts';
import { post } from '../harness/clients.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { startFleet } from '../harness/process.ts';
import { openProxy } from '../harness/proxy.ts';
import { randomOf } from '../harness/random.ts';

let testDatabase: TestDatabase;
let owner: postgres.Sql;
/** As two processes have them: nothing in common but the database. */
let databases: Database[];
let keys: KeyService;
const log = openLog({ level: 'silent' });

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  owner = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
  databases = await Promise.all([open(testDatabase.url), open(testDatabase.url)]);
  const [first] = databases;
  if (!first) throw new Error('no database');
  keys = new KeyService(first, 'development');
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await owner.end();
  await testDatabase.drop();
});

function open(url: string): Promise<Database> {
  return openDatabase({ ...databaseDefaults, url, maxConnections: 10 }, { log, clock: systemClock });
}

function limiter(
  database: Database,
  maximum: number,
  limits = { member: 0, tenant: 0, starts: 0 },
  clock: Clock = systemClock,
): LimitService {
  // Of what comes back in the second that a storm takes nobody can pay.
  const cost = { maximum, restoreRate: 1 };
  return new LimitService({ database, clock, registry: new Registry(), limits, cost });
}

async function newScope(): Promise<Scope> {
  const { tenantId } = await keys.bootstrap('limited', 'owner@limited.example');
  return new Scope(tenantId, newId('mem'), { kind: 'key', id: newId('key') }, []);
}

const bucketOf = async ({ tenantId }: Scope) => {
  const [bucket] = await owner<{ spent: number; reserved: number; before: number; epoch: number }[]>`
    select spent, reserved, reserved_before as before, epoch from cost_buckets where tenant_id = ${uuidOf(tenantId)}`;
  if (!bucket) throw new Error('no bucket');
  return bucket;
};
const seeds = Array.from({ length: 20 }, () => randomInt(2 ** 31));

describe('300 operations at once over two limiters', () => {
  /** In a random order on random limiters, some in the same turn, some later, each settled after a while as `actualOf` says. */
  const storm = async (seed: number, costs: readonly number[], actualOf: (cost: number) => number | null) => {
    const random = randomOf(seed);
    const scope = await newScope();
    const services = databases.map((database) => limiter(database, 10_000));
    const paid: number[] = [];
    const calls = costs.map(async (cost) => {
      for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
      const { refusal, charge } = await random.pick(services).admit(scope, () => cost);
      if (refusal) return expect(refusal.code).toBe('RATE_LIMITED');
      const actual = actualOf(cost);
      paid.push(actual ?? cost);
      for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
      if (actual !== null) charge?.settle(actual);
    });
    await Promise.all(calls);
    await Promise.all(services.map((service) => service.close()));
    const bucket = await bucketOf(scope);
    return { paid, sum: paid.reduce((sum, each) => sum + each, 0), bucket };
  };
  const of = (cost: number) => Array.from({ length: 300 }, () => cost);

  it.each(seeds)('of 100 each, with 10,000 to spend: exactly 100 run (seed %i)', async (seed) => {
    const { paid, bucket } = await storm(seed, of(100), () => null);
    expect(paid).toHaveLength(100);
    expect(bucket).toMatchObject({ spent: 0, reserved: 10_000, before: 0 });
  });

  it.each(seeds.slice(0, 5))('of 100 each that cost 90: what is given back is spent, and never more (seed %i)', async (seed) => {
    const { paid, sum, bucket } = await storm(seed, of(100), (cost) => cost - 10);
    expect(paid.length).toBeGreaterThanOrEqual(100);
    expect(sum).toBeLessThanOrEqual(10_000);
    expect(bucket).toMatchObject({ reserved: 0, before: 0 });
    expect(bucket.spent).toBeGreaterThan(sum - 10);
    expect(bucket.spent).toBeLessThanOrEqual(sum);
  });

  it.each(seeds.slice(0, 5))('of many costs: never more than there is, and all is accounted for (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const costs = Array.from({ length: 300 }, () => random.whole(1, 500));
    const { sum, bucket } = await storm(seed, costs, () => null);
    expect(sum).toBeLessThanOrEqual(10_000);
    // Less is left than the dearest would need.
    expect(sum).toBeGreaterThan(9_000);
    expect(bucket).toMatchObject({ spent: 0, reserved: sum, before: 0 });
  });
});

describe('a reservation', () => {
  const service = (maximum = 100) => {
    const [first] = databases;
    if (!first) throw new Error('no database');
    return limiter(first, maximum);
  };
  const admit = async (limits: LimitService, scope: Scope, cost: number): Promise<Admission> => limits.admit(scope, () => cost);

  it('does not come back with time while its operation runs, so that it cannot come back twice', async () => {
    const [limits, scope] = [service(), await newScope()];
    const { charge } = await admit(limits, scope, 100);
    await owner`update cost_buckets set spent_at = now() - interval '50 seconds' where tenant_id = ${uuidOf(scope.tenantId)}`;
    expect((await admit(limits, scope, 1)).refusal?.code).toBe('RATE_LIMITED');
    charge?.settle(40);
    charge?.settle(0);
    const { throttle, refusal } = await admit(limits, scope, 10);
    expect([refusal, throttle?.currentlyAvailable]).toEqual([null, 50]);
    await limits.close();
    expect(await bucketOf(scope)).toMatchObject({ reserved: 10 });
  });

  it('of a process that died is dropped with its minute, or the one behind it', async () => {
    const [limits, scope] = [service(), await newScope()];
    const age = (minutes: number) =>
      owner`update cost_buckets set epoch = epoch - ${minutes} where tenant_id = ${uuidOf(scope.tenantId)}`;
    await admit(limits, scope, 60);
    await age(1);
    expect((await admit(limits, scope, 50)).refusal?.code).toBe('RATE_LIMITED');
    expect(await bucketOf(scope)).toMatchObject({ reserved: 0, before: 60 });
    await age(1);
    // Of what another process let go this one would hear in a second.
    const other = service();
    const { refusal, charge, throttle } = await admit(other, scope, 90);
    expect([refusal, throttle?.currentlyAvailable]).toEqual([null, 10]);
    // One that is over after it was dropped is paid, and nothing is given back for it.
    await age(2);
    charge?.settle(90);
    expect((await admit(other, scope, 20)).refusal?.code).toBe('RATE_LIMITED');
    expect(await bucketOf(scope)).toMatchObject({ reserved: 0, before: 0 });
  });

  it('that is over is told to the database soon, though nobody asks again', async () => {
    const [limits, scope] = [service(), await newScope()];
    const { charge } = await admit(limits, scope, 70);
    charge?.settle(20);
    await eventually(async () => (await bucketOf(scope)).reserved === 0);
    expect((await bucketOf(scope)).spent).toBeGreaterThan(15);
  });

  it('is settled once, though the answer is lost', async () => {
    await using proxy = await openProxy(testDatabase.url);
    const database = await open(proxy.url);
    const [limits, scope] = [limiter(database, 100), await newScope()];
    try {
      const [one] = [await admit(limits, scope, 30), await admit(limits, scope, 30)];
      one.charge?.settle(10);
      proxy.mute('cost_buckets');
      const asked = admit(limits, scope, 1);
      await eventually(async () => (await bucketOf(scope)).reserved === 31);
      proxy.mute('nothing that anybody says');
      proxy.cut();
      // It asks again, and that counts again; what was settled before is not.
      expect((await asked).refusal).toBeNull();
      expect(await bucketOf(scope)).toMatchObject({ reserved: 32, spent: expect.closeTo(10, -1) });
    } finally {
      await database.close();
    }
  });

  it('is settled with a later statement when the database did nothing of the one that told it', async () => {
    const [limits, scope] = [service(), await newScope()];
    const { charge } = await admit(limits, scope, 70);
    await owner`revoke update on cost_buckets from draftwire_app`;
    try {
      charge?.settle(20);
      await expect(admit(limits, scope, 10)).rejects.toThrow('permission denied');
    } finally {
      await owner`grant update on cost_buckets to draftwire_app`;
    }
    await eventually(async () => (await bucketOf(scope)).reserved === 0);
    expect((await bucketOf(scope)).spent).toBeGreaterThan(15);
    await limits.close();
  });

  it('takes nothing for callers whose rate is refused', async () => {
    const [first] = databases;
    if (!first) throw new Error('no database');
    const [limits, scope] = [limiter(first, 100, { member: 2, tenant: 0, starts: 0 }), await newScope()];
    const answers = await Promise.all([1, 2, 3, 4].map(() => admit(limits, scope, 10)));
    expect(answers.map(({ refusal }) => refusal?.message.includes('2 requests of a member') ?? null)).toEqual([
      null,
      null,
      true,
      true,
    ]);
    await limits.close();
    expect(await bucketOf(scope)).toMatchObject({ spent: 0, reserved: 20 });
  });
});

describe('an empty bucket', () => {
  const version = async ({ tenantId }: Scope) =>
    (await owner`select xmin::text from cost_buckets where tenant_id = ${uuidOf(tenantId)}`)[0]?.['xmin'] as string;

  it('refuses from memory who cannot pay, until there may be more: after a second, or when something is given back here', async () => {
    const [first] = databases;
    if (!first) throw new Error('no database');
    let now = 0;
    const limits = limiter(first, 100, undefined, { ...systemClock, monotonic: () => now });
    const scope = await newScope();
    const admit = async (cost: number) => limits.admit(scope, () => cost);
    const { charge } = await admit(70);
    const told = (await admit(50)).refusal;
    expect(told).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'the operation could cost 50, and the tenant has 30 of 100 left',
    });
    const before = await version(scope);
    expect((await admit(40)).refusal).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'the operation could cost 40, and the tenant has 30 of 100 left',
    });
    expect((await admit(101)).refusal?.code).toBe('LIMIT_EXCEEDED');
    expect((await admit(40)).throttle?.currentlyAvailable).toBe(30);
    // What can never run is counted as a request, and reserves nothing.
    const refused = await version(scope);
    expect((await admit(40)).refusal?.code).toBe('RATE_LIMITED');
    expect([await version(scope), refused === before]).toEqual([refused, false]);
    // Enough is left for this one.
    expect((await admit(5)).refusal).toBeNull();

    expect((await admit(40)).refusal?.code).toBe('RATE_LIMITED');
    await owner`update cost_buckets set reserved = 0 where tenant_id = ${uuidOf(scope.tenantId)}`;
    expect((await admit(40)).refusal?.code).toBe('RATE_LIMITED');
    now = 1_001;
    expect((await admit(90)).refusal).toBeNull();
    expect((await admit(40)).refusal?.code).toBe('RATE_LIMITED');
    charge?.settle(0);
    expect((await admit(60)).refusal).toBeNull();
    await limits.close();
  });

  it('gets back at once what was taken for a caller who could not be counted', async () => {
    const [first] = databases;
    if (!first) throw new Error('no database');
    const [limits, scope] = [limiter(first, 100), await newScope()];
    (await limits.admit(scope, () => 10)).charge?.settle(0);
    await eventually(async () => (await bucketOf(scope)).reserved === 0);
    // The cost is taken before it is seen that this member has no bucket, and none can be made.
    await owner`revoke insert on rate_buckets from draftwire_app`;
    try {
      const other = new Scope(scope.tenantId, newId('mem'), scope.proof, []);
      await expect(Promise.resolve(limits.admit(other, () => 90))).rejects.toThrow('permission denied');
      expect((await limits.admit(scope, () => 80)).refusal).toBeNull();
    } finally {
      await owner`grant insert on rate_buckets to draftwire_app`;
    }
    await limits.close();
    expect(await bucketOf(scope)).toMatchObject({ reserved: 80 });
  });
});

it('two processes let exactly 9 of 60 mutations run', { timeout: 60_000 }, async () => {
  const env = { QUERY_COST_LIMIT: '100', QUERY_COST_PER_SECOND: '1' };
  await using fleet = await startFleet(env, env);
  const key = fleet.processes[0]?.key ?? '';
  const query =
    'mutation { apiKeyCreate(input: { name: "made", permissions: ["models:read"] }) { apiKey { id } errors { code } } }';
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => fleet.processes.map(({ url }) => post(url, { query }, { key }))).flat(),
  );
  const statuses = Map.groupBy(answers, ({ status }) => status);
  expect([statuses.get(200)?.length, statuses.get(429)?.length, statuses.size]).toEqual([9, 51, 2]);
});
