import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged } from '../harness/clients.ts';
import { setBudget } from '../harness/budgets.ts';
import { publishRoute } from '../harness/routes.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { soon } from '../harness/eventually.ts';
import { engineTables, sharedTables } from '../harness/tables.ts';

// The probes that a wall is held to must be able to fail: each wall is broken in turn, and they must notice.

/** What one tenant's connection finds in a table. */
interface Found {
  readonly own: number;
  readonly foreign: number;
}

let app: TestApp;
let seed: Seed;
let one: Caller;
let owner: postgres.Sql;
let tables: string[];

const start = /* GraphQL */ `
  mutation Start($input: GenerationStartInput!) {
    generationStart(input: $input) {
      generation {
        id
      }
      errors {
        message
      }
    }
  }
`;
const keep = /* GraphQL */ `
  mutation {
    providerCredentialSet(input: { provider: "openai", apiKey: "sk-of-a-tenant" }) {
      errors {
        message
      }
    }
  }
`;
const statuses = /* GraphQL */ `
  query {
    generations {
      nodes {
        status
      }
    }
  }
`;

beforeAll(async () => {
  // Slow enough that letters are stored in chunks before they end.
  const limits = {
    RATE_LIMIT_MEMBER: '10000',
    RATE_LIMIT_TENANT: '10000',
    RATE_LIMIT_STARTS: '10000',
    QUERY_COST_LIMIT: '10000',
    MAX_SOCKETS_PER_TENANT: '100',
  };
  const models = { OFFLINE_TOKENS_PER_SECOND: '300', DEFAULT_MODEL: 'offline/draft', OPENAI_API_KEY: 'sk-of-the-house' };
  app = await openTestApp({ env: { ...models, ...limits } });
  seed = await openSeed(app);
  one = await seed.tenant();
  const other = await seed.tenant();
  // Both have a row in every table, by what the product does.
  for (const tenant of [one, other]) {
    // An operator's.
    await app.sql`insert into tenant_limits (tenant_id, name) values (${uuidOf(tenant.tenantId, 'ten')}, 'REQUESTS_PER_TENANT')`;
    const socket = await acknowledged(app.url, tenant.key);
    socket.socket.close();
    await socket.closed;
    // An issuer's tokens are told in their own tests; here a row each is enough.
    const [own, person] = [uuidOf(tenant.tenantId, 'ten'), uuidOf(tenant.memberId, 'mem')];
    await app.sql`
      insert into issuers (id, tenant_id, name, url, audience, algorithms, subject_claim, roles)
      values (gen_random_uuid(), ${own}, 'IdP', 'https://idp.example', ${tenant.tenantId}, '{ES256}', 'sub', '[]')`;
    await app.sql`
      insert into identities (tenant_id, issuer, claim, subject, member_id) values (${own}, 'https://idp.example', 'sub', 'ada', ${person})`;
    await tenant.ask(
      'mutation { roleCreate(input: { name: "proofreader", permissions: ["generations:read"] }) { role { id } } }',
    );
    await tenant.ask('mutation { invitationCreate(input: { email: "ada@example.org", role: "member" }) { token } }');
    await publishRoute(tenant, 'letters', { route: { model: 'offline/draft' }, hedge: {} });
    await setBudget(tenant);
    await tenant.ask('mutation { routeTest(input: { model: "offline/draft" }) { errors { code } } }');
    expect(await tenant.ask(keep)).toEqual({ providerCredentialSet: { errors: [] } });
    const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Planner', company: 'Fjord Logistics' } };
    await tenant.ask(start, {
      input: { template: 'cover-letter-classic', variables, model: 'letters', idempotencyKey: 'once', cache: { mode: 'ON' } },
    });
    await soon(async () => {
      const { generations } = await tenant.ask<{ generations: { nodes: { status: string }[] } }>(statuses);
      expect(generations.nodes).toEqual([{ status: 'SUCCEEDED' }]);
    });
    await soon(async () => expect(await app.sql`select from route_times where tenant_id = ${own}`).toHaveLength(1));
    await soon(async () => {
      const { auditVerify } = await tenant.ask<{ auditVerify: { sealedTo: number } }>('{ auditVerify { sealedTo } }');
      expect(auditVerify.sealedTo).toBeGreaterThan(0);
    });
    // What is reserved is gone with the end of a letter: one more that goes on by itself, and that nobody writes.
    await app.sql`
      insert into generations
      select (jsonb_populate_record(g, jsonb_build_object('id', gen_random_uuid(), 'status', 'RUNNING', 'finished_at', null,
        'lease_until', now() + interval '1 day'))).* from generations g where tenant_id = ${own}`;
    await app.sql`
      insert into budget_holds (tenant_id, generation_id, attempt, budget_ids, amounts)
      select tenant_id, id, 1, '{}', '{}' from generations where tenant_id = ${own} and finished_at is null`;
  }
  owner = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  const rows = await owner<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname`;
  tables = rows.map(({ name }) => name).filter((name) => ![...sharedTables, ...engineTables].includes(name));
});

afterAll(async () => {
  await owner.end();
  await seed.close();
  await app.stop();
});

/** Looks into every tenant table as the app does for the first tenant, after `mutation`; nothing of it stays. */
async function probe(mutation = ''): Promise<Record<string, Found>> {
  const tenant = uuidOf(one.tenantId, 'ten');
  const found: Record<string, Found> = {};
  const undone = new Error('undone');
  const done = owner.begin(async (sql) => {
    await sql.unsafe(mutation);
    await sql.unsafe(`set local role draftwire_app; set local draftwire.tenant = '${tenant}'`);
    for (const table of tables) {
      const column = table === 'tenants' ? 'id' : 'tenant_id';
      const [counts] = await sql.unsafe<[Found]>(
        `select count(*) filter (where ${column} = '${tenant}')::int as own, count(*) filter (where ${column} <> '${tenant}')::int as foreign from ${table}`,
      );
      found[table] = { ...counts };
    }
    throw undone;
  });
  await expect(done).rejects.toBe(undone);
  return found;
}

it('shows a tenant something of its own in every table, and nothing else', async () => {
  const found = await probe();
  expect(Object.keys(found)).toContain('generations');
  for (const [table, counts] of Object.entries(found)) {
    expect({ table, ...counts }).toEqual({ table, own: counts.own, foreign: 0 });
    expect({ table, isEmpty: counts.own === 0 }).toEqual({ table, isEmpty: false });
  }
});

it('notices each wall that is open', async () => {
  for (const table of tables) {
    const found = await probe(`alter policy tenant_wall on ${table} using (true) with check (true)`);
    expect({ table, isNoticed: (found[table]?.foreign ?? 0) > 0 }).toEqual({ table, isNoticed: true });
  }
});

it('notices each wall whose table lets everybody through', async () => {
  for (const table of tables) {
    const found = await probe(`alter table ${table} disable row level security`);
    expect({ table, isNoticed: (found[table]?.foreign ?? 0) > 0 }).toEqual({ table, isNoticed: true });
  }
});

it('notices each policy that is gone', async () => {
  for (const table of tables) {
    const found = await probe(`drop policy tenant_wall on ${table}`);
    expect({ table, own: found[table]?.own }).toEqual({ table, own: 0 });
  }
});

it('refuses to write a row of another tenant into any table', async () => {
  const tenant = uuidOf(one.tenantId, 'ten');
  for (const table of tables) {
    const column = table === 'tenants' ? 'id' : 'tenant_id';
    const moved = owner.begin(async (sql) => {
      await sql.unsafe(`grant update on ${table} to draftwire_app`);
      await sql.unsafe(`set local role draftwire_app; set local draftwire.tenant = '${tenant}'`);
      await sql.unsafe(`update ${table} set ${column} = gen_random_uuid()`);
    });
    await expect(moved, table).rejects.toMatchObject({ code: '42501' });
  }
});
