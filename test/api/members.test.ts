import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { newId } from '../../src/kernel/id.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { trailOf } from '../harness/audit-trail.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post, sse } from '../harness/clients.ts';
import { finishedGeneration, startGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const parts = 'id email name status role { name }';
const list = `query ($first: Int, $after: String) { members(first: $first, after: $after) { nodes { ${parts} } pageInfo { hasNextPage endCursor } } }`;
const update = `mutation ($input: MemberUpdateInput!) { memberUpdate(input: $input) { member { ${parts} } errors { code message path } } }`;
const remove = `mutation ($input: MemberRemoveInput!) { memberRemove(input: $input) { member { ${parts} } errors { code message path } } }`;
const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';

interface Answer {
  readonly member: { readonly id: string; readonly name: string | null; readonly role: { readonly name: string } } | null;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

let app: TestApp;
let second: TestApp;
let seed: Seed;
let owner: Caller;

beforeAll(async () => {
  app = await openTestApp();
  second = await openTestApp({ database: app.database });
  seed = await openSeed(app);
});
beforeEach(async () => {
  owner = await seed.tenant();
});
afterAll(async () => {
  await seed.close();
  await second.stop();
  await app.stop();
});

const updated = async (input: object, by: Caller = owner) =>
  (await by.ask<{ memberUpdate: Answer }>(update, { input })).memberUpdate;
const removed = async (id: string, by: Caller = owner) =>
  (await by.ask<{ memberRemove: Answer }>(remove, { input: { id } })).memberRemove;
const stored = () =>
  app.sql<{ id: string; role: string; removed: boolean }>`
    select id, role, name, removed_at is not null as removed from members where tenant_id = ${uuidOf(owner.tenantId)} order by id`;
const refusal = (code: string, message: string, path: string[] | null) => ({ member: null, errors: [{ code, message, path }] });
const statusOf = async (key: string) => (await post(app.url, { query: '{ viewer { permissions } }' }, { key })).status;

describe('members', () => {
  it('pages through the people of the tenant, in the order in which they came, without the removed', async () => {
    const people = [
      await seed.member({ of: owner, role: 'editor' }),
      await seed.member({ of: owner, role: 'analyst' }),
      await seed.member({ of: owner, role: 'member' }),
    ];
    await seed.tenant();
    await removed(people[1]?.memberId ?? '');
    const seen: string[] = [];
    for (let after: string | null = null, isMore = true; isMore;) {
      const {
        members,
      }: {
        members: {
          nodes: { id: string; status: string; role: { name: string } }[];
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
      } = await owner.ask(list, { first: 2, after });
      seen.push(...members.nodes.map(({ id, role, status }) => `${id} ${role.name} ${status}`));
      ({ endCursor: after, hasNextPage: isMore } = members.pageInfo);
    }
    expect(seen).toEqual([
      `${owner.memberId} owner ACTIVE`,
      `${people[0]?.memberId} editor ACTIVE`,
      `${people[2]?.memberId} member ACTIVE`,
    ]);
    // What they made still says who they were.
    expect(
      await owner.ask(`query ($id: ID!) { node(id: $id) { ... on Member { status } } }`, { id: people[1]?.memberId }),
    ).toEqual({
      node: { status: 'REMOVED' },
    });
  });

  it('are seen by who may; oneself by everybody', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    expect(await member.ask(node, { id: member.memberId })).toEqual({ node: { __typename: 'Member', id: member.memberId } });
    for (const id of [owner.memberId, newId('mem')]) {
      const { data, errors } = await member.answer(node, { id });
      expect([data, errors?.map(({ message }) => message)]).toEqual([{ node: null }, ['this needs the permission members:read']]);
    }
    expect((await member.answer(list)).errors?.[0]?.message).toBe('this needs the permission members:read');
    const stranger = await seed.tenant();
    expect(await stranger.ask(node, { id: owner.memberId })).toEqual({ node: null });
  });
});

describe('memberUpdate', () => {
  it('changes role and name, and tells omitted from null', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    const id = member.memberId;
    expect(await updated({ id, role: 'editor', name: '  Ada ' })).toMatchObject({
      member: { id, name: 'Ada', role: { name: 'editor' } },
      errors: [],
    });
    expect(await updated({ id })).toMatchObject({ member: { name: 'Ada', role: { name: 'editor' } } });
    expect(await updated({ id, name: null, role: null })).toMatchObject({ member: { name: null, role: { name: 'editor' } } });
    expect(await member.ask('{ viewer { role { name } } }')).toEqual({ viewer: { role: { name: 'editor' } } });
    const person = expect.stringMatching(/^person_/);
    expect((await trailOf(app, owner.tenantId)).slice(-3).map(({ before, after }) => [before, after])).toEqual([
      [
        { role: 'member', name: null },
        { role: 'editor', name: person },
      ],
      [{ role: 'editor' }, { role: 'editor' }],
      [
        { role: 'editor', name: person },
        { role: 'editor', name: null },
      ],
    ]);
  });

  it('refuses roles that are not there, or may do more than the caller', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    const admin = await seed.member({ of: owner, role: 'admin' });
    const other = await seed.tenant();
    await other.ask('mutation { roleCreate(input: { name: "theirs", permissions: ["models:read"] }) { errors { code } } }');
    const before = await stored();
    const id = member.memberId;
    for (const role of ['', 'theirs', '__proto__', 'constructor'])
      expect(await updated({ id, role }), role).toEqual(refusal('NOT_FOUND', 'no such role', ['input', 'role']));
    expect(await updated({ id, role: 'owner' }, admin)).toEqual(
      refusal('FORBIDDEN', 'nobody hands out what they do not have: tenant:delete', ['input', 'role']),
    );
    expect(await updated({ id: admin.memberId, role: 'owner' }, admin)).toMatchObject({ errors: [{ code: 'FORBIDDEN' }] });
    expect(await stored()).toEqual(before);
  });

  it('refuses who may do less than the member', async () => {
    const admin = await seed.member({ of: owner, role: 'admin' });
    const before = await stored();
    const message = 'they may do what you may not: tenant:delete';
    expect(await updated({ id: owner.memberId, role: 'member' }, admin)).toEqual(refusal('FORBIDDEN', message, ['input', 'id']));
    expect(await updated({ id: owner.memberId, name: 'x' }, admin)).toEqual(refusal('FORBIDDEN', message, ['input', 'id']));
    expect(await removed(owner.memberId, admin)).toEqual(refusal('FORBIDDEN', message, ['input', 'id']));
    expect(await stored()).toEqual(before);
  });

  it('knows nobody of another tenant, and nobody who is gone', async () => {
    const other = await seed.tenant();
    const gone = await seed.member({ of: owner });
    await removed(gone.memberId);
    const before = await stored();
    for (const id of ['', 'nonsense', newId('mem'), owner.tenantId, other.memberId, gone.memberId]) {
      expect(await updated({ id, role: 'member' }), id).toEqual(refusal('NOT_FOUND', 'no such member', ['input', 'id']));
      expect(await removed(id), id).toEqual(refusal('NOT_FOUND', 'no such member', ['input', 'id']));
    }
    expect(await stored()).toEqual(before);
  });

  it.each([
    [update, { role: 'member' }],
    [remove, {}],
  ])('%s requires members:write, every other permission does not do', async (operation, rest) => {
    const member = await seed.member({ of: owner, role: 'member' });
    const caller = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'members:write') });
    const before = await stored();
    expect(JSON.stringify(await caller.ask(operation, { input: { id: member.memberId, ...rest } }))).toContain(
      'this needs the permission members:write',
    );
    expect(await stored()).toEqual(before);
  });
});

describe('memberRemove', () => {
  it('sends somebody away: keys are refused, letters stay', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    const letter = await finishedGeneration(app, member);
    expect(await statusOf(member.key)).toBe(200);
    expect(await removed(member.memberId)).toMatchObject({ member: { id: member.memberId, status: 'REMOVED' }, errors: [] });
    expect(await statusOf(member.key)).toBe(401);
    expect(await owner.ask('query ($id: ID!) { generation(id: $id) { id } }', { id: letter.id })).toEqual({
      generation: { id: letter.id },
    });
  });

  it('lets everybody but the last owner go by themselves', async () => {
    const other = await seed.member({ of: owner, role: 'owner' });
    expect(await removed(other.memberId, other)).toMatchObject({ errors: [] });
    const message = 'a tenant keeps its last owner';
    expect(await removed(owner.memberId)).toEqual(refusal('CONFLICT', message, ['input', 'id']));
    expect(await updated({ id: owner.memberId, role: 'admin' })).toEqual(refusal('CONFLICT', message, ['input', 'id']));
    expect(await updated({ id: owner.memberId, role: 'owner', name: 'Ada' })).toMatchObject({ errors: [] });
  });

  it('counts what the caller may do now, not when it was let in', async () => {
    const rival = await seed.member({ of: owner, role: 'owner' });
    await seed.member({ of: owner, role: 'owner' });
    // Known here, and demoted where no hint tells.
    expect(await statusOf(rival.key)).toBe(200);
    await app.sql`update members set role = 'admin' where id = ${uuidOf(rival.memberId)}`;
    expect(await removed(owner.memberId, rival)).toEqual(refusal('FORBIDDEN', 'your role was changed just now', null));
    await app.sql`update members set removed_at = now() where id = ${uuidOf(rival.memberId)}`;
    expect(await updated({ id: owner.memberId, role: 'member' }, rival)).toEqual(
      refusal('FORBIDDEN', 'you are no member any more', null),
    );
  });

  it('leaves one of two owners who remove or demote each other at the same time, on two processes', async () => {
    for (let round = 0; round < 12; round++) {
      const tenant = await seed.tenant();
      const rival = await seed.member({ of: tenant, role: 'owner' });
      const act = round % 2 === 0 ? remove : update;
      const inputOf = (id: string) => ({ input: round % 2 === 0 ? { id } : { id, role: 'member' } });
      // Both are known on their process before they meet.
      await Promise.all([
        post(app.url, { query: '{ viewer { permissions } }' }, tenant),
        post(second.url, { query: '{ viewer { permissions } }' }, rival),
      ]);
      const answers = await Promise.all([
        post(app.url, { query: act, variables: inputOf(rival.memberId) }, { key: tenant.key }),
        post(second.url, { query: act, variables: inputOf(tenant.memberId) }, { key: rival.key }),
      ]);
      const errors = answers.flatMap(({ body }) =>
        Object.values(body.data ?? {}).flatMap((payload) => (payload as Answer).errors),
      );
      expect(errors, String(round)).toHaveLength(1);
      const [left] = await app.sql`
        select count(*)::int as owners from members where tenant_id = ${uuidOf(tenant.tenantId)} and role = 'owner' and removed_at is null`;
      expect(left, String(round)).toEqual({ owners: 1 });
    }
  });
});

describe('generations of other members', () => {
  const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';
  const cases = [
    ['cancel', 'mutation ($id: ID!) { it: generationCancel(input: { id: $id }) { generation { id } errors { code } } }'],
    ['retry', 'mutation ($id: ID!) { it: generationRetry(input: { id: $id }) { generation { id } errors { code } } }'],
    ['delete', 'mutation ($id: ID!) { it: generationDelete(input: { id: $id }) { deletedId errors { code } } }'],
  ] as const;

  it('are there for nobody who reaches only the own ones, on every way', async () => {
    const theirs = await finishedGeneration(app, owner);
    const caller = await seed.member({ of: owner, role: 'member', can: allPermissions });
    const own = await finishedGeneration(app, caller);
    const before = await app.sql`select id, status, cancel_requested_at from generations order by id`;

    for (const [id, found] of [
      [own.id, true],
      [theirs.id, false],
    ] as const) {
      expect(await caller.ask('query ($id: ID!) { generation(id: $id) { id } }', { id })).toEqual({
        generation: found ? { id } : null,
      });
      expect(await caller.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ node: found ? { id } : null });
      expect(await caller.ask('query ($id: ID!) { nodes(ids: [$id]) { id } }', { id })).toEqual({
        nodes: [found ? { id } : null],
      });
    }
    expect(await caller.ask('{ generations { nodes { id } edges { node { id } } pageInfo { hasNextPage } } }')).toEqual({
      generations: { nodes: [{ id: own.id }], edges: [{ node: { id: own.id } }], pageInfo: { hasNextPage: false } },
    });
    for (const [what, query] of cases)
      expect(await caller.ask(query, { id: theirs.id }), what).toMatchObject({ it: { errors: [{ code: 'NOT_FOUND' }] } });
    const watched = async (id: string) => {
      const kinds: unknown[] = [];
      for await (const { result } of (await sse(app.url, { query: stream, variables: { id } }, { key: caller.key })).events)
        if (result)
          kinds.push(
            result.errors?.[0]?.extensions['code'] ??
              (result.data as { generationStream: { __typename: string } }).generationStream.__typename,
          );
      return kinds;
    };
    expect(await watched(theirs.id)).toEqual(['NOT_FOUND']);
    expect((await watched(own.id)).at(-1)).toBe('GenerationFinished');
    expect(await app.sql`select id, status, cancel_requested_at from generations order by id`).toEqual(before);
  });

  it('are there as entities only for who reaches them', async () => {
    const theirs = await finishedGeneration(app, owner);
    const query = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Generation { id } } }';
    const of = [{ __typename: 'Generation', id: theirs.id }];
    const near = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'generations:others') });
    const far = await seed.member({ of: owner, role: 'admin' });
    expect(await near.ask(query, { of })).toEqual({ _entities: [null] });
    expect(await far.ask(query, { of })).toEqual({ _entities: [{ id: theirs.id }] });
  });

  it('are seen and changed by editors, only seen by reviewers', async () => {
    const [one, two] = [await finishedGeneration(app, owner), await startGeneration(owner)];
    const editor = await seed.member({ of: owner, role: 'editor' });
    const reviewer = await seed.member({ of: owner, role: 'reviewer' });
    for (const caller of [editor, reviewer])
      expect(
        (
          await caller.ask<{ generations: { nodes: { id: string }[] } }>('{ generations { nodes { id } } }')
        ).generations.nodes.map(({ id }) => id),
      ).toEqual([two, one.id]);
    for (const [, query] of cases)
      expect(await reviewer.ask(query, { id: one.id })).toMatchObject({ it: { errors: [{ code: 'FORBIDDEN' }] } });
    expect(await editor.ask(cases[2][1], { id: one.id })).toMatchObject({ it: { deletedId: one.id, errors: [] } });
  });
});
