import { describe, expect, it } from 'vitest';
import { needOf } from '../../src/budgets/need.ts';
import { refusalOf } from '../../src/budgets/refusal.ts';
import { standingAt } from '../../src/budgets/standing.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { maskedBy } from '../../src/guards/guards.ts';
import { newId } from '../../src/kernel/id.ts';
import { freePrice, type Price, type Tier } from '../../src/routing/price.ts';

const rates = { above: 0, input: 0, cachedInput: 0, cacheWrite: 0, output: 0 };
const priceOf = (...tiers: Partial<Tier>[]): Price => ({
  source: 'OPERATOR',
  from: null,
  tiers: tiers.map((tier) => ({ ...rates, ...tier })),
  batch: null,
});
const now = new Date('2026-11-21T12:30:00Z');

describe('what a call needs', () => {
  const prices: Record<string, Price | null> = {
    cheap: priceOf({ input: 1_000_000, output: 2_000_000 }),
    dear: priceOf({ input: 1_000_000, cacheWrite: 3_000_000, output: 5_000_000 }),
    long: priceOf({ input: 1_000_000, output: 1_000_000 }, { above: 50, input: 9_000_000, output: 9_000_000 }),
    fine: priceOf({ input: 1, output: 0 }),
    free: freePrice,
    unknown: null,
  };
  const unpriced = { tokens: 101, isPriceUnknown: true };
  const models = { priceOf: (id: string) => prices[id] ?? null };
  const ask = (ids: string[], content: string, more: object = {}) =>
    needOf(
      models,
      { models: ids, branches: {} },
      { messages: [{ role: 'user', content }], maxOutputTokens: 100, guards: null, variables: {}, ...more },
      now,
    );

  it.each([
    ['a token for each byte in UTF-8', ['free'], 'Ünïcode 👩‍💻', {}, { tokens: 21 + 100, costMicros: 0 }],
    ['its price', ['cheap'], 'x'.repeat(10), {}, { tokens: 110, costMicros: 10 + 200 }],
    ['the dearest rate of input', ['dear'], 'x'.repeat(10), {}, { tokens: 110, costMicros: 30 + 500 }],
    ['the dearest model', ['free', 'cheap', 'dear'], 'x'.repeat(10), {}, { tokens: 110, costMicros: 530 }],
    ['the lower tier while it is short', ['long'], 'x'.repeat(50), {}, { tokens: 150, costMicros: 150 }],
    ['the dearer tier once it may be long', ['long'], 'x'.repeat(51), {}, { tokens: 151, costMicros: 151 * 9 }],
    ['no less than a part of a millionth', ['fine'], 'x', {}, { tokens: 101, costMicros: 1 }],
    ['what is known with an unknown price among them', ['cheap', 'unknown'], 'x', {}, { ...unpriced, costMicros: 201 }],
    ['the same with one in front', ['unknown', 'cheap'], 'x', {}, { ...unpriced, costMicros: 201 }],
    ['nothing known of an unknown price alone', ['unknown'], 'x', {}, { ...unpriced, costMicros: 0 }],
    ['the schema of its answer too', ['free'], 'x', { outputSchema: { a: 'é' } }, { tokens: 1 + 10 + 100, costMicros: 0 }],
  ])('is %s', (_what, ids, content, more, need) => {
    expect(ask(ids, content, more)).toEqual({ isPriceUnknown: false, ...need });
  });

  it.each([
    ['Al', 'Al wrote to Al. ', 500, 1_000 * ('PERSON_01'.length - 'Al'.length)],
    ['Albertina von Hohenstaufen', 'Albertina von Hohenstaufen wrote. ', 30, -30],
    ['Eve', 'nobody', 1, 0],
  ])('is by what is sent: where %j is masked in %j, %i times', (name, text, times, more) => {
    const guards = { masking: true, checks: {}, personal: [{ path: ['name'], kind: 'name' }] } as const;
    const content = text.repeat(times);
    const [messages, again] = [[{ role: 'user', content }] as const, [{ role: 'user', content }] as const];
    const sent = maskedBy(guards, again, { name })?.messages ?? [];

    const need = needOf(
      models,
      { models: ['free'], branches: {} },
      { messages, maxOutputTokens: 100, guards, variables: { name } },
      now,
    );

    const bytes = sent.reduce((sum, message) => sum + Buffer.byteLength(message.content), 0);
    expect(need.tokens).toBe(bytes + 100);
    expect(Math.sign(bytes - content.length)).toBe(Math.sign(more));
    if (more > 0) expect(bytes).toBeGreaterThan(content.length + more);
  });

  it('counts the branches of the plan', () => {
    const plan = { models: ['cheap'], branches: { TIMEOUT: ['dear'] } };
    expect(needOf(models, plan, { messages: [], maxOutputTokens: 100, guards: null, variables: {} }, now).costMicros).toBe(500);
  });
});

describe('a refusal', () => {
  const id = newId('bud');
  const said = { budget: uuidOf(id), subject: 'KEY', unit: 'TOKENS', period: 'WEEK', most: 100, left: 20, needed: 30 };
  const refused = (more: object, code = 'DW003') => refusalOf({ code, detail: JSON.stringify({ ...said, ...more }) }, now);

  it.each([
    [{ resetsAt: now.getTime() + 1_000 }, 'it resets at 2026-11-21T12:30:01.000Z', 1_000],
    [{ resetsAt: null }, 'it resets when what is under way has ended', null],
    [{ needed: 101, resetsAt: now.getTime() + 1_000 }, 'it is more than the whole of it', null],
    [{ resetsAt: now.getTime() + 90 * 86_400_000 }, 'it resets at 2027-02-19T12:30:00.000Z', 2 ** 31 - 1],
  ])('of %j says when', (more, when, retryAfterMs) => {
    const { needed } = { ...said, ...more };
    expect(refused(more)).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      message: `the key’s budget of 100 tokens in 7 days (${id}) has 20 left and this may take ${needed}: ${when}`,
      retryAfterMs,
    });
  });

  it('is none for other failures', () => {
    expect(refused({}, '23505')).toBeNull();
    expect(refusalOf(new Error('no'), now)).toBeNull();
  });
});

describe('how a budget stands', () => {
  const hour = Math.floor(now.getTime() / 3_600_000);
  const ring = (...used: [slice: number, amount: number][]) => {
    const slices = Array.from({ length: 25 }, () => 0);
    for (const [slice, amount] of used) slices[slice % 25] = amount;
    return slices;
  };
  const budget = {
    period: 'DAY',
    most: 100,
    outstanding: 5,
    slices: ring([hour - 24, 7], [hour - 1, 20], [hour, 3]),
    slice: hour,
  } as const;
  const at = (hours: number) => new Date((hour + hours) * 3_600_000);

  it.each([
    ['with all in the window', 0, { settled: 30, left: 65, resetsAt: at(1) }],
    ['an hour later', 1, { settled: 23, left: 72, resetsAt: at(24) }],
    ['a day later', 24, { settled: 3, left: 92, resetsAt: at(25) }],
    ['later than that', 25, { settled: 0, left: 95, resetsAt: null }],
    ['much later', 1_000, { settled: 0, left: 95, resetsAt: null }],
    ['on a clock that is behind', -3, { settled: 30, left: 65, resetsAt: at(1) }],
  ])('is known %s', (_when, hours, standing) => {
    expect(standingAt(budget, new Date(now.getTime() + hours * 3_600_000))).toEqual({ outstanding: 5, ...standing });
  });

  it('has nothing used before its first call', () => {
    const fresh = { ...budget, slices: [], slice: 0, outstanding: 0, most: 0 };
    expect(standingAt(fresh, now)).toEqual({ settled: 0, outstanding: 0, left: 0, resetsAt: null });
  });
});
