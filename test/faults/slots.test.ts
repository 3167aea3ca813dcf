import { randomInt, randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import postgres from 'postgres';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../src/access/key.service.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { tenantHolds } from '../../src/limits/hold.ts';
import { LimitService } from '../../src/limits/limit.service.ts';
import type { RateLimits } from '../../src/limits/policy.ts';
import { ProcessLease } from '../../src/limits/process-lease.ts';
import { SlotService } from '../../src/limits/slot.service.ts';
import { openTestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, type RawSocket } from '../harness/clients.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { startFleet } from '../harness/process.ts';
import { openTwoProcesses } from '../harness/two-processes.ts';
import { randomOf, type Random } from '../harness/random.ts';
import { openSeed } from '../harness/seed.ts';

let testDatabase: TestDatabase;
let owner: postgres.Sql;
/** As two processes have them: nothing in common but the database. */
let two: Awaited<ReturnType<typeof openTwoProcesses>>;
let keys: KeyService;
const log = openLog({ level: 'silent' });

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  owner = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
  two = await openTwoProcesses(testDatabase.url, log);
  keys = new KeyService(two.processes[0].database, 'development');
});
afterAll(async () => {
  await two.close();
  await owner.end();
  await testDatabase.drop();
});

/** One for each process; closed with the block. */
function openServices(limits: RateLimits, leaseMs = 15_000) {
  const opened = two.processes.map(({ database, bus }) => {
    const { policy, admissions } = new LimitService({ database, clock: systemClock, registry: new Registry(), limits });
    const lease = new ProcessLease(leaseMs, { database, clock: systemClock, log });
    lease.open();
    const service = new SlotService({ database, clock: systemClock, log, bus, policy, admissions, lease });
    service.open();
    return { service, lease };
  });
  const close = async () => {
    for (const { service, lease } of opened) {
      await service.close();
      await lease.close();
    }
  };
  return { services: opened.map(({ service }) => service), [Symbol.asyncDispose]: close };
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

it('counts who began to live while it waited for the row', async () => {
  const { tenantId, member } = await newTenant();
  const { memberId: id } = member();
  const [subject, asker, late] = [uuidOf(id), randomUUID(), randomUUID()];
  const connection = two.processes[0].database.as({ tenantId });
  const store = tenantHolds(connection, tenantId);
  const ask = { id, kind: 'sockets', used: 0, wanted: 20, spare: 0, most: 20 } as const;
  await store.makeRows([ask]);
  await owner`insert into processes (id, lease_until) values (${asker}, now() + interval '1 minute')`;
  const asked = await owner.begin(async (sql) => {
    await sql`select from held_slots where subject = ${subject} for update`;
    const answer = store.hold({ process: asker, turn: 1, graceMs: 500 }, [ask]);
    await eventually(
      async () =>
        (await sql`select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))`).length > 0,
    );
    await sql`insert into processes (id, lease_until) values (${late}, now() + interval '1 minute')`;
    await sql`update held_slots set holders = ${sql.json({ [late]: { held: 15, turn: 1 } })} where subject = ${subject}`;
    return { answer };
  });
  expect(await asked.answer).toEqual([{ held: 5, others: 15 }]);
});

it('whose lease has run out while it waited for the row is told so, and holds nothing', async () => {
  const { tenantId, member } = await newTenant();
  const { memberId: id } = member();
  const [subject, asker] = [uuidOf(id), randomUUID()];
  const connection = two.processes[0].database.as({ tenantId });
  const store = tenantHolds(connection, tenantId);
  const ask = { id, kind: 'sockets', used: 0, wanted: 20, spare: 0, most: 20 } as const;
  await store.makeRows([ask]);
  await owner`insert into processes (id, lease_until) values (${asker}, now() + interval '1 minute')`;
  const asked = await owner.begin(async (sql) => {
    await sql`select from held_slots where subject = ${subject} for update`;
    const answer = store.hold({ process: asker, turn: 1, graceMs: 500 }, [ask]).catch((error: unknown) => error);
    await eventually(
      async () =>
        (await sql`select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))`).length > 0,
    );
    await sql`update processes set lease_until = now() - interval '1 second' where id = ${asker}`;
    return { answer };
  });
  expect(await asked.answer).toMatchObject({ name: 'LostLease', process: asker });
  expect([...(await owner`select holders from held_slots where subject = ${subject}`)]).toEqual([{ holders: {} }]);
});

it('a process that was lost comes back as another, which no late answer to the one before can take away', async () => {
  const [first] = two.processes;
  let lost = 0;
  const lease = new ProcessLease(15_000, { database: first.database, clock: systemClock, log });
  lease.onLost(() => lost++);
  const [before, also] = [await lease.nextTurn(), await lease.nextTurn()];
  lease.lose(before.process);
  const after = await lease.nextTurn();
  // Two statements of the same life may both be told that it is over.
  lease.lose(also.process);
  expect([lost, lease.isStill(before), lease.isStill(after), (await lease.nextTurn()).process]).toEqual([
    1,
    false,
    true,
    after.process,
  ]);
  // What it was before is counted by nobody any more, not even by itself.
  const known = await owner<{ id: string }[]>`select id from processes where id in ${owner([before.process, after.process])}`;
  expect(known.map(({ id }) => id)).toEqual([after.process]);
  await lease.close();
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
  'a process that was stopped comes back to its own places, but for those that others have taken',
  { timeout: 90_000 },
  async () => {
    const env = { MAX_SOCKETS_PER_MEMBER: '20', GENERATION_LEASE_MS: '3000' };
    await using fleet = await startFleet(env, env);
    const [one, other] = fleet.processes;
    if (!one || !other) throw new Error('no fleet');
    const rows = postgres(fleet.database.url, { max: 1, onnotice: () => undefined });
    const living = async () =>
      (
        await rows<{ id: string; held: number }[]>`
        select p.id, coalesce((h.holders -> p.id::text ->> 'held')::int, 0) as held
        from processes p cross join held_slots h where h.kind = 'sockets' order by held`
      ).map((row) => ({ ...row }));
    const isOpen = ({ socket }: RawSocket) => socket.readyState === socket.OPEN;
    /** Every one of them is served. */
    const answered = async (sockets: readonly RawSocket[]) => {
      for (const raw of sockets) raw.send({ type: 'ping' });
      expect(await Promise.all(sockets.map((raw) => raw.next()))).toEqual(sockets.map(() => ({ type: 'pong' })));
    };
    try {
      const own: RawSocket[] = [];
      for (let more = 0; more < 12; more++) own.push(await acknowledged(one.url, one.key));
      const others = await Promise.all(Array.from({ length: 8 }, () => acknowledged(other.url, one.key)));
      expect(await open(one.url, one.key)).toBeNull();
      const before = await living();
      expect(before.map(({ held: places }) => places)).toEqual([8, 12]);

      // Its lease has just run out: others still count what it had, and so must it not.
      one.signal('SIGSTOP');
      await eventually(async () => (await rows`select from processes where lease_until < now()`).length > 0);
      one.signal('SIGCONT');
      const after = await eventually(async () => {
        const now = await living();
        return now.length === 2 && now[1]?.id !== before[1]?.id && now[1]?.held === 12 ? now : null;
      });
      expect(after[0]).toEqual(before[0]);
      await answered([...own, ...others]);
      expect([await open(one.url, one.key), await open(other.url, one.key)]).toEqual([null, null]);

      // Long enough for others to take what it had.
      one.signal('SIGSTOP');
      const taken: RawSocket[] = [];
      await eventually(async () => {
        const next = await open(other.url, one.key);
        if (next) taken.push(next);
        return taken.length === 4;
      }, 20_000);
      one.signal('SIGCONT');
      await eventually(() => own.filter(isOpen).length === 8);
      await eventually(async () => (await living()).map(({ held: places }) => places).join() === '8,12');
      // The newest have to go.
      await answered([...own.slice(0, 8), ...others, ...taken]);
      expect([await open(one.url, one.key), await open(other.url, one.key)]).toEqual([null, null]);
      for (const { socket } of [...own, ...others, ...taken]) socket.terminate();
    } finally {
      await rows.end();
    }
  },
);

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
