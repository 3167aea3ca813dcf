import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { post, sse, type SseEvent } from '../harness/clients.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, type RunningProcess } from '../harness/process.ts';
import { register } from '../harness/registered.ts';
import { StreamReader, StreamRefused } from '../harness/stream-reader.ts';
import { mockEnv } from '../harness/tales.ts';

const endedWithinMs = 5_000;
const stream = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename cursor ... on GenerationDelta { offset text } ... on GenerationRestarted { offset } ... on GenerationFinished { generation { text } }
  }
}`;

/** Lets every call write on and on, until it is told to come to an end. */
function endlessTale(mock: MockProvider): { end(): void } {
  const tale = { isOver: false };
  async function* pieces(): AsyncGenerator<string> {
    for (let piece = 0; !tale.isOver; piece++) {
      await pause(10);
      yield `${piece} 𝒢😀 `;
    }
  }
  mock.always(() => ({ pieces: pieces() }));
  return { end: () => void (tale.isOver = true) };
}

interface Broken {
  readonly codes: readonly unknown[];
  readonly text: string;
  readonly cursor: string | null;
}

/** Reads over server-sent events until the stream is refused; `onText` is told what there is. */
async function overSse(events: AsyncGenerator<SseEvent>, onText: (text: string) => void): Promise<Broken> {
  let text = '';
  let cursor: string | null = null;
  for await (const { id, result } of events) {
    if (result?.errors) return { codes: result.errors.map(({ extensions }) => extensions['code']), text, cursor };
    const message = result?.data?.['generationStream'] as TextMessage | undefined;
    if (!message) continue;
    text = reduceText(text, message);
    cursor = id;
    onText(text);
  }
  throw new Error('the stream was not refused');
}

async function overWebSocket(reader: StreamReader): Promise<Broken> {
  try {
    await reader.toEnd();
  } catch (error) {
    if (!(error instanceof StreamRefused)) throw error;
    return { codes: error.codes, text: reader.text, cursor: reader.cursor };
  }
  throw new Error('the stream was not refused');
}

/** An application that gets a token for each connection, and presents a fresh one on a socket when it is told to. */
class Application implements AsyncDisposable {
  text = '';
  readonly closes: number[] = [];
  readonly pongs: unknown[] = [];
  readonly ended: Promise<void>;
  private socket: WebSocket | null = null;
  /** The client sends the same object again after each loss: it holds the last cursor. */
  private readonly variables: Record<string, unknown>;
  private readonly client;

  constructor({ url, id, token }: { url: string; id: string; token: () => Promise<string> }) {
    const { closes } = this;
    this.variables = { id, after: null };
    this.client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
      retryAttempts: 20,
      retryWait: () => pause(20),
      on: {
        connected: (socket) => {
          this.socket = socket as WebSocket;
        },
        closed(event) {
          const { code } = event as { code: number };
          // A client hangs up by itself once nothing runs.
          if (code !== 1000) closes.push(code);
        },
        message: (message) => void (message.type === 'pong' && message.payload && this.pongs.push(message.payload)),
      },
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    promise.catch(() => undefined);
    this.client.subscribe<{ generationStream: TextMessage & { cursor: string } }>(
      { query: stream, variables: this.variables },
      {
        next: ({ data, errors }) => {
          try {
            if (!data) throw new Error(JSON.stringify(errors));
            this.text = reduceText(this.text, data.generationStream);
            this.variables.after = data.generationStream.cursor;
          } catch (error) {
            reject(error);
          }
        },
        error: (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
        complete: resolve,
      },
    );
  }

  refresh(token: string): void {
    this.socket?.send(JSON.stringify({ type: 'ping', payload: { authorization: `Bearer ${token}` } }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.dispose();
  }
}

const now = (): number => Math.floor(Date.now() / 1_000);

/** A token that runs out in so many seconds: its `exp` is behind us, within the leeway. */
const shortToken = (issuer: TestIssuer, audience: string, seconds: number): Promise<string> =>
  issuer.forge({ iss: issuer.url, aud: audience, sub: 'ada', roles: ['reader'], exp: now() - 60 + seconds });

async function storedText(process: RunningProcess, id: string): Promise<string> {
  const { generation } = await process.ask<{ generation: { text: string } }>(
    'query ($id: ID!) { generation(id: $id) { text } }',
    { id },
  );
  return generation.text;
}

describe('tokens with running streams on two processes', () => {
  it('go on with a fresh token, come back after their end, and end with their issuer', async () => {
    await using mock = await MockProvider.open();
    await using issuer = await openIssuer();
    const env = { ...mockEnv(mock), ...issuer.env, DATABASE_MAX_CONNECTIONS: '16' };
    await using fleet = await startFleet(env, env);
    const owner = postgres(fleet.database.url, { max: 1, onnotice: () => undefined });
    await using _owner = { [Symbol.asyncDispose]: () => owner.end() };
    const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
    const { id: issuerId, audience } = await register(writer, issuer);
    const fresh = (): Promise<string> => issuer.token({ audience, claims: { roles: ['reader'] } });

    await refreshedAndRunOut(mock, issuer, audience, [writer, other], fresh);
    const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['disabled', () => writer.ask(changed, { input: { id: issuerId, isEnabled: false } })],
      ['given other roles', () => writer.ask(changed, { input: { id: issuerId, defaultRole: 'analyst' } })],
      ['disabled, and the hint is lost', () => owner`update issuers set is_enabled = false where id = ${uuidOf(issuerId)}`],
      [
        'deleted',
        () => writer.ask('mutation ($id: ID!) { issuerDelete(input: { id: $id }) { errors { code } } }', { id: issuerId }),
      ],
    ];
    for (const [what, act] of ends) {
      await owner`update issuers set is_enabled = true where id = ${uuidOf(issuerId)}`;
      await eventually(
        async () => {
          const token = await fresh();
          const statuses = await Promise.all(
            [writer, other].map(({ url }) => post(url, { query: '{ viewer { permissions } }' }, { key: token })),
          );
          return statuses.every(({ status }) => status === 200);
        },
        endedWithinMs,
        'the issuer',
      );
      await withdrawn(mock, [writer, other], fresh, what, act, what === 'given other roles' ? 200 : 401);
    }
  });
});

const changed = 'mutation ($input: IssuerUpdateInput!) { issuerUpdate(input: $input) { errors { code } } }';

async function refreshedAndRunOut(
  mock: MockProvider,
  issuer: TestIssuer,
  audience: string,
  [writer, other]: readonly [RunningProcess, RunningProcess],
  fresh: () => Promise<string>,
): Promise<void> {
  const tale = endlessTale(mock);
  const openedAt = performance.now();
  const id = await startGeneration(writer);
  const warm = await fresh();
  for (const { url } of [writer, other]) await post(url, { query: '{ viewer { permissions } }' }, { key: warm });
  // It has to last until all have text and the fresh one is taken: longer where everything takes longer.
  const seconds = 4 + Math.ceil((performance.now() - openedAt) / 200);
  const short = await shortToken(issuer, audience, seconds);
  const refreshing = [writer, other].map(({ url }) => new Application({ url, id, token: async () => short }));
  // The first token of each is short; whoever comes back gets a long one.
  const returning = [writer, other].map(({ url }) => {
    const tokens = [short];
    return new Application({ url, id, token: async () => tokens.pop() ?? (await fresh()) });
  });
  const streams = await Promise.all(
    [writer, other].map(({ url }) => sse(url, { query: stream, variables: { id } }, { key: short })),
  );
  const refused = Promise.all(streams.map(({ events }) => overSse(events, () => undefined)));
  const all = [...refreshing, ...returning];
  try {
    await eventually(() => all.every(({ text }) => text.length > 50), patienceMs, 'text');
    const token = await fresh();
    for (const application of refreshing) application.refresh(token);
    await eventually(() => refreshing.every(({ pongs }) => pongs.length === 1), patienceMs, 'the pongs');
    for (const { pongs } of refreshing) expect(pongs).toEqual([{ expiresAt: expect.any(String) as string }]);

    const broken = await refused;
    await eventually(
      () => returning.every(({ closes }) => closes.length > 0),
      seconds * 1_000 + 6_000,
      'the closing of the others',
    );
    const lengths = all.map(({ text }) => text.length);
    await eventually(
      () => all.every(({ text }, index) => text.length > (lengths[index] ?? 0) + 50),
      patienceMs,
      'text after that',
    );
    tale.end();
    await Promise.all(all.map(({ ended }) => ended));
    const text = await storedText(writer, id);

    for (const application of all) expect(application.text).toBe(text);
    expect(refreshing.map(({ closes }) => closes)).toEqual([[], []]);
    expect(returning.map(({ closes }) => closes)).toEqual([[4403], [4403]]);
    expect(broken.map(({ codes }) => codes)).toEqual([['FORBIDDEN'], ['FORBIDDEN']]);
    const key = await fresh();
    const rest = broken.map(
      ({ cursor, text: had }, index) => new StreamReader({ url: (index === 0 ? other : writer).url, key }, id, cursor, had),
    );
    for (const reader of rest) expect((await reader.toEnd()).text).toBe(text);
  } finally {
    tale.end();
    for (const application of all) await application[Symbol.asyncDispose]();
  }
}

async function withdrawn(
  mock: MockProvider,
  processes: readonly [RunningProcess, RunningProcess],
  fresh: () => Promise<string>,
  what: string,
  act: () => Promise<unknown>,
  status: number,
): Promise<void> {
  const [writer, other] = processes;
  const tale = endlessTale(mock);
  const id = await startGeneration(writer);
  const key = await fresh();
  const untouched = new StreamReader(other, id);
  const unharmed = untouched.toEnd();
  const readers = processes.map(({ url }) => new StreamReader({ url, key }, id));
  const streams = await Promise.all(processes.map(({ url }) => sse(url, { query: stream, variables: { id } }, { key })));
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
    () => [...readers.map(({ text }) => text.length), ...lengths].every((length) => length > 50),
    patienceMs,
    'text',
  );
  expect(isEnded, what).toBe(false);

  await act();
  await eventually(() => isEnded, endedWithinMs, `${what}: the end of the streams`);
  const broken = await ends;
  expect(
    broken.map(({ codes }) => codes),
    what,
  ).toEqual(Array.from({ length: 4 }, () => ['FORBIDDEN']));
  for (const { url } of processes) {
    const query = '{ viewer { permissions } }';
    await eventually(async () => (await post(url, { query }, { key })).status === status, endedWithinMs, `${what}: ${status}`);
  }

  const others = broken.map(({ cursor, text }, index) => new StreamReader(index % 2 === 0 ? other : writer, id, cursor, text));
  const read = Promise.all(others.map((reader) => reader.toEnd()));
  tale.end();
  await unharmed;
  const text = await storedText(writer, id);
  for (const reader of [...(await read), untouched]) expect(reader.text, what).toBe(text);
}
