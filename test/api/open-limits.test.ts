import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, sse, type RawSocket, type SseStream } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path retryAfterMs } }
}`;
const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }';
const createKey = `mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { secret errors { code message path } } }`;
interface Started {
  readonly generationStart: { readonly generation: { id: string } | null; readonly errors: readonly { code: string }[] };
}

let app: TestApp;
let seed: Seed;
let owner: Caller;
let variables: Record<string, unknown>;

beforeAll(async () => {
  app = await openTestApp({
    env: {
      // Nothing that is started ends by itself.
      OFFLINE_TOKENS_PER_SECOND: '1',
      MAX_GENERATIONS_PER_MEMBER: '2',
      MAX_GENERATIONS_PER_TENANT: '3',
      MAX_SOCKETS_PER_MEMBER: '3',
      MAX_SOCKETS_PER_TENANT: '5',
      MAX_SUBSCRIPTIONS_PER_MEMBER: '2',
      MAX_SUBSCRIPTIONS_PER_TENANT: '3',
      RATE_LIMIT_STARTS: '1000',
    },
  });
  seed = await openSeed(app);
  variables = await sampleVariables(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

const begin = async (caller: Pick<Caller, 'answer'>, idempotencyKey: string | null = null) =>
  (
    (await caller.answer(start, { input: { template: 'cover-letter-classic', variables, idempotencyKey } }))
      .data as unknown as Started
  ).generationStart;
const begun = async (caller: Pick<Caller, 'answer'>): Promise<string> => {
  const { generation, errors } = await begin(caller);
  if (!generation) throw new Error(JSON.stringify(errors));
  return generation.id;
};
/** A key of the owner with limits of its own, as a caller. */
async function limitedKey(limits: Record<string, number>): Promise<Caller> {
  const permissions = ['generations:read', 'generations:write', 'templates:read', 'keys:write'];
  const { apiKeyCreate } = await owner.ask<{ apiKeyCreate: { secret: string; errors: unknown[] } }>(createKey, {
    input: { name: 'limited', permissions, ...limits },
  });
  expect(apiKeyCreate.errors).toEqual([]);
  const key = apiKeyCreate.secret;
  const answer: Caller['answer'] = async (query, given = {}) => (await post(app.url, { query, variables: given }, { key })).body;
  return { ...owner, key, answer };
}
const refused = (message: string) => ({ message, extensions: { code: 'RATE_LIMITED', retryAfterMs: 5_000 } });
const closed = (...sockets: RawSocket[]) =>
  Promise.all(
    sockets.map((raw) => {
      raw.socket.close();
      return raw.closed;
    }),
  );
/** The code and reason with which a socket is refused after its `connection_init`. */
async function refusedSocket(key: string): Promise<{ code: number; reason: string }> {
  const raw = await rawSocket(app.url);
  const end = new Promise<{ code: number; reason: string }>((resolve) =>
    raw.socket.once('close', (code, reason: Buffer) => resolve({ code, reason: reason.toString() })),
  );
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } });
  return end;
}
const held = async (id: string, kind: 'sockets' | 'subscriptions') => {
  const rows = await app.sql<{ held: number }>`
    select coalesce(sum((e.value ->> 'held')::int), 0)::int as held from held_slots h cross join lateral jsonb_each(h.holders) e
    where h.subject = ${uuidOf(id)} and h.kind = ${kind}`;
  return rows[0]?.held ?? 0;
};

describe('generations that are not finished', () => {
  it('of a member: one too many is refused, costs no start, and fits when one has ended', async () => {
    const first = await begun(owner);
    await begun(owner);
    expect(await begin(owner, 'third')).toEqual({
      generation: null,
      errors: [
        {
          code: 'RATE_LIMITED',
          message: 'the limit of 2 unfinished generations of a member is reached: wait for one to end, or cancel one',
          path: null,
          retryAfterMs: 5_000,
        },
      ],
    });
    const rows = await app.sql<{ unfinished: number; used: number; claims: number }>`
      select (select count(*)::int from generations where tenant_id = ${uuidOf(owner.tenantId)}) as unfinished,
        (select used from rate_buckets where subject = ${uuidOf(owner.memberId)} and kind = 'starts') as used,
        (select count(*)::int from idempotency_keys where tenant_id = ${uuidOf(owner.tenantId)}) as claims`;
    expect(rows).toEqual([{ unfinished: 2, used: 2, claims: 0 }]);

    await owner.ask(cancel, { id: first });
    const third = await eventually(async () => (await begin(owner, 'third')).generation);
    // A repeat is none too many.
    expect((await begin(owner, 'third')).generation).toEqual(third);
  });

  describe('that cannot be counted', () => {
    const startsOf = async ({ memberId }: Caller) => {
      const rows = await app.sql<{ used: number }>`
        select used from rate_buckets where subject = ${uuidOf(memberId)} and kind = 'starts'`;
      return rows[0]?.used ?? 0;
    };
    /** As if others had been in the way so many times, with this SQLSTATE. */
    async function withCollisions(count: number, state: string, work: () => Promise<void>): Promise<void> {
      await app.sql`alter function check_room_for_generation rename to real_check_room`;
      await app.sql`create sequence collisions`;
      await app.sql`grant usage on collisions to draftwire_app`;
      await app.sql`
        create function check_room_for_generation(uuid, uuid, uuid, int, int, int) returns boolean language plpgsql volatile as $$
        begin
          if nextval('collisions') <= (select most from collisions_wanted) then
            raise exception using errcode = (select state from collisions_wanted), message = 'in the way';
          end if;
          return real_check_room($1, $2, $3, $4, $5, $6);
        end $$`;
      await app.sql`create table collisions_wanted (most int, state text)`;
      await app.sql`insert into collisions_wanted values (${count}, ${state})`;
      await app.sql`grant select on collisions_wanted to draftwire_app`;
      try {
        await work();
      } finally {
        await app.sql`drop function check_room_for_generation`;
        await app.sql`alter function real_check_room rename to check_room_for_generation`;
        await app.sql`drop table collisions_wanted`;
        await app.sql`drop sequence collisions`;
      }
    }

    it('at once, because others start as well: are tried again', async () => {
      await withCollisions(3, '40001', async () => {
        await begun(owner);
        expect(await startsOf(owner)).toBe(1);
      });
    });

    it('at all: cost no start', async () => {
      await begun(owner);
      await withCollisions(1, 'XX000', async () => {
        const { errors } = await owner.answer(start, { input: { template: 'cover-letter-classic', variables } });
        expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL' } }]);
        expect(await startsOf(owner)).toBe(1);
      });
    });
  });

  it('of a tenant and of a key, each by itself', async () => {
    const key = await limitedKey({ maxGenerations: 1 });
    await begun(key);
    expect((await begin(key)).errors).toMatchObject([
      { code: 'RATE_LIMITED', message: expect.stringContaining('the limit of 1 unfinished generations of a key is reached') },
    ]);
    await begun(owner);
    const other = await seed.member({ of: owner });
    await begun(other);
    expect((await begin(other)).errors).toMatchObject([
      { code: 'RATE_LIMITED', message: expect.stringContaining('the limit of 3 unfinished generations of a tenant is reached') },
    ]);
    await begun(await seed.tenant());
  });
});

describe('sockets', () => {
  it('of a member: one too many is closed with 1013 and RATE_LIMITED, and fits when another is closed', async () => {
    const open = await Promise.all([1, 2, 3].map(() => acknowledged(app.url, owner.key)));
    expect(await refusedSocket(owner.key)).toEqual({ code: 1013, reason: 'RATE_LIMITED' });
    const [first, ...others] = open;
    if (first) await closed(first);
    const next = await eventually(() => acknowledged(app.url, owner.key).catch(() => null));
    await closed(next, ...others);
    await eventually(async () => (await held(owner.memberId, 'sockets')) === 0);
  });

  it('of the development key are its member’s and its tenant’s, too', async () => {
    const open = await Promise.all([1, 2, 3].map(() => acknowledged(app.url, app.key)));
    expect(await refusedSocket(app.key)).toEqual({ code: 1013, reason: 'RATE_LIMITED' });
    await closed(...open);
  });

  it('of a tenant and of a key, each by itself', async () => {
    const key = await limitedKey({ maxSockets: 1 });
    const open = [await acknowledged(app.url, key.key)];
    expect((await refusedSocket(key.key)).reason).toBe('RATE_LIMITED');
    const others = await Promise.all([seed.member({ of: owner }), seed.member({ of: owner })]);
    for (const { key: each } of [...others, ...others]) open.push(await acknowledged(app.url, each));
    expect((await refusedSocket(owner.key)).reason).toBe('RATE_LIMITED');
    const elsewhere = await acknowledged(app.url, (await seed.tenant()).key);
    await closed(...open, elsewhere);
  });

  it('of one member by the hundred are refused, and the server goes on as before', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const raw = await rawSocket(app.url);
        raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${owner.key}` } });
        return raw.next().then(
          () => raw,
          () => raw.closed,
        );
      }),
    );
    const open = attempts.filter((each) => typeof each !== 'number');
    expect(open.length).toBe(3);
    expect(new Set(attempts.filter((each) => typeof each === 'number'))).toEqual(new Set([1013]));
    expect((await post(app.url, { query: '{ __typename }' }, { key: owner.key })).status).toBe(200);
    await closed(...open);
  });

  it('that prove nobody, or ask for nothing, take no place', async () => {
    const silent = await Promise.all([1, 2, 3, 4].map(() => rawSocket(app.url)));
    const one = await acknowledged(app.url, owner.key);
    await closed(one, ...silent);
  });
});

describe('subscriptions', () => {
  const subscribe = async (raw: RawSocket, id: string, generation: string) => {
    raw.send({ id, type: 'subscribe', payload: { query: stream, variables: { id: generation } } });
    return raw.next();
  };

  it('of a member: one too many is an error over WebSocket and 429 over SSE, counted together; the socket stays', async () => {
    const id = await begun(owner);
    const raw = await acknowledged(app.url, owner.key);
    expect((await subscribe(raw, 'a', id)).type).toBe('next');
    const events: SseStream = await sse(app.url, { query: stream, variables: { id } }, { key: owner.key });
    expect(events.status).toBe(200);

    const message = 'the limit of 2 running subscriptions of a member is reached: close one, or come back';
    const errors: unknown[] = [];
    raw.send({ id: 'b', type: 'subscribe', payload: { query: stream, variables: { id } } });
    await eventually(async () => {
      const next = await raw.next();
      if (next.id === 'b') errors.push(next);
      return errors.length > 0;
    });
    expect(errors).toEqual([{ id: 'b', type: 'error', payload: [refused(message)] }]);
    const second = await sse(app.url, { query: stream, variables: { id } }, { key: owner.key });
    expect({ status: second.status, retryAfter: second.headers.get('retry-after') }).toEqual({ status: 429, retryAfter: '5' });
    expect((await second.events.next()).value).toMatchObject({ event: 'error', result: { errors: [refused(message)] } });

    events.stop();
    const third = await eventually(async () => {
      const next = await sse(app.url, { query: stream, variables: { id } }, { key: owner.key });
      return next.status === 200 && next;
    });
    third.stop();
    await closed(raw);
    await eventually(async () => (await held(owner.memberId, 'subscriptions')) === 0);
  });

  it('of a tenant and of a key, each by itself', async () => {
    const key = await limitedKey({ maxSubscriptions: 1 });
    const id = await begun(owner);
    const open: SseStream[] = [];
    const status = async (with_: string) => {
      const next = await sse(app.url, { query: stream, variables: { id } }, { key: with_ });
      if (next.status === 200) open.push(next);
      return next.status;
    };
    expect([await status(key.key), await status(key.key)]).toEqual([200, 429]);
    const [one, other] = await Promise.all([seed.member({ of: owner }), seed.member({ of: owner })]);
    expect([await status(one.key), await status(other.key), await status(one.key)]).toEqual([200, 200, 429]);
    for (const each of open) each.stop();
  });

  it('that are refused for another reason, or end by themselves, leave their place', async () => {
    const nobody = 'gen_01j00000000000000000000000';
    for (let times = 0; times < 4; times++) {
      const { events } = await sse(app.url, { query: stream, variables: { id: nobody } }, { key: owner.key });
      const codes = [];
      for await (const { result } of events) if (result) codes.push(result.errors?.[0]?.extensions?.['code']);
      expect(codes).toEqual(['NOT_FOUND']);
    }
    const raw = await acknowledged(app.url, owner.key);
    for (const id of ['1', '2', '3', '4']) {
      expect(await subscribe(raw, id, nobody)).toMatchObject({
        id,
        payload: { errors: [{ extensions: { code: 'NOT_FOUND' } }] },
      });
      expect(await raw.next()).toEqual({ id, type: 'complete' });
    }
    await closed(raw);
    await eventually(async () => (await held(owner.memberId, 'subscriptions')) === 0);
  });
});

it('shows what was refused', async () => {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  for (const kind of ['generations', 'sockets', 'subscriptions'])
    expect(text).toMatch(new RegExp(`^draftwire_admissions_total\\{kind="${kind}",outcome="refused"\\} [1-9]`, 'm'));
});
