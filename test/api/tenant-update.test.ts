import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allPermissions } from '../../src/kernel/scope.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const update = `mutation ($input: TenantUpdateInput!) {
  tenantUpdate(input: $input) { tenant { id name generationRetentionDays } errors { code message path } }
}`;

let app: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  app = await openTestApp();
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await app.stop();
});

async function retentionDays(): Promise<number | null> {
  const { viewer } = await owner.ask<{ viewer: { tenant: { generationRetentionDays: number | null } } }>(
    '{ viewer { tenant { generationRetentionDays } } }',
  );
  return viewer.tenant.generationRetentionDays;
}

describe('tenantUpdate', () => {
  it('sets how long generations are kept, of this tenant only', async () => {
    const neighbour = await seed.tenant();
    const { tenantUpdate } = await owner.ask<{ tenantUpdate: unknown }>(update, { input: { generationRetentionDays: 30 } });
    expect(tenantUpdate).toMatchObject({ tenant: { id: owner.tenantId, generationRetentionDays: 30 }, errors: [] });
    expect(await retentionDays()).toBe(30);
    expect(await neighbour.ask('{ viewer { tenant { generationRetentionDays } } }')).toEqual({
      viewer: { tenant: { generationRetentionDays: null } },
    });
  });

  it('tells omitted, which changes nothing, from null, which keeps them for ever', async () => {
    await owner.ask(update, { input: { generationRetentionDays: 7 } });
    await owner.ask(update, { input: {} });
    expect(await retentionDays()).toBe(7);
    await owner.ask(update, { input: { generationRetentionDays: null } });
    expect(await retentionDays()).toBeNull();
  });

  it.each([1, 3_650])('takes %i', async (days) => {
    await owner.ask(update, { input: { generationRetentionDays: days } });
    expect(await retentionDays()).toBe(days);
  });

  it.each([0, -1, 3_651, 2_147_483_647])('refuses %i', async (days) => {
    await owner.ask(update, { input: { generationRetentionDays: 7 } });
    expect(await owner.ask(update, { input: { generationRetentionDays: days } })).toEqual({
      tenantUpdate: {
        tenant: null,
        errors: [
          {
            code: 'INVALID_INPUT',
            message: `generationRetentionDays is ${days}, not 1 to 3650`,
            path: ['input', 'generationRetentionDays'],
          },
        ],
      },
    });
    expect(await retentionDays()).toBe(7);
  });

  it('refuses what is no whole number', async () => {
    for (const days of [1.5, '7', 2 ** 31]) {
      const { data, errors } = await owner.answer(update, { input: { generationRetentionDays: days } });
      expect([data ?? null, errors?.[0]?.extensions?.code], String(days)).toEqual([null, 'INVALID_INPUT']);
    }
    expect(await retentionDays()).toBeNull();
  });

  it('requires tenant:write, every other permission does not do', async () => {
    const others = allPermissions.filter((permission) => permission !== 'tenant:write');
    const member = await seed.member({ of: owner, can: others });
    for (const input of [{ generationRetentionDays: 7 }, { generationRetentionDays: 0 }, {}]) {
      expect(await member.ask(update, { input })).toEqual({
        tenantUpdate: {
          tenant: null,
          errors: [{ code: 'FORBIDDEN', message: 'this needs the permission tenant:write', path: null }],
        },
      });
    }
    expect(await retentionDays()).toBeNull();
    const writer = await seed.member({ of: owner, can: ['tenant:write'] });
    await writer.ask(update, { input: { generationRetentionDays: 9 } });
    expect(await retentionDays()).toBe(9);
  });
});
