import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import type { RequestContext } from '../../src/graphql/context.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { newId } from '../../src/kernel/id.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { estimatedCostMicros } from '../../src/routing/estimate.ts';
import { noSetting, priceOfLines, readSetting, type PriceLine } from '../../src/routing/model-setting.ts';
import { ModelResolver } from '../../src/routing/model.resolver.ts';
import { Models } from '../../src/routing/models.ts';
import type { Provider } from '../../src/providers/port.ts';

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was refused';
};

describe('what an operator types', () => {
  it.each<[string, string, object]>([
    ['CONTEXT_WINDOW', '200000', { contextWindow: 200_000 }],
    ['MAX_OUTPUT_TOKENS', '64000', { maxOutputTokens: 64_000 }],
    ['STRUCTURED_OUTPUT', 'false', { hasStructuredOutput: false }],
    ['RETIRES_AT', '2026-11-30', { retiresAt: new Date('2026-11-30T00:00:00Z') }],
    ['RETIRES_AT', 'default', { retiresAt: null }],
    ['PRICES', 'default', { prices: null }],
    [
      'PRICES',
      '[{"input":0.2,"output":1.2}]',
      { prices: [{ from: null, above: 0, isBatch: false, input: 0.2, cachedInput: 0.2, cacheWrite: 0.2, output: 1.2 }] },
    ],
    [
      'PRICES',
      '[{"from":"2026-12-01","above":200000,"isBatch":true,"input":1,"cachedInput":0,"cacheWrite":2,"output":3}]',
      { prices: [{ from: '2026-12-01', above: 200_000, isBatch: true, input: 1, cachedInput: 0, cacheWrite: 2, output: 3 }] },
    ],
  ])('%s=%s is read', (name, text, expected) => {
    expect(readSetting(name, text)).toEqual(expected);
  });

  it.each([
    ['COLOUR', 'red', /there is no setting COLOUR, only CONTEXT_WINDOW, /],
    ['CONTEXT_WINDOW', 'many', /CONTEXT_WINDOW: a number from 1 /],
    ['CONTEXT_WINDOW', '0.5', /CONTEXT_WINDOW: a number from 1 /],
    ['STRUCTURED_OUTPUT', 'perhaps', /STRUCTURED_OUTPUT: one of true, false/],
    ['RETIRES_AT', '2026-02-30', /RETIRES_AT: a day such as/],
    ['RETIRES_AT', '2026-13-01', /RETIRES_AT: a day such as/],
    ['RETIRES_AT', '2026-01-32', /RETIRES_AT: a day such as/],
    ['RETIRES_AT', '0000-01-01', /RETIRES_AT: a day such as/],
    ['RETIRES_AT', 'tomorrow', /RETIRES_AT: a day such as/],
    ['PRICES', '{', /PRICES: this is no JSON/],
    ['PRICES', '[]', /PRICES: 1 to 50 entries/],
    ['PRICES', '[{"input":-1,"output":1}]', /PRICES\.0\.input: a number from 0/],
    ['PRICES', '[{"input":1}]', /PRICES\.0\.output: a number from 0/],
    ['PRICES', '[{"input":1,"output":1,"outpt":1}]', /PRICES\.0\.outpt: there is no field outpt/],
    ['PRICES', '[{"input":1,"output":1,"from":"soon"}]', /PRICES\.0\.from: a day such as/],
    ['PRICES', '[{"input":1,"output":1,"from":"2026-00-10"}]', /PRICES\.0\.from: a day such as/],
    ['PRICES', '[{"input":1,"output":1,"isBatch":"true"}]', /PRICES\.0\.isBatch: true or false/],
  ])('%s=%s is refused', (name, text, expected) => {
    expect(refusal(() => readSetting(name, text))).toMatch(expected);
  });
});

const line = (over: Partial<PriceLine>): PriceLine => ({
  from: null,
  above: 0,
  isBatch: false,
  input: 1,
  cachedInput: 1,
  cacheWrite: 1,
  output: 2,
  ...over,
});

describe('the price of an operator', () => {
  const lines = [
    line({ from: '2026-12-01', input: 3 }),
    line({ above: 200_000, input: 2 }),
    line({}),
    line({ isBatch: true, input: 0.5 }),
  ];

  it('is that of the last day that has come, with its tiers and batches', () => {
    const price = priceOfLines(lines, new Date('2026-11-30T23:59:59Z'));

    expect(price).toMatchObject({ source: 'OPERATOR', from: null });
    expect(price?.tiers.map(({ above, input }) => [above, input])).toEqual([
      [0, 1_000_000],
      [200_000, 2_000_000],
    ]);
    expect(price?.batch?.map(({ input }) => input)).toEqual([500_000]);
  });

  it('takes nothing over from the day before', () => {
    const price = priceOfLines(lines, new Date('2026-12-01T00:00:00Z'));

    expect(price).toMatchObject({ from: '2026-12-01', tiers: [{ above: 0, input: 3_000_000 }], batch: null });
  });

  it('is none before its first day', () => {
    expect(priceOfLines([line({ from: '2026-12-01' })], new Date('2026-11-30T12:00:00Z'))).toBeNull();
  });
});

describe('the catalogue', () => {
  const scope = new Scope(newId('ten'), newId('mem'), { kind: 'key', id: newId('key') }, new Set(['models:read']));
  const vendor = (id: string): Provider => ({
    id,
    models: ['one', 'two'].map((name) => ({ name, contextWindow: 1_000, maxOutputTokens: 100 })),
    acceptsUnknownModels: id === 'open',
    endpoint: `https://${id}.example`,
    async *stream() {},
  });
  const listed = priceOfLines([line({ input: 7 })], new Date());
  const at = new Date('2026-11-21T12:00:00Z');
  const clock = { now: () => at, monotonic: () => 0 };
  const models = () => new Models([vendor('open'), vendor('closed')], null, { clock, listedPrice: () => listed });
  const retired = { ...noSetting, retiresAt: at };

  it('takes what an operator says, adds what is not built in, and forgets it again', () => {
    const catalogue = models();
    catalogue.configure([
      { ...noSetting, id: 'open/one', contextWindow: 5 },
      { ...noSetting, id: 'open/new', maxOutputTokens: 7 },
      { ...noSetting, id: 'closed/new', maxOutputTokens: 7 },
      { ...noSetting, id: 'nobody/new', maxOutputTokens: 7 },
    ]);
    const told = () => catalogue.choices.map(({ id, model }) => [id, model.contextWindow, model.maxOutputTokens]);

    expect(told()).toEqual([
      ['open/one', 5, 100],
      ['open/two', 1_000, 100],
      ['open/new', null, 7],
      ['closed/one', 1_000, 100],
      ['closed/two', 1_000, 100],
    ]);
    catalogue.configure([]);
    expect(told()[0]).toEqual(['open/one', 1_000, 100]);
    expect(told()).toHaveLength(4);
  });

  it('finds models by their provider and name, and by nothing less', () => {
    const catalogue = models();

    expect(catalogue.find('open/any')).toMatchObject({ provider: { id: 'open' }, name: 'any' });
    for (const id of ['openX', 'open', 'open/', '/one', 'closed/any', '']) expect(catalogue.find(id)).toBeNull();
  });

  it('prefers the price of an operator to the list, from its day on', () => {
    const catalogue = models();
    catalogue.configure([
      { ...noSetting, id: 'open/one', prices: [line({ input: 9 })] },
      { ...noSetting, id: 'open/two', prices: [line({ input: 9, from: '2027-01-01' })] },
    ]);

    expect(catalogue.priceOf('open/one', at)).toMatchObject({ source: 'OPERATOR', tiers: [{ input: 9_000_000 }] });
    expect(catalogue.priceOf('open/two', at)).toBe(listed);
    expect(catalogue.priceOf('open/two', new Date('2027-01-01'))).toMatchObject({ source: 'OPERATOR' });
    expect(catalogue.priceOf('nobody/one', at)).toBeNull();
  });

  it('is shown as of its own clock: prices as well as retirements', () => {
    const later = new Date('2030-01-01T00:00:00Z');
    const catalogue = new Models([vendor('open')], null, { clock: { ...clock, now: () => later }, listedPrice: () => listed });
    const prices = [line({ from: '2029-01-01', input: 9 })];
    catalogue.configure([{ ...noSetting, id: 'open/one', prices, retiresAt: new Date('2029-01-01') }]);
    const [one] = new ModelResolver(catalogue).models({ scope } as RequestContext);

    expect(one).toMatchObject({ id: 'open/one', isRetired: true, price: { source: 'OPERATOR', from: '2029-01-01' } });
  });

  it('begins `auto` with the first model of each vendor that is not retired', () => {
    const catalogue = models();
    catalogue.configure([
      { id: 'open/one', ...retired },
      { id: 'closed/one', ...noSetting, retiresAt: new Date(at.getTime() + 1) },
    ]);

    expect(catalogue.plan('auto').models).toEqual(['open/two', 'closed/one']);
  });

  it('refuses a retired model with its day and what is left', () => {
    const catalogue = models();
    catalogue.configure([{ id: 'open/one', ...retired }]);

    expect(refusal(() => catalogue.fitting(['open/one'], { isStructured: false }))).toBe(
      'INVALID_INPUT: the model open/one was retired on 2026-11-21; left are: open/two, closed/one, closed/two',
    );
    expect(catalogue.fitting(['open/one', 'open/two'], { isStructured: false })).toEqual(['open/two']);
  });

  it('knows at which moment a model is retired', () => {
    const catalogue = models();
    const later = new Date(at.getTime() + 1_000);
    catalogue.configure([{ id: 'open/one', ...noSetting, retiresAt: later }]);
    const all = ['open/one', 'open/two'];

    expect([catalogue.fitting(all, { isStructured: false }), catalogue.plan('auto').models[0]]).toEqual([all, 'open/one']);
    expect(catalogue.fitting(all, { isStructured: false }, later)).toEqual(['open/two']);
    expect(catalogue.plan('auto', later).models[0]).toBe('open/two');
  });

  it('refuses a model that cannot be held to a schema where that is asked for, and tries one of which nobody knows', () => {
    const catalogue = models();
    catalogue.configure([
      { ...noSetting, id: 'open/one', hasStructuredOutput: false },
      { ...noSetting, id: 'open/two', hasStructuredOutput: true },
      { ...noSetting, id: 'closed/one', hasStructuredOutput: false },
    ]);
    const all = ['open/one', 'open/two', 'closed/one', 'closed/two'];

    expect(catalogue.fitting(all, { isStructured: false })).toEqual(all);
    expect(catalogue.fitting(all, { isStructured: true })).toEqual(['open/two', 'closed/two']);
    expect(refusal(() => catalogue.fitting(['open/one'], { isStructured: true }))).toBe(
      'INVALID_INPUT: the model open/one cannot be held to a JSON Schema, which the template asks for; left are: open/two, closed/two',
    );
  });
});

describe('the estimate of a cost', () => {
  const price = priceOfLines([line({}), line({ above: 1_000, input: 10 })], new Date());

  it.each([
    ['a prompt of four characters a token', 4_000, 500, 2_000],
    ['the long tier', 4_004, 500, 11_010],
    ['no prompt yet', null, 500, 1_000],
  ])('counts %s', (_what, promptCharacters, maxOutputTokens, expected) => {
    expect(estimatedCostMicros(price, { promptCharacters, maxOutputTokens })).toBe(expected);
  });

  it('is unknown without a price', () => {
    expect(estimatedCostMicros(null, { promptCharacters: 4, maxOutputTokens: 5 })).toBeNull();
  });
});
