import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import postgres from 'postgres';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../src/access/key.service.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { idOfUuid, newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { LimitService } from '../../src/limits/limit.service.ts';
import type { RateLimits } from '../../src/limits/policy.ts';
import { openTestApp } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { startFleet } from '../harness/process.ts';
import { openProxy } from '../harness/proxy.ts';
import { randomOf } from '../harness/random.ts';
import { openSeed } from '../harness/seed.ts';

let testDatabase: TestDatabase;
let owner: postgres.Sql;
/** As two processes have them: nothing in common but the database. */
let databases: Database[];
let keys: KeyService;

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  owner = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
  const log = openLog({ level: 'silent' });
  const open = () =>
    openDatabase({ ...databaseDefaults, url: testDatabase.url, maxConnections: 10 }, { log, clock: systemClock });
  databases = [await open(), await open()];
  const [first] = databases;
  if (!first) throw new Error('no database');
  keys = new KeyService(first, 'development');
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await owner.end();
  await testDatabase.drop();
});

function limiters(limits: Partial<RateLimits>, clock: Clock = systemClock): LimitService[] {
  const all = { member: 0, tenant: 0, starts: 0, ...limits };
  return databases.map((database) => new LimitService({ database, clock, registry: new Registry(), limits: all }));
}

async function newTenant(): Promise<{ tenantId: string; member(): Scope }> {
  const { tenantId } = await keys.bootstrap('limited', 'owner@limited.example');
  return { tenantId, member: () => new Scope(tenantId, newId('mem'), { kind: 'key', id: newId('key') }, []) };
}

/** Calls in a random order on random limiters, some in the same turn, some later; how many were admitted. */
async function storm(seed: number, services: readonly LimitService[], scopes: readonly Scope[]): Promise<number> {
  const random = randomOf(seed);
  const order = scopes.map((scope) => ({ scope, rank: random() })).toSorted((a, b) => a.rank - b.rank);
  const calls = order.map(async ({ scope }) => {
    for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
    return (await random.pick(services).admit(scope)).refusal === null;
  });
  return (await Promise.all(calls)).filter(Boolean).length;
}

const used = async (tenantId: string) =>
  Object.fromEntries(
    (
      await owner<{ subject: string; used: number }[]>`
        select subject::text, used from rate_buckets where tenant_id = ${uuidOf(tenantId)}`
    ).map((row) => [row.subject, row.used]),
  );

const seeds = Array.from({ length: 20 }, () => randomInt(2 ** 31));

describe('300 calls at once over two limiters, at a limit of 100', () => {
  it.each(seeds)('of a member: exactly 100, and what is counted is what was admitted (seed %i)', async (seed) => {
    const { tenantId, member } = await newTenant();
    const scope = member();
    const admitted = await storm(
      seed,
      limiters({ member: 100, tenant: 1_000 }),
      Array.from({ length: 300 }, () => scope),
    );

    expect(admitted).toBe(100);
    expect(await used(tenantId)).toEqual({ [uuidOf(scope.memberId)]: 100, [uuidOf(tenantId)]: 100 });
  });

  it.each(seeds)('of a tenant with 30 members: exactly 100, charged to those who were admitted (seed %i)', async (seed) => {
    const { tenantId, member } = await newTenant();
    const members = Array.from({ length: 30 }, member);
    const scopes = Array.from({ length: 300 }, (_, index) => members[index % 30]).filter((scope) => scope !== undefined);
    const admitted = await storm(seed, limiters({ member: 50, tenant: 100 }), scopes);

    const { [uuidOf(tenantId)]: whole, ...own } = await used(tenantId);
    expect({ admitted, whole }).toEqual({ admitted: 100, whole: 100 });
    expect(Object.values(own).reduce((sum, each) => sum + each, 0)).toBe(100);
  });

  it.each(seeds)(
    'of three keys of a member, two of them with limits: each its own, all together the member’s (seed %i)',
    async (seed) => {
      const { tenantId, member } = await newTenant();
      const { memberId } = member();
      const limited = async (most: number) => {
        const [row] = await owner<{ id: string }[]>`
        insert into api_keys (id, tenant_id, member_id, name, secret_hash, permissions, requests_per_minute)
        select gen_random_uuid(), tenant_id, id, 'limited', 'none', '{}', ${most} from members where tenant_id = ${uuidOf(tenantId)} returning id`;
        return new Scope(tenantId, memberId, { kind: 'key', id: idOfUuid('key', row?.id ?? '') }, []);
      };
      const [ten, fifty, free] = [await limited(10), await limited(50), member()];
      const scopes = [ten, fifty].flatMap((scope) => Array.from({ length: 100 }, () => scope));
      const services = limiters({ member: 100, tenant: 1_000 });
      expect(await storm(seed, services, scopes)).toBe(60);
      const own = new Scope(tenantId, memberId, free.proof, []);
      expect(await storm(seed, services, [...scopes, ...Array.from({ length: 100 }, () => own)])).toBe(40);

      expect(await used(tenantId)).toEqual({
        [uuidOf(ten.proof.id)]: 10,
        [uuidOf(fifty.proof.id)]: 50,
        [uuidOf(memberId)]: 100,
        [uuidOf(tenantId)]: 100,
      });
    },
  );

  it('of two tenants: 100 each, and neither sees the other', async () => {
    const [one, two] = [await newTenant(), await newTenant()];
    const scopes = [one, two].flatMap(({ member }) => {
      const scope = member();
      return Array.from({ length: 150 }, () => scope);
    });
    expect(await storm(1, limiters({ member: 100 }), scopes)).toBe(200);
    expect(await used(one.tenantId)).toMatchObject({ [uuidOf(one.tenantId)]: 100 });
    expect(await used(two.tenantId)).toMatchObject({ [uuidOf(two.tenantId)]: 100 });
  });
});

it('starts are as exact, and those taken back can be taken again', async () => {
  const { member } = await newTenant();
  const [scope, services] = [member(), limiters({ starts: 10 })];
  const take = (service: LimitService) =>
    service.takeStart(scope).then(
      () => 'started',
      (error: unknown) => (error as { code?: string }).code,
    );
  const outcomes = await Promise.all(Array.from({ length: 15 }, () => services.map(take)).flat());
  expect(outcomes.filter((each) => each === 'started').length).toBe(10);
  expect(new Set(outcomes)).toEqual(new Set(['started', 'RATE_LIMITED']));

  const [first] = services;
  // One that was taken in a window that has ended since is not taken from the next.
  await first?.returnStart(scope, { askedAt: systemClock.monotonic() - 60_000 });
  expect(first && (await take(first))).toBe('RATE_LIMITED');
  await first?.returnStart(scope, { askedAt: systemClock.monotonic() });
  expect(first && [await take(first), await take(first)]).toEqual(['started', 'RATE_LIMITED']);
});

it('a start that one process takes back is refused by what another remembers for a second at most', async () => {
  const { member } = await newTenant();
  let now = 0;
  const scope = member();
  const [one, other] = limiters({ starts: 2 }, { ...systemClock, monotonic: () => now });
  if (!one || !other) throw new Error('no limiters');
  const refused = { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) };
  await one.takeStart(scope);
  now = 5;
  const taken = await one.takeStart(scope);
  await expect(other.takeStart(scope)).rejects.toMatchObject(refused);
  // At the same moment: the database's clock may have gone on by less than this one.
  await one.returnStart(scope, taken);
  now = 904;
  const early = await other.takeStart(scope).catch((error: unknown) => error);
  // From memory, which says when the window ends.
  expect(early).toMatchObject(refused);
  expect((early as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(50_000);
  now = 1_006;
  await other.takeStart(scope);
  await expect(other.takeStart(scope)).rejects.toMatchObject(refused);
});

describe('300 starts at once over two limiters, at a limit of 100, while some are taken back', () => {
  it.each(seeds)('never more than 100 are kept, and all that is free can be had (seed %i)', async (seed) => {
    const { tenantId, member } = await newTenant();
    const random = randomOf(seed);
    let ms = 0;
    const scope = member();
    const services = limiters({ starts: 100 }, { ...systemClock, monotonic: () => ms });
    let [kept, most, backs] = [0, 0, 0];
    const start = async (isKept: boolean) => {
      for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
      const service = random.pick(services);
      const taken = await service.takeStart(scope).catch(() => null);
      if (!taken) return;
      most = Math.max(most, ++kept);
      if (isKept) return;
      for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
      kept--;
      backs++;
      await service.returnStart(scope, taken);
    };
    // The window is older than any start that is taken back: what opened it stays.
    await services[0]?.takeStart(scope);
    kept = 1;
    await owner`update rate_buckets set window_started_at = now() - interval '5 seconds' where tenant_id = ${uuidOf(tenantId)}`;
    await Promise.all(Array.from({ length: 300 }, () => start(random() < 0.5)));
    expect({ isExact: most <= 100, some: backs > 0, used: await used(tenantId) }).toEqual({
      isExact: true,
      some: true,
      used: { [uuidOf(scope.memberId)]: kept },
    });
    ms = 1_001;
    await Promise.all(Array.from({ length: 300 }, () => start(true)));
    expect({ kept, used: await used(tenantId) }).toEqual({ kept: 100, used: { [uuidOf(scope.memberId)]: 100 } });
  });
});

describe('where much is asked for, requests are counted before they come', () => {
  it.each(seeds.slice(0, 5))(
    'and no more are admitted than the limit, over two limiters; hardly one less (seed %i)',
    async (seed) => {
      const { tenantId, member } = await newTenant();
      const scope = member();
      const random = randomOf(seed);
      const services = limiters({ member: 4_000, tenant: 6_000 });
      let [admitted, atOnce] = [0, 0];
      const ask = (): void | Promise<void> => {
        const asked = random.pick(services).admit(scope);
        if (asked instanceof Promise) return asked.then(({ refusal }) => void (refusal === null && admitted++));
        if (asked.refusal !== null) return;
        admitted++;
        atOnce++;
      };
      for (let wave = 0; wave < 150; wave++) await Promise.all(Array.from({ length: random.whole(20, 60) }, async () => ask()));

      expect(atOnce).toBeGreaterThan(500);
      expect(admitted).toBeLessThanOrEqual(4_000);
      // Each limiter may hold a two-hundredth that nobody came for.
      expect(admitted).toBeGreaterThanOrEqual(4_000 - 2 * 20);
      expect(await used(tenantId)).toEqual({ [uuidOf(scope.memberId)]: 4_000, [uuidOf(tenantId)]: 4_000 });
    },
  );

  it('what a window has counted admits nobody in the next', async () => {
    const { tenantId, member } = await newTenant();
    const scope = member();
    const [service] = limiters({ member: 20_000 });
    if (!service) throw new Error('no limiter');
    const wave = async (calls: number) =>
      (await Promise.all(Array.from({ length: calls }, async () => service.admit(scope)))).filter(
        ({ refusal }) => refusal === null,
      ).length;
    for (let waves = 0; waves < 20; waves++) expect(await wave(50)).toBe(50);
    // Another process spends what is left, and the window ends; memory here still has some of it.
    await owner`update rate_buckets set used = 20000, window_started_at = now() - interval '61 seconds' where tenant_id = ${uuidOf(tenantId)}`;
    let admitted = 0;
    for (let waves = 0; waves < 60; waves++) admitted += await wave(500);
    expect(admitted).toBeLessThanOrEqual(20_000 + 100);
    const counted = (await used(tenantId))[uuidOf(scope.memberId)] ?? 0;
    expect(counted).toBe(20_000);
  });
});

it('callers of one turn share one statement; an empty bucket costs none until its window ends', async () => {
  const { tenantId, member } = await newTenant();
  const scope = member();
  let now = 0;
  const [service] = limiters({ member: 5 }, { ...systemClock, monotonic: () => now });
  if (!service) throw new Error('no limiter');
  const admit = async (calls: number) =>
    (await Promise.all(Array.from({ length: calls }, async () => service.admit(scope)))).filter(({ refusal }) => !refusal).length;
  const versions = async () =>
    (
      await owner<{ xmin: string }[]>`
        select xmin::text from rate_buckets where tenant_id = ${uuidOf(tenantId)} and subject = ${uuidOf(scope.memberId)}`
    )[0]?.xmin;
  await admit(1);
  const before = await versions();
  expect(await admit(3)).toBe(3);
  const after = await versions();
  expect(after).not.toBe(before);
  expect(await admit(4)).toBe(1);

  // Its row says that the window is over, but memory knows better until the time that the row had said.
  await owner`update rate_buckets set window_started_at = now() - interval '1 hour' where tenant_id = ${uuidOf(tenantId)}`;
  expect(await admit(3)).toBe(0);
  now = 60_001;
  expect(await admit(7)).toBe(5);
});

it('refuses nobody and admits nobody while the database is away: UNAVAILABLE, and afterwards all is as before', async () => {
  await using way = await openProxyTo(testDatabase);
  const app = await openTestApp({
    database: { ...testDatabase, url: way.proxy.url },
    env: { RATE_LIMIT_MEMBER: '1000', RATE_LIMIT_TENANT: '1000' },
  });
  try {
    expect((await post(app.url, { query: '{ __typename }' }, { key: app.key })).status).toBe(200);
    way.proxy.become('closed');
    const { status, body } = await post(app.url, { query: '{ __typename }' }, { key: app.key });
    expect({ status, code: body.errors?.[0]?.extensions?.['code'], data: body.data }).toEqual({
      status: 503,
      code: 'UNAVAILABLE',
      data: undefined,
    });
    way.proxy.become('open');
    expect((await post(app.url, { query: '{ __typename }' }, { key: app.key })).status).toBe(200);
  } finally {
    await app.stop();
  }
}, 60_000);

it('two processes admit exactly 100 of 300 requests, twenty times in a row', { timeout: 120_000 }, async () => {
  const env = { RATE_LIMIT_MEMBER: '100', RATE_LIMIT_TENANT: '1000' };
  await using fleet = await startFleet(env, env);
  const seed = await openSeed({
    url: fleet.processes[0]?.url ?? '',
    database: fleet.database,
    ask: (query, variables) => fleet.processes[0]?.ask(query, variables) as never,
  });
  try {
    for (const each of seeds) {
      const [random, { key }] = [randomOf(each), await seed.tenant()];
      const answers = await Promise.all(
        Array.from({ length: 300 }, () => post(random.pick(fleet.processes).url, { query: '{ __typename }' }, { key })),
      );
      const statuses = Map.groupBy(answers, ({ status }) => status);
      expect([each, statuses.get(200)?.length, statuses.get(429)?.length, statuses.size]).toEqual([each, 100, 200, 2]);
    }
  } finally {
    await seed.close();
  }
});

async function openProxyTo({ url }: TestDatabase) {
  const proxy = await openProxy(url);
  return { proxy, [Symbol.asyncDispose]: () => proxy.close() };
}
