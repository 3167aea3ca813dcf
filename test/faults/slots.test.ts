import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import postgres from 'postgres';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../src/access/key.service.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { LimitService } from '../../src/limits/limit.service.ts';
import type { RateLimits } from '../../src/limits/policy.ts';
import { SlotService } from '../../src/limits/slot.service.ts';
import { Bus } from '../../src/messages/bus.ts';
import { PostgresBus } from '../../src/messages/postgres-bus.ts';
import { openTestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, type RawSocket } from '../harness/clients.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { startFleet } from '../harness/process.ts';
import { randomOf, type Random } from '../harness/random.ts';
import { openSeed } from '../harness/seed.ts';

let testDatabase: TestDatabase;
let owner: postgres.Sql;
/** As two processes have them: nothing in common but the database. */
let processes: { readonly database: Database; readonly bus: Bus; readonly hints: { stop(): Promise<void> } }[];
let keys: KeyService;
const log = openLog({ level: 'silent' });

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  owner = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
  const open = async () => {
    const database = await openDatabase(
      { ...databaseDefaults, url: testDatabase.url, maxConnections: 10 },
      { log, clock: systemClock },
    );
    const bus = new Bus(log);
    return { database, bus, hints: await PostgresBus.open(database, bus, log) };
  };
  processes = [await open(), await open()];
  const [first] = processes;
  if (!first) throw new Error('no process');
  keys = new KeyService(first.database, 'development');
});
afterAll(async () => {
  for (const { hints, database } of processes) {
    await hints.stop();
    await database.close();
  }
  await owner.end();
  await testDatabase.drop();
});

/** One for each process; closed with the block. */
function openServices(limits: RateLimits, leaseMs = 15_000) {
  const services = processes.map(({ database, bus }) => {
    const { policy, admissions } = new LimitService({ database, clock: systemClock, registry: new Registry(), limits });
    const service = new SlotService({ database, clock: systemClock, log, bus, policy, admissions, leaseMs });
    service.open();
    return service;
  });
  return { services, [Symbol.asyncDispose]: async () => void (await Promise.all(services.map((each) => each.close()))) };
}

async function newTenant(): Promise<{ tenantId: string; member(): Scope }> {
  const { tenantId } = await keys.bootstrap('limited', 'owner@limited.example');
  return { tenantId, member: () => new Scope(tenantId, newId('mem'), { kind: 'key', id: newId('key') }, []) };
}

const noLoss = (): never => {
  throw new Error('no place was lost');
};
type Leave = () => void;

/** Enters in a random order by random processes, some in the same turn, some later; what was given to those who got in. */
async function storm(random: Random, services: readonly SlotService[], scopes: readonly Scope[]): Promise<Leave[]> {
  const order = scopes.map((scope) => ({ scope, rank: random() })).toSorted((a, b) => a.rank - b.rank);
  const attempts = order.map(async ({ scope }) => {
    for (let turns = random.whole(0, 20); turns > 0; turns--) await turn();
    return random
      .pick(services)
      .enter(scope, 'sockets', noLoss)
      .catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'RATE_LIMITED' });
        return null;
      });
  });
  return (await Promise.all(attempts)).filter((each) => each !== null);
}

const held = async (id: string) => {
  const [row] = await owner<{ held: number }[]>`
    select coalesce(sum((e.value ->> 'held')::int), 0)::int as held from held_slots h cross join lateral jsonb_each(h.holders) e
    where h.subject = ${uuidOf(id)} and h.kind = 'sockets'`;
  return row?.held ?? 0;
};

const seeds = Array.from({ length: 20 }, () => randomInt(2 ** 31));

describe('300 at once over two processes, at a limit of 100', () => {
  it.each(seeds)('of a member: exactly 100, again after all have left (seed %i)', async (seed) => {
    const { tenantId, member } = await newTenant();
    await using open = openServices({ memberSockets: 100, tenantSockets: 1_000 });
    const [random, scope] = [randomOf(seed), member()];
    const attempts = Array.from({ length: 300 }, () => scope);
    const first = await storm(random, open.services, attempts);
    expect(first.length).toBe(100);
    expect([await held(scope.memberId), (await held(tenantId)) >= 100]).toEqual([100, true]);
    for (const leave of first) leave();
    expect((await storm(random, open.services, attempts)).length).toBe(100);
  });

  it.each(seeds.slice(0, 5))('of a tenant with 30 members: exactly 100 (seed %i)', async (seed) => {
    const { tenantId, member } = await newTenant();
    await using open = openServices({ memberSockets: 50, tenantSockets: 100 });
    const members = Array.from({ length: 30 }, member);
    const scopes = Array.from({ length: 300 }, (_, index) => members[index % 30]).filter((scope) => scope !== undefined);
    expect((await storm(randomOf(seed), open.services, scopes)).length).toBe(100);
    expect(await held(tenantId)).toBe(100);
  });

  it.each(seeds.slice(0, 5))('never more while they come and go, and all that is free can be had (seed %i)', async (seed) => {
    const { member } = await newTenant();
    await using open = openServices({ memberSockets: 20 });
    const [random, scope] = [randomOf(seed), member()];
    let [now, most, refused] = [0, 0, 0];
    const visitor = async () => {
      for (let visits = 0; visits < 10; visits++) {
        try {
          const leave = await random.pick(open.services).enter(scope, 'sockets', noLoss);
          most = Math.max(most, ++now);
          for (let turns = random.whole(0, 10); turns > 0; turns--) await turn();
          now--;
          leave();
        } catch {
          refused++;
        }
      }
    };
    await Promise.all(Array.from({ length: 40 }, visitor));
    expect({ isExact: most <= 20, isUsed: most > 10, some: refused < 400 }).toEqual({ isExact: true, isUsed: true, some: true });
    expect(
      (
        await storm(
          random,
          open.services,
          Array.from({ length: 30 }, () => scope),
        )
      ).length,
    ).toBe(20);
  });
});

it('what one process holds in reserve is another’s as soon as it is needed', async () => {
  const { member } = await newTenant();
  await using open = openServices({ memberSockets: 40 });
  const [scope, [one, other]] = [member(), open.services];
  if (!one || !other) throw new Error('no services');
  await one.enter(scope, 'sockets', noLoss);
  expect(await held(scope.memberId)).toBeGreaterThan(1);
  const got = await Promise.all(Array.from({ length: 39 }, () => other.enter(scope, 'sockets', noLoss)));
  expect(got.length).toBe(39);
  await expect(other.enter(scope, 'sockets', noLoss)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
});

it('far below the limit who comes next waits for no statement', async () => {
  const { tenantId, member } = await newTenant();
  await using open = openServices({ memberSockets: 1_000, tenantSockets: 10_000 });
  const [scope, [service]] = [member(), open.services];
  await service?.enter(scope, 'sockets', noLoss);
  const versions = async () =>
    (await owner`select xmin::text from held_slots where tenant_id = ${uuidOf(tenantId)} order by subject`).map(
      (row) => row['xmin'] as string,
    );
  const before = await versions();
  for (let more = 0; more < 30; more++) await service?.enter(scope, 'sockets', noLoss);
  expect(await versions()).toEqual(before);
});

it('a process that was taken to be dead finds its place again, and gives up what is another’s now', async () => {
  const { member } = await newTenant();
  await using open = openServices({ memberSockets: 9 }, 3_000);
  const [scope, [one, other]] = [member(), open.services];
  const lost: string[] = [];
  for (let more = 1; more <= 9; more++) await one?.enter(scope, 'sockets', ({ code }) => lost.push(`${more} ${code}`));
  // Its lease ends, as if it had been silent, and the other takes one of its places before it notices.
  const leave = await eventually(async () => {
    await owner`
      update processes set lease_until = now() - interval '1 minute' where id in (
        select e.key::uuid from held_slots h cross join lateral jsonb_each(h.holders) e
        where h.subject = ${uuidOf(scope.memberId)} and (e.value ->> 'held')::int = 9)`;
    return other?.enter(scope, 'sockets', noLoss).catch(() => null);
  });
  await eventually(() => lost.length > 0);
  expect(lost).toEqual(['9 RATE_LIMITED']);
  await expect(one?.enter(scope, 'sockets', noLoss)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  leave();
  await eventually(async () => one?.enter(scope, 'sockets', noLoss).catch(() => null));
});

const open = (url: string, key: string): Promise<RawSocket | null> => acknowledged(url, key).catch(() => null);

it('two processes hold exactly 20 of 60 sockets; those of one that is killed come back', { timeout: 90_000 }, async () => {
  const env = { MAX_SOCKETS_PER_MEMBER: '20', GENERATION_LEASE_MS: '3000' };
  await using fleet = await startFleet(env, env);
  const [one, other] = fleet.processes;
  if (!one || !other) throw new Error('no fleet');
  const first = await Promise.all(Array.from({ length: 12 }, () => open(one.url, one.key)));
  const then = await Promise.all(Array.from({ length: 24 }, () => [open(one.url, one.key), open(other.url, one.key)]).flat());
  const sockets = [...first, ...then].filter((each) => each !== null);
  expect(sockets.length).toBe(20);

  one.signal('SIGKILL');
  await one.exited;
  const killedAt = performance.now();
  expect(await open(other.url, one.key)).toBeNull();
  await eventually(() => sockets.filter(({ socket }) => socket.readyState === socket.OPEN).length <= 8);
  await eventually(async () => {
    const next = await open(other.url, one.key);
    if (next) sockets.push(next);
    return sockets.filter(({ socket }) => socket.readyState === socket.OPEN).length === 20;
  }, 20_000);
  // The lease and a third of it.
  expect(performance.now() - killedAt).toBeLessThan(10_000);
  expect(await open(other.url, one.key)).toBeNull();
  for (const { socket } of sockets) socket.terminate();
});

it(
  '10,000 sockets of one member: as many as the limit are open, each other is told why, and others are served meanwhile',
  { timeout: 120_000 },
  async () => {
    const app = await openTestApp({ env: { MAX_SOCKETS_PER_MEMBER: '100' } });
    const seed = await openSeed(app);
    try {
      const [flood, neighbour] = [await seed.tenant(), await seed.tenant()];
      const ends = new Map<string, number>();
      const sockets: RawSocket[] = [];
      const attempt = async () => {
        const raw = await rawSocket(app.url);
        raw.socket.once('close', (code, reason: Buffer) =>
          ends.set(`${code} ${reason.toString()}`, (ends.get(`${code} ${reason.toString()}`) ?? 0) + 1),
        );
        raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${flood.key}` } });
        await raw.next().then(
          () => sockets.push(raw),
          () => raw.closed,
        );
      };
      for (let batch = 0; batch < 20; batch++) {
        await Promise.all(Array.from({ length: 500 }, attempt));
        const others = await acknowledged(app.url, neighbour.key);
        expect((await post(app.url, { query: '{ __typename }' }, { key: flood.key })).status).toBe(200);
        others.socket.close();
        await others.closed;
      }
      expect(sockets.length).toBe(100);
      expect([...ends]).toEqual([['1013 RATE_LIMITED', 9_900]]);
      for (const { socket } of sockets) socket.terminate();
      await eventually(async () => {
        const text = await (await fetch(`${app.url}/metrics`)).text();
        return /^graphql_open_connections\{transport="websocket"\} 0$/m.test(text);
      });
    } finally {
      await seed.close();
      await app.stop();
    }
  },
);

describe('generations that are not finished', () => {
  const start = `mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } errors { code } } }`;

  interface Storm {
    readonly started: number;
    readonly codes: readonly string[];
  }
  /** Two processes with these limits, and how many of so many starts at once they let in. */
  async function openStorm(limits: Record<string, string>) {
    const env = { ...limits, OFFLINE_TOKENS_PER_SECOND: '1', MAX_RUNNING_GENERATIONS: '20' };
    const app = await openTestApp({ env });
    const other = await openTestApp({ env, database: app.database });
    const seed = await openSeed(app);
    const input = { template: 'cover-letter-classic', variables: await sampleVariables(app) };
    const begin = async (key: string, index: number) => {
      const { body } = await post((index % 2 === 0 ? app : other).url, { query: start, variables: { input } }, { key });
      const data = body.data as { generationStart: { generation: object | null; errors: { code: string }[] } } | undefined;
      return data?.generationStart;
    };
    const startAll = async (key: string, count: number): Promise<Storm> => {
      const answers = await Promise.all(Array.from({ length: count }, (_, index) => begin(key, index)));
      const codes = answers.flatMap((answer) => answer?.errors.map(({ code }) => code) ?? ['none']);
      return { started: answers.filter((answer) => answer?.generation).length, codes: [...new Set(codes)] };
    };
    const dispose = async () => {
      await seed.close();
      await other.stop();
      await app.stop();
    };
    return { app, seed, startAll, [Symbol.asyncDispose]: dispose };
  }

  it('are exactly as many over two processes', { timeout: 60_000 }, async () => {
    await using two = await openStorm({ MAX_GENERATIONS_PER_MEMBER: '20', MAX_GENERATIONS_PER_TENANT: '30' });
    const { app, seed, startAll } = two;
    const caller = await seed.tenant();
    expect(await startAll(caller.key, 70)).toEqual({ started: 20, codes: ['RATE_LIMITED'] });
    const second = await seed.member({ of: caller });
    expect(await startAll(second.key, 30)).toEqual({ started: 10, codes: ['RATE_LIMITED'] });
    const [rows] = await app.sql<{
      count: number;
    }>`select count(*)::int from generations where tenant_id = ${uuidOf(caller.tenantId)}`;
    expect(rows?.count).toBe(30);
  });

  it('wait for nobody far below a limit, and are exactly as many at it', { timeout: 60_000 }, async () => {
    const [server] = await owner<{ connections: number }[]>`select current_setting('max_connections')::int as connections`;
    // Further below it than three times the connections that there can be, for the first ten.
    const most = 3 * (server?.connections ?? 0) + 10;
    await using two = await openStorm({ MAX_GENERATIONS_PER_TENANT: String(most) });
    const { app, seed, startAll } = two;
    const caller = await seed.tenant();
    expect(await startAll(caller.key, 50)).toEqual({ started: 50, codes: [] });
    // As many more as leave room for twenty, in the care of nobody.
    await app.sql`
      insert into generations (tenant_id, id, member_id, template_version_id, template_slug, status, requested_model, model, variables, prompt, draft,
        max_output_tokens, failover_policy, epoch, attempt, lease_until)
      select tenant_id, gen_random_uuid(), member_id, template_version_id, template_slug, 'RUNNING', requested_model, model, variables, prompt, draft,
        max_output_tokens, failover_policy, 1, 0, now() + interval '1 hour'
      from (select * from generations where tenant_id = ${uuidOf(caller.tenantId)} limit 1) g, generate_series(1, ${most - 70})`;
    expect(await startAll(caller.key, 60)).toEqual({ started: 20, codes: ['RATE_LIMITED'] });
  });
});
