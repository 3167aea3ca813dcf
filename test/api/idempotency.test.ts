import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post } from '../harness/clients.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const create = `mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { apiKey { id name permissions expiresAt revokedAt } secret errors { code message path } } }`;
const rotate = `mutation ($input: ApiKeyRotateInput!) {
  apiKeyRotate(input: $input) { apiKey { id } replaced { id expiresAt } secret errors { code message path } } }`;

interface Made {
  readonly apiKey: { readonly id: string } | null;
  readonly replaced?: { readonly id: string } | null;
  readonly secret: string | null;
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path: string[] }[];
}

let apps: TestApp[];
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  const first = await openTestApp();
  apps = [first, await openTestApp({ database: first.database })];
  seed = await openSeed(first);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  for (const app of apps.toReversed()) await app.stop();
});

const app = () => apps[0] as TestApp;
async function ask<T>(query: string, input: object, key = owner.key, through = app()): Promise<T> {
  const { body } = await post(through.url, { query, variables: { input } }, { key });
  expect(body.errors).toBeUndefined();
  return Object.values(body.data ?? {})[0] as T;
}
const partner = { name: 'Partner', permissions: ['generations:read'] };
const make = (input: object, key = owner.key, through = app()) => ask<Made>(create, { ...partner, ...input }, key, through);
const stored = () =>
  app().sql`select
    (select count(*)::int from api_keys where tenant_id = ${uuidOf(owner.tenantId)}) as keys,
    (select count(*)::int from audit_entries where tenant_id = ${uuidOf(owner.tenantId)}) as entries,
    (select count(*)::int from idempotency_keys where tenant_id = ${uuidOf(owner.tenantId)}) as claims`;
const conflict = (message: string) => ({
  apiKey: null,
  secret: null,
  errors: [{ code: 'CONFLICT', message, path: ['input', 'idempotencyKey'] }],
});

describe('an idempotency key', () => {
  it('gives two hundred callers of two processes one key, with its secret, on record once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => make({ idempotencyKey: 'two hundred' }, owner.key, apps[index % 2])),
    );

    expect(answers[0]).toMatchObject({ secret: expect.stringMatching(/^dw_live_/), errors: [] });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await stored()).toEqual([{ keys: 2, entries: 1, claims: 1 }]);
  });

  it('gives the same answer again, after a restart too, and CONFLICT for another input', async () => {
    const made = await make({ idempotencyKey: 'k' });
    expect(await make({ idempotencyKey: 'k' }, owner.key, apps[1])).toEqual(made);
    expect(await make({ idempotencyKey: 'k', expiresAt: null })).toEqual(made);
    expect(await make({ idempotencyKey: 'k', name: 'Other' })).toEqual(
      conflict('this idempotency key was used with another input'),
    );
    expect((await make({ idempotencyKey: 'other' })).apiKey?.id).not.toBe(made.apiKey?.id);
    expect(await stored()).toEqual([{ keys: 3, entries: 2, claims: 2 }]);
  });

  it('is each member’s own, and each operation’s', async () => {
    const made = await make({ idempotencyKey: 'k' });
    const colleague = await seed.member({ of: owner });
    expect((await make({ idempotencyKey: 'k' }, colleague.key)).apiKey?.id).not.toBe(made.apiKey?.id);
    const rotated = await ask<Made>(rotate, { id: made.apiKey?.id, idempotencyKey: 'k' });
    expect(rotated).toMatchObject({ errors: [], replaced: { id: made.apiKey?.id } });
    expect(await ask<Made>(rotate, { id: made.apiKey?.id, idempotencyKey: 'k' })).toEqual(rotated);
    expect(rotated.secret).not.toBe(made.secret);
    // Without one it is another rotation, and a key is replaced once.
    expect((await ask<Made>(rotate, { id: made.apiKey?.id })).errors).toMatchObject([
      { code: 'CONFLICT', path: ['input', 'id'] },
    ]);
  });

  it('shows a secret again only to what made it: another key may end sooner or allow less', async () => {
    await make({ idempotencyKey: 'k' });
    const { secret } = await make({ name: 'Mine', permissions: ['keys:write', 'generations:read'] });
    expect(await make({ idempotencyKey: 'k' }, secret ?? '')).toEqual(
      conflict('what this idempotency key gave holds a secret, shown again only to the key or token that made it'),
    );
  });

  it('shows an invitation’s token again, too', async () => {
    const invite = `mutation ($input: InvitationCreateInput!) {
      invitationCreate(input: $input) { invitation { id } token errors { code } } }`;
    const input = { email: 'ada@example.org', role: 'member', idempotencyKey: 'k' };
    const invited = await ask<{ token: string | null }>(invite, input);
    expect(invited).toMatchObject({ token: expect.stringMatching(/^dw_invite_/), errors: [] });
    expect(await ask(invite, input)).toEqual(invited);
  });

  it('stands for nothing when the call failed, and for nothing after a day', async () => {
    const refused = await make({ idempotencyKey: 'k', expiresAt: '2020-01-01T00:00:00Z' });
    expect(refused.errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'expiresAt'] }]);
    expect(await stored()).toEqual([{ keys: 1, entries: 0, claims: 0 }]);
    const made = await make({ idempotencyKey: 'k' });
    expect(made.errors).toEqual([]);

    await app().sql`update idempotency_keys set expires_at = now() - interval '1 second'`;
    const later = await make({ idempotencyKey: 'k', name: 'Later' });
    expect(later).toMatchObject({ errors: [], apiKey: { name: 'Later' } });
    expect(await make({ idempotencyKey: 'k', name: 'Later' })).toEqual(later);
  });

  it('leaves neither itself nor the secret in the database', async () => {
    const { secret } = await make({ idempotencyKey: 'a-telling-key' });
    const [row] = await app().sql<{ all: string }>`
      select string_agg(k::text, ' ') as all from idempotency_keys k where tenant_id = ${uuidOf(owner.tenantId)}`;
    const end = (secret ?? '').slice(35);
    expect(row?.all).toContain(uuidOf(owner.memberId));
    for (const told of [end, Buffer.from(end).toString('hex'), 'a-telling-key']) expect(row?.all).not.toContain(told);
  });

  it.each(['', 'x'.repeat(256)])('has 1 to 255 characters', async (idempotencyKey) => {
    expect((await make({ idempotencyKey })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'idempotencyKey'] }]);
    expect(await stored()).toEqual([{ keys: 1, entries: 0, claims: 0 }]);
  });
});
