import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { ProviderError } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { askForBudget, budgetsOf, setBudget, type ShownBudget } from '../harness/budgets.ts';
import { post } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { Teller } from '../harness/teller.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path retryAfterMs details } }
}`;
const retry = `mutation ($id: ID!) {
  generationRetry(input: { id: $id }) { generation { id } errors { code message path retryAfterMs details } }
}`;
const ended = 'query ($id: ID!) { generation(id: $id) { status failure { code message } attempts { failureCode endedBy } } }';

interface Started {
  readonly generation: { readonly id: string } | null;
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly retryAfterMs: number | null;
    readonly details: Record<string, unknown> | null;
  }[];
}

/** A vendor with OpenAI's prices. */
class Priced extends Teller {
  readonly endpoint = 'https://api.openai.com/v1';
  override readonly models = ['gpt-5.6-luna', 'gpt-5.6-sol'].map((name) => ({
    name,
    contextWindow: null,
    maxOutputTokens: null,
  }));
}

/** Vendors without prices, whose calls the tests lead. */
const tellers = [new Teller('first'), new Teller('second'), new Priced('priced')] as const;
const [first, second, priced] = tellers;
let app: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  app = await openTestApp({ providers: tellers, env: { DEFAULT_MODEL: 'offline/draft' } });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

const inputOf = async (more: object = {}) => ({
  template: 'cover-letter-classic',
  variables: await sampleVariables(owner),
  ...more,
});

async function begin(more: object = {}, asker: Pick<Caller, 'ask'> = owner): Promise<Started> {
  return (await asker.ask<{ generationStart: Started }>(start, { input: await inputOf(more) })).generationStart;
}

async function begun(more: object = {}, asker: Pick<Caller, 'ask'> = owner): Promise<string> {
  const { generation, errors } = await begin(more, asker);
  if (!generation) throw new Error(JSON.stringify(errors));
  return generation.id;
}

/** Its end as readers see it, and then the row. */
async function endOf(id: string) {
  await new StreamReader({ url: app.url, key: owner.key }, id).toEnd();
  return (await owner.ask<{ generation: Record<string, unknown> }>(ended, { id })).generation;
}

const standing = async (): Promise<Pick<ShownBudget, 'settled' | 'outstanding' | 'left'>[]> =>
  (await budgetsOf(owner)).map(({ settled, outstanding, left }) => ({ settled, outstanding, left }));
const outstanding = async (): Promise<number> => (await standing())[0]?.outstanding ?? 0;
const stored = async (): Promise<number> => {
  const [row] = await app.sql<{
    count: number;
  }>`select count(*)::int as count from generations where tenant_id = ${uuidOf(owner.tenantId)}`;
  return row?.count ?? 0;
};

describe('budgetSet', () => {
  it('sets a budget of each subject, and changes it in its place', async () => {
    const { apiKeys } = await owner.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
    const keyId = apiKeys.nodes[0]?.id ?? '';
    const whole = await setBudget(owner, { most: 5, softAt: 0.8 });
    const team = await setBudget(owner, { team: 'sales', unit: 'TOKENS', period: 'WEEK', most: 1_000 });
    const key = await setBudget(owner, {
      keyId,
      unit: 'COST_MICROS',
      period: 'MONTH',
      most: 9_000_000_000_000_000,
      allowsUnknownPrice: true,
    });
    const member = await setBudget(owner, { memberId: owner.memberId, most: 0 });
    const none = { team: null, keyId: null, memberId: null, softAt: null, allowsUnknownPrice: false };
    const unused = { settled: 0, outstanding: 0, resetsAt: null, softReachedAt: null };

    expect([whole, team, key, member]).toEqual([
      { ...none, ...unused, id: whole.id, subject: 'TENANT', unit: 'GENERATIONS', period: 'DAY', most: 5, left: 5, softAt: 0.8 },
      {
        ...none,
        ...unused,
        id: team.id,
        subject: 'TEAM',
        team: 'sales',
        unit: 'TOKENS',
        period: 'WEEK',
        most: 1_000,
        left: 1_000,
      },
      {
        ...none,
        ...unused,
        id: key.id,
        subject: 'KEY',
        keyId,
        unit: 'COST_MICROS',
        period: 'MONTH',
        most: 9_000_000_000_000_000,
        left: 9_000_000_000_000_000,
        allowsUnknownPrice: true,
      },
      {
        ...none,
        ...unused,
        id: member.id,
        subject: 'MEMBER',
        memberId: owner.memberId,
        unit: 'GENERATIONS',
        period: 'DAY',
        most: 0,
        left: 0,
      },
    ]);
    expect(await setBudget(owner, { most: 7 })).toEqual({ ...whole, most: 7, left: 7, softAt: null });
    expect(await budgetsOf(owner)).toEqual([{ ...whole, most: 7, left: 7, softAt: null }, team, key, member]);
  });

  it.each([
    [{ team: 'a', memberId: 'mem_1' }, 'INVALID_INPUT', 'memberId', 'a budget is of one subject: not of team and memberId'],
    [{ team: '' }, 'INVALID_INPUT', 'team', 'a team has 1 to 64 characters'],
    [{ team: 'x'.repeat(65) }, 'INVALID_INPUT', 'team', 'a team has 1 to 64 characters'],
    [{ most: -1 }, 'INVALID_INPUT', 'most', 'most is -1, not 0 to 9000000000000000'],
    [{ softAt: 0 }, 'INVALID_INPUT', 'softAt', 'softAt is 0, not above 0 and at most 1'],
    [{ softAt: 1.5 }, 'INVALID_INPUT', 'softAt', 'softAt is 1.5, not above 0 and at most 1'],
    [{ keyId: 'key_1' }, 'NOT_FOUND', 'keyId', 'no such key'],
    [{ memberId: newId('mem') }, 'NOT_FOUND', 'memberId', 'no such member'],
  ])('refuses %j', async (input, code, at, message) => {
    expect(await askForBudget(owner, input)).toEqual({ budget: null, errors: [{ code, message, path: ['input', at] }] });
    expect(await budgetsOf(owner)).toEqual([]);
  });

  it('gives the same budget for the same idempotency key, and changes nothing again', async () => {
    const once = await setBudget(owner, { most: 3, idempotencyKey: 'once' });
    await setBudget(owner, { most: 4 });

    expect(await setBudget(owner, { most: 3, idempotencyKey: 'once' })).toEqual({ ...once, most: 4, left: 4 });
    expect((await askForBudget(owner, { most: 5, idempotencyKey: 'once' })).errors).toMatchObject([{ code: 'CONFLICT' }]);
  });

  it('requires budgets:write, and the list budgets:read', async () => {
    const without = (gone: string) => allPermissions.filter((each) => each !== gone);
    const [reader, writer] = [
      await seed.member({ of: owner, can: without('budgets:write') }),
      await seed.member({ of: owner, can: without('budgets:read') }),
    ];
    expect((await askForBudget(reader)).errors).toMatchObject([
      { code: 'FORBIDDEN', message: 'this needs the permission budgets:write' },
    ]);
    expect((await askForBudget(writer)).errors).toEqual([]);
    expect((await writer.answer('{ budgets(first: 1) { nodes { id } } }')).errors?.[0]?.message).toBe(
      'this needs the permission budgets:read',
    );
    expect(await budgetsOf(reader)).toHaveLength(1);
  });
});

describe('budgetDelete', () => {
  it('lets everything through again, and what is under way settles without it', async () => {
    const { id } = await setBudget(owner, { most: 1 });
    const called = first.nextCall();
    const letter = await begun({ model: 'first/teller' });
    const call = await called;
    expect((await begin()).errors).toMatchObject([{ code: 'BUDGET_EXCEEDED' }]);
    const remove = 'mutation ($id: ID!) { budgetDelete(input: { id: $id }) { deletedId errors { code message path } } }';

    expect(await owner.ask(remove, { id })).toEqual({ budgetDelete: { deletedId: id, errors: [] } });
    expect(await owner.ask(remove, { id })).toEqual({
      budgetDelete: { deletedId: null, errors: [{ code: 'NOT_FOUND', message: 'no such budget', path: ['input', 'id'] }] },
    });
    call.say('Dear Ada.').finish();
    expect(await endOf(letter)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await endOf(await begun())).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('a start', () => {
  it('that does not fit is refused with which cap, how much is left and when it resets; nothing of it stays', async () => {
    await setBudget(owner, { team: 'others', most: 0 });
    const { id: budget } = await setBudget(owner, { most: 2 });
    const one = await begun();
    await endOf(one);
    await endOf(await begun());
    const [whole] = (await budgetsOf(owner)).filter((each) => each.id === budget);
    const before = await stored();

    const { generation, errors } = await begin({ idempotencyKey: 'again' });
    const again = await owner.ask<{ generationRetry: Started }>(retry, { id: one });

    expect(generation).toBeNull();
    expect(whole).toMatchObject({ settled: 2, outstanding: 0, left: 0 });
    const refusal = {
      code: 'BUDGET_EXCEEDED',
      message: `the tenant’s budget of 2 generations in 24 hours (${budget}) has 0 left and this may take 1: it resets at ${whole?.resetsAt}`,
      path: null,
      retryAfterMs: expect.any(Number),
      details: {
        budget,
        subject: 'TENANT',
        unit: 'GENERATIONS',
        period: 'DAY',
        most: 2,
        left: 0,
        needed: 1,
        resetsAt: whole?.resetsAt,
      },
    };
    expect(errors).toEqual([refusal]);
    expect(again.generationRetry.errors).toEqual([refusal]);
    expect(errors[0]?.retryAfterMs).toBeGreaterThan(86_000_000);
    expect(await stored()).toBe(before);
    // With its key it may begin once there is room.
    await setBudget(owner, { most: 3 });
    expect((await begin({ idempotencyKey: 'again' })).errors).toEqual([]);
  });

  it('tells of a soft limit that was set, or moved, while it was under way', async () => {
    const { id } = await setBudget(owner, { most: 4 });
    const called = first.nextCall();
    const letter = await begun({ model: 'first/teller' });
    const call = await called;

    expect((await setBudget(owner, { most: 4, softAt: 0.25 })).softReachedAt).toBeNull();
    call.say('Dear Ada.').finish();
    await endOf(letter);
    expect(await budgetsOf(owner)).toMatchObject([{ id, settled: 1, softReachedAt: expect.any(String) }]);
    expect((await setBudget(owner, { most: 4, softAt: 0.5 })).softReachedAt).toBeNull();
    await endOf(await begun());
    expect(await budgetsOf(owner)).toMatchObject([{ id, settled: 2, softReachedAt: expect.any(String) }]);
  });

  it('reserves a token for each byte of the prompt as it is sent and all it may write, and settles what it used', async () => {
    await setBudget(owner, { unit: 'TOKENS', most: 100_000 });
    const called = first.nextCall();
    const id = await begun({ model: 'first/teller', maxOutputTokens: 500 });
    const call = await called;
    const bytes = call.request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);

    expect(call.request.maxOutputTokens).toBe(500);
    expect(await standing()).toEqual([{ settled: 0, outstanding: bytes + 500, left: 100_000 - bytes - 500 }]);
    call.say('Dear Ada.').finish();
    await endOf(id);
    expect(await standing()).toEqual([{ settled: 30, outstanding: 0, left: 99_970 }]);
  });

  it('is priced by the dearest model of its route, and settled by what its call cost', async () => {
    const [cheap, dear] = ['priced/gpt-5.6-luna', 'priced/gpt-5.6-sol'];
    await setBudget(owner, { unit: 'COST_MICROS', most: 1_000_000 });
    await publishRoute(owner, 'both', { route: { mode: 'fallback', among: [{ model: cheap }, { model: dear }] } });
    const needs: number[] = [];
    for (const model of [cheap, dear, 'both']) {
      const called = priced.nextCall();
      const id = await begun({ model, maxOutputTokens: 500 });
      const call = await called;
      needs.push(await outstanding());
      call.say('Dear Ada.').finish();
      await endOf(id);
    }
    const [ofCheap = 0, ofDear = 0, ofBoth = 0] = needs;
    const { usage } = await owner.ask<{ usage: { nodes: { costMicros: number }[] } }>(
      'query ($range: UsageRangeInput!) { usage(groupBy: [], range: $range) { nodes { costMicros } } }',
      { range: { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date(Date.now() + 3_600_000).toISOString() } },
    );

    expect(ofCheap).toBeGreaterThan(500 * 1.2);
    expect(ofDear).toBeGreaterThan(ofCheap);
    expect(ofBoth).toBe(ofDear);
    expect(await standing()).toMatchObject([{ settled: usage.nodes[0]?.costMicros, outstanding: 0 }]);
    await setBudget(owner, { unit: 'COST_MICROS', most: ofDear });
    expect((await begin({ model: dear, maxOutputTokens: 500 })).errors).toMatchObject([
      { code: 'BUDGET_EXCEEDED', details: { needed: ofDear } },
    ]);
    expect((await begin({ model: 'offline/draft' })).errors).toEqual([]);
  });

  it('is reserved for from the first one after a budget was set, whatever began before without one', async () => {
    await endOf(await begun());
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const called = [first.nextCall(), first.nextCall()];
    const ids = await Promise.all([begun({ model: 'first/teller' }), begun({ model: 'first/teller', idempotencyKey: 'one' })]);
    const calls = await Promise.all(called);
    const one = await outstanding();
    await setBudget(owner, { unit: 'TOKENS', most: one });

    expect(one).toBeGreaterThan(0);
    expect((await begin()).errors).toMatchObject([{ code: 'BUDGET_EXCEEDED', details: { left: 0 } }]);
    for (const call of calls) call.say('Done.').finish();
    for (const id of ids) await endOf(id);
    expect(await outstanding()).toBe(0);
  });

  it('that repeats another reserves nothing', async () => {
    await setBudget(owner, { most: 10 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => begun({ idempotencyKey: 'one' })));

    expect(new Set(ids).size).toBe(1);
    await endOf(ids[0] ?? '');
    expect(await standing()).toEqual([{ settled: 1, outstanding: 0, left: 9 }]);
  });

  it('counts for its member, its key and its team, and for nobody else', async () => {
    const other = await seed.member({ of: owner });
    await setBudget(owner, { memberId: owner.memberId, most: 1 });
    await setBudget(owner, { team: 'sales', most: 1 });

    expect((await begin()).errors).toEqual([]);
    expect((await begin()).errors).toMatchObject([{ details: { subject: 'MEMBER' } }]);
    expect((await begin({ metadata: { team: 'sales' } }, other)).errors).toEqual([]);
    expect((await begin({ metadata: { team: 'sales' } }, other)).errors).toMatchObject([{ details: { subject: 'TEAM' } }]);
    expect((await begin({ metadata: { team: 7 } }, other)).errors).toEqual([]);
    expect((await begin({ metadata: { team: 'sales ' } }, other)).errors).toEqual([]);
  });

  it('under a cap in money needs known prices, of every model that may be called, unless the cap says otherwise', async () => {
    const { id: budget } = await setBudget(owner, { unit: 'COST_MICROS', most: 1_000_000 });
    await publishRoute(owner, 'mixed', {
      route: { mode: 'fallback', among: [{ model: 'offline/draft' }, { model: 'first/teller' }] },
    });
    const refused = await begin({ model: 'mixed' });
    expect(refused.errors).toMatchObject([
      {
        code: 'PRICE_UNKNOWN',
        message: `the price of a model that may be called is not known, which the tenant’s budget of 1000000 millionths of a US dollar in 24 hours (${budget}) does not allow`,
        details: { budget, unit: 'COST_MICROS' },
      },
    ]);
    // What costs nothing has a price.
    expect((await begin({ model: 'offline/draft' })).errors).toEqual([]);

    await setBudget(owner, { unit: 'COST_MICROS', most: 1_000_000, allowsUnknownPrice: true });
    expect((await begin({ model: 'mixed' })).errors).toEqual([]);
  });

  it('reserves by the prices that are known where another is not, and counts nothing for a call without one', async () => {
    const [known, unknown] = ['priced/gpt-5.6-sol', 'first/teller'];
    await setBudget(owner, { unit: 'COST_MICROS', most: 1_000_000, allowsUnknownPrice: true });
    await publishRoute(owner, 'known-first', { route: { mode: 'fallback', among: [{ model: known }, { model: unknown }] } });
    await publishRoute(owner, 'known-last', { route: { mode: 'fallback', among: [{ model: unknown }, { model: known }] } });
    const needs: number[] = [];
    const settled: (number | undefined)[] = [];
    for (const model of [known, 'known-first', 'known-last']) {
      const called = (model === 'known-last' ? first : priced).nextCall();
      const id = await begun({ model, maxOutputTokens: 500 });
      const call = await called;
      needs.push(await outstanding());
      call.say('Dear Ada.').finish();
      await endOf(id);
      settled.push((await standing())[0]?.settled);
    }
    const [need = 0] = needs;
    const [one = 0, two = 0, three = 0] = settled;

    expect(needs).toEqual([need, need, need]);
    expect(one).toBeGreaterThan(0);
    expect([two, three]).toEqual([one * 2, two]);
    await setBudget(owner, { unit: 'COST_MICROS', most: need, allowsUnknownPrice: true });
    expect((await begin({ model: 'known-first', maxOutputTokens: 500 })).errors).toMatchObject([
      { code: 'BUDGET_EXCEEDED', details: { needed: need } },
    ]);
  });

  it('with a key that was rotated counts for the budgets of the one before, and so does the old key while it goes on', async () => {
    const { apiKeys } = await owner.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
    const keyId = apiKeys.nodes[0]?.id ?? '';
    const { id } = await setBudget(owner, { keyId, most: 3 });
    await begun();
    const rotate = `mutation ($id: ID!) { apiKeyRotate(input: { id: $id }) { apiKey { id } secret errors { code } } }`;
    const { apiKeyRotate } = await owner.ask<{ apiKeyRotate: { apiKey: { id: string }; secret: string } }>(rotate, { id: keyId });
    const renewed = async () => {
      const answer = await post(app.url, { query: start, variables: { input: await inputOf() } }, { key: apiKeyRotate.secret });
      return (answer.body.data as unknown as { generationStart: Started }).generationStart.errors;
    };

    expect(await budgetsOf(owner)).toMatchObject([{ id, keyId: apiKeyRotate.apiKey.id, most: 3 }]);
    expect(await renewed()).toEqual([]);
    expect((await begin()).errors).toEqual([]);
    const refusal = [{ code: 'BUDGET_EXCEEDED', details: { budget: id } }];
    expect([await renewed(), (await begin()).errors]).toMatchObject([refusal, refusal]);
  });

  it('with keys that a key with a budget makes or rotates count for it, whoever takes the place of whom', async () => {
    const { apiKeys } = await owner.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
    const made = 'apiKey { id } secret errors { code }';
    const create = `mutation { apiKeyCreate(input: { name: "another", permissions: ["keys:write", "generations:write", "templates:read"] }) { ${made} } }`;
    const rotate = `mutation ($id: ID!) { apiKeyRotate(input: { id: $id }) { ${made} } }`;
    type Made = Record<string, { apiKey: { id: string }; secret: string; errors: object[] }>;
    const ask = async (key: string, query: string, variables = {}) => {
      const [answer] = Object.values((await post(app.url, { query, variables }, { key })).body.data as unknown as Made);
      if (!answer?.secret) throw new Error(JSON.stringify(answer));
      return { id: answer.apiKey.id, secret: answer.secret };
    };
    const beside = await ask(owner.key, create);
    const capped = { id: apiKeys.nodes[0]?.id ?? '', secret: owner.key };
    const { id } = await setBudget(owner, { keyId: capped.id, most: 0 });
    const free = await ask(beside.secret, create);
    // The key of the test itself ends when it is rotated for the second time.
    const input = await inputOf();
    const refusalOf = async ({ secret }: { secret: string }) => {
      const answer = await post(app.url, { query: start, variables: { input } }, { key: secret });
      return (answer.body.data as unknown as { generationStart: Started }).generationStart.errors;
    };
    const refusal = [{ code: 'BUDGET_EXCEEDED', details: { budget: id } }];

    const child = await ask(capped.secret, create);
    const grandchild = await ask(child.secret, create);
    const successor = await ask(capped.secret, rotate, { id: capped.id });
    const late = await ask(capped.secret, create);
    const heir = await ask(grandchild.secret, rotate, { id: grandchild.id });
    const taken = await ask(successor.secret, rotate, { id: free.id });
    const again = await ask(successor.secret, rotate, { id: successor.id });

    for (const each of [child, grandchild, successor, late, heir, taken, again])
      expect(await refusalOf(each)).toMatchObject(refusal);
    const last: Pick<Caller, 'ask'> = {
      ask: async <T>(query: string, variables?: Record<string, unknown>) =>
        (await post(app.url, { query, variables }, { key: again.secret })).body.data as T,
    };
    await setBudget(last, { keyId: again.id, most: 1_000 });
    const other = await setBudget(last, { keyId: child.id, most: 0 });
    const others = [{ code: 'BUDGET_EXCEEDED', details: { budget: other.id } }];
    for (const each of [child, grandchild, heir]) expect(await refusalOf(each)).toMatchObject(others);
    for (const each of [successor, late, taken, again]) expect(await refusalOf(each)).toEqual([]);
  });

  it('of a key that a budget counts invites nobody who could start without it, and makes no tenant', async () => {
    const invite = `mutation ($role: String!, $email: String = "ada@example.com") { invitationCreate(input: { email: $email, role: $role }) { invitation { id } errors { code message } } }`;
    const make = `mutation { tenantCreate(input: { name: "beside", ownerEmail: "ada@example.com" }) { tenant { id } errors { code message } } }`;
    type Answer = Record<string, { errors: { code: string; message: string }[] }>;
    const errorsOf = async (query: string, variables = {}) => {
      const [answer] = Object.values(await app.ask<Answer>(query, variables));
      return answer?.errors;
    };
    const { apiKeys } = await app.ask<{ apiKeys: { nodes: { id: string }[] } }>('{ apiKeys(first: 1) { nodes { id } } }');
    const { id } = await setBudget(app, { keyId: apiKeys.nodes[0]?.id });
    const refusal = (whose: string) => [
      {
        code: 'FORBIDDEN',
        message: `this key is under a budget (${id}) that would not count what ${whose} start: use another one`,
      },
    ];

    expect(await errorsOf(invite, { role: 'member' })).toEqual(refusal('those whom you invite'));
    expect(await errorsOf(make)).toEqual(refusal('people of a tenant that it makes'));
    expect(await errorsOf(invite, { role: 'analyst', email: 'grace@example.com' })).toEqual([]);
    await app.ask('mutation ($id: ID!) { budgetDelete(input: { id: $id }) { errors { code } } }', { id });
    expect([await errorsOf(invite, { role: 'member' }), await errorsOf(make)]).toEqual([[], []]);
  });

  it('that copies another counts once it calls a model by itself', async () => {
    await setBudget(owner, { most: 2 });
    const ask = { model: 'second/teller', cache: { mode: 'ON' } };
    const [leads, follows] = [second.nextCall(), second.nextCall()];
    const leader = await begun(ask);
    const [one, two] = [await begun(ask), await begun(ask)];
    await leads;
    expect(await standing()).toEqual([{ settled: 0, outstanding: 1, left: 1 }]);

    await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id: leader });
    const next = await follows;
    await eventually(async () => (await outstanding()) === 1, 5_000, 'the settled leader');
    expect(await standing()).toEqual([{ settled: 1, outstanding: 1, left: 0 }]);
    next.say('Dear Ada.').finish();

    expect(await Promise.all([endOf(one), endOf(two)])).toMatchObject([{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }]);
    expect(await standing()).toEqual([{ settled: 2, outstanding: 0, left: 0 }]);
    // A copy of what is there takes nothing.
    expect((await begin({ ...ask, temperature: 1 })).errors).toMatchObject([{ code: 'BUDGET_EXCEEDED' }]);
    expect((await begin(ask)).errors).toEqual([]);
  });

  it('at a cap is one of exactly those that fit, however many come at once', async () => {
    await setBudget(owner, { most: 7 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => begin()));

    expect(answers.filter(({ generation }) => generation)).toHaveLength(7);
    expect(await stored()).toBe(7);
    for (const { errors, generation } of answers) if (!generation) expect(errors).toMatchObject([{ code: 'BUDGET_EXCEEDED' }]);
  });
});

describe('what a generation goes on to call', () => {
  const route = (more: object = {}) => ({
    route: { mode: 'fallback', among: [{ model: 'first/teller' }, { model: 'second/teller' }] },
    ...more,
  });
  const overloaded = (inputTokens: number | null) =>
    new ProviderError('OVERLOADED', 'too much', {
      retryable: true,
      usage: inputTokens === null ? null : { inputTokens, outputTokens: 0, cachedInputTokens: 0 },
    });

  async function failing(most: number, error: ProviderError) {
    await publishRoute(owner, 'moving', route());
    await setBudget(owner, { unit: 'TOKENS', most });
    const called = first.nextCall();
    const id = await begun({ model: 'moving', maxOutputTokens: 500 });
    const call = await called;
    const need = await outstanding();
    const next = second.nextCall();
    call.fail(error);
    return { id, need, next };
  }

  it('is reserved anew, and what failed counts what it used', async () => {
    const { id, need, next } = await failing(1_000_000, overloaded(700));
    const call = await next;
    expect(await standing()).toMatchObject([{ settled: 700, outstanding: need }]);
    call.say('Dear Ada.').finish();

    expect(await endOf(id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await standing()).toMatchObject([{ settled: 730, outstanding: 0 }]);
  });

  it('counts all that was reserved where nobody knows what was used', async () => {
    const { id, need, next } = await failing(1_000_000, overloaded(null));
    (await next).say('Dear Ada.').finish();
    await endOf(id);

    expect(await standing()).toMatchObject([{ settled: need + 30, outstanding: 0 }]);
  });

  it('is not called where it does not fit: the generation fails with BUDGET_EXCEEDED', async () => {
    // As much as the first call may need, which then used some of it.
    await publishRoute(owner, 'moving', route());
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const called = first.nextCall();
    const id = await begun({ model: 'moving', maxOutputTokens: 500 });
    const call = await called;
    const most = await outstanding();
    await setBudget(owner, { unit: 'TOKENS', most });
    const calls = second.calls.length;
    call.fail(overloaded(1));

    expect(await endOf(id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'BUDGET_EXCEEDED', message: expect.stringContaining(`has ${most - 1} left and this may take ${most}`) },
      attempts: [{ failureCode: 'OVERLOADED', endedBy: 'FAILED' }],
    });
    expect(second.calls).toHaveLength(calls);
    expect(await standing()).toEqual([{ settled: 1, outstanding: 0, left: most - 1 }]);
  });

  it('beside a late call counts in full, as the late one does, when both are cancelled', async () => {
    await publishRoute(owner, 'hedged', route({ hedgeAfterMs: 50 }));
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const called = [first.nextCall(), second.nextCall()];
    const id = await begun({ model: 'hedged', maxOutputTokens: 500 });
    const calls = await Promise.all(called);
    const both = await outstanding();
    await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
    await endOf(id);
    expect(await standing()).toMatchObject([{ settled: both, outstanding: 0 }]);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('beside a late call is reserved too, and not asked where it does not fit', async () => {
    await publishRoute(owner, 'hedged', route({ hedgeAfterMs: 50 }));
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const called = [first.nextCall(), second.nextCall()];
    const id = await begun({ model: 'hedged', maxOutputTokens: 500 });
    const [slow, quick] = await Promise.all(called);
    const both = await outstanding();
    quick?.say('Dear Ada.').finish();
    await endOf(id);
    // What the loser used nobody knows.
    expect(await standing()).toMatchObject([{ settled: both / 2 + 30, outstanding: 0 }]);
    expect(slow?.signal.aborted).toBe(true);

    await setBudget(owner, { unit: 'TOKENS', most: both / 2 + 30 + both - 1 });
    const calls = second.calls.length;
    const alone = first.nextCall();
    const other = await begun({ model: 'hedged', maxOutputTokens: 500 });
    const call = await alone;
    await eventually(
      async () => app.lines.some((line) => line.includes(other) && line.includes('a second model is not asked')),
      10_000,
      'refusal',
    );
    call.say('Dear Ada.').finish();
    expect(await endOf(other)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ endedBy: 'FINISHED' }] });
    expect(second.calls).toHaveLength(calls);
    expect(await standing()).toMatchObject([{ settled: both / 2 + 60, outstanding: 0 }]);
  });

  it('beside a late call holds up none of its text while it waits for the budget, and is not made behind that', async () => {
    await publishRoute(owner, 'hedged', route({ hedgeAfterMs: 1_000 }));
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const calls = second.calls.length;
    const called = first.nextCall();
    const locker = postgres(app.database.url, { max: 1, fetch_types: false });
    try {
      const { id, call, reader } = await locker.begin(async (sql) => {
        // Its start has reserved by then, and nobody is late yet.
        const begunId = await begun({ model: 'hedged', maxOutputTokens: 500 });
        const begunCall = await called;
        const text = readGeneration({ urls: [app.url], key: owner.key, id: begunId });
        await sql`select from budgets where tenant_id = ${uuidOf(owner.tenantId, 'ten')} for update`;
        await eventually(
          async () =>
            (await sql`select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))`).length > 0,
          10_000,
          'waiting',
        );
        begunCall.say('Dear Ada.');
        await text.atLeast(9, 2_000);
        return { id: begunId, call: begunCall, reader: text };
      });
      await using _reader = reader;
      call.finish();
      expect(await endOf(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ endedBy: 'FINISHED' }] });
    } finally {
      await locker.end();
    }
    expect(second.calls).toHaveLength(calls);
    expect(await standing()).toMatchObject([{ settled: 30, outstanding: 0 }]);
  });
});

describe('what is reserved', () => {
  it('is settled when a generation is cancelled or deleted', async () => {
    await setBudget(owner, { unit: 'TOKENS', most: 1_000_000 });
    const called = first.nextCall();
    const id = await begun({ model: 'first/teller', maxOutputTokens: 500 });
    await called;
    const need = await outstanding();
    await owner.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
    await endOf(id);
    expect(await standing()).toMatchObject([{ settled: need, outstanding: 0 }]);

    const again = first.nextCall();
    const other = await begun({ model: 'first/teller', maxOutputTokens: 500 });
    await again;
    await owner.ask('mutation ($id: ID!) { generationDelete(input: { id: $id }) { errors { code } } }', { id: other });
    expect(await standing()).toMatchObject([{ settled: 2 * need, outstanding: 0 }]);
  });
});
