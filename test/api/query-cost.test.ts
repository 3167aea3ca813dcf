import type { ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, get, post, sse, type Answer } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const list = (first: number) => `{ generations(first: ${first}) { nodes { id } } }`;
const startMutation = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code } }
}`;
const makeKey =
  'mutation { apiKeyCreate(input: { name: "made", permissions: ["models:read"] }) { apiKey { id } errors { code } } }';
// Its dearest message holds a generation and its attempts, of which there may be three.
const stream = `subscription ($id: ID!) { generationStream(id: $id) {
  __typename ... on GenerationFinished { generation { status attempts { number } } } } }`;
const nobody = 'gen_01j00000000000000000000000';
/** What nobody has, however long one waits: each list costs 101, and 101 for each of those. */
const huge = `{ ${['a', 'b'].map((name) => `${name}: generations(first: 100) { nodes { id template { id } } }`).join(' ')} }`;
const hugeStream = `subscription ($id: ID!) { generationStream(id: $id) { ... on GenerationFinished { generation {
  ${Array.from({ length: 30 }, (_, index) => `a${index}: attempts { number }`).join(' ')} } } } }`;

let app: TestApp;
let seed: Seed;
let variables: Record<string, unknown>;

beforeAll(async () => {
  // So little comes back while a test runs that `about` covers it.
  app = await openTestApp({ env: { QUERY_COST_LIMIT: '100', QUERY_COST_PER_SECOND: '1' } });
  seed = await openSeed(app);
  variables = await sampleVariables(app);
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

interface ShownCost {
  readonly requestedQueryCost: number;
  readonly actualQueryCost: number | null;
  readonly throttleStatus: { readonly currentlyAvailable: number };
}

/** Less than five seconds have gone by since. */
const about = (cost: number): number => expect.closeTo(cost, -1) as number;
const shown = (requestedQueryCost: number, actualQueryCost: number | null, currentlyAvailable: number) => ({
  requestedQueryCost,
  actualQueryCost,
  throttleStatus: { maximumAvailable: 100, currentlyAvailable: about(currentlyAvailable), restoreRate: 1 },
});
const costOf = ({ extensions }: ExecutionResult): ShownCost => extensions?.['cost'] as ShownCost;
/** As the database has it. */
const bucketOf = async ({ tenantId }: Caller) => {
  const [bucket] = await app.sql<{ spent: number; reserved: number; before: number }>`
    select spent, reserved, reserved_before as before from cost_buckets where tenant_id = ${uuidOf(tenantId)}`;
  return bucket;
};
/** Waits until nothing is reserved, and says what was spent. */
const spentBy = async (caller: Caller) =>
  eventually(async () => {
    const bucket = await bucketOf(caller);
    return bucket && bucket.reserved + bucket.before === 0 && { spent: bucket.spent };
  });

const http: [string, (url: string, query: string, key: string) => Promise<Answer>][] = [
  ['a plain request', (url, query, key) => post(url, { query }, { key })],
  [
    'a request that Apollo answers',
    (url, query, key) => post(url, { query }, { key, headers: { accept: 'application/json;q=0.5' } }),
  ],
];

describe.each(http)('over HTTP, %s', (_name, ask) => {
  it('says what was asked, what it was and what is left, and gives the difference back', async () => {
    const caller = await seed.tenant();
    const { status, body } = await ask(app.url, list(20), caller.key);
    expect([status, body]).toEqual([200, { data: { generations: { nodes: [] } }, extensions: { cost: shown(21, 1, 99) } }]);
    expect(await spentBy(caller)).toEqual({ spent: about(1) });
  });

  it('answers the same bytes', async () => {
    const caller = await seed.tenant();
    const { body } = await ask(app.url, '{ viewer { permissions } }', caller.key);
    expect(Object.keys(body)).toEqual(['data', 'extensions']);
    expect(JSON.stringify(body.extensions)).toBe(
      '{"cost":{"requestedQueryCost":1,"actualQueryCost":1,"throttleStatus":{"maximumAvailable":100,"currentlyAvailable":99,"restoreRate":1}}}',
    );
  });

  it('gives nothing back for what failed', async () => {
    const caller = await seed.tenant();
    const { body } = await ask(app.url, '{ generations(after: "forged") { nodes { id } } }', caller.key);
    expect([body.errors?.[0]?.extensions?.['code'], body.extensions]).toEqual(['INVALID_CURSOR', { cost: shown(21, 21, 79) }]);
    expect(await spentBy(caller)).toEqual({ spent: about(21) });
  });

  it('charges a mutation, and does not do one that is not paid for', async () => {
    const caller = await seed.tenant();
    for (let made = 1; made <= 9; made++) {
      const { body } = await ask(app.url, makeKey, caller.key);
      expect(body.extensions).toEqual({ cost: shown(11, 11, 100 - made * 11) });
    }
    const keys = () => app.sql`select from api_keys where tenant_id = ${uuidOf(caller.tenantId)} and name = 'made'`;
    expect(await keys()).toHaveLength(9);
    const { status, headers, body } = await ask(app.url, makeKey, caller.key);

    const [error] = body.errors ?? [];
    expect([status, body]).toEqual([
      429,
      {
        errors: [
          {
            message: expect.stringMatching(/^the operation could cost 11, and the tenant has \d of 100 left$/),
            extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.closeTo(10_000, -4), cost: shown(11, null, 1) },
          },
        ],
      },
    ]);
    expect(headers.get('retry-after')).toBe(String(Math.ceil(Number(error?.extensions?.['retryAfterMs']) / 1_000)));
    expect(await keys()).toHaveLength(9);
    // What is cheap enough goes on, and what costs nothing always does.
    expect((await ask(app.url, '{ viewer { permissions } }', caller.key)).status).toBe(200);
    expect((await ask(app.url, '{ __typename }', caller.key)).body.extensions).toEqual({ cost: shown(0, 0, 0) });
  });

  it('refuses what can never run, with both numbers, and takes nothing for it', async () => {
    const caller = await seed.tenant();
    const { status, headers, body } = await ask(app.url, huge, caller.key);
    expect([status, body, headers.get('retry-after')]).toEqual([
      400,
      {
        errors: [
          {
            message: 'the operation could cost 402, more than the 100 that a tenant can have at once',
            extensions: { code: 'LIMIT_EXCEEDED', cost: shown(402, null, 100) },
          },
        ],
      },
      null,
    ]);
    expect(await spentBy(caller)).toEqual({ spent: about(0) });
  });
});

it('gives back what Apollo does not let run', async () => {
  const caller = await seed.tenant();
  expect((await get(app.url, { query: makeKey }, { key: caller.key })).status).toBe(405);
  expect(await spentBy(caller)).toEqual({ spent: about(0) });
});

describe('a stream', () => {
  const started = async (caller: Caller): Promise<string> => {
    const input = { template: 'cover-letter-classic', variables };
    const { data } = await caller.answer(startMutation, { input });
    return (data as { generationStart: { generation: { id: string } } }).generationStart.generation.id;
  };
  type Way = (caller: Caller, query: string, id: string) => Promise<ExecutionResult[]>;
  const ways: [string, Way][] = [
    [
      'WebSocket',
      async ({ key }, query, id) => {
        const raw = await acknowledged(app.url, key);
        raw.send({ id: '1', type: 'subscribe', payload: { query, variables: { id } } });
        const results: ExecutionResult[] = [];
        for (;;) {
          const { type, payload } = await raw.next();
          if (type === 'error') results.push({ errors: payload } as ExecutionResult);
          if (type !== 'next') break;
          results.push(payload as ExecutionResult);
        }
        raw.socket.close();
        await raw.closed;
        return results;
      },
    ],
    [
      'SSE',
      async ({ key }, query, id) => {
        const { events } = await sse(app.url, { query, variables: { id } }, { key });
        const results: ExecutionResult[] = [];
        for await (const { result } of events) if (result) results.push(result);
        return results;
      },
    ],
  ];

  it.each(ways)('is paid when it begins; its first result says so: %s', async (_name, follow) => {
    const caller = await seed.tenant();
    const id = await started(caller);
    const results = await follow(caller, stream, id);
    expect(results.length).toBeGreaterThan(1);
    expect(results[0]?.extensions).toEqual({ cost: shown(14, 14, 100 - 11 - 14) });
    expect(results.slice(1).filter(({ extensions }) => extensions !== undefined)).toEqual([]);
    expect(await spentBy(caller)).toEqual({ spent: about(25) });
  });

  it.each(ways)('that does not begin costs what the attempt does: %s', async (_name, follow) => {
    const caller = await seed.tenant();
    const [result] = await follow(caller, stream, nobody);
    expect([result?.errors?.[0]?.extensions?.['code'], result?.extensions]).toEqual(['NOT_FOUND', { cost: shown(14, 10, 90) }]);
    expect(await spentBy(caller)).toEqual({ spent: about(10) });
  });

  it.each(ways)('is refused when it is not paid for, or never can be: %s', async (_name, follow) => {
    const caller = await seed.tenant();
    for (let made = 0; made < 9; made++) await caller.answer(makeKey, {});
    const [refused] = await follow(caller, stream, nobody);
    expect(refused).toEqual({
      errors: [
        {
          message: expect.stringMatching(/^the operation could cost 14, and the tenant has \d of 100 left$/),
          extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.closeTo(13_000, -4), cost: shown(14, null, 1) },
        },
      ],
    });
    const [never] = await follow(caller, hugeStream, nobody);
    expect(never?.errors?.[0]).toEqual({
      message: 'the operation could cost 101, more than the 100 that a tenant can have at once',
      extensions: { code: 'LIMIT_EXCEEDED', cost: shown(101, null, 1) },
    });
    expect(await spentBy(caller)).toEqual({ spent: about(99) });
  });
});

it('holds for a tenant as a whole, and for no other', async () => {
  const owner = await seed.tenant();
  const [member, other] = [await seed.member({ of: owner }), await seed.tenant()];
  // It fails, and is paid in full.
  await owner.answer('{ generations(first: 50, after: "forged") { nodes { id } } }', {});
  await eventually(async () => (await bucketOf(owner))?.reserved === 0);
  expect(costOf(await member.answer(list(1), {})).throttleStatus.currentlyAvailable).toEqual(about(48));
  expect(costOf(await other.answer(list(1), {})).throttleStatus.currentlyAvailable).toEqual(about(99));
});

it('comes back with time', async () => {
  const caller = await seed.tenant();
  await app.sql`
    insert into tenant_limits (tenant_id, name, ceiling)
    values (${uuidOf(caller.tenantId)}, 'QUERY_COST', 50), (${uuidOf(caller.tenantId)}, 'QUERY_COST_PER_SECOND', 1000)`;
  const limits = { maximumAvailable: 50, restoreRate: 1_000 };
  for (let made = 0; made < 5; made++) {
    const cost = await eventually(async () => {
      const result = await caller.answer(makeKey, {});
      return result.data && costOf(result);
    });
    expect(cost).toEqual({ ...shown(11, 11, 0), throttleStatus: { ...limits, currentlyAvailable: expect.any(Number) } });
  }
});

it('has no limit at 0, and then says nothing', async () => {
  const caller = await seed.tenant();
  await app.sql`insert into tenant_limits (tenant_id, name, ceiling) values (${uuidOf(caller.tenantId)}, 'QUERY_COST', 0)`;
  expect(await caller.answer(list(100), {})).toEqual({ data: { generations: { nodes: [] } } });
  expect(await bucketOf(caller)).toBeUndefined();
});

it('what messages load beyond what was paid when the stream began is taken as they are sent, and ends no stream', async () => {
  const caller = await seed.tenant();
  const added = 'subscription { auditLogAdded { entry { operation } } }';
  const { events } = await sse(app.url, { query: added }, { key: caller.key });
  // About a second goes by before they are sealed: so much is watched by then.
  await eventually(async () => (await bucketOf(caller))?.spent);
  await app.sql`insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id)
    select ${uuidOf(caller.tenantId)}::uuid, gen_random_uuid(), 'many', 'person_x', 'key', 'key_x' from generate_series(1, 120)`;
  let [read, first] = [0, null as ShownCost | null];
  for await (const { result } of events) {
    first ??= result ? costOf(result) : null;
    if (result?.errors) throw new Error(JSON.stringify(result.errors));
    if (++read === 120) break;
  }
  expect(first).toEqual(shown(11, 11, 89));
  // All of them came, and more is spent than there is.
  await eventually(async () => Number((await bucketOf(caller))?.spent) > 115);
  expect(await post(app.url, { query: makeKey }, { key: caller.key })).toMatchObject({ status: 429 });
});
