import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post, rawSocket, sse, type RawSocket, type WsMessage } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { startGeneration } from '../harness/letters.ts';
import { register, type Registered } from '../harness/registered.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { Teller, type Call } from '../harness/teller.ts';

const stream = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename cursor ... on GenerationDelta { offset text } ... on GenerationRestarted { offset } ... on GenerationFinished { generation { text } }
  }
}`;
const models = 'query { models { id } }';

let app: TestApp;
let seed: Seed;
let owner: Caller;
let issuer: TestIssuer;
let registered: Registered;
const teller = new Teller();

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({ providers: [teller], env: { ...issuer.env, DEFAULT_MODEL: 'mock/teller' } });
  seed = await openSeed(app);
  owner = await seed.tenant();
  registered = await register(owner, issuer);
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  await issuer[Symbol.asyncDispose]();
});

const now = (): number => Math.floor(Date.now() / 1_000);
const tokenOf = (role: string, person: 'ada' | 'bob' = 'ada'): Promise<string> =>
  issuer.token({ person, audience: registered.audience, claims: { roles: [role] } });
/** A token that runs out in so many seconds: its `exp` is behind us, within the leeway. */
const shortToken = (seconds: number, claims: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  issuer.forge({
    iss: issuer.url,
    aud: registered.audience,
    sub: 'ada',
    roles: ['reader'],
    exp: now() - 60 + seconds,
    ...claims,
  });

/** A letter that the test writes, and the call that writes it. */
async function tale(): Promise<{ id: string; call: Call }> {
  const next = teller.nextCall();
  const id = await startGeneration(owner);
  return { id, call: await next };
}

/** A socket that a test leads, with what it read of one letter. */
class Leader {
  readonly pongs: WsMessage[] = [];
  readonly ends: WsMessage[] = [];
  readonly refusals: unknown[] = [];
  text = '';
  cursor: string | null = null;
  private constructor(readonly raw: RawSocket) {}

  /** Opens one; gives what the acknowledgement said, too. */
  static async open(token: string): Promise<{ leader: Leader; ack: WsMessage }> {
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    const ack = await raw.next();
    const leader = new Leader(raw);
    void leader.read();
    return { leader, ack };
  }

  watch(id: string, name = 'letter'): void {
    this.raw.send({ id: name, type: 'subscribe', payload: { query: stream, variables: { id } } });
  }

  /** Presents a token; gives the payload of the pong. */
  async refresh(authorization: string): Promise<unknown> {
    const { length } = this.pongs;
    this.raw.send({ type: 'ping', payload: { authorization } });
    return (await eventually(() => this.pongs[length], 5_000, 'the pong')).payload;
  }

  async has(text: string): Promise<void> {
    await eventually(() => this.text === text, 5_000, `"${text}"`);
  }

  private async read(): Promise<void> {
    for (;;) {
      const message = await this.raw.next().catch(() => null);
      if (!message) return;
      if (message.type === 'pong') this.pongs.push(message);
      else if (message.type !== 'next') this.ends.push(message);
      else {
        const { data, errors } = message.payload as {
          data?: { generationStream: TextMessage & { cursor: string } };
          errors?: [];
        };
        if (errors) this.refusals.push(...errors);
        // Others begin from the beginning: only whether they end is of interest.
        if (!data || message.id === 'again') continue;
        this.text = reduceText(this.text, data.generationStream);
        this.cursor = data.generationStream.cursor;
      }
    }
  }
}

describe('a fresh token on an open socket', () => {
  it('takes the place of the one before: the stream goes on without a gap beyond its end', async () => {
    const { id, call } = await tale();
    const short = await shortToken(3);
    const endsAt = Date.now() + 3_000;
    const { leader, ack } = await Leader.open(short);
    expect(ack).toMatchObject({ type: 'connection_ack', payload: { expiresAt: expect.stringMatching(/^20.*Z$/) as string } });
    leader.watch(id);
    call.say('Dear ', 'Ada, ');
    await leader.has('Dear Ada, ');

    const fresh = await tokenOf('reader');
    const payload = (await leader.refresh(`Bearer ${fresh}`)) as { expiresAt: string };
    expect(new Date(payload.expiresAt).getTime()).toBeGreaterThan(Date.now() + 500_000);

    // An untouched socket of the same token says when it is over.
    const { leader: other } = await Leader.open(short);
    expect(await other.raw.closed).toBe(4403);
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt - 1_000);
    call.say('I write 𝒢 ', 'to you.');
    await leader.has('Dear Ada, I write 𝒢 to you.');
    leader.watch(id, 'again');
    call.finish();
    await eventually(() => leader.ends.length === 2, 5_000, 'both ends');
    expect(leader.ends.map(({ type }) => type)).toEqual(['complete', 'complete']);
    expect(leader.raw.socket.readyState).toBe(leader.raw.socket.OPEN);
    leader.raw.socket.terminate();
  });

  it('with fewer permissions ends the subscriptions that it does not cover, and no others can begin', async () => {
    const { id, call } = await tale();
    const { leader } = await Leader.open(await tokenOf('writer'));
    leader.watch(id);
    call.say('Dear ');
    await leader.has('Dear ');

    // Reading is all that the stream has used.
    expect(await leader.refresh(`Bearer ${await tokenOf('reader')}`)).toHaveProperty('expiresAt');
    call.say('Ada, ');
    await leader.has('Dear Ada, ');
    const lesser = await tokenOf('looker');
    expect((await post(app.url, { query: models }, { key: lesser })).status).toBe(200);
    expect(await leader.refresh(`Bearer ${lesser}`)).toHaveProperty('expiresAt');
    await eventually(() => leader.ends.length === 1, 5_000, 'the end');
    expect(leader.ends[0]).toMatchObject({
      type: 'error',
      id: 'letter',
      payload: [{ message: 'this needs the permission generations:read' }],
    });
    leader.watch(id, 'again');
    await eventually(() => leader.refusals.length === 1, 5_000, 'the refusal');
    expect(leader.refusals).toMatchObject([
      { message: 'this needs the permission generations:read', extensions: { code: 'FORBIDDEN' } },
    ]);

    // And back: the cursor is good, nothing is missing.
    expect(await leader.refresh(`Bearer ${await tokenOf('reader')}`)).toHaveProperty('expiresAt');
    leader.raw.send({ id: 'back', type: 'subscribe', payload: { query: stream, variables: { id, after: leader.cursor } } });
    call.say('hello.').finish();
    await leader.has('Dear Ada, hello.');
    leader.raw.socket.terminate();
  });

  it('of another person, another tenant or no good is refused, and nothing has changed', async () => {
    const other = await seed.tenant();
    const theirs = await register(other, issuer);
    const { id, call } = await tale();
    const { leader } = await Leader.open(await tokenOf('reader'));
    leader.watch(id);
    call.say('Dear ');
    await leader.has('Dear ');

    const attempts: readonly (readonly [string, string, string])[] = [
      [
        `Bearer ${await tokenOf('reader', 'bob')}`,
        'FORBIDDEN',
        'this token is of another person than the one whose connection it is',
      ],
      [
        `Bearer ${await issuer.token({ audience: theirs.audience, claims: { roles: ['reader'] } })}`,
        'FORBIDDEN',
        'this token is of another person than the one whose connection it is',
      ],
      [`Bearer ${owner.key}`, 'FORBIDDEN', 'this token is of another person than the one whose connection it is'],
      [`Bearer ${await shortToken(-5)}`, 'UNAUTHENTICATED', 'this token has run out (exp): get a fresh one'],
      [
        `Bearer ${await shortToken(30, { roles: [] })}`,
        'FORBIDDEN',
        'this token is good, but names no role that its person could have here',
      ],
      ['Bearer e30.e30.', 'UNAUTHENTICATED', 'this token is not signed in a way that is taken here'],
      ['Bearer dw_live_x', 'UNAUTHENTICATED', 'this key is not valid'],
      ['', 'UNAUTHENTICATED', 'this key is not valid'],
      [`Bearer ${'x'.repeat(100_000)}.y.z`, 'UNAUTHENTICATED', 'this token has 100004 characters, more than 8192'],
    ];
    for (const [authorization, code, message] of attempts) {
      expect(await leader.refresh(authorization), authorization.slice(0, 40)).toEqual({
        errors: [
          { message: expect.stringContaining(message) as string, extensions: expect.objectContaining({ code }) as object },
        ],
      });
    }

    call.say('Ada.').finish();
    await leader.has('Dear Ada.');
    await eventually(() => leader.ends.length === 1, 5_000, 'the end');
    expect(leader.ends[0]?.type).toBe('complete');
    leader.raw.socket.terminate();
  });

  it('is answered before the connection is acknowledged, and other pings as ever', async () => {
    const raw = await rawSocket(app.url);
    raw.send({ type: 'ping', payload: { authorization: `Bearer ${await tokenOf('reader')}` } });
    expect(await raw.next()).toMatchObject({ type: 'pong', payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
    raw.send({ type: 'ping', payload: { beat: 1 } });
    expect(await raw.next()).toEqual({ type: 'pong', payload: { beat: 1 } });
    raw.send({ type: 'ping' });
    expect(await raw.next()).toEqual({ type: 'pong' });
    raw.socket.terminate();
  });

  it('is a key’s place, too: who rotates theirs goes on', async () => {
    const rotate = `mutation ($id: ID!) { apiKeyRotate(input: { id: $id, overlapSeconds: 0 }) { secret errors { code } } }`;
    const create = `mutation { apiKeyCreate(input: { name: "a", permissions: ["generations:read"] }) { apiKey { id } secret } }`;
    const { apiKeyCreate } = await owner.ask<{ apiKeyCreate: { apiKey: { id: string }; secret: string } }>(create);
    const { id, call } = await tale();
    const { leader, ack } = await Leader.open(apiKeyCreate.secret);
    expect(ack).toEqual({ type: 'connection_ack' });
    leader.watch(id);
    call.say('Dear ');
    await leader.has('Dear ');

    const { apiKeyRotate } = await owner.ask<{ apiKeyRotate: { secret: string } }>(rotate, { id: apiKeyCreate.apiKey.id });
    // The end of the old key may come first; the socket takes the new one all the same.
    expect(await leader.refresh(`Bearer ${apiKeyRotate.secret}`)).toEqual({ expiresAt: null });
    leader.raw.send({ id: 'next', type: 'subscribe', payload: { query: stream, variables: { id, after: leader.cursor } } });
    call.say('Ada.').finish();
    await leader.has('Dear Ada.');
    leader.raw.socket.terminate();
  });
});

describe('a token that runs out', () => {
  it('ends a stream of server-sent events with FORBIDDEN, its cursor intact', async () => {
    const { id, call } = await tale();
    const { events } = await sse(app.url, { query: stream, variables: { id } }, { key: await shortToken(2) });
    call.say('Dear ');
    let text = '';
    let cursor: string | null = null;
    let end: unknown = null;
    for await (const { id: at, result } of events) {
      const [error] = result?.errors ?? [];
      if (error) end = [error.extensions?.['code'], error.message];
      const message = result?.data?.['generationStream'] as TextMessage | undefined;
      if (!message) continue;
      text = reduceText(text, message);
      cursor = at;
    }
    expect(end).toEqual(['FORBIDDEN', 'this token has run out']);
    expect(text).toBe('Dear ');

    call.say('Ada.').finish();
    const { events: rest } = await sse(
      app.url,
      { query: stream, variables: { id } },
      { key: await tokenOf('reader'), lastEventId: cursor ?? '' },
    );
    for await (const { result } of rest) {
      const message = result?.data?.['generationStream'] as TextMessage | undefined;
      if (message) text = reduceText(text, message);
    }
    expect(text).toBe('Dear Ada.');
  });

  it('closes its socket with 4403 when nothing runs on it', async () => {
    const { leader } = await Leader.open(await shortToken(1));
    expect(await leader.raw.closed).toBe(4403);
  });
});
