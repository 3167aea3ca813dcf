import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/audit/chain.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, sse, wsClient } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const parts =
  'id createdAt operation code count actor proofKind proofId transport address requestId thing before after position hash cursor';
const log = `query ($first: Int, $after: String, $filter: AuditLogFilter) {
  auditLog(first: $first, after: $after, filter: $filter) { nodes { ${parts} } pageInfo { hasNextPage endCursor } } }`;
const added = `subscription ($after: String) { auditLogAdded(after: $after) { cursor entry { ${parts} } } }`;
const retention = 'mutation ($days: Int) { tenantUpdate(input: { generationRetentionDays: $days }) { errors { code } } }';

interface Entry {
  readonly id: string;
  readonly operation: string;
  readonly code: string | null;
  readonly count: number;
  readonly actor: string;
  readonly thing: string | null;
  readonly before: object | null;
  readonly after: object | null;
  readonly position: number | null;
  readonly hash: string | null;
  readonly cursor: string | null;
}
interface LogAnswer {
  readonly auditLog: {
    readonly nodes: Entry[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}
interface AddedAnswer {
  readonly auditLogAdded: { readonly cursor: string; readonly entry: Entry };
}

let app: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  app = await openTestApp({ env: { TRUSTED_PROXIES: '127.0.0.1' } });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

const read = async (variables: object = {}, by = owner) => (await by.ask<LogAnswer>(log, { ...variables })).auditLog;
const setRetention = (days: number, by = owner) => by.ask(retention, { days });
/** The log, once all of it is sealed, in the order of the chain. */
const sealedLog = (by = owner) =>
  eventually(async () => {
    const { nodes } = await read({ first: 100 }, by);
    return nodes.length > 0 && nodes.every(({ position }) => position !== null) && nodes.toReversed();
  });

describe('auditLog', () => {
  it('tells who did what, from where, on which thing, before and after, at once', async () => {
    await post(
      app.url,
      { query: retention, variables: { days: 30 } },
      { key: owner.key, headers: { 'x-forwarded-for': '203.0.113.77', 'x-request-id': 'my-request-1' } },
    );
    await setRetention(7);

    const { nodes } = await read();
    expect(nodes).toMatchObject([
      { before: { generationRetentionDays: 30 }, after: { generationRetentionDays: 7 } },
      { before: { generationRetentionDays: null }, after: { generationRetentionDays: 30 } },
    ]);
    expect(nodes[1]).toMatchObject({
      id: expect.stringMatching(/^aud_/),
      operation: 'tenantUpdate',
      code: null,
      count: 1,
      actor: nodes[0]?.actor,
      proofKind: 'key',
      proofId: expect.stringMatching(/^key_/),
      transport: 'http',
      address: '203.0.113.0/24',
      requestId: 'my-request-1',
      thing: owner.tenantId,
    });
    const node = 'query ($id: ID!) { node(id: $id) { ... on AuditEntry { operation thing } } }';
    expect(await owner.ask(node, { id: nodes[1]?.id })).toEqual({ node: { operation: 'tenantUpdate', thing: owner.tenantId } });
  });

  it('tells of a generation’s life without a word of it', async () => {
    const id = await startGeneration(owner);
    await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
    await owner.ask('mutation ($id: ID!) { generationDelete(input: { id: $id }) { errors { code } } }', { id });

    const { nodes } = await read({ filter: { thing: id } });
    expect(nodes.map(({ operation }) => operation)).toEqual(['generationDelete', 'generationCancel', 'generationStart']);
    expect(nodes[2]).toMatchObject({ before: null, after: { template: 'cover-letter-classic', model: 'auto', retryOf: null } });
    expect(nodes[0]).toMatchObject({ before: { template: 'cover-letter-classic' }, after: null });
  });

  it('is filtered, and read page by page', async () => {
    const begunAt = new Date(Date.now() - 60_000).toISOString();
    for (const days of [1, 2, 3]) await setRetention(days);
    const colleague = await seed.member({ of: owner });
    await setRetention(4, colleague);
    const key = await owner.ask<{ apiKeyCreate: { apiKey: { id: string } } }>(
      'mutation { apiKeyCreate(input: { name: "One", permissions: ["audit:read"] }) { apiKey { id } } }',
    );
    const count = async (filter: object) => (await read({ filter })).nodes.length;

    // The same whether they wait for their place or have it.
    for (const stateOf of [async () => undefined, sealedLog]) {
      await stateOf();
      expect(await count({})).toBe(5);
      expect(await count({ operation: 'tenantUpdate' })).toBe(4);
      expect(await count({ actor: colleague.memberId })).toBe(1);
      expect(await count({ actor: owner.memberId, operation: 'tenantUpdate' })).toBe(3);
      expect(await count({ thing: key.apiKeyCreate.apiKey.id })).toBe(1);
      expect(await count({ from: begunAt })).toBe(5);
      expect(await count({ to: begunAt })).toBe(0);
    }
    const [first] = (await read({ filter: { actor: colleague.memberId } })).nodes;
    expect(await count({ actor: first?.actor })).toBe(1);

    const found: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 3; pages++) {
      const { nodes, pageInfo }: LogAnswer['auditLog'] = await read({ first: 2, after });
      found.push(...nodes.map(({ id }) => id));
      after = pageInfo.endCursor;
      expect(pageInfo.hasNextPage).toBe(pages < 2);
    }
    expect(found).toEqual((await read()).nodes.map(({ id }) => id));
  });

  it('is the own tenant’s, for whoever may read it', async () => {
    await setRetention(30);
    const [entry] = (await read()).nodes;
    const other = await seed.tenant();
    expect((await read({}, other)).nodes).toEqual([]);
    const node = 'query ($id: ID!) { node(id: $id) { id } }';
    expect(await other.ask(node, { id: entry?.id })).toEqual({ node: null });

    const plain = await seed.member({ of: owner, can: ['generations:read'] });
    const forbidden = [expect.objectContaining({ message: 'this needs the permission audit:read' })];
    for (const query of ['{ auditLog { nodes { id } } }', '{ auditVerify { isIntact } }'])
      expect((await plain.answer(query)).errors).toEqual(forbidden);
    expect((await plain.answer(node, { id: entry?.id })).errors).toEqual(forbidden);
    const { value } = await (await sse(app.url, { query: added }, { key: plain.key })).events.next();
    expect(value?.result?.errors).toEqual(forbidden);
    const file = await fetch(`${app.url}/audit.ndjson`, { headers: { authorization: `Bearer ${plain.key}` } });
    expect([file.status, await file.json()]).toEqual([403, { errors: forbidden }]);
  });

  it.each([
    [{ first: 0 }, 'INVALID_INPUT', ['first']],
    [{ after: 'x' }, 'INVALID_CURSOR', ['after']],
    [{ filter: { from: '+010000-01-01T00:00:00Z' } }, 'INVALID_INPUT', ['filter']],
  ])('refuses %j', async (variables, code, path) => {
    const [error] = (await owner.answer(log, variables)).errors ?? [];
    expect(error?.extensions).toMatchObject({ code });
    if (code !== 'INVALID_INPUT' || 'first' in variables) expect(error?.extensions).toMatchObject({ path });
  });
});

describe('the rows of the log', () => {
  it('cannot be changed or deleted by the app, nor their place be made up', async () => {
    await setRetention(30);
    const hand = postgres(app.database.url, { max: 1, onnotice: () => undefined });
    const asApp = (statement: string) =>
      hand.begin(async (sql) => {
        await sql.unsafe(`set local role draftwire_app; set local draftwire.tenant = '${uuidOf(owner.tenantId)}'`);
        await sql.unsafe(statement);
      });
    const before = await app.sql`select id, operation, actor from audit_entries order by id`;
    for (const statement of [
      "update audit_entries set operation = 'x'",
      'update audit_entries set position = 1',
      'delete from audit_entries',
      'truncate audit_entries',
      "update audit_heads set hash = 'x'",
      'delete from audit_heads',
      `insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id, position) select tenant_id, gen_random_uuid(), 'x', 'x', 'x', 'x', 9 from audit_entries`,
      `insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id, created_at) select tenant_id, gen_random_uuid(), 'x', 'x', 'x', 'x', now() from audit_entries`,
    ])
      await expect(asApp(statement), statement).rejects.toMatchObject({ code: '42501' });
    await hand.end();
    const after = await app.sql`select id, operation, actor from audit_entries order by id`;
    expect(after).toEqual([...before]);
    expect(after.length).toBeGreaterThan(0);
  });
});

describe('auditLogAdded', () => {
  it.each(['websocket', 'sse'] as const)(
    'gives what is sealed, and goes on behind a cursor without a gap, over %s',
    async (transport) => {
      const taken = async (
        after: string | null,
        count: number,
        whenOpen: () => Promise<unknown>,
      ): Promise<AddedAnswer['auditLogAdded'][]> => {
        const found: AddedAnswer['auditLogAdded'][] = [];
        const take = (data: unknown): boolean => found.push((data as AddedAnswer).auditLogAdded) < count;
        if (transport === 'sse') {
          const stream = await sse(
            app.url,
            { query: added, ...(after === null && { variables: {} }) },
            { key: owner.key, ...(after !== null && { lastEventId: after }) },
          );
          await whenOpen();
          for await (const { result, id } of stream.events) {
            expect(result?.data).toMatchObject({ auditLogAdded: { cursor: id } });
            if (!take(result?.data)) stream.stop();
          }
          return found;
        }
        const client = wsClient(app.url, owner.key);
        const results = client.iterate({ query: added, variables: { after } });
        const first = results.next();
        await whenOpen();
        for (let step = await first; !step.done; step = await results.next()) {
          expect(step.value.errors).toBeUndefined();
          if (!take(step.value.data)) break;
        }
        await client.dispose();
        return found;
      };
      await setRetention(1);
      const [start] = await sealedLog();
      const live = await taken(start?.cursor ?? null, 2, async () => {
        await setRetention(2);
        await setRetention(3);
      });
      expect(live.map(({ entry }) => [entry.position, entry.after])).toMatchObject([
        [2, { generationRetentionDays: 2 }],
        [3, { generationRetentionDays: 3 }],
      ]);
      await setRetention(4);
      await eventually(async () => (await sealedLog()).length === 4);
      const [again, more] = await taken(live[0]?.cursor ?? null, 2, async () => undefined);
      expect([again, more?.entry.position]).toEqual([live[1], 4]);
      expect(again?.entry.cursor).toBe(again?.cursor);
    },
  );

  it('begins with what comes next when nothing is said', async () => {
    await setRetention(1);
    await sealedLog();
    const { events } = await sse(app.url, { query: added }, { key: owner.key });
    const next = events.next();
    // The stream is open when its answer's head is here, and the subscription with it.
    await setRetention(2);
    const { value } = await next;
    expect(value?.result).toMatchObject({ data: { auditLogAdded: { entry: { position: 2 } } } });
    await events.return();
  });

  it.each(['x', 'forged'])('refuses a cursor that is none of it: %s', async (kind) => {
    await setRetention(1);
    const [entry] = await sealedLog();
    const other = await seed.tenant();
    const after = kind === 'x' ? 'x' : entry?.cursor;
    const { events } = await sse(app.url, { query: added, variables: { after } }, { key: other.key });
    expect((await events.next()).value?.result?.errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_CURSOR',
      path: ['after'],
    });
    await events.return();
  });
});

describe('/audit.ndjson', () => {
  const file = (query = '', key = owner.key) =>
    fetch(`${app.url}/audit.ndjson${query}`, { headers: { authorization: `Bearer ${key}` } });

  it('holds the whole chain, so that anybody can verify it', async () => {
    for (const days of [1, 2, 3]) await setRetention(days);
    const sealed = await sealedLog();
    const answer = await file();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const lines = (await answer.text()).trimEnd().split('\n');

    let previous = '0'.repeat(64);
    const verified = lines.map((line) => {
      const { position, hash, entry } = JSON.parse(line) as { position: number; hash: string; entry: Entry };
      expect(createHash('sha256').update(canonicalJson({ previous, position, entry })).digest('hex')).toBe(hash);
      previous = hash;
      return [position, hash, entry.id, entry.after];
    });
    expect(verified).toEqual(sealed.map(({ position, hash, id, after }) => [position, hash, id, after]));
  });

  it('is of more than a page, in order and without gaps', async () => {
    await app.sql`insert into audit_entries (tenant_id, id, operation, actor, proof_kind, proof_id)
      select ${uuidOf(owner.tenantId)}::uuid, gen_random_uuid(), 'many', 'person_x', 'key', 'key_x' from generate_series(1, 2300)`;
    await eventually(async () => {
      const { auditVerify } = await owner.ask<{ auditVerify: { sealedTo: number; isIntact: boolean; isComplete: boolean } }>(
        '{ auditVerify { sealedTo isIntact isComplete } }',
      );
      return auditVerify.sealedTo === 2_300 && auditVerify.isIntact && auditVerify.isComplete;
    });
    const lines = (await (await file()).text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { position: number }).position)).toEqual(
      Array.from({ length: 2_300 }, (_, index) => index + 1),
    );
  });

  it('is bounded by time', async () => {
    await setRetention(1);
    await sealedLog();
    const [today, tomorrow] = [0, 2].map((days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10));
    const linesOf = async (query: string) => (await (await file(query)).text()).split('\n').length - 1;
    expect(await linesOf(`?from=${today}&to=${tomorrow}`)).toBe(1);
    expect(await linesOf(`?from=${tomorrow}`)).toBe(0);
    expect(await linesOf('?to=2020-01-01')).toBe(0);
  });

  it.each([
    ['?from=yesterday', 400, 'INVALID_INPUT'],
    ['?to=2026-13-01', 400, 'INVALID_INPUT'],
    ['?from=1', 400, 'INVALID_INPUT'],
    ['?from=2026-01-01&from=2026-01-02', 400, 'INVALID_INPUT'],
    ['?from=0000-01-01', 400, 'INVALID_INPUT'],
  ])('refuses %s', async (query, status, code) => {
    const answer = await file(query);
    expect([answer.status, await answer.json()]).toMatchObject([status, { errors: [{ extensions: { code } }] }]);
  });

  it('is for no one without a key', async () => {
    const answer = await fetch(`${app.url}/audit.ndjson`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });
});

describe('refused acts', () => {
  it('are counted for each actor, operation and code, and written within a minute and at the end', async () => {
    const other = await openTestApp({ database: app.database });
    const plain = await seed.member({ of: owner, can: [] });
    const dead = await seed.member({ of: owner });
    await app.sql`update api_keys set revoked_at = now() where member_id = ${uuidOf(dead.memberId)}`;
    const { key } = plain;
    const refused: [string, number][] = [
      [retention, 3],
      ['{ generations { nodes { id } } }', 2],
      ['{ n: node(id: "' + newId('gen') + '") { id } }', 1],
      ['{ __schema { description } }', 1],
    ];
    for (const [query, times] of refused) {
      for (let done = 0; done < times; done++) await post(other.url, { query }, { key });
    }
    await (await sse(other.url, { query: added }, { key })).events.next();
    for (let done = 0; done < 2; done++)
      expect((await post(other.url, { query: '{ __typename }' }, { key: dead.key })).status).toBe(401);
    // Nobody's: these prove nothing, and leave nothing.
    await post(other.url, { query: retention }, { key: 'none' });
    await fetch(`${other.url}/audit.ndjson`, { headers: { authorization: `Bearer ${key}` } });
    // What is wrong is not refused.
    await post(other.url, { query: retention, variables: { days: -1 } }, { key: owner.key });
    await other.stop();

    const { nodes } = await read({ first: 100 });
    const told = nodes.map(({ operation, code, count, thing, before, after }) => [operation, code, count, thing, before, after]);
    expect(told.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual(
      [
        ['auditLogAdded', 'FORBIDDEN', 1],
        ['generations', 'FORBIDDEN', 2],
        ['node', 'FORBIDDEN', 1],
        // The file, and the look at the schema.
        ['request', 'FORBIDDEN', 2],
        ['request', 'UNAUTHENTICATED', 2],
        ['tenantUpdate', 'FORBIDDEN', 3],
      ].map((each) => [...each, null, null, null]),
    );
    expect((await read({ filter: { actor: dead.memberId } })).nodes).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    expect(
      await app.sql`select 1 from tenants where generation_retention_days is not null and id = ${uuidOf(owner.tenantId)}`,
    ).toEqual([]);
  });

  it('of limits are counted, too', async () => {
    const other = await openTestApp({ database: app.database, env: { RATE_LIMIT_MEMBER: '1', RATE_LIMIT_STARTS: '0' } });
    for (let done = 0; done < 4; done++) await post(other.url, { query: '{ viewer { permissions } }' }, { key: owner.key });
    await other.stop();
    expect((await read()).nodes).toMatchObject([{ operation: 'request', code: 'RATE_LIMITED', count: 3 }]);
  });

  it('are those that happened: not what an operation would have been refused that was not admitted', async () => {
    const other = await openTestApp({ database: app.database, env: { RATE_LIMIT_MEMBER: '1' } });
    const plain = await seed.member({ of: owner, can: [] });
    // What holds for the tenant is known from here on.
    expect((await post(other.url, { query: '{ __typename }' }, { key: owner.key })).status).toBe(200);
    // Both begin, while one statement says that one of them may.
    const both = [1, 2].map(() => post(other.url, { query: '{ generations { nodes { id } } }' }, { key: plain.key }));
    expect(new Set((await Promise.all(both)).map(({ status }) => status))).toEqual(new Set([200, 429]));
    const guarded = await seed.member({ of: owner, can: [] });
    const looks = [1, 2].map(() => post(other.url, { query: '{ __schema { description } }' }, { key: guarded.key }));
    expect(new Set((await Promise.all(looks)).map(({ status }) => status))).toEqual(new Set([403, 429]));
    await other.stop();
    const told = (await read()).nodes.map(({ operation, code, count }) => `${operation} ${code} ${count}`);
    expect(told.toSorted()).toEqual([
      'generations FORBIDDEN 1',
      'request FORBIDDEN 1',
      'request RATE_LIMITED 1',
      'request RATE_LIMITED 1',
    ]);
  });

  it('are told of sockets, too, that were turned away at the door', async () => {
    const other = await openTestApp({ database: app.database, env: { MAX_SOCKETS_PER_MEMBER: '1' } });
    const open = await acknowledged(other.url, owner.key);
    for (let more = 0; more < 2; more++) await expect(acknowledged(other.url, owner.key)).rejects.toThrow('1013');
    open.socket.close();
    await open.closed;
    await other.stop();
    expect((await read()).nodes).toMatchObject([
      { operation: 'request', code: 'RATE_LIMITED', count: 2, transport: 'websocket' },
    ]);
  });
});
