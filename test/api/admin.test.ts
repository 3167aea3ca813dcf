import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { urlOfDatabase } from '../harness/cluster.ts';
import { post } from '../harness/clients.ts';
import { appointmentLock } from '../../src/access/new-tenant.service.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { allPermissions } from '../../src/kernel/scope.ts';
import { byService, trailOf } from '../harness/audit-trail.ts';
import { runAdmin, runCommand } from '../harness/command.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { openTestApp } from '../harness/app.ts';

const secret = 'a secret of thirty-two characters';

describe('npm run admin', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  const admin = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runAdmin(args, { NODE_ENV: 'production', DATABASE_URL: database.url, ...env });

  it('shows how to use it', async () => {
    // Here as it is shipped, file by file.
    const { code, stdout, stderr } = await runCommand('cli/admin.js', ['drop'], { SECRET: secret });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^there is no command drop\n\nUsage:\n/);
  });

  it('bootstraps a tenant in production; its key is an owner with every permission', async () => {
    const { code, stdout } = await admin(['bootstrap', '--tenant', 'Acme', '--email', 'Ada@Acme.example'], { SECRET: secret });
    expect(code).toBe(0);
    const key = /^key +(\S+)$/m.exec(stdout)?.[1] ?? '';

    const app = await openTestApp({ database, env: { NODE_ENV: 'production', SECRET: secret } });
    const query = '{ viewer { tenant { id name } actor { email } permissions } }';
    const { body } = await post(app.url, { query }, { key });
    const other = await openTestApp({ database, env: { NODE_ENV: 'production', SECRET: `${secret}!` } });
    const refused = await post(other.url, { query }, { key });
    const { viewer } = body.data as { viewer: { tenant: { id: string }; permissions: string[] } };
    const { tenant, permissions } = viewer;
    const trail = await trailOf(app, tenant.id);
    await Promise.all([app.stop(), other.stop()]);

    expect(permissions).toEqual(allPermissions);
    expect(trail).toEqual([
      byService('admin', 'tenantCreate', { thing: tenant.id, after: { name: 'Acme' } }),
      byService('admin', 'apiKeyCreate', {
        thing: expect.stringMatching(/^key_/) as string,
        after: { name: 'owner', permissions: ['*'] },
      }),
      byService('admin', 'tenantAppoint', {
        thing: tenant.id,
        before: { runsInstallation: false },
        after: { runsInstallation: true },
      }),
    ]);

    expect(body).toMatchObject({ data: { viewer: { tenant: { name: 'Acme' }, actor: { email: 'ada@acme.example' } } } });
    expect(refused.status).toBe(401);
  });

  it('lets one tenant run the installation: the first that is bootstrapped, and none that is created', async () => {
    const apart = await openTestDatabase();
    const owner = postgres(apart.url, { max: 1, onnotice: () => undefined });
    const env = { SECRET: secret, DATABASE_URL: apart.url };
    try {
      const named = (name: string) => ['--tenant', name, '--email', 'ada@acme.example'];
      for (const command of [['tenants', 'create'], ['bootstrap'], ['bootstrap'], ['tenants', 'create']])
        expect(await admin([...command, ...named(command.join(' '))], env)).toMatchObject({ code: 0 });
      const rows = await owner`select name, runs_installation as runs from tenants order by id`;
      expect(rows.map(({ name, runs }) => [name, runs] as unknown)).toEqual([
        ['tenants create', false],
        ['bootstrap', true],
        ['bootstrap', false],
        ['tenants create', false],
      ]);
    } finally {
      await owner.end();
      await apart.drop();
    }
  });

  it('lets one tenant run the installation of two that are bootstrapped at once; the other is told', async () => {
    const apart = await openTestDatabase();
    const owner = postgres(apart.url, { max: 2, onnotice: () => undefined });
    const env = { SECRET: secret, DATABASE_URL: apart.url };
    const isWaiting = `select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;
    try {
      const gate = await owner.reserve();
      await gate`select pg_advisory_lock(${appointmentLock})`;
      const both = Promise.all(
        ['One', 'Two'].map((name) => admin(['bootstrap', '--tenant', name, '--email', 'ada@acme.example'], env)),
      );
      await eventually(async () => (await owner.unsafe(isWaiting)).length === 2, patienceMs, 'both at the gate');
      await gate`select pg_advisory_unlock(${appointmentLock})`;
      gate.release();
      const said = await both;
      expect(said.map(({ code }) => code)).toEqual([0, 0]);
      const another = 'Another tenant runs this installation already: this one is as `tenants create` makes it.\n';
      const told = said.map(({ stderr }) => stderr.endsWith(another));
      const rows = await owner`select name, runs_installation as runs from tenants order by name`;
      expect(rows.filter(({ runs }) => Boolean(runs))).toHaveLength(1);
      expect(rows.map(({ runs }) => !runs)).toEqual(told);
    } finally {
      await owner.end();
      await apart.drop();
    }
  });

  it('tells the running processes what it has changed', async () => {
    const made = await admin(['tenants', 'create', '--tenant', 'Heard', '--email', 'ada@acme.example'], { SECRET: secret });
    const id = /^tenant +(\S+)$/m.exec(made.stdout)?.[1] ?? '';
    const ear = postgres(database.url, { max: 1, onnotice: () => undefined });
    const heard: unknown[] = [];
    try {
      await ear.listen('draftwire', (payload) => heard.push(JSON.parse(payload)));
      for (const [command, kind] of [
        [['limits', '--tenant', id, '--set', 'SOCKETS_PER_TENANT=5'], 'limits.changed'],
        [['tenants', 'suspend', '--id', id], 'access.changed'],
        [['tenants', 'resume', '--id', id], 'access.changed'],
        [['tenants', 'delete', '--id', id, '--tenant', 'Heard'], 'access.changed'],
      ] as const) {
        expect(await admin(command)).toMatchObject({ code: 0, stderr: '' });
        expect(await eventually(() => heard.shift())).toMatchObject({ kind, ids: [id] });
      }
      // Nothing changed, nothing said.
      expect(await admin(['tenants', 'suspend', '--id', id])).toMatchObject({ code: 1 });
      await ear`select pg_notify('draftwire', '{"kind":"last"}')`;
      expect(await eventually(() => heard.shift())).toEqual({ kind: 'last' });
    } finally {
      await ear.end();
    }
  });

  it('names no tenant as the API would not', async () => {
    const named = ['bootstrap', '--tenant', 'x'.repeat(201), '--email', 'ada@acme.example'];
    expect(await admin(named, { SECRET: secret })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'a name has 1 to 200 characters, not 201\n',
    });
  });

  it('demands the secret of the servers to bootstrap', async () => {
    const { code, stdout, stderr } = await admin(['bootstrap', '--tenant', 'Acme', '--email', 'ada@acme.example']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('SECRET or SECRET_FILE is missing');
  });

  it('migrates an empty database, as often as one likes; before, it says what to do', async () => {
    const name = `draftwire_test_admin_${process.pid}`;
    const server = postgres(inject('databaseAdminUrl'), { max: 1, onnotice: () => undefined });
    await server.unsafe(`create database ${name}`);
    try {
      const env = { DATABASE_URL: urlOfDatabase(inject('databaseAdminUrl'), name), SECRET: secret };
      const args = ['bootstrap', '--tenant', 'Acme', '--email', 'ada@acme.example'];
      expect(await admin(args, env)).toMatchObject({ code: 1, stderr: expect.stringContaining('npm run admin -- migrate') });
      const { SECRET: _unneeded, ...withoutSecret } = env;
      expect(await admin(['migrate'], withoutSecret)).toMatchObject({
        code: 0,
        stdout: 'The database is up to date.\n',
        stderr: '',
      });
      expect(await admin(['migrate'], withoutSecret)).toMatchObject({ code: 0 });
      expect(await admin(args, env)).toMatchObject({ code: 0 });
    } finally {
      await server.unsafe(`drop database ${name} with (force)`);
      await server.end();
    }
  });

  it('has nothing to migrate without a database', async () => {
    const { code, stderr } = await admin(['migrate'], { DATABASE_URL: '' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'DATABASE_URL is missing; the embedded database is migrated whenever it starts\n',
    });
  });
});
