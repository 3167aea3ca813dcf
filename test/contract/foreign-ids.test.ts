import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePosition } from '../../src/audit/cursor.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { encodeCursor } from '../../src/generations/cursor.ts';
import { idPrefixes, newId, type IdPrefix } from '../../src/kernel/id.ts';
import { buildSchemas } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, sse, type Asked } from '../harness/clients.ts';
import { finishedGeneration } from '../harness/letters.ts';
import { setKey } from '../harness/own-keys.ts';
import { askAt, placesOfCursors, placesOfIds, type Place } from '../harness/places.ts';
import { setBudget } from '../harness/budgets.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { openStored, type Stored } from '../harness/stored.ts';

// Wherever an id goes in, another tenant's is answered exactly as one that nobody has, and a cursor of theirs leads to nothing of theirs.
// The places are found in the schema: a new one without a row here fails.

/** What belongs to a tenant, and how somebody comes to have one. */
const makers: Partial<Record<IdPrefix, (caller: Caller) => Promise<string>>> = {
  gen: async (caller) => (await finishedGeneration(app, caller)).id,
  ten: async ({ tenantId }) => tenantId,
  mem: async ({ memberId }) => memberId,
  key: async (caller) => {
    const made = await caller.ask<{ apiKeyCreate: { apiKey: { id: string } } }>(
      'mutation { apiKeyCreate(input: { name: "spare", permissions: ["models:read"] }) { apiKey { id } } }',
    );
    return made.apiKeyCreate.apiKey.id;
  },
  // Made by hand: there is nobody to ask about its keys.
  iss: async ({ tenantId }) => {
    const id = newId('iss');
    await app.sql`
      insert into issuers (id, tenant_id, name, url, audience, algorithms, subject_claim, roles)
      values (${uuidOf(id)}, ${uuidOf(tenantId)}, ${id}, ${`https://${id.slice(-8)}.example`}, ${id}, '{RS256}', 'sub', '[]')`;
    return id;
  },
  rol: async (caller) => {
    const made = await caller.ask<{ roleCreate: { role: { id: string } } }>(
      'mutation ($name: String!) { roleCreate(input: { name: $name, permissions: ["models:read"] }) { role { id } } }',
      { name: newId('rol') },
    );
    return made.roleCreate.role.id;
  },
  inv: async (caller) => {
    const made = await caller.ask<{ invitationCreate: { invitation: { id: string } } }>(
      'mutation ($email: String!) { invitationCreate(input: { email: $email, role: "member" }) { invitation { id } } }',
      { email: `${newId('inv')}@example.org` },
    );
    return made.invitationCreate.invitation.id;
  },
  // Each a team's of its own: they are told apart by whose they are.
  bud: async (caller) => (await setBudget(caller, { team: newId('bud') })).id,
  rte: async (caller) => (await publishRoute(caller, 'fast')).id,
  rtv: async (caller) => (await publishRoute(caller, 'fast')).current.id,
  pcr: async (caller) => (await setKey(caller, 'openai', 'sk-of-a-tenant')).id,
  aud: async (caller) => {
    await caller.ask('mutation { tenantUpdate(input: { generationRetentionDays: 9 }) { errors { code } } }');
    const { auditLog } = await caller.ask<{ auditLog: { nodes: { id: string }[] } }>('{ auditLog(first: 1) { nodes { id } } }');
    return auditLog.nodes[0]?.id ?? '';
  },
};

interface Row {
  /** What the place is meant for; null for things that belong to everybody. */
  readonly kind: keyof typeof makers | null;
  /** What the field needs beside the id. */
  readonly others?: Readonly<Record<string, unknown>>;
  /** How to ask where the place is not an argument of a root field. */
  readonly ask?: (id: string) => Asked;
}

const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Planner', company: 'Fjord Logistics' } };

const rows: Readonly<Record<string, Row>> = {
  'Query.node(id)': { kind: 'gen' },
  'Query.nodes(ids)': { kind: 'gen' },
  'Query.generation(id)': { kind: 'gen' },
  'Query.auditLog(filter.actor)': { kind: null },
  'Query.auditLog(filter.thing)': { kind: 'key' },
  'Mutation.apiKeyRevoke(input.id)': { kind: 'key' },
  'Mutation.apiKeyRotate(input.id)': { kind: 'key' },
  'Mutation.apiKeyUpdate(input.id)': { kind: 'key' },
  'Mutation.generationCancel(input.id)': { kind: 'gen' },
  'Mutation.generationDelete(input.id)': { kind: 'gen' },
  'Mutation.generationRetry(input.id)': { kind: 'gen' },
  'Mutation.generationStart(input.template)': { kind: null, others: { input: { variables } } },
  'Mutation.generationStart(input.model)': { kind: null, others: { input: { template: 'cover-letter-classic', variables } } },
  'Mutation.invitationRevoke(input.id)': { kind: 'inv' },
  'Mutation.memberRemove(input.id)': { kind: 'mem' },
  'Mutation.memberUpdate(input.id)': { kind: 'mem' },
  'Mutation.roleDelete(input.id)': { kind: 'rol' },
  'Mutation.roleUpdate(input.id)': { kind: 'rol', others: { input: { permissions: ['models:read'] } } },
  'Mutation.issuerCreate(input.audience)': { kind: null, others: { input: { url: 'https://127.0.0.1' } } },
  'Mutation.issuerDelete(input.id)': { kind: 'iss' },
  'Mutation.issuerUpdate(input.id)': { kind: 'iss', others: { input: { name: 'Staff' } } },
  'Mutation.providerCredentialDelete(input.id)': { kind: 'pcr' },
  'Mutation.providerCredentialTest(input.id)': { kind: 'pcr' },
  'Mutation.providerCredentialSet(input.provider)': { kind: null, others: { input: { apiKey: 'sk-of-a-tenant' } } },
  'Query.routeExplain(input.memberId)': { kind: 'mem' },
  'Query.routeExplain(input.template)': { kind: null },
  'Mutation.budgetDelete(input.id)': { kind: 'bud' },
  'Mutation.budgetSet(input.keyId)': { kind: 'key', others: { input: { unit: 'TOKENS', period: 'DAY', most: 9_000_000_000 } } },
  'Mutation.budgetSet(input.memberId)': {
    kind: 'mem',
    others: { input: { unit: 'TOKENS', period: 'DAY', most: 9_000_000_000 } },
  },
  'Mutation.routeDelete(input.id)': { kind: 'rte' },
  'Mutation.routeRollback(input.id)': { kind: 'rte', others: { input: { version: 1 } } },
  'Query.explainPermission(nodeId)': {
    kind: 'gen',
    ask: (id) => ({
      query: 'query ($id: ID!) { explainPermission(permission: "generations:read", nodeId: $id) { allowed reason } }',
      variables: { id },
    }),
  },
  'Subscription.generationStream(id)': { kind: 'gen' },
};

/** Lists whose cursors are pages; how to make something of one's own in them, null where all is everybody's. */
const lists: Readonly<Record<string, keyof typeof makers | null>> = {
  'Query.apiKeys(after)': 'key',
  'Query.auditLog(after)': 'aud',
  'Query.budgets(after)': 'bud',
  'Query.generations(after)': 'gen',
  'Query.invitations(after)': 'inv',
  'Query.issuers(after)': 'iss',
  'Query.members(after)': 'mem',
  'Query.providerCredentials(after)': 'pcr',
  'Query.templates(after)': null,
  'Route.versions(after)': 'rtv',
};
/** Lists of a thing, by the list in which the caller's one such thing is. */
const listsOfThings: Readonly<Record<string, string>> = { 'Route.versions(after)': 'routes' };
/** Lists of sums, not of things: any cursor in the order of their groups is a position, and the groups are the caller's own. */
const sums: readonly string[] = ['Query.usage(after)'];
/** Cursors that are positions in one stream. */
const streams: Readonly<Record<string, keyof typeof makers>> = {
  'Subscription.generationStream(after)': 'gen',
  'Subscription.auditLogAdded(after)': 'aud',
};

const { api } = buildSchemas({} as never);
const kinds = Object.keys(makers) as (keyof typeof makers)[];
let app: TestApp;
let seed: Seed;
let us: Caller;
let them: Caller;
let owner: postgres.Sql;
let storedOf: (tenantId: string) => Promise<Stored>;
const theirs: Partial<Record<IdPrefix, string>> = {};

beforeAll(async () => {
  app = await openTestApp({ env: { OPENAI_API_KEY: 'sk-of-the-house', DEFAULT_MODEL: 'offline/draft' } });
  seed = await openSeed(app);
  us = await seed.tenant();
  them = await seed.tenant();
  for (const kind of kinds) theirs[kind] = await makers[kind]?.(them);
  owner = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  storedOf = await openStored(owner);
});
afterAll(async () => {
  await owner.end();
  await seed.close();
  await app.stop();
});

const make = async (kind: keyof typeof makers, caller: Caller): Promise<string> => (await makers[kind]?.(caller)) ?? '';

/** All that a caller sees of an answer, over each transport that carries the operation, with the id made the same. */
async function seen(asked: Asked, id: string): Promise<string[]> {
  const answers = asked.query.startsWith('subscription')
    ? [await overSse(asked), await overWebSocket(asked)]
    : [JSON.stringify(await overHttp(asked))];
  return answers.map((text) => text.replaceAll(id, '<id>'));
}

async function overHttp(asked: Asked) {
  const { status, body } = await post(app.url, asked, { key: us.key });
  return { status, data: body.data, errors: body.errors };
}

async function overSse(asked: Asked): Promise<string> {
  const stream = await sse(app.url, asked, { key: us.key });
  const results: unknown[] = [stream.status];
  for await (const { event, result } of stream.events) results.push(event, result?.data ?? null, result?.errors ?? null);
  return JSON.stringify(results);
}

async function overWebSocket(asked: Asked): Promise<string> {
  const raw = await acknowledged(app.url, us.key);
  raw.send({ type: 'subscribe', id: '1', payload: asked });
  const results: unknown[] = [];
  for (let message = await raw.next(); ; message = await raw.next()) {
    results.push(message.type, message.payload ?? null);
    if (message.type !== 'next') break;
  }
  raw.socket.close();
  await raw.closed;
  return JSON.stringify(results);
}

/** What is stored of the other tenant. */
const stored = (): Promise<Stored> => storedOf(them.tenantId);

describe('an id of another tenant', () => {
  const places = placesOfIds(api);

  it('has a row for every place that takes one', () => {
    expect(places.map(({ name }) => name).toSorted()).toEqual(Object.keys(rows).toSorted());
  });

  it('is tried of every kind of thing but those that belong to everybody', () => {
    expect([...kinds, 'tpl', 'tpv'].toSorted()).toEqual(Object.keys(idPrefixes).toSorted());
  });

  it.each(places.filter(({ name }) => rows[name]))('is as good as unknown to $name', async (place) => {
    const row = rows[place.name] as Row;
    const asked = (id: string) => row.ask?.(id) ?? askAt(place, id, row.others);
    const before = await stored();
    const counts = new Map<string, string[]>();
    for (const kind of kinds) {
      const [foreign, unknown] = [theirs[kind] ?? '', newId(kind)];
      const nobodys = await seen(asked(unknown), unknown);
      expect(await seen(asked(foreign), foreign), kind).toEqual(nobodys);
      counts.set(kind, nobodys);
    }
    expect(await stored()).toEqual(before);
    if (row.kind === null) return;
    // Or the field may just refuse everything.
    const own = await make(row.kind, us);
    expect(await seen(asked(own), own)).not.toEqual(counts.get(row.kind));
  });

  it('would be noticed', async () => {
    const before = await stored();
    expect(before['generations']).toMatch(/^[1-9]/);
    await owner`update generations set metadata = '{"a":1}' where id = ${uuidOf(theirs.gen ?? '')}`;
    expect(await stored()).not.toEqual(before);
  });
});

describe('a cursor of another tenant', () => {
  const places = placesOfCursors(api);
  const pages = places.filter(({ name }) => name in lists);
  const cursor = (list: string, id: string, tenantId: string | null) =>
    Buffer.from(JSON.stringify([list, id, tenantId])).toString('base64url');
  type List = { nodes: { id: string }[]; pageInfo: { endCursor: string | null } };
  const page = async ({ name, field }: Place, caller: Caller, after: string | null) => {
    const asked = `list: ${field.name}(first: 100, after: $after) { nodes { id } pageInfo { endCursor startCursor } }`;
    const things = listsOfThings[name];
    const query = `query ($after: String) { ${things === undefined ? asked : `things: ${things} { ${asked} }`} }`;
    const { data, errors } = await caller.answer(query, { after });
    const found = data as { list?: List; things?: { list: List }[] } | null;
    const list = found?.list ?? found?.things?.[0]?.list;
    return { ids: list?.nodes.map(({ id }) => id) ?? null, info: list?.pageInfo, code: errors?.[0]?.extensions?.['code'] };
  };

  it('has a row for every list and stream', () => {
    expect(places.map(({ name }) => name).toSorted()).toEqual(
      [...Object.keys(lists), ...sums, ...Object.keys(streams)].toSorted(),
    );
  });

  it.each(pages)('leads to nothing of theirs in $name', async (place) => {
    const kind = lists[place.name] ?? null;
    if (kind !== null) for (const caller of [us, them, us]) await make(kind, caller);
    const all = await page(place, us, null);
    const foreign = await page(place, them, null);
    if (kind !== null) {
      expect(all.ids?.length).toBeGreaterThan(0);
      expect(foreign.ids?.filter((id) => all.ids?.includes(id))).toEqual([]);
    }
    for (const after of [
      foreign.info?.endCursor ?? '',
      cursor(place.field.name, theirs[kind ?? 'gen'] ?? '', kind && them.tenantId),
    ]) {
      const { ids, code } = await page(place, us, after);
      if (kind !== null) expect([code, ids]).toEqual(['INVALID_CURSOR', null]);
      else expect(ids?.filter((id) => !all.ids?.includes(id))).toEqual([]);
    }
  });

  it.each(pages)('of another list is none of $name', async (place) => {
    for (const other of pages.filter(({ name }) => name !== place.name)) {
      const { info } = await page(other, them, null);
      expect((await page(place, us, info?.endCursor ?? '')).code, other.name).toBe('INVALID_CURSOR');
    }
    // Forged: of this list, with an id that cannot be in it, or with none. Where the order is that of a text any text is a position.
    const isById = lists[place.name] !== null;
    const bad = isById ? [theirs.ten ?? '', "' or true --", '', ' '].map((id) => cursor(place.field.name, id, us.tenantId)) : [];
    for (const after of [...bad, '', 'nonsense', cursor('__proto__', theirs.gen ?? '', us.tenantId)]) {
      expect((await page(place, us, after)).code, after).toBe('INVALID_CURSOR');
    }
  });

  it('is none of our audit log as it goes on', async () => {
    const query = 'subscription ($after: String) { auditLogAdded(after: $after) { __typename } }';
    for (const text of await seen({ query, variables: { after: encodePosition(them.tenantId, 1) } }, them.tenantId)) {
      expect(text).toContain('"INVALID_CURSOR"');
      expect(text).not.toContain('__typename');
    }
  });

  it('is none of a stream of ours, and opens none of theirs', async () => {
    const query = 'subscription ($id: ID!, $after: String) { generationStream(id: $id, after: $after) { __typename } }';
    const position = { attempt: 1, offset: 0, done: false };
    const after = (id: string) => encodeCursor(id, position);
    const [own, foreign, unknown] = [await make('gen', us), theirs.gen ?? '', newId('gen')];
    for (const text of await seen({ query, variables: { id: own, after: after(foreign) } }, own)) {
      expect(text).toContain('"INVALID_CURSOR"');
      expect(text).not.toContain('__typename');
    }
    const nobodys = await seen({ query, variables: { id: unknown, after: after(unknown) } }, unknown);
    expect(await seen({ query, variables: { id: foreign, after: after(foreign) } }, foreign)).toEqual(nobodys);
    expect(nobodys.every((text) => text.includes('"NOT_FOUND"'))).toBe(true);
    expect(await seen({ query, variables: { id: own, after: after(own) } }, own)).not.toEqual(nobodys);
  });
});
