import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { acknowledged, post, sse, type WsMessage } from '../harness/clients.ts';
import { endlessTale, overSse, overWebSocket } from '../harness/endless.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { startFleet, type Fleet, type RunningProcess } from '../harness/process.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { mockEnv } from '../harness/tales.ts';

const endedWithinMs = 5_000;
const stream = `subscription ($id: ID!) {
  generationStream(id: $id) {
    __typename cursor ... on GenerationDelta { offset text } ... on GenerationRestarted { offset } ... on GenerationFinished { generation { text } }
  }
}`;
const memberUpdate = 'mutation ($id: ID!, $role: String!) { memberUpdate(input: { id: $id, role: $role }) { errors { code } } }';

interface Shown {
  readonly data: { readonly generationStream: { readonly __typename: string } };
}

/** The code of a refusal, be it of the operation or of what it asked for; null when it is none. */
function codeOf({ payload }: WsMessage): string | null {
  const errors = Array.isArray(payload) ? payload : (payload as { errors?: unknown[] } | undefined)?.errors;
  return (errors?.[0] as { extensions: { code: string } } | undefined)?.extensions.code ?? null;
}

interface Case {
  readonly owner: Caller;
  readonly member: Caller;
  /** The custom role of the member. */
  readonly role: string;
  readonly sql: postgres.Sql;
}

interface End {
  readonly what: string;
  readonly act: (end: Case) => Promise<unknown>;
  /** What the member's key is told afterwards. */
  readonly status: number;
  /** Whether the owner goes on. */
  readonly isOwnerLeft: boolean;
}

const ends: readonly End[] = [
  {
    what: 'removed',
    act: ({ owner, member }) =>
      owner.ask('mutation ($id: ID!) { memberRemove(input: { id: $id }) { errors { code } } }', { id: member.memberId }),
    status: 401,
    isOwnerLeft: true,
  },
  {
    what: 'removed, and the hint is lost',
    act: ({ member, sql }) => sql`update members set removed_at = now() where id = ${uuidOf(member.memberId)}`,
    status: 401,
    isOwnerLeft: true,
  },
  {
    what: 'given a role that reads no letters',
    act: ({ owner, member }) => owner.ask(memberUpdate, { id: member.memberId, role: 'analyst' }),
    status: 200,
    isOwnerLeft: true,
  },
  {
    what: 'given a role that reaches only the own letters',
    act: ({ owner, member }) => owner.ask(memberUpdate, { id: member.memberId, role: 'member' }),
    status: 200,
    isOwnerLeft: true,
  },
  {
    what: 'left with less by their role',
    act: ({ owner, role }) =>
      owner.ask('mutation ($id: ID!) { roleUpdate(input: { id: $id, permissions: ["templates:read"] }) { errors { code } } }', {
        id: role,
      }),
    status: 200,
    isOwnerLeft: true,
  },
  {
    what: 'left with less by their role, and the hint is lost',
    act: ({ role, sql }) => sql`update roles set permissions = '{generations:others}' where id = ${uuidOf(role)}`,
    status: 200,
    isOwnerLeft: true,
  },
  {
    what: 'of a suspended tenant, and the hint is lost',
    act: ({ owner, sql }) => sql`update tenants set suspended_at = now() where id = ${uuidOf(owner.tenantId)}`,
    status: 403,
    isOwnerLeft: false,
  },
  {
    what: 'of a deleted tenant',
    act: ({ owner }) => owner.ask('mutation { tenantDelete(input: { name: "gone" }) { errors { code } } }'),
    status: 401,
    isOwnerLeft: false,
  },
];

describe('a member with running streams on two processes', () => {
  let mock: MockProvider;
  let fleet: Fleet;
  let seed: Seed;
  let sql: postgres.Sql;

  beforeAll(async () => {
    mock = await MockProvider.open();
    const env = { ...mockEnv(mock), DATABASE_MAX_CONNECTIONS: '16' };
    fleet = await startFleet(env, env);
    const [first] = fleet.processes as [RunningProcess];
    seed = await openSeed({ url: first.url, database: fleet.database, ask: first.ask });
    sql = postgres(fleet.database.url, { max: 1, onnotice: () => undefined });
  });
  afterAll(async () => {
    await sql.end();
    await seed.close();
    await fleet[Symbol.asyncDispose]();
    await mock[Symbol.asyncDispose]();
  });

  /** A tenant whose owner writes, and a member who may watch. */
  async function someone(): Promise<Case> {
    const owner = await seed.tenant('gone');
    const { roleCreate } = await owner.ask<{ roleCreate: { role: { id: string } } }>(`mutation {
      roleCreate(input: { name: "watcher", permissions: ["templates:read", "generations:read", "generations:others"] }) { role { id } }
    }`);
    const member = await seed.member({ of: owner, role: 'watcher' });
    return { owner, member, role: roleCreate.role.id, sql };
  }

  it.each(ends)('$what: they end with FORBIDDEN within 5 s', async ({ what, act, status, isOwnerLeft }) => {
    const { processes } = fleet;
    const tale = endlessTale(mock);
    const someOne = await someone();
    const { owner, member } = someOne;
    const id = await startGeneration(owner);
    const colleague = new StreamReader({ url: processes[1]?.url ?? '', key: owner.key }, id);
    const unharmed = isOwnerLeft ? colleague.toEnd() : overWebSocket(colleague);
    const sockets = await Promise.all(processes.map(({ url }) => acknowledged(url, member.key)));
    const readers = processes.map(({ url }) => new StreamReader({ url, key: member.key }, id));
    const streams = await Promise.all(
      processes.map(({ url }) => sse(url, { query: stream, variables: { id } }, { key: member.key })),
    );
    const lengths = streams.map(() => 0);
    let isEnded = false;
    const all = Promise.all([
      ...readers.map(overWebSocket),
      ...streams.map(({ events }, index) => overSse(events, ({ length }) => void (lengths[index] = length))),
    ]).finally(() => {
      isEnded = true;
    });
    // When the wait for the end runs out nobody wants to hear how they ended.
    all.catch(() => undefined);
    await eventually(
      () => [...readers.map(({ text }) => text.length), ...lengths].every((length) => length > 100),
      10_000,
      'text',
    );
    expect(isEnded, what).toBe(false);

    await act(someOne);
    await eventually(() => isEnded, endedWithinMs, `${what}: the end of the streams`);
    const broken = await all;
    expect(broken.map(({ codes }) => codes)).toEqual(Array.from({ length: 4 }, () => ['FORBIDDEN']));
    for (const { next, send, socket } of sockets) {
      send({ id: 'late', type: 'subscribe', payload: { query: stream, variables: { id } } });
      // Where the key itself is good still, a letter out of reach is none.
      expect(status === 200 ? ['FORBIDDEN', 'NOT_FOUND'] : ['FORBIDDEN'], what).toContain(codeOf(await next()));
      socket.terminate();
    }
    for (const { url } of processes)
      await eventually(
        async () => (await post(url, { query: '{ viewer { permissions } }' }, { key: member.key })).status === status,
        endedWithinMs,
        `${what}: ${status}`,
      );

    tale.end();
    const owners = await unharmed;
    if (!isOwnerLeft) {
      expect(owners).toMatchObject({ codes: ['FORBIDDEN'] });
      return;
    }
    // Their cursors are good for somebody else.
    const others = broken.map(
      ({ cursor, text }, index) => new StreamReader({ url: processes[index % 2]?.url ?? '', key: owner.key }, id, cursor, text),
    );
    const { generation } = await owner.ask<{ generation: { text: string } }>(
      'query ($id: ID!) { generation(id: $id) { text } }',
      { id },
    );
    for (const reader of await Promise.all(others.map((other) => other.toEnd()))) expect(reader.text, what).toBe(generation.text);
    expect(colleague.text).toBe(generation.text);
  });

  it('goes on where the new role still covers them, and open sockets follow the role', async () => {
    const { processes } = fleet;
    const tale = endlessTale(mock);
    const { owner, member } = await someone();
    const id = await startGeneration(owner);
    const own = await startGeneration(await seed.member({ of: owner, role: 'member' }));
    const readers = processes.map(({ url }) => new StreamReader({ url, key: member.key }, id));
    const whole = Promise.all(readers.map((reader) => reader.toEnd()));
    whole.catch(() => undefined);
    const socket = await acknowledged(processes[1]?.url ?? '', member.key);
    await eventually(() => readers.every(({ text }) => text.length > 100), patienceMs, 'text');
    const seen = readers.map(({ text }) => text.length);

    // Three roles that cover them, then none that covers anything on the idle socket: it has nothing to end.
    for (const role of ['reviewer', 'editor', 'admin']) {
      await owner.ask(memberUpdate, { id: member.memberId, role });
      await eventually(
        async () =>
          (
            await Promise.all(
              processes.map(({ url }) => post(url, { query: '{ viewer { role { name } permissions } }' }, { key: member.key })),
            )
          ).every(({ body }) => (body.data as { viewer: { role: { name: string } } }).viewer.role.name === role),
        endedWithinMs,
        role,
      );
    }
    await eventually(() => readers.every(({ text }, index) => text.length > (seen[index] ?? 0) + 100), patienceMs, 'more text');
    tale.end();
    await whole;
    const { generation } = await owner.ask<{ generation: { text: string } }>(
      'query ($id: ID!) { generation(id: $id) { text } }',
      { id },
    );
    for (const { text } of readers) expect(text).toBe(generation.text);

    const asked = async (name: string): Promise<string> => {
      socket.send({ id: name, type: 'subscribe', payload: { query: stream, variables: { id: own } } });
      for (let kind = ''; ;) {
        const message = await socket.next();
        if (message.id !== name) continue;
        if (message.type === 'complete') return kind;
        kind = codeOf(message) ?? (message.payload as Shown).data.generationStream.__typename;
        if (message.type === 'error') return kind;
      }
    };
    for (const [role, told] of [
      ['analyst', 'FORBIDDEN'],
      ['reviewer', 'GenerationFinished'],
      ['member', 'NOT_FOUND'],
      ['watcher', 'GenerationFinished'],
    ] as const) {
      await owner.ask(memberUpdate, { id: member.memberId, role });
      let asks = 0;
      await eventually(async () => (await asked(`${role} ${asks++}`)) === told, endedWithinMs, `${role} on the open socket`);
    }
    socket.socket.terminate();
  });
});
