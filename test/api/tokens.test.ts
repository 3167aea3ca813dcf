import { connect } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInRoles } from '../../src/access/roles.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { Pseudonyms } from '../../src/audit/pseudonym.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { trailOf } from '../harness/audit-trail.ts';
import { post, rawSocket, sse } from '../harness/clients.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { finishedGeneration, startGeneration } from '../harness/letters.ts';
import { register, type Registered } from '../harness/registered.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { StreamReader } from '../harness/stream-reader.ts';

let app: TestApp;
let seed: Seed;
let owner: Caller;
let issuer: TestIssuer;
let registered: Registered;
let letter: string;

const viewer = '{ viewer { tenant { id } actor { id email } permissions } }';
const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';

interface Viewer {
  readonly viewer: {
    readonly tenant: { readonly id: string };
    readonly actor: { readonly id: string; readonly email: string };
    readonly permissions: readonly string[];
  };
}

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({ env: issuer.env });
  seed = await openSeed(app);
  owner = await seed.tenant();
  registered = await register(owner, issuer);
  letter = (await finishedGeneration(app, owner)).id;
});
afterAll(async () => {
  await seed.close();
  await app.stop();
  await issuer[Symbol.asyncDispose]();
});

const now = (): number => Math.floor(Date.now() / 1_000);
const good = (): JWTPayload => ({
  iss: issuer.url,
  aud: registered.audience,
  sub: 'ada',
  roles: ['reader'],
  iat: now(),
  exp: now() + 600,
});

/** The answer to a token over HTTP. */
async function overHttp(token: string): Promise<{ status: number; message: string | undefined; code: unknown; data: unknown }> {
  const { status, body } = await post(app.url, { query: viewer }, { key: token });
  const [error] = body.errors ?? [];
  return { status, message: error?.message, code: error?.extensions?.['code'], data: body.data ?? null };
}

/** The code that a WebSocket is closed with; 0 when the token is taken. */
async function overWebSocket(token: string): Promise<number> {
  const raw = await rawSocket(app.url);
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  const isTaken = await raw.next().then(
    ({ type }) => type === 'connection_ack',
    () => false,
  );
  if (!isTaken) return raw.closed;
  raw.socket.close();
  await raw.closed;
  return 0;
}

async function overSse(token: string): Promise<{ status: number; code: unknown }> {
  const { status, events, stop } = await sse(app.url, { query: stream, variables: { id: letter } }, { key: token });
  const { value } = await events.next();
  stop();
  const [error] = value?.result?.errors ?? [];
  return { status, code: error?.extensions?.['code'] };
}

const pseudonyms = new Pseudonyms('development');

const people = async (): Promise<number> => {
  const [count] = await app.sql<{ count: string }>`select count(*) from members where tenant_id = ${uuidOf(owner.tenantId)}`;
  return Number(count?.count);
};

/** Somebody's token in the form of a JWT, with what is given for its parts. */
function unsigned(header: unknown, payload: unknown, signature = ''): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

async function published(): Promise<Record<string, unknown>> {
  const { keys } = await issuer.published();
  return keys[0] ?? {};
}

/** A token whose signature is of another token. */
async function swapped(): Promise<string> {
  const [one, two] = await Promise.all([issuer.forge(good()), issuer.forge({ ...good(), sub: 'eve' })]);
  return [...two.split('.').slice(0, 2), one.split('.')[2]].join('.');
}

const algorithms =
  'this token is not signed in a way that is taken here: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519';
const unknownIssuer = 'no issuer (iss) is registered here for any audience (aud) that this token is for';
const unknownKey = 'this token is signed with a key (kid) that its issuer does not publish';
const noPerson = 'this token does not say whom it is about, in the claim that its issuer was registered with';
const badSignature = 'the signature of this token does not fit';
const noJwt = 'this token is no JWT';

const attacks: readonly (readonly [string, () => Promise<string>, string])[] = [
  ['alg none', async () => unsigned({ alg: 'none' }, good()), algorithms],
  ['alg none in capitals', async () => unsigned({ alg: 'nOnE', kid: 'key-1' }, good()), algorithms],
  ['no signature', async () => unsigned({ alg: 'ES256', kid: 'key-1' }, good()), badSignature],
  [
    'the public key as a secret (HS/RS confusion)',
    async () => issuer.forge(good(), { alg: 'HS256' }, Buffer.from(JSON.stringify(await published()))),
    algorithms,
  ],
  [
    'another algorithm than the issuer’s',
    async () => issuer.forge(good(), { alg: 'PS256' }, (await generateKeyPair('PS256')).privateKey),
    'this token is not signed with an algorithm (alg) that its issuer was registered with',
  ],
  [
    'somebody else’s key under the kid of the issuer’s',
    async () => issuer.forge(good(), {}, (await generateKeyPair('ES256')).privateKey),
    badSignature,
  ],
  ['the signature of another token', swapped, badSignature],
  ['a kid that is a path', async () => issuer.forge(good(), { kid: '../../../../dev/null' }), unknownKey],
  ['a kid that is SQL', async () => issuer.forge(good(), { kid: "' union select 'x' --" }), unknownKey],
  ['a kid of nobody', async () => issuer.forge(good(), { kid: '__proto__' }), unknownKey],
  [
    'a key of its own in the header (jwk)',
    async () => {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
      return issuer.forge(good(), { jwk: await exportJWK(publicKey) }, privateKey);
    },
    badSignature,
  ],
  [
    'an address of its own keys (jku, x5u)',
    async () => {
      const { privateKey } = await generateKeyPair('ES256');
      return issuer.forge(good(), { kid: 'mine', jku: `${issuer.url}/jwks`, x5u: `${issuer.url}/jwks` }, privateKey);
    },
    unknownKey,
  ],
  [
    'crit',
    async () => unsigned({ alg: 'ES256', kid: 'key-1', crit: ['exp'] }, good(), 'AAAA'),
    'this token demands extensions (crit); none are known here',
  ],
  [
    'an unencoded payload (b64)',
    async () => unsigned({ alg: 'ES256', crit: ['b64'], b64: false }, good(), 'AAAA'),
    'this token demands extensions (crit); none are known here',
  ],
  [
    'typ of a logout token',
    async () => issuer.forge(good(), { typ: 'logout+jwt' }),
    'this token is of a type (typ) that proves nobody',
  ],
  ['its time over', async () => issuer.forge({ ...good(), exp: now() - 61 }), 'this token has run out (exp): get a fresh one'],
  ['its time to come', async () => issuer.forge({ ...good(), nbf: now() + 90 }), 'this token is not valid yet (nbf)'],
  [
    'no time at all',
    async () => {
      const { exp: _exp, ...endless } = good();
      return issuer.forge(endless);
    },
    'this token’s claim exp is missing or does not fit',
  ],
  [
    'an exp that is no number',
    async () => issuer.forge({ ...good(), exp: '9999999999' as never }),
    'this token’s claim exp is missing or does not fit',
  ],
  ['another audience', async () => issuer.forge({ ...good(), aud: 'ten_01hzzzzzzzzzzzzzzzzzzzzzzz' }), unknownIssuer],
  ['no audience', async () => issuer.forge({ ...good(), aud: [] }), unknownIssuer],
  ['an audience with a NUL', async () => issuer.forge({ ...good(), aud: `${registered.audience}\0` }), unknownIssuer],
  ['another issuer', async () => issuer.forge({ ...good(), iss: 'https://accounts.example' }), unknownIssuer],
  ['an issuer with a slash more', async () => issuer.forge({ ...good(), iss: `${issuer.url}/` }), unknownIssuer],
  ['no issuer', async () => issuer.forge({ ...good(), iss: 7 as never }), unknownIssuer],
  ['nobody', async () => issuer.forge({ ...good(), sub: '' }), noPerson],
  ['a person who is no text', async () => issuer.forge({ ...good(), sub: ['ada'] as never }), noPerson],
  ['a person with a NUL', async () => issuer.forge({ ...good(), sub: 'ada\0' }), noPerson],
  ['a person with half a character', async () => issuer.forge({ ...good(), sub: 'ada\ud800' }), noPerson],
  ['a payload that is no object', async () => unsigned({ alg: 'ES256', kid: 'key-1' }, [1], 'AAAA'), noJwt],
  ['a header that is none', async () => 'e30x.e30.AAAA', noJwt],
  ['9,000 characters', async () => issuer.forge({ ...good(), groups: 'g'.repeat(6_500) }), 'characters, more than 8192'],
];

describe('a token with', () => {
  it.each(attacks)('%s is refused on every transport', async (_what, forge, why) => {
    const token = await forge();
    const before = await people();

    const { message, ...refused } = await overHttp(token);
    expect(refused).toEqual({ status: 401, code: 'UNAUTHENTICATED', data: null });
    expect(message).toContain(why);
    expect(await overWebSocket(token)).toBe(4401);
    expect(await overSse(token)).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    expect(await people()).toBe(before);
  });

  it('keys that do not match is refused without a storm of reads', async () => {
    const before = issuer.reads;
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => overHttp(await issuer.forge(good(), { kid: `made-up-${index}` }))),
    );

    expect(issuer.reads - before).toBeLessThanOrEqual(3);
    expect((await overHttp(await issuer.token({ audience: registered.audience, claims: { roles: ['reader'] } }))).status).toBe(
      200,
    );
  });

  it('100 KB is refused: over WebSocket as a token, over HTTP and SSE with its headers', async () => {
    const token = unsigned({ alg: 'ES256' }, { ...good(), groups: 'g'.repeat(75_000) }, 'AAAA');
    expect(token.length).toBeGreaterThan(100_000);

    expect(await overWebSocket(token)).toBe(4401);
    const refused = { status: 431, code: 'PAYLOAD_TOO_LARGE' };
    expect(await overHttp(token)).toMatchObject({ ...refused, message: 'the headers are too large' });
    expect(await overSse(token)).toEqual(refused);
  });

  it('another beside it is refused: two Authorization headers', async () => {
    const token = await issuer.token({ audience: registered.audience, claims: { roles: ['reader'] } });
    const { hostname, port } = new URL(app.url);
    for (const path of ['/graphql', '/graphql/stream']) {
      for (const second of [token, owner.key]) {
        const body = JSON.stringify({ query: path === '/graphql' ? viewer : stream, variables: { id: letter } });
        const answer = await new Promise<string>((resolve, reject) => {
          let text = '';
          const socket = connect(Number(port), hostname);
          socket
            .on('data', (data) => (text += data.toString()))
            .on('end', () => resolve(text))
            .on('error', reject);
          socket.write(
            `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n` +
              `content-length: ${body.length}\r\nauthorization: Bearer ${token}\r\nauthorization: Bearer ${second}\r\n\r\n${body}`,
          );
        });
        expect(answer).toContain('401 Unauthorized');
        expect(answer).toContain('there are two authorizations: send one');
      }
    }
    const raw = await rawSocket(app.url);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}`, Authorization: `Bearer ${token}` } });
    expect(await raw.closed).toBe(4401);
  });

  it('no role of those that may do something is FORBIDDEN, and its person is nobody here', async () => {
    const before = await people();
    const token = await issuer.token({ person: 'eve', audience: registered.audience, claims: { roles: ['guest'] } });

    expect(await overHttp(token)).toEqual({
      status: 403,
      code: 'FORBIDDEN',
      message: 'this token is good, but names no role that its person could have here',
      data: null,
    });
    expect(await overWebSocket(token)).toBe(4403);
    expect(await overSse(token)).toEqual({ status: 403, code: 'FORBIDDEN' });
    expect(await people()).toBe(before);
  });
});

describe('a token of a registered issuer', () => {
  it('proves a person with the permissions of their roles, on every transport', async () => {
    const token = await issuer.token({ audience: registered.audience, claims: { roles: ['reader'] } });

    const { data } = (await post(app.url, { query: viewer }, { key: token })).body as { data: unknown };
    expect(data).toMatchObject({
      viewer: {
        tenant: { id: owner.tenantId },
        permissions: allPermissions.filter((each) => builtInRoles.get('reviewer')?.includes(each)),
      },
    });
    const reader = await new StreamReader({ url: app.url, key: token }, letter).toEnd();
    expect(reader.kinds.at(-1)).toBe('GenerationFinished');
    expect(await overSse(token)).toEqual({ status: 200, code: undefined });
    const { body } = await post(
      app.url,
      { query: 'mutation { generationCancel(input: { id: "x" }) { errors { code message } } }' },
      { key: token },
    );
    expect(body.data).toEqual({
      generationCancel: { errors: [{ code: 'FORBIDDEN', message: 'this needs the permission generations:write' }] },
    });
  });

  it('starts letters that are its person’s', async () => {
    const token = await issuer.token({ audience: registered.audience, claims: { roles: ['reader', 'writer', 'writer', 7] } });
    const asked = {
      ask: async <T>(query: string, variables?: Record<string, unknown>) => {
        const { body } = await post(app.url, { query, ...(variables && { variables }) }, { key: token });
        if (body.errors) throw new Error(JSON.stringify(body.errors));
        return body.data as T;
      },
    };

    const id = await startGeneration(asked);
    const [row] = await app.sql<{ member_id: string }>`select member_id from generations where id = ${uuidOf(id)}`;
    const {
      viewer: { actor },
    } = await asked.ask<Viewer>(viewer);
    expect(row?.member_id).toBe(uuidOf(actor.id));
  });

  it('makes its person a member once, however many come at once', async () => {
    const before = await people();
    const tokens = await Promise.all(
      Array.from({ length: 10 }, () =>
        issuer.token({ person: 'bob', audience: registered.audience, claims: { roles: ['reader'], email: 'bob@acme.example' } }),
      ),
    );

    const seen = await Promise.all(
      tokens.map(async (token) => (await post(app.url, { query: viewer }, { key: token })).body.data as unknown as Viewer),
    );

    expect(new Set(seen.map(({ viewer: { actor } }) => actor.id)).size).toBe(1);
    expect(seen[0]?.viewer.actor.email).toBe('bob@acme.example');
    expect(await people()).toBe(before + 1);
    const joined = (await trailOf(app, owner.tenantId)).filter(
      ({ thing }) => thing === pseudonyms.of(owner.tenantId, seen[0]?.viewer.actor.id ?? ''),
    );
    expect(joined).toEqual([
      {
        operation: 'memberJoin',
        actor: joined[0]?.thing,
        proof_kind: 'token',
        proof_id: expect.stringMatching(/^iss_/),
        thing: expect.stringMatching(/^person_/),
        before: null,
        after: { roles: ['reviewer'] },
      },
    ]);
  });

  it('is never taken for a member who was there before, by an address that anybody could claim', async () => {
    const [known] = await app.sql<{
      id: string;
      email: string;
    }>`select id, email from members where id = ${uuidOf(owner.memberId)}`;
    const token = await issuer.forge({ ...good(), sub: 'mallory', email: known?.email });

    const {
      viewer: { actor },
    } = (await post(app.url, { query: viewer }, { key: token })).body.data as unknown as Viewer;
    expect(actor.id).not.toBe(owner.memberId);
    expect(actor.email).toBe(`${actor.id}@members.invalid`);
  });

  it('holds within the leeway of a minute, on both sides', async () => {
    expect((await overHttp(await issuer.forge({ ...good(), exp: now() - 45 }))).status).toBe(200);
    expect((await overHttp(await issuer.forge({ ...good(), nbf: now() + 45 }))).status).toBe(200);
  });

  it('is good for one of several audiences, but not for two that are registered', async () => {
    const other = await seed.tenant();
    const theirs = await register(other, issuer);
    const both = await issuer.forge({ ...good(), aud: [registered.audience, theirs.audience] });

    expect((await overHttp(await issuer.forge({ ...good(), aud: ['urn:userinfo', registered.audience] }))).status).toBe(200);
    expect(await overHttp(both)).toMatchObject({
      status: 401,
      message: 'this token is for more than one audience (aud) that is registered here; it must be for one',
    });
  });

  it('proves nobody of another tenant, and sees nothing of it', async () => {
    const other = await seed.tenant();
    const theirs = await register(other, issuer);
    const token = await issuer.token({ audience: theirs.audience, claims: { roles: ['reader'] } });

    expect(await overHttp(token)).toMatchObject({ status: 200, data: { viewer: { tenant: { id: other.tenantId } } } });
    const { body } = await post(
      app.url,
      { query: 'query ($id: ID!) { generation(id: $id) { id } }', variables: { id: letter } },
      { key: token },
    );
    expect(body.data?.['generation'] ?? null).toBeNull();
    expect(await overSse(token)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('goes on with new keys of its issuer, and the old ones end', async () => {
    const other = await seed.tenant();
    const theirs = await register(other, issuer);
    const before = await issuer.token({ audience: theirs.audience, claims: { roles: ['reader'] } });
    expect((await overHttp(before)).status).toBe(200);
    await issuer.rotate();

    const fresh = await issuer.token({ audience: theirs.audience, claims: { roles: ['reader'] } });
    expect((await overHttp(fresh)).status).toBe(200);
    const unseen = await issuer.forge({ ...good(), aud: theirs.audience }, { kid: 'key-1' });
    expect(await overHttp(unseen)).toMatchObject({ status: 401, message: unknownKey });
  });
});
