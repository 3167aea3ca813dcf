import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { CallSlotService } from '../../src/limits/call-slot.service.ts';
import { ProcessLease } from '../../src/limits/process-lease.ts';
import { Places, type LeavePlace } from '../../src/routing/places.ts';
import { openTestApp } from '../harness/app.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { askerAt, startWith } from '../harness/own-keys.ts';
import { openTwoProcesses } from '../harness/two-processes.ts';
import { randomOf } from '../harness/random.ts';
import { Teller } from '../harness/teller.ts';

// Waits are lost with the time a busy machine takes.
vi.setConfig({ testTimeout: 60_000 });

let testDatabase: TestDatabase;
/** As two processes have them: nothing in common but the database. */
let two: Awaited<ReturnType<typeof openTwoProcesses>>;
const log = openLog({ level: 'silent' });
const never = new AbortController().signal;

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  two = await openTwoProcesses(testDatabase.url, log);
});
afterAll(async () => {
  await two.close();
  await testDatabase.drop();
});

let providers = 0;

/** Two processes and a provider that nobody else knows, with so many places; closed with the block. */
async function openPlaces(most: number, { waitMs = 60_000, leaseMs = 15_000 } = {}) {
  const provider = `provider-${++providers}`;
  const opened = two.processes.map(({ database, bus }) => {
    const lease = new ProcessLease(leaseMs, { database, clock: systemClock, log });
    const slots = new CallSlotService({ database, clock: systemClock, log, bus, lease });
    slots.open();
    return { lease, slots, places: new Places({ byProvider: new Map([[provider, most]]), others: null, waitMs }, slots) };
  });
  const [one, other] = opened;
  if (!one || !other) throw new Error('no processes');
  const close = async () => {
    for (const { slots, lease } of opened) {
      await slots.close();
      await lease.close();
    }
  };
  return { provider, one, other, both: [one.places, other.places], [Symbol.asyncDispose]: close };
}

/** The one that was taken; fails where there was none. */
async function taken(place: Promise<LeavePlace | null>): Promise<LeavePlace> {
  const leave = await place;
  if (!leave) throw new Error('there was no place');
  return leave;
}

describe('places for calls', () => {
  const seeds = Array.from({ length: 5 }, () => randomInt(2 ** 31));

  it.each(seeds)('are so many for two processes together, again when all are free (seed %i)', async (seed) => {
    await using open = await openPlaces(10, { waitMs: 1_000 });
    const random = randomOf(seed);
    const storm = async () => {
      const all = Array.from({ length: 60 }, () => random.pick(open.both).take(open.provider, 60_000, never));
      return (await Promise.all(all)).filter((leave) => leave !== null);
    };
    const first = await storm();
    expect(first.length).toBe(10);
    for (const leave of first) leave();
    expect((await storm()).length).toBe(10);
  });

  it.each(seeds)('are never more while calls come and go, and everybody gets one who can wait (seed %i)', async (seed) => {
    await using open = await openPlaces(3);
    const random = randomOf(seed);
    let [now, most] = [0, 0];
    const caller = async () => {
      for (let calls = 0; calls < 5; calls++) {
        const leave = await taken(random.pick(open.both).take(open.provider, 60_000, never));
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        leave();
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    expect([now, most]).toEqual([0, 3]);
  });

  it('are any number where nothing is said', async () => {
    await using open = await openPlaces(1);
    const [places] = open.both;
    const leave = [places?.takeNow('b'), await places?.take('b', 0, never), places?.takeNow('b')];
    expect(places?.taken('b')).toBe(3);
    for (const each of leave) each?.();
    expect([places?.taken('b'), places?.taken('c')]).toEqual([0, 0]);
  });

  it('go to those who wait in this process, in their order', async () => {
    await using open = await openPlaces(2);
    const { places } = open.one;
    const held = [await taken(places.take(open.provider, 60_000, never)), await taken(places.take(open.provider, 60_000, never))];
    const order: string[] = [];
    const wait = async (name: string): Promise<LeavePlace> => {
      const leave = await taken(places.take(open.provider, 60_000, never));
      order.push(name);
      return leave;
    };
    const waiting = [wait('first'), wait('second')];
    expect(places.takeNow(open.provider)).toBeNull();
    held[0]?.();
    const first = await waiting[0];
    expect([order, places.taken(open.provider)]).toEqual([['first'], 2]);
    // It is given on at once, past those who have not waited.
    first?.();
    expect(places.takeNow(open.provider)).toBeNull();
    const second = await waiting[1];
    expect(order).toEqual(['first', 'second']);
    second?.();
    held[1]?.();
    expect(places.taken(open.provider)).toBe(0);
  });

  it('go to those who wait in another process', async () => {
    await using open = await openPlaces(1);
    const leave = await taken(open.one.places.take(open.provider, 60_000, never));
    const waiting = taken(open.other.places.take(open.provider, 60_000, never));
    await eventually(() => open.other.slots.enterNow(open.provider, 1) === null);
    leave();
    (await waiting)();
  });

  it('come back from a process that gives no sign of life', async () => {
    // Nobody opens the leases: they are not renewed.
    await using open = await openPlaces(2, { leaseMs: 1_000 });
    for (let more = 0; more < 2; more++) await taken(open.one.places.take(open.provider, 60_000, never));
    (await taken(open.other.places.take(open.provider, 60_000, never)))();
  });

  it.each<[why: string, waitMs: number, remainingMs: number]>([
    ['longer than is configured', 20, 60_000],
    ['longer than there is time', 60_000, 20],
    ['at all where nobody is to', 0, 60_000],
  ])('are not waited for %s', async (_why, waitMs, remainingMs) => {
    await using open = await openPlaces(1, { waitMs });
    const leave = await taken(open.one.places.take(open.provider, 60_000, never));
    expect(await open.one.places.take(open.provider, remainingMs, never)).toBeNull();
    expect(await open.other.places.take(open.provider, remainingMs, never)).toBeNull();
    leave();
    expect(open.one.places.taken(open.provider)).toBe(0);
  });

  it('are not kept for who has gone', async () => {
    await using open = await openPlaces(1);
    const { places } = open.one;
    const leave = await taken(places.take(open.provider, 60_000, never));
    const gone = new AbortController();
    const waiting = places.take(open.provider, 60_000, gone.signal);
    gone.abort();
    expect(await waiting).toBeNull();
    leave();
    (await taken(places.take(open.provider, 60_000, never)))();
    expect(places.taken(open.provider)).toBe(0);
  });

  it('have room for so many who wait', async () => {
    await using open = await openPlaces(1);
    const { places } = open.one;
    const leave = await taken(places.take(open.provider, 60_000, never));
    const gone = new AbortController();
    const waiting = Array.from({ length: 1_000 }, () => places.take(open.provider, 60_000, gone.signal));
    expect(await places.take(open.provider, 60_000, never)).toBeNull();
    gone.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([null]));
    leave();
  });
});

it('two processes make three calls at a time, and write all twelve letters', async () => {
  const teller = new Teller('first');
  const env = { PROVIDER_MAX_CONCURRENT: 'first:3', PROVIDER_WAIT_MS: '60000' };
  const app = await openTestApp({ providers: [teller], env });
  const other = await openTestApp({ providers: [teller], env, database: app.database });
  try {
    const askers = [app.url, other.url].map((url) => askerAt(url, app.key));
    const ids = await Promise.all(Array.from({ length: 12 }, (_, index) => startWith(askers[index % 2] ?? app, 'first/teller')));
    for (let written = 0; written < 12; written++) {
      await eventually(() => teller.calls.length >= Math.min(12, written + 3));
      expect(teller.calls.length - written).toBeLessThanOrEqual(3);
      teller.calls[written]?.say('Dear Ada.').finish();
    }
    for (const id of ids) {
      await using reader = readGeneration({ urls: [app.url], key: app.key, id });
      await reader.ended;
      expect(reader.story()).toBe('started delta finished');
    }
  } finally {
    await other.stop();
    await app.stop();
  }
});
