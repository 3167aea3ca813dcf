import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { IssuerKeys } from '../../src/access/issuer-keys.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { openLog } from '../../src/kernel/log.ts';
import { OutboundError, type CallOut } from '../../src/kernel/outbound.ts';

const url = 'https://idp.example';
const issuer = { id: 'iss_01hzzzzzzzzzzzzzzzzzzzzzzz', tenantId: 'ten_01hzzzzzzzzzzzzzzzzzzzzzzz', url };
const minute = 60_000;

let now: number;
let calls: string[];
let published: JWK[];
let isAway: boolean;
/** While there is one, answers wait for it. */
let gate: Promise<void> | null;
let keys: IssuerKeys;

const clock: Clock = { now: () => new Date(now), monotonic: () => now };
const callOut: CallOut = async (asked) => {
  calls.push(asked);
  await gate;
  if (isAway) throw new OutboundError('unreachable', 'the address cannot be reached');
  const page = asked.endsWith('/jwks') ? { keys: published } : { issuer: url, jwks_uri: `${url}/jwks` };
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(page)) };
};
const reads = (): number => calls.filter((each) => each.endsWith('/openid-configuration')).length;

async function jwk(kid: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
}
const find = async (kid: string): Promise<string> =>
  keys.find(issuer, { alg: 'ES256', kid }).then(
    () => 'found',
    (error: unknown) => String((error as { code?: unknown }).code),
  );
const missing = 'ERR_JWKS_NO_MATCHING_KEY';

beforeEach(async () => {
  now = 1_000_000;
  calls = [];
  published = [await jwk('one')];
  isAway = false;
  gate = null;
  keys = new IssuerKeys({ callOut, clock, log: openLog({ level: 'silent' }) });
});

describe('the keys of an issuer', () => {
  it('are read once for all who come at once, and kept', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const found = Promise.all(Array.from({ length: 50 }, () => find('one')));
    opened.resolve();

    expect(new Set(await found)).toEqual(new Set(['found']));
    expect(await find('one')).toBe('found');
    now += 9 * minute;
    expect(await find('one')).toBe('found');
    expect(reads()).toBe(1);
  });

  it('are read again when a token names one that is new', async () => {
    await find('one');
    published = [await jwk('two')];

    expect(await find('two')).toBe('found');
    expect(await find('one')).toBe(missing);
  });

  it('are read three times, then once in ten seconds, however many keys tokens make up', async () => {
    for (let index = 0; index < 200; index++) expect(await find(`made-up-${index}`)).toBe(missing);
    expect(reads()).toBe(3);

    for (let second = 0; second < 60; second++) {
      now += 1_000;
      await find(`made-up-later-${second}`);
    }
    expect(reads()).toBeLessThanOrEqual(3 + 6);
    expect(await find('one')).toBe('found');
  });

  it('of a dead issuer are used for a day, and it is asked seldom', async () => {
    await find('one');
    isAway = true;
    for (let hour = 0; hour < 23; hour++) {
      now += 60 * minute;
      expect(await find('one')).toBe('found');
    }
    now += 61 * minute;
    expect(await find('one')).toBe('UNAVAILABLE');

    const before = reads();
    for (let index = 0; index < 100; index++) expect(await find('one')).toBe('UNAVAILABLE');
    expect(reads() - before).toBeLessThanOrEqual(3);
    isAway = false;
    now += minute;
    expect(await find('one')).toBe('found');
  });

  it('that are old are used while they are read, and then are the new ones', async () => {
    await find('one');
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    now += 11 * minute;
    published = [await jwk('two')];

    // Nobody waits for the read.
    expect(await find('one')).toBe('found');
    opened.resolve();
    expect(await find('two')).toBe('found');
  });

  it('of a new issuer that is away are UNAVAILABLE', async () => {
    isAway = true;
    expect(await find('one')).toBe('UNAVAILABLE');
  });
});
