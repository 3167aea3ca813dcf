import { describe, expect, it } from 'vitest';
import { rateLimitHeaders } from '../../src/graphql/admission.ts';
import { decide, unlimited, type Quota } from '../../src/limits/quota.ts';
import { bucketsOf, countable } from '../../src/limits/take.ts';

const member = (left: number, resetMs = 60_000): Quota => ({ name: 'member', most: 100, left, resetMs });
const tenant = (left: number, resetMs = 30_000): Quota => ({ name: 'tenant', most: 1_000, left, resetMs });
const none: Quota = { name: 'tenant', most: unlimited, left: 5, resetMs: 60_000 };

describe('decide', () => {
  const cases: [string, number, number, Quota[], (string | null)[]][] = [
    ['all are admitted', 2, 2, [member(0), tenant(9)], [null, null]],
    ['the first are admitted', 3, 1, [member(0), tenant(9)], [null, 'member', 'member']],
    ['the tenant has nothing left', 2, 0, [member(9), tenant(0)], ['tenant', 'tenant']],
    ['both are empty: the one that lasts longer', 1, 0, [member(0), tenant(0)], ['member']],
    ['both are empty, the other way round', 1, 0, [member(0, 10), tenant(0)], ['tenant']],
    ['a limit that is none is never named', 1, 0, [member(0), none], ['member']],
  ];
  it.each(cases)('%s', (_name, callers, granted, quotas, refusedBy) => {
    const decisions = decide(callers, granted, quotas);
    expect(decisions.map((each) => each.refusedBy?.name ?? null)).toEqual(refusedBy);
    expect(decisions.map(({ isAdmitted }) => isAdmitted)).toEqual(refusedBy.map((name) => name === null));
  });

  it('shows what is limited only', () => {
    expect(decide(1, 1, [member(5), none])[0]?.quotas).toEqual([member(5)]);
  });
});

describe('the headers', () => {
  it('are those of the draft', () => {
    expect(rateLimitHeaders({ quotas: [member(7, 59_001), tenant(0, 1)], windowSeconds: 60 })).toEqual({
      'ratelimit-policy': '"member";q=100;w=60, "tenant";q=1000;w=60',
      ratelimit: '"member";r=7;t=60, "tenant";r=0;t=1',
    });
  });

  it('are none without limits', () => expect(rateLimitHeaders({ quotas: [], windowSeconds: 60 })).toEqual({}));
});

it('buckets are held in one order, each once, whatever the order the asks came in', () => {
  const ask = (subject: string, kind: 'requests' | 'starts', key: string | null = null) => ({
    subject,
    kind,
    key: key === null ? null : { subject: key, most: 1 },
  });
  const asks = [ask('b', 'requests', 'a'), ask('a', 'starts'), ask('b', 'requests'), ask('a', 'requests')];
  const ordered = [
    { subject: 'a', kind: 'requests' },
    { subject: 'a', kind: 'starts' },
    { subject: 'b', kind: 'requests' },
  ];
  expect(bucketsOf(asks)).toEqual(ordered);
  expect(bucketsOf(asks.toReversed())).toEqual(ordered);
});

it('0 counts as no limit', () => expect([countable(0), countable(7)]).toEqual([unlimited, 7]));
