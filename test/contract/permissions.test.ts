import { getNamedType, isInterfaceType, isObjectType, type ExecutionResult, type GraphQLFormattedError } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSchemas } from '../../src/schema.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, get, post, rawSocket, sse, type Asked } from '../harness/clients.ts';
import {
  callerNames,
  openGround,
  roleNames,
  World,
  type CallerName,
  type Ground,
  type Who,
} from '../harness/permission-world.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { openSeed, type Seed } from '../harness/seed.ts';
import { openStored, type Stored } from '../harness/stored.ts';
import type { Case, Made, Row } from './permission-cases.ts';
import { permissionTable } from './permission-table.ts';

// Every operation by every caller, with own things and others'. What is refused changes nothing, and what is allowed changes something.

interface Outcome {
  readonly word: string;
  /** What came with the code. */
  readonly message: string | null;
}

const { api, subgraph } = buildSchemas({} as never);
const roots = [subgraph.getQueryType(), subgraph.getMutationType(), subgraph.getSubscriptionType()];
const fields = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}).map((name) => `${root?.name}.${name}`));
/** Root fields that every schema has. */
const metaFields = ['Query.__schema', 'Query.__type'];

/** The cells of a case by caller. Throws when one is missing, or there twice. */
function cellsOf({ expected }: Case): Map<CallerName, string> {
  const cells = new Map<CallerName, string>();
  for (const clause of expected.split('; ')) {
    const [who = '', word = ''] = clause.split(': ');
    for (const name of who.split(' ').flatMap((each) => (each === 'roles' ? roleNames : [each as CallerName]))) {
      if (!callerNames.includes(name) || cells.has(name) || word === '') throw new Error(`${name} in "${expected}"`);
      cells.set(name, word);
    }
  }
  const isOwn = !cells.has('stranger');
  const missing = (isOwn ? roleNames : callerNames).filter((name) => !cells.has(name));
  if (missing.length > 0) throw new Error(`"${expected}" lacks ${missing.join(', ')}`);
  return cells;
}

const cells = Object.entries(permissionTable).flatMap(([operation, row]) =>
  row.cases.flatMap((each) =>
    [...cellsOf(each)].map(([caller, word]) => ({ operation, row, case: each, caller, word, with: each.with })),
  ),
);

let app: TestApp;
let issuer: TestIssuer;
let seed: Seed;
let ground: Ground;
let shared: World;
let storedOf: (tenantId: string) => Promise<Stored>;

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({
    env: {
      ...issuer.env,
      OPENAI_API_KEY: 'sk-of-the-house',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      DEFAULT_MODEL: 'offline/draft',
    },
  });
  seed = await openSeed(app);
  ground = await openGround(app, seed, issuer);
  storedOf = await openStored(ground.owner);
  shared = await World.open(ground);
});
afterAll(async () => {
  await ground.close();
  await seed.close();
  await app.stop();
  await issuer[Symbol.asyncDispose]();
});

/** The outcome of an answer. */
function read({ data, errors }: ExecutionResult, field: string, row: Row, made: Made): Outcome {
  const refusal = errors?.[0];
  if (refusal) return { word: String(refusal.extensions['code']), message: refusal.message };
  const answer = (data as Record<string, unknown> | null)?.[field];
  if (answer === null || answer === undefined) return { word: String(answer), message: null };
  const [failure] = (answer as { errors?: { code: string; message: string }[] }).errors ?? [];
  if (failure) return { word: failure.code, message: failure.message };
  return { word: row.says?.(answer as never, made) ?? 'ok', message: null };
}

/** The first answer over a WebSocket of the caller's own. */
async function overWebSocket(asked: Asked, { key }: Who): Promise<ExecutionResult> {
  if (key === null) return overClosed(asked);
  const { socket, closed, send, next } = await acknowledged(app.url, key);
  send({ type: 'subscribe', id: '1', payload: asked });
  const { type, payload } = await next();
  socket.close();
  await closed;
  return type === 'error' ? { errors: payload as never } : (payload as ExecutionResult);
}

/** Nobody gets as far as an operation: the code that the socket is closed with stands for the refusal. */
async function overClosed(asked: Asked): Promise<ExecutionResult> {
  const socket = await rawSocket(app.url);
  socket.send({ type: 'connection_init' });
  socket.send({ type: 'subscribe', id: '1', payload: asked });
  const code = (await socket.closed) === 4401 ? 'UNAUTHENTICATED' : 'another';
  return { errors: [{ message: '', extensions: { code } } as unknown as GraphQLFormattedError as never] };
}

async function overSse(asked: Asked, { key }: Who): Promise<ExecutionResult> {
  const stream = await sse(app.url, asked, { key });
  try {
    for await (const { result } of stream.events) if (result) return result;
    throw new Error('a stream that says nothing');
  } finally {
    stream.stop();
  }
}

async function overHttp(asked: Asked, { key }: Who): Promise<ExecutionResult> {
  return (await post(app.url, asked, { key })).body;
}

async function overGet(asked: Asked, { key }: Who): Promise<ExecutionResult> {
  return (await get(app.url, asked, { key })).body;
}

describe('the permission table', () => {
  it('has a row for every operation of the schema, and none of anything else', () => {
    expect(Object.keys(permissionTable).toSorted()).toEqual([...fields, ...metaFields].toSorted());
  });

  it('has a node of every kind', () => {
    const node = api.getType('Node');
    const kinds = isInterfaceType(node) ? api.getPossibleTypes(node).map(({ name }) => name) : [];
    const named = permissionTable['Query.node']?.cases.map((each) => each.with.split(' ').at(-1)) ?? [];
    expect([...new Set(named.map(String))].toSorted()).toEqual(kinds.toSorted());
  });

  it('has an own thing and another’s where own-only permissions decide', () => {
    const deciding = fields.filter((name) => descriptionOf(name).includes(':others`'));
    expect(deciding.length).toBeGreaterThan(5);
    for (const name of deciding) {
      const isList = getNamedTypeName(name).endsWith('Connection');
      expect(permissionTable[name]?.cases.length, name).toBeGreaterThanOrEqual(isList ? 1 : 2);
    }
  });

  it.each(cells)('$operation with $with by $caller: $word', async ({ operation, row, case: each, caller, word }) => {
    const [root = '', field = ''] = operation.split('.');
    const world = each.isApart ? await World.open(ground) : shared;
    const who = await world.caller(caller);
    const given = (await each.make?.(world, who)) ?? {};
    const made = isMade(given) ? given : { variables: given };
    const asked = { query: row.document, variables: made.variables };
    const isChange = root === 'Mutation' && word === 'ok' && caller !== 'stranger';

    const before = await storedOf(world.tenant.id);
    const transports = {
      Query: [overHttp, overGet],
      Mutation: [overHttp],
      Subscription: [overWebSocket, overSse],
    }[root];
    for (const ask of transports ?? []) {
      const outcome = read(await ask(asked, who), field, row, made);
      expect({ word: outcome.word, over: ask.name }, outcome.message ?? '').toEqual({ word, over: ask.name });
      if (word === 'FORBIDDEN') expectNamed(operation, outcome.message ?? '', each);
    }
    const after = await storedOf(world.tenant.id);
    if (isChange) expect(after).not.toEqual(before);
    else expect(after).toEqual(before);
  });
});

function isMade(given: Made | Made['variables']): given is Made {
  return 'variables' in given;
}

function descriptionOf(operation: string): string {
  return fieldOf(operation)?.description ?? '';
}

function getNamedTypeName(operation: string): string {
  const field = fieldOf(operation);
  return field ? getNamedType(field.type).name : '';
}

function fieldOf(operation: string) {
  const [root = '', name = ''] = operation.split('.');
  const type = api.getType(root);
  return isObjectType(type) ? type.getFields()[name] : undefined;
}

/** A refusal names the permission that is missing, and so does the description of what is refused. */
function expectNamed(operation: string, message: string, { forbids }: Case): void {
  const permission = /^this needs the permission (\S+)$/.exec(message)?.[1];
  if (permission === undefined) {
    expect(message).toMatch(forbids ?? /this needs the permission/);
    return;
  }
  // What no feature owns has no description of ours.
  if (fieldOf(operation)) expect(descriptionOf(operation)).toMatch(new RegExp(`Requires [^.]*\`${permission}\``));
}
