import { describe, expect, it } from 'vitest';
import { beginning, canonicalJson, HeadSeal, linked, type Sealable } from '../../src/audit/chain.ts';
import { decodePosition, encodePosition } from '../../src/audit/cursor.ts';
import { networkOf, Pseudonyms } from '../../src/audit/pseudonym.ts';
import type { SealedEntry } from '../../src/audit/read.ts';
import { walked } from '../../src/audit/verify.ts';
import { newId } from '../../src/kernel/id.ts';

const tenantId = newId('ten');
const entryAt = (index: number): Sealable => ({
  id: newId('aud'),
  tenantId,
  createdAt: `2026-11-21T04:22:15.12345${index}Z`,
  operation: 'tenantUpdate',
  code: null,
  count: 1,
  actor: 'person_a',
  proofKind: 'key',
  proofId: 'key_a',
  transport: 'http',
  address: '203.0.113.0/24',
  requestId: 'a-request',
  thing: tenantId,
  before: { generationRetentionDays: index },
  after: { generationRetentionDays: index + 1 },
});

function chainOf(length: number): SealedEntry[] {
  let head = beginning;
  return Array.from({ length }, (_, index) => {
    const entry = entryAt(index);
    head = linked(head, entry);
    return { ...entry, ...head };
  });
}

describe('the chain', () => {
  it('is of the canonical form: the order of names is no part of it, every value is', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'é' }], a: 1e21 })).toBe('{"a":1e+21,"b":[1,{"c":"é","d":null}]}');
    const [entry] = chainOf(1);
    if (!entry) throw new Error('no entry');
    const { position: _position, hash, ...sealable } = entry;
    expect(linked(beginning, Object.fromEntries(Object.entries(sealable).toReversed()) as never).hash).toBe(hash);
    for (const name of Object.keys(sealable)) {
      expect(linked(beginning, { ...sealable, [name]: 'other' }).hash, name).not.toBe(hash);
    }
  });

  const [a, b, c, d] = chainOf(4) as [SealedEntry, SealedEntry, SealedEntry, SealedEntry];
  it.each([
    ['whole', [a, b, c, d], 4, null],
    ['empty', [], 0, null],
    ['changed', [a, { ...b, count: 2 }, c, d], 1, { position: 2, reason: 'ENTRY_CHANGED' }],
    ['without one', [a, c, d], 1, { position: 2, reason: 'ENTRY_MISSING' }],
    ['without its end', [a, b, c], 3, { position: 4, reason: 'ENTRY_MISSING' }],
    ['without its beginning', [b, c, d], 0, { position: 1, reason: 'ENTRY_MISSING' }],
    ['in another order', [a, { ...c, position: 2 }, { ...b, position: 3 }, d], 1, { position: 2, reason: 'ENTRY_CHANGED' }],
    ['with one more', [a, b, { ...b, id: newId('aud') }, c, d], 2, { position: 2, reason: 'ENTRY_ADDED' }],
  ] as const)('that is %s', (_what, entries, rightTo, broken) => {
    const found = walked(beginning, entries, entries.length === 0 ? 0 : 4);
    expect([found.at.position, found.broken]).toEqual([rightTo, broken]);
  });

  it('has a head that only the secret makes', () => {
    const head = { position: 4, hash: d.hash };
    const seal = new HeadSeal('a secret');
    const stored = { ...head, mac: seal.of(tenantId, head, null), doubtedAt: null };
    expect(seal.fits(tenantId, stored)).toBe(true);
    expect(new HeadSeal('another').fits(tenantId, stored)).toBe(false);
    for (const other of [{ position: 3 }, { hash: c.hash }, { doubtedAt: 1 }, { mac: '' }])
      expect(seal.fits(tenantId, { ...stored, ...other })).toBe(false);
    expect(seal.fits(newId('ten'), stored)).toBe(false);
  });
});

describe('a cursor of the log', () => {
  it('is one tenant’s, and only as it was written', () => {
    const cursor = encodePosition(tenantId, 7);
    expect(decodePosition(tenantId, cursor)).toBe(7);
    const forged = [
      encodePosition(newId('ten'), 7),
      encodePosition(tenantId, -1),
      encodePosition(tenantId, 1.5),
      `${cursor}=`,
      'x',
      '',
      Buffer.from('{"2":7}').toString('base64url'),
    ];
    for (const each of forged)
      expect(() => decodePosition(tenantId, each), each).toThrow(expect.objectContaining({ code: 'INVALID_CURSOR' }));
  });
});

describe('people', () => {
  const pseudonyms = new Pseudonyms('a secret');
  const memberId = newId('mem');

  it('have a pseudonym of their own in each tenant, made with the secret', () => {
    const pseudonym = pseudonyms.of(tenantId, memberId);
    expect(pseudonym).toMatch(/^person_[\w-]{22}$/);
    expect(new Pseudonyms('a secret').of(tenantId, memberId)).toBe(pseudonym);
    const others = [
      new Pseudonyms('other').of(tenantId, memberId),
      pseudonyms.of(newId('ten'), memberId),
      pseudonyms.of(tenantId, newId('mem')),
    ];
    expect(others).not.toContain(pseudonym);
  });

  it('are not in what is recorded, however deep, and neither are secrets and letters', () => {
    const at = new Date(0);
    const key = newId('key');
    expect(
      pseudonyms.without(tenantId, {
        member: memberId,
        key,
        list: [{ email: 'ada@acme.example', text: 'Dear', n: 1, at, none: null }],
        secret: 'x',
      }),
    ).toEqual({
      member: pseudonyms.of(tenantId, memberId),
      key,
      list: [{ email: pseudonyms.of(tenantId, 'ada@acme.example'), text: '(withheld)', n: 1, at, none: null }],
      secret: '(withheld)',
    });
    expect(pseudonyms.without(tenantId, null)).toBeNull();
    const ada = pseudonyms.of(tenantId, 'ada@acme.example');
    const names = ['Nightly import', 'of <ada@acme.example>.', 'ada@acme.example, later bob@acme.example’s', 'a @ b'];
    expect(pseudonyms.without(tenantId, { names })?.['names']).toEqual([
      'Nightly import',
      `of <${ada}>.`,
      `${ada}, later ${pseudonyms.of(tenantId, 'bob@acme.example’s')}`,
      'a @ b',
    ]);
    expect([pseudonyms.ofThing(tenantId, memberId), pseudonyms.ofThing(tenantId, key)]).toEqual([
      pseudonyms.of(tenantId, memberId),
      key,
    ]);
  });

  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['127.0.0.1', '127.0.0.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::7', '2001:db8::/48'],
    ['2001:0:0:1::7', '2001::/48'],
    ['::1', '::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['unknown', null],
    ['', null],
  ])('come from a network: %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
