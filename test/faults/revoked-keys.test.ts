import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { acknowledged, post, sse } from '../harness/clients.ts';
import { endlessTale, overSse, overWebSocket } from '../harness/endless.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, type Fleet, type RunningProcess } from '../harness/process.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { mockEnv } from '../harness/tales.ts';

const revokedWithinMs = 5_000;
const create = `mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { id } secret } }`;
const stream = `subscription ($id: ID!) {
  generationStream(id: $id) {
    __typename cursor ... on GenerationDelta { offset text } ... on GenerationRestarted { offset } ... on GenerationFinished { generation { text } }
  }
}`;

type Act = (process: RunningProcess, id: string, owner: postgres.Sql) => Promise<unknown>;

const acts: readonly (readonly [string, Act])[] = [
  [
    'is revoked',
    (process, id) => process.ask('mutation ($id: ID!) { apiKeyRevoke(input: { id: $id }) { errors { code } } }', { id }),
  ],
  [
    'is rotated out',
    (process, id) =>
      process.ask('mutation ($id: ID!) { apiKeyRotate(input: { id: $id, overlapSeconds: 0 }) { errors { code } } }', { id }),
  ],
  [
    'runs out, of which no hint tells',
    (_process, id, owner) => owner`update api_keys set expires_at = now() where id = ${uuidOf(id)}`,
  ],
  [
    'is revoked, and the hint is lost',
    (_process, id, owner) => owner`update api_keys set revoked_at = now() where id = ${uuidOf(id)}`,
  ],
  ['goes with its row', (_process, id, owner) => owner`delete from api_keys where id = ${uuidOf(id)}`],
];

describe('a key with running streams on two processes', () => {
  it('ends them with FORBIDDEN within 5 s, and another key goes on after the cursor', async () => {
    await using mock = await MockProvider.open();
    const env = { ...mockEnv(mock), DATABASE_MAX_CONNECTIONS: '16' };
    await using fleet = await startFleet(env, env);
    const owner = postgres(fleet.database.url, { max: 1, onnotice: () => undefined });
    await using _owner = { [Symbol.asyncDispose]: () => owner.end() };
    for (const [what, act] of acts) await endOne(fleet, mock, owner, what, act);
  });
});

async function endOne(fleet: Fleet, mock: MockProvider, owner: postgres.Sql, what: string, act: Act): Promise<void> {
  const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
  const tale = endlessTale(mock);
  const { apiKeyCreate } = await writer.ask<{ apiKeyCreate: { apiKey: { id: string }; secret: string } }>(create, {
    input: { name: what, permissions: ['generations:read'] },
  });
  const key = apiKeyCreate.secret;
  const id = await startGeneration(writer);
  const untouched = new StreamReader(other, id);
  const unharmed = untouched.toEnd();
  const sockets = await Promise.all([writer, other].map(({ url }) => acknowledged(url, key)));
  const readers = [writer, other].map(({ url }) => new StreamReader({ url, key }, id));
  const streams = await Promise.all([writer, other].map(({ url }) => sse(url, { query: stream, variables: { id } }, { key })));
  const lengths = streams.map(() => 0);
  let isEnded = false;
  const ends = Promise.all([
    ...readers.map(overWebSocket),
    ...streams.map(({ events }, index) => overSse(events, ({ length }) => void (lengths[index] = length))),
  ]).finally(() => {
    isEnded = true;
  });
  // When the wait for the end runs out nobody wants to hear how they ended.
  ends.catch(() => undefined);
  await eventually(
    () => [...readers.map(({ text }) => text.length), ...lengths].every((length) => length > 100),
    patienceMs,
    'text',
  );
  expect(isEnded, what).toBe(false);

  const began = performance.now();
  await act(writer, apiKeyCreate.apiKey.id, owner);
  await eventually(() => isEnded, revokedWithinMs, `${what}: the end of the streams`);
  const broken = await ends;

  expect(broken.map(({ codes }) => codes)).toEqual(Array.from({ length: 4 }, () => ['FORBIDDEN']));
  // A socket that was open before takes nothing new.
  for (const { next, send, socket } of sockets) {
    send({ id: 'late', type: 'subscribe', payload: { query: stream, variables: { id } } });
    expect(await next(), what).toMatchObject({ type: 'error', id: 'late', payload: [{ extensions: { code: 'FORBIDDEN' } }] });
    socket.terminate();
  }
  for (const { url } of [writer, other]) {
    await eventually(
      async () => (await post(url, { query: '{ viewer { permissions } }' }, { key })).status === 401,
      revokedWithinMs - (performance.now() - began),
      'the refusal',
    );
    expect((await sse(url, { query: stream, variables: { id } }, { key })).status, what).toBe(401);
  }

  const others = broken.map(({ cursor, text }, index) => new StreamReader(index % 2 === 0 ? other : writer, id, cursor, text));
  const read = Promise.all(others.map((reader) => reader.toEnd()));
  tale.end();
  const { generation } = await writer.ask<{ generation: { text: string } }>('query ($id: ID!) { generation(id: $id) { text } }', {
    id: (await unharmed, id),
  });
  for (const reader of [...(await read), untouched]) expect(reader.text, what).toBe(generation.text);
  expect(
    others.flatMap(({ kinds }) => kinds).filter((kind) => kind === 'GenerationStarted' || kind === 'GenerationRestarted'),
  ).toEqual([]);
}
