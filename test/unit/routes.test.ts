import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import { choose, type World } from '../../src/routing/choose.ts';
import { holds, readCondition } from '../../src/routing/condition.ts';
import type { Facts } from '../../src/routing/facts.ts';
import { Reading } from '../../src/routing/reading.ts';
import { readDefinition } from '../../src/routing/tree.ts';
import { randomOf } from '../harness/random.ts';

const facts: Facts = {
  template: 'cover-letter-classic',
  language: 'de-CH',
  promptCharacters: 4_000,
  maxOutputTokens: 800,
  isStructured: false,
  member: 'mem_1',
  metadata: { customer: 'acme', seats: 12, isTrial: true, nested: { a: 1 } },
};
const wednesday = new Date('2026-11-18T21:30:00Z');
const world: World = {
  now: wednesday,
  random: () => 0.5,
  latencyMs: () => null,
  blockedUntil: () => null,
  costMicros: () => null,
  misfit: () => null,
};
const models = ['a/1', 'a/2', 'b/1', 'c/1'];
const read = (definition: unknown) =>
  readDefinition(definition, (id) => (models.includes(id) ? null : `there is no model ${id}`), ['input', 'definition']);
const chosen = (route: unknown, over: Partial<World> = {}, about: Partial<Facts> = {}) =>
  choose(read({ route }), { ...facts, ...about }, { ...world, ...over });
const one = (model: string) => ({ model });
const nested = (depth: number): unknown => (depth === 0 ? one('a/1') : { mode: 'fallback', among: [nested(depth - 1)] });
const refusal = (work: () => unknown): [string, string] => {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return [error.path?.join('.') ?? '', error.message];
    throw error;
  }
  return ['', 'nothing was refused'];
};

describe('a condition', () => {
  it.each<[string, unknown, boolean]>([
    ['is', { fact: 'template', is: 'cover-letter-classic' }, true],
    ['is another', { fact: 'template', is: 'report' }, false],
    ['is of metadata', { fact: 'metadata.customer', is: 'acme' }, true],
    ['is never of another kind', { fact: 'metadata.seats', is: '12' }, false],
    ['is true', { fact: 'metadata.isTrial', is: true }, true],
    ['in', { fact: 'language', in: ['fr', 'de-CH'] }, true],
    ['not in', { not: { fact: 'language', in: ['fr', 'de-CH'] } }, false],
    ['startsWith', { fact: 'language', startsWith: 'de' }, true],
    ['startsWith of a number', { fact: 'metadata.seats', startsWith: '1' }, false],
    ['atLeast its own value', { fact: 'promptCharacters', atLeast: 4_000 }, true],
    ['below its own value', { fact: 'promptCharacters', below: 4_000 }, false],
    ['what is not there', { fact: 'metadata.nobody', is: 'x' }, false],
    ['not what is not there', { not: { fact: 'metadata.nobody', is: 'x' } }, true],
    ['what only its prototype has', { fact: 'metadata.toString', exists: true }, false],
    ['exists', { fact: 'metadata.customer', exists: true }, true],
    ['an object is no fact', { fact: 'metadata.nested', exists: true }, false],
    ['exists not', { fact: 'metadata.nobody', exists: false }, true],
    [
      'all',
      {
        all: [
          { fact: 'member', is: 'mem_1' },
          { fact: 'maxOutputTokens', below: 801 },
        ],
      },
      true,
    ],
    [
      'all but one',
      {
        all: [
          { fact: 'member', is: 'mem_1' },
          { fact: 'maxOutputTokens', below: 800 },
        ],
      },
      false,
    ],
    [
      'any',
      {
        any: [
          { fact: 'member', is: 'mem_2' },
          { fact: 'maxOutputTokens', is: 800 },
        ],
      },
      true,
    ],
    ['within the day', { time: { from: '21:00', until: '22:00' } }, true],
    ['until is not in it', { time: { from: '21:00', until: '21:30' } }, false],
    ['in another zone', { time: { from: '22:00', until: '23:00', zone: 'Europe/Berlin' } }, true],
    ['on a day', { time: { from: '21:00', until: '22:00', days: ['WED'] } }, true],
    ['on another day', { time: { from: '21:00', until: '22:00', days: ['THU'] } }, false],
    ['from a minute to the same one: a whole day', { time: { from: '00:00', until: '00:00', days: ['WED'] } }, true],
    ['a whole day that has not begun', { time: { from: '22:00', until: '22:00', days: ['WED'] } }, false],
    ['across midnight, before it', { time: { from: '20:00', until: '06:00', days: ['WED'] } }, true],
    [
      'across midnight, behind it: the day before counts',
      { time: { from: '22:00', until: '09:00', zone: 'Asia/Tokyo', days: ['WED'] } },
      true,
    ],
    [
      'across midnight, behind it: not the day itself',
      { time: { from: '22:00', until: '09:00', zone: 'Asia/Tokyo', days: ['THU'] } },
      false,
    ],
  ])('%s', (_name, written, expected) => {
    expect(holds(readCondition(new Reading(written, [])), facts, wednesday)).toBe(expected);
  });
});

describe('a definition', () => {
  it.each<[string, unknown, string, string]>([
    ['is an object', 'a/1', 'input.definition', 'an object is needed here'],
    ['needs a route', {}, 'input.definition.route', 'an object is needed here'],
    ['has no other fields', { route: one('a/1'), fallbacks: [] }, 'input.definition.fallbacks', 'there is no field fallbacks'],
    ['names models there are', { route: one('z/9') }, 'input.definition.route.model', 'there is no model z/9'],
    ['says how to choose', { route: { among: [] } }, 'input.definition.route.mode', 'one of single'],
    ['has a way for each mode', { route: { mode: 'regex' } }, 'input.definition.route.mode', 'one of single'],
    [
      'has something to choose from',
      { route: { mode: 'fallback', among: [] } },
      'input.definition.route.among',
      '1 to 20 entries',
    ],
    [
      'has no field that its mode ignores',
      { route: { mode: 'fallback', among: [one('a/1')], by: 'member' } },
      'input.definition.route.by',
      'a route by fallback has no by',
    ],
    [
      'has a weight above 0',
      { route: { mode: 'weighted', among: [{ weight: 0, route: one('a/1') }] } },
      'input.definition.route.among',
      'at least one weight',
    ],
    [
      'has weights that are numbers',
      { route: { mode: 'weighted', among: [{ weight: '1', route: one('a/1') }] } },
      'input.definition.route.among.0.weight',
      'a number from 0',
    ],
    [
      'sticks to a fact',
      { route: { mode: 'sticky', by: 'name', among: [{ weight: 1, route: one('a/1') }] } },
      'input.definition.route.by',
      'there is no fact name',
    ],
    [
      'has an otherwise',
      { route: { mode: 'conditional', cases: [{ when: { fact: 'member', is: 'x' }, route: one('a/1') }] } },
      'input.definition.route.otherwise',
      'an object is needed',
    ],
    [
      'compares a fact once',
      {
        route: {
          mode: 'conditional',
          cases: [{ when: { fact: 'member', is: 'x', in: ['y'] }, route: one('a/1') }],
          otherwise: one('a/1'),
        },
      },
      'input.definition.route.cases.0.when',
      'a condition is one of',
    ],
    [
      'has no patterns',
      {
        route: {
          mode: 'conditional',
          cases: [{ when: { fact: 'member', matches: '(a+)+$' }, route: one('a/1') }],
          otherwise: one('a/1'),
        },
      },
      'input.definition.route.cases.0.when.matches',
      'there is no field matches',
    ],
    [
      'has zones there are',
      {
        route: {
          mode: 'conditional',
          cases: [{ when: { time: { from: '08:00', until: '09:00', zone: 'Mars/Base' } }, route: one('a/1') }],
          otherwise: one('a/1'),
        },
      },
      'input.definition.route.cases.0.when.time.zone',
      'a time zone',
    ],
    [
      'has times of day',
      {
        route: {
          mode: 'conditional',
          cases: [{ when: { time: { from: '8:00', until: '09:00' } }, route: one('a/1') }],
          otherwise: one('a/1'),
        },
      },
      'input.definition.route.cases.0.when.time.from',
      'a time of day',
    ],
    [
      'has causes there are',
      { route: one('a/1'), on: { WEATHER: one('a/1') } },
      'input.definition.on.WEATHER',
      'there is no field WEATHER',
    ],
    [
      'tries at least once',
      { route: one('a/1'), retry: { OVERLOAD: { tries: 0 } } },
      'input.definition.retry.OVERLOAD.tries',
      'a number from 1',
    ],
    ['hedges one way', { route: one('a/1'), hedge: {}, hedgeAfterMs: 100 }, 'input.definition.hedgeAfterMs', 'hedge says when'],
    ['hedges after a time', { route: one('a/1'), hedge: { after: 'P99' } }, 'input.definition.hedge.after', 'P95, or a number'],
    [
      'hedges after no whole hour',
      { route: one('a/1'), hedge: { after: 3.6e6 } },
      'input.definition.hedge.after',
      'a number from 50',
    ],
    [
      'waits for nothing that is known',
      { route: one('a/1'), hedge: { after: 100, untilKnownMs: 100 } },
      'input.definition.hedge.untilKnownMs',
      'a number of milliseconds is always known',
    ],
    ['does not hedge at once', { route: one('a/1'), hedgeAfterMs: 1 }, 'input.definition.hedgeAfterMs', 'a number from 50'],
    [
      'is not too deep',
      { route: nested(8) },
      'input.definition.route.among.0.among.0.among.0.among.0.among.0.among.0.among.0.among.0',
      'routes may be 8 levels deep',
    ],
    [
      'is not too wide',
      {
        route: {
          mode: 'fallback',
          among: Array.from({ length: 20 }, () => ({ mode: 'fallback', among: Array.from({ length: 5 }, () => one('a/1')) })),
        },
      },
      'input.definition.route.among.16.among.2',
      'a route has at most 100 parts',
    ],
    [
      'is its own, not its prototype’s',
      JSON.parse('{"route":{"__proto__":{"model":"a/1"}}}'),
      'input.definition.route.__proto__',
      'there is no field __proto__',
    ],
  ])('%s', (_name, definition, path, message) => {
    const [at, said] = refusal(() => read(definition));
    expect([at, said.slice(0, message.length)]).toEqual([path, message]);
  });

  it('is read with what its author left out', () => {
    const written = {
      route: { mode: 'latency', among: [one('a/1'), one('b/1')] },
      on: { CONTEXT_TOO_LONG: one('c/1') },
      retry: { RATE_LIMIT: { tries: 3 } },
    };
    expect(read(written)).toEqual({
      route: {
        mode: 'latency',
        among: [
          { mode: 'single', model: 'a/1' },
          { mode: 'single', model: 'b/1' },
        ],
        bufferMs: 200,
      },
      on: { CONTEXT_TOO_LONG: { mode: 'single', model: 'c/1' } },
      retry: { RATE_LIMIT: { tries: 3, firstDelayMs: 250, longestDelayMs: 10_000 } },
      hedging: null,
    });
  });
});

describe('models that failed too often', () => {
  const until = new Date('2026-11-04T12:00:30Z');
  const blocked = (...ids: string[]): Partial<World> => ({ blockedUntil: (id) => (ids.includes(id) ? until : null) });
  const weighted = {
    mode: 'weighted',
    among: [
      { weight: 3, route: { model: 'a/1' } },
      { weight: 1, route: { model: 'b/2' } },
    ],
  };

  it.each<[why: string, world: Partial<World>, models: string[], shares: [string, number][]]>([
    [
      'none',
      {},
      ['a/1', 'b/2'],
      [
        ['a/1', 0.75],
        ['b/2', 0.25],
      ],
    ],
    ['the first', blocked('a/1'), ['b/2', 'a/1'], [['b/2', 1]]],
    ['the other', blocked('b/2'), ['a/1', 'b/2'], [['a/1', 1]]],
    [
      'all',
      blocked('a/1', 'b/2'),
      ['a/1', 'b/2'],
      [
        ['a/1', 0.75],
        ['b/2', 0.25],
      ],
    ],
  ])('come last: %s', (_why, over, models, shares) => {
    const definition = readDefinition({ route: weighted, on: { TIMEOUT: weighted } }, () => null, []);
    const chosen = choose(definition, facts, { ...world, random: () => 0, ...over });
    expect(chosen.models).toEqual(models);
    expect(chosen.branches).toEqual({ TIMEOUT: models });
    expect([...chosen.shares]).toEqual(shares);
    const said = chosen.steps.filter(({ reason }) =>
      reason.includes('failed too often lately: last until 2026-11-04T12:00:30.000Z'),
    );
    expect(said.length).toBe(2 * ['a/1', 'b/2'].filter((id) => over.blockedUntil?.(id)).length);
  });
});

describe('shares', () => {
  const ids = ['a/1', 'a/2', 'b/1', 'c/1', 'c/2'];
  const random = randomOf(20_261_121);

  /** Not by latency or cost above chance: these look at what came first of what is below. */
  function tree(depth: number, isChance = true): unknown {
    const below = (chance = isChance) => tree(depth - 1, chance);
    const some = <T>(make: () => T): T[] => Array.from({ length: random.whole(1, 3) }, make);
    if (depth === 0) return one(random.pick(ids));
    switch (
      random.pick(
        isChance ? ['single', 'fallback', 'weighted', 'conditional', 'latency', 'cost'] : ['single', 'fallback', 'conditional'],
      )
    ) {
      case 'fallback':
        return { mode: 'fallback', among: some(() => below()) };
      case 'weighted':
        return {
          mode: 'weighted',
          among: [{ weight: 1, route: below() }, ...some(() => ({ weight: random.whole(0, 3), route: below() }))],
        };
      case 'conditional':
        return { mode: 'conditional', cases: [{ when: { fact: 'language', is: 'fr' }, route: below() }], otherwise: below() };
      case 'latency':
        return { mode: 'latency', among: some(() => below(false)), bufferMs: 100 };
      case 'cost':
        return { mode: 'cost', among: some(() => below(false)) };
      default:
        return one(random.pick(ids));
    }
  }

  it('give nothing to a part whose only standing model is behind a condition that does not hold', () => {
    const french = { when: { fact: 'language', is: 'fr' }, route: one('a/1') };
    const among = [
      { weight: 1, route: { mode: 'conditional', cases: [french], otherwise: one('a/2') } },
      { weight: 1, route: one('b/1') },
      { weight: 2, route: one('c/1') },
    ];
    const misfit = (id: string) => (id === 'a/2' ? 'the model a/2 was retired' : null);
    const { shares } = chosen({ mode: 'weighted', among }, { misfit });

    expect([...shares]).toEqual([
      ['b/1', 1 / 3],
      ['c/1', 2 / 3],
    ]);
  });

  it('say how often each model is the first, whatever is blocked or retired, over 200 random routes', () => {
    const asked = 1_000;
    for (let round = 0; round < 200; round++) {
      const definition = readDefinition({ route: tree(random.whole(0, 3)) }, () => null, []);
      const out = new Map(ids.map((id) => [id, random.pick(['open', 'open', 'blocked', 'retired'])]));
      const speeds = new Map(ids.map((id) => [id, random.pick([null, 100, 150, 900])]));
      const about: World = {
        ...world,
        random,
        latencyMs: (id) => speeds.get(id) ?? null,
        blockedUntil: (id) => (out.get(id) === 'blocked' ? wednesday : null),
        misfit: (id) => (out.get(id) === 'retired' ? 'it was retired' : null),
      };
      const firsts = new Map<string, number>();
      for (let time = 0; time < asked; time++) {
        const [first] = choose(definition, facts, about).models;
        if (first !== undefined) firsts.set(first, (firsts.get(first) ?? 0) + 1);
      }
      const { shares } = choose(definition, facts, about);
      const seen = JSON.stringify({ definition, out: [...out], shares: [...shares], firsts: [...firsts] });
      for (const id of ids) expect(Math.abs((shares.get(id) ?? 0) - (firsts.get(id) ?? 0) / asked), seen).toBeLessThan(0.09);
    }
  });
});

describe('choosing', () => {
  const weighted = {
    mode: 'weighted',
    among: [
      { weight: 1, route: one('a/1') },
      { weight: 3, route: one('b/1') },
      { weight: 0, route: one('c/1') },
    ],
  };
  const sticky = { ...weighted, mode: 'sticky', by: 'metadata.customer' };
  const latency = { mode: 'latency', among: [one('a/1'), one('b/1'), one('c/1')], bufferMs: 100 };
  const speeds: Record<string, number> = { 'a/1': 900, 'b/1': 300, 'c/1': 390 };
  const prices: Record<string, number> = { 'a/1': 50, 'b/1': 20 };

  it.each<[string, unknown, Partial<World>, Partial<Facts>, string[], Record<string, number>]>([
    ['a model', one('a/1'), {}, {}, ['a/1'], { 'a/1': 1 }],
    [
      'in order, each once',
      { mode: 'fallback', among: [one('a/1'), { mode: 'fallback', among: [one('b/1'), one('a/1')] }] },
      {},
      {},
      ['a/1', 'b/1'],
      { 'a/1': 1 },
    ],
    ['by weight, low', weighted, { random: () => 0.2 }, {}, ['a/1', 'b/1', 'c/1'], { 'a/1': 0.25, 'b/1': 0.75 }],
    ['by weight, high', weighted, { random: () => 0.999_999 }, {}, ['b/1', 'a/1', 'c/1'], { 'a/1': 0.25, 'b/1': 0.75 }],
    ['by weight, at the border', weighted, { random: () => 0.25 }, {}, ['b/1', 'a/1', 'c/1'], { 'a/1': 0.25, 'b/1': 0.75 }],
    [
      'without the fact to stick to: by chance',
      sticky,
      { random: () => 0 },
      { metadata: {} },
      ['a/1', 'b/1', 'c/1'],
      { 'a/1': 0.25, 'b/1': 0.75 },
    ],
    [
      'the fastest and what is near it',
      latency,
      { latencyMs: (id) => speeds[id] ?? null, random: () => 0.9 },
      {},
      ['c/1', 'b/1', 'a/1'],
      { 'b/1': 0.5, 'c/1': 0.5 },
    ],
    [
      'what nobody knows is worth a try',
      latency,
      { latencyMs: (id) => (id === 'a/1' ? null : (speeds[id] ?? null)), random: () => 0 },
      {},
      ['a/1', 'b/1', 'c/1'],
      { 'a/1': 1 / 3, 'b/1': 1 / 3, 'c/1': 1 / 3 },
    ],
    [
      'the cheapest, unknown prices last',
      { mode: 'cost', among: [one('c/1'), one('a/1'), one('b/1')] },
      { costMicros: (id) => prices[id] ?? null },
      {},
      ['b/1', 'a/1', 'c/1'],
      { 'b/1': 1 },
    ],
    [
      'the case that holds',
      {
        mode: 'conditional',
        cases: [
          { when: { fact: 'language', startsWith: 'fr' }, route: one('a/1') },
          { when: { fact: 'language', startsWith: 'de' }, route: weighted },
        ],
        otherwise: one('c/1'),
      },
      { random: () => 0 },
      {},
      ['a/1', 'b/1', 'c/1'],
      { 'a/1': 0.25, 'b/1': 0.75 },
    ],
    [
      'no case that holds',
      {
        mode: 'conditional',
        cases: [{ when: { fact: 'language', startsWith: 'fr' }, route: one('a/1') }],
        otherwise: one('c/1'),
      },
      {},
      { language: null },
      ['c/1'],
      { 'c/1': 1 },
    ],
  ])('%s', (_name, route, over, about, expected, shares) => {
    const found = chosen(route, over, about);
    expect([found.models, Object.fromEntries(found.shares)]).toEqual([expected, shares]);
  });

  it('sticks to the same model for the same subject, in the shares of the weights', () => {
    const counts = new Map<string, number>();
    const random = randomOf(7);
    for (let customer = 0; customer < 2_000; customer++) {
      const about = { metadata: { customer: `customer ${customer}` } };
      const [first = ''] = chosen(sticky, { random }, about).models;
      expect(chosen(sticky, { random }, about).models[0]).toBe(first);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect((counts.get('a/1') ?? 0) / 2_000).toBeCloseTo(0.25, 1);
    expect(counts.has('c/1')).toBe(false);
  });

  it('moves nobody but those who stuck to a model that is retired', () => {
    const even = { ...sticky, among: ['a/1', 'b/1', 'c/1'].map((id) => ({ weight: 1, route: one(id) })) };
    const misfit = (id: string) => (id === 'a/1' ? 'the model a/1 was retired' : null);
    const moved = new Map<string, number>();
    for (let customer = 0; customer < 2_000; customer++) {
      const about = { metadata: { customer: `customer ${customer}` } };
      const [before = ''] = chosen(even, {}, about).models;
      const [after = ''] = chosen(even, { misfit }, about).models;
      if (before === 'a/1') moved.set(after, (moved.get(after) ?? 0) + 1);
      else expect(after).toBe(before);
    }
    expect([...moved.keys()].toSorted()).toEqual(['b/1', 'c/1']);
    for (const count of moved.values()) expect(count).toBeGreaterThan(100);
  });

  it.each<[string, unknown, string[], Record<string, number>]>([
    ['a model alone', one('a/1'), [], {}],
    ['fallback', { mode: 'fallback', among: [one('a/1'), one('b/1')] }, ['b/1'], { 'b/1': 1 }],
    ['its weight', weighted, ['b/1'], { 'b/1': 1 }],
    [
      'its case',
      { mode: 'conditional', cases: [{ when: { fact: 'language', exists: true }, route: one('a/1') }], otherwise: one('b/1') },
      ['b/1'],
      { 'b/1': 1 },
    ],
    ['latency', { mode: 'latency', among: [one('a/1'), one('b/1')] }, ['b/1'], { 'b/1': 1 }],
    ['cost', { mode: 'cost', among: [one('a/1'), one('b/1')] }, ['b/1'], { 'b/1': 1 }],
  ])('leaves out retired models: %s', (_name, route, expected, shares) => {
    const misfit = (id: string) => (id === 'b/1' ? null : `the model ${id} was retired`);
    for (const point of [0, 0.2, 0.99]) {
      const found = chosen(route, { misfit, random: () => point });
      expect([found.models, Object.fromEntries(found.shares)]).toEqual([expected, shares]);
    }
  });

  it('has no branch to retired models, and says so', () => {
    const definition = read({ route: one('b/1'), on: { TIMEOUT: one('a/1') } });
    const { branches, steps } = choose(definition, facts, {
      ...world,
      misfit: (id) => (id === 'a/1' ? 'the model a/1 was retired on 2026-11-18' : null),
    });
    expect(branches).toEqual({});
    expect(steps.at(-1)?.reason).toBe('the model a/1 was retired on 2026-11-18: left out');
  });

  it('gives the branches of causes, and says why', () => {
    const found = choose(
      read({ route: one('a/1'), on: { RATE_LIMIT: { mode: 'fallback', among: [one('b/1'), one('c/1')] } } }),
      facts,
      world,
    );
    expect(found.branches).toEqual({ RATE_LIMIT: ['b/1', 'c/1'] });
    expect(found.steps.map(({ at, mode }) => [at, mode])).toEqual([
      ['route', 'single'],
      ['on.RATE_LIMIT', 'fallback'],
      ['on.RATE_LIMIT.among[0]', 'single'],
      ['on.RATE_LIMIT.among[1]', 'single'],
    ]);
  });
});
