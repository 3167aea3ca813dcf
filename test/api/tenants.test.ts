import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { InstallationService } from '../../src/tenants/installation.service.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, post, rawSocket, sse } from '../harness/clients.ts';
import { runAdmin } from '../harness/command.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { finishedGeneration, startGeneration } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';

const remove = 'mutation ($name: String!) { tenantDelete(input: { name: $name }) { deletedId errors { code message path } } }';
const viewer = '{ viewer { tenant { id name } } }';

let app: TestApp;
let seed: Seed;
let owner: Caller;
let database: Database;
let installation: InstallationService;

beforeAll(async () => {
  // Letters take a while: they are there to be stopped.
  app = await openTestApp({ env: { OFFLINE_TOKENS_PER_SECOND: '20', MAX_RUNNING_GENERATIONS: '2' } });
  seed = await openSeed(app);
  const log = openLog({ level: 'silent' });
  database = await openDatabase({ ...databaseDefaults, url: app.database.url, maxConnections: 6 }, { log, clock: systemClock });
  installation = new InstallationService(database);
});
beforeEach(async () => {
  owner = await seed.tenant('Acme');
});
afterAll(async () => {
  await database.close();
  await seed.close();
  await app.stop();
});

const told = async (caller: Caller): Promise<[number, unknown]> => {
  const { status, body } = await post(app.url, { query: viewer }, { key: caller.key });
  return [status, body.errors?.[0]?.message ?? null];
};
const refused: [number, string] = [403, 'this tenant is suspended'];
const isTold = (caller: Caller, answer: [number, string | null]) =>
  vi.waitFor(async () => expect(await told(caller)).toEqual(answer), { timeout: 5_000, interval: 100 });

describe('tenantUpdate', () => {
  const update =
    'mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) { tenant { id name } errors { code message path } } }';

  it('names the tenant anew; omitted and null leave the name', async () => {
    expect(await owner.ask(update, { input: { name: '  Acme Ltd ' } })).toEqual({
      tenantUpdate: { tenant: { id: owner.tenantId, name: 'Acme Ltd' }, errors: [] },
    });
    for (const input of [{}, { name: null }, { generationRetentionDays: 5 }])
      expect(await owner.ask(update, { input })).toMatchObject({ tenantUpdate: { tenant: { name: 'Acme Ltd' } } });
    expect(await owner.ask(update, { input: { name: ' ' } })).toEqual({
      tenantUpdate: {
        tenant: null,
        errors: [{ code: 'INVALID_INPUT', message: 'a name has 1 to 200 characters, not 0', path: ['input', 'name'] }],
      },
    });
  });
});

describe('a suspended tenant', () => {
  it('lets nobody in, on any transport, until it is resumed', async () => {
    const colleague = await seed.member({ of: owner, role: 'member' });
    const neighbour = await seed.tenant();
    expect(await told(owner)).toEqual([200, null]);
    await installation.suspend(owner.tenantId);
    await installation.suspend(owner.tenantId);
    await isTold(owner, refused);
    expect(await told(colleague)).toEqual(refused);
    expect(await told(neighbour)).toEqual([200, null]);
    const stream = await sse(app.url, { query: 'subscription { generationStream(id: "x") { cursor } }' }, { key: owner.key });
    expect(stream.status).toBe(403);
    stream.stop();
    const socket = await rawSocket(app.url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${owner.key}` } });
    // Not final for clients: they come back, and find it resumed one day.
    expect(await socket.closed).toBe(4403);
    await installation.resume(owner.tenantId);
    expect(await told(owner)).toEqual([200, null]);
  });

  it('has what is open ended at once when the command suspends it: the hint alone is enough', async () => {
    // Without the looks that are taken every so often: what happens is the hint's doing.
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const hinted = await openTestApp({ database: app.database }).finally(() => vi.useRealTimers());
    try {
      const neighbour = await seed.tenant();
      const open = async ({ key }: Caller) => {
        const stream = await sse(hinted.url, { query: 'subscription { auditLogAdded { cursor } }' }, { key });
        expect(stream.status).toBe(200);
        return stream;
      };
      const [own, other] = [await open(owner), await open(neighbour)];
      const socket = await acknowledged(hinted.url, owner.key);
      const subscribe = { type: 'subscribe', payload: { query: 'subscription { auditLogAdded { cursor } }' } };
      socket.send({ ...subscribe, id: 'open' });
      // Entries of what was done before may still come.
      const pastEntries = async <T>(next: () => Promise<T>): Promise<T> => {
        let one = await next();
        while (JSON.stringify(one).includes('"cursor"')) one = await next();
        return one;
      };
      const ended = Promise.all([pastEntries(() => own.events.next()), pastEntries(() => socket.next())]);
      const env = { DATABASE_URL: app.database.url };
      expect(await runAdmin(['tenants', 'suspend', '--id', owner.tenantId], env)).toMatchObject({ code: 0 });
      const refusal = [{ message: 'this tenant is suspended', extensions: { code: 'FORBIDDEN' } }];
      const [{ value }, message] = await ended;
      expect(value).toMatchObject({ result: { errors: refusal } });
      expect(message).toMatchObject({ id: 'open', type: 'error', payload: refusal });
      let isOtherOver = false;
      const others = other.events.next().finally(() => (isOtherOver = true));
      expect((await post(hinted.url, { query: viewer }, { key: owner.key })).status).toBe(403);
      expect((await post(hinted.url, { query: viewer }, { key: neighbour.key })).status).toBe(200);
      expect(isOtherOver).toBe(false);
      other.stop();
      await others;
      socket.socket.close();
      await socket.closed;
    } finally {
      await hinted.stop();
    }
  });

  it('has nothing started that waits: it goes on waiting, and is written when it is resumed', async () => {
    const [busy, waiting] = [await seed.tenant(), owner];
    const running = [await startGeneration(busy), await startGeneration(busy)];
    const queued = await startGeneration(waiting);
    const statusOf = async (id: string) =>
      (await app.sql<{ status: string }>`select status from generations where id = ${uuidOf(id)}`)[0]?.status;
    expect(await statusOf(queued)).toBe('QUEUED');
    await installation.suspend(waiting.tenantId);
    const later = await startGeneration(busy);
    for (const id of running)
      await busy.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id });
    // The one behind it is taken, it is not.
    await eventually(async () => (await statusOf(later)) === 'RUNNING', patienceMs, 'the other tenant’s turn');
    expect(await statusOf(queued)).toBe('QUEUED');
    await installation.resume(waiting.tenantId);
    await eventually(async () => (await statusOf(queued)) === 'RUNNING', patienceMs, 'its turn');
    await busy.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id: later });
    await waiting.ask('mutation ($id: ID!) { generationCancel(input: { id: $id }) { errors { code } } }', { id: queued });
  });
});

describe('tenantDelete', () => {
  /** The tables in which there is a row of the tenant. */
  /** Where something is left; the audit log stays, which names nobody. */
  async function left(tenantId: string): Promise<string[]> {
    const tables = await app.sql<{ name: string }>`
      select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id' and table_name not like 'audit%'`;
    const uuid = uuidOf(tenantId);
    const found = [];
    for (const { name } of [...tables, { name: 'tenants' }]) {
      const column = name === 'tenants' ? 'id' : 'tenant_id';
      // The name is one of the database's own.
      const strings = Object.assign([`select from ${name} where ${column} = '${uuid}' limit 1`], { raw: [''] });
      if ((await app.sql(strings)).length > 0) found.push(name);
    }
    return found;
  }

  it('ends access at once, stops what runs, and leaves nothing', async () => {
    const member = await seed.member({ of: owner, role: 'member' });
    const done = await seed.tenant();
    const letter = await finishedGeneration(app, done);
    await owner.ask('mutation { roleCreate(input: { name: "reader", permissions: ["models:read"] }) { errors { code } } }');
    await owner.ask('mutation { invitationCreate(input: { email: "ada@example.org", role: "reader" }) { errors { code } } }');
    const running = await startGeneration(owner);
    expect(await owner.ask(remove, { name: 'Acme' })).toEqual({ tenantDelete: { deletedId: owner.tenantId, errors: [] } });
    for (const caller of [owner, member]) expect(await told(caller)).toEqual([401, 'this key is not valid']);
    await eventually(
      async () => (await app.sql`select from generations where id = ${uuidOf(running)}`).length === 0,
      5_000,
      'the end of what runs',
    );
    // Nothing is left that would write it: both places are free again.
    const metrics = async () => (await fetch(`${app.url}/metrics`)).text();
    await eventually(async () => /^draftwire_generations_running 0$/m.test(await metrics()), patienceMs, 'the end of the run');
    // The row goes when no process can remember its keys any more.
    expect(await left(owner.tenantId)).toContain('tenants');
    await app.sql`update tenants set deleted_at = now() - interval '16 seconds' where id = ${uuidOf(owner.tenantId)}`;
    await eventually(async () => (await left(owner.tenantId)).length === 0, 15_000, 'the end of everything');
    expect(await done.ask('query ($id: ID!) { generation(id: $id) { id } }', { id: letter.id })).toEqual({
      generation: { id: letter.id },
    });
  }, 40_000);

  it('demands the name, and the permission', async () => {
    for (const name of ['', 'acme', 'Acme '])
      expect(await owner.ask(remove, { name }), name).toEqual({
        tenantDelete: {
          deletedId: null,
          errors: [{ code: 'INVALID_INPUT', message: 'this is not the name of the tenant', path: ['input', 'name'] }],
        },
      });
    const admin = await seed.member({ of: owner, role: 'admin' });
    const other = await seed.member({ of: owner, can: allPermissions.filter((each) => each !== 'tenant:delete') });
    for (const caller of [admin, other])
      expect(await caller.ask(remove, { name: 'Acme' })).toEqual({
        tenantDelete: {
          deletedId: null,
          errors: [{ code: 'FORBIDDEN', message: 'this needs the permission tenant:delete', path: null }],
        },
      });
    expect(await told(owner)).toEqual([200, null]);
  });
});

describe('npm run admin -- tenants', () => {
  const admin = (...args: string[]) => runAdmin(['tenants', ...args], { NODE_ENV: 'production', DATABASE_URL: app.database.url });

  it('lists, suspends, resumes and deletes', async () => {
    const id = owner.tenantId;
    const line = async () => (await admin('list')).stdout.split('\n').find((each) => each.startsWith(id));
    expect(await line()).toBe(`${id}  ACTIVE     Acme`);
    expect(await admin('suspend', '--id', id)).toMatchObject({ code: 0, stdout: `${id}  SUSPENDED\n` });
    expect(await line()).toBe(`${id}  SUSPENDED  Acme`);
    await isTold(owner, refused);
    expect(await admin('resume', '--id', id)).toMatchObject({ code: 0, stdout: `${id}  ACTIVE\n` });
    expect(await told(owner)).toEqual([200, null]);
    expect(await admin('delete', '--id', id, '--tenant', 'Other')).toMatchObject({
      code: 1,
      stderr: `there is no such tenant: ${id}\n`,
    });
    expect(await told(owner)).toEqual([200, null]);
    expect(await admin('delete', '--id', id, '--tenant', 'Acme')).toMatchObject({ code: 0, stdout: `${id}  DELETED\n` });
    await isTold(owner, [401, 'this key is not valid']);
    expect(await line()).toBe(`${id}  DELETED    Acme`);
    for (const unknown of ['nonsense', newId('ten'), id])
      expect(await admin('resume', '--id', unknown), unknown).toMatchObject({
        code: 1,
        stderr: `there is no such tenant: ${unknown}\n`,
      });
  }, 120_000);
});
