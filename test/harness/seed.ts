import type { ExecutionResult } from 'graphql';
import { hashOf, newKeyText } from '../../src/access/key-text.ts';
import { apiKeys } from '../../src/access/keys.table.ts';
import { everything } from '../../src/access/roles.ts';
import { databaseDefaults, openDatabase } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import type { Permission } from '../../src/kernel/scope.ts';
import { members } from '../../src/tenants/tenants.table.ts';
import type { TestApp } from './app.ts';
import { post } from './clients.ts';

/** Somebody with a key. */
export interface Caller {
  readonly tenantId: string;
  readonly memberId: string;
  readonly key: string;
  /** Sends an operation over HTTP with the key; throws when the answer has errors. */
  ask<T = Record<string, unknown>>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The same, errors included. */
  answer(query: string, variables?: Record<string, unknown>): Promise<ExecutionResult>;
}

export interface MemberOptions {
  /** What the key may do; all that the role may when absent. */
  readonly can?: readonly Permission[];
  /** The name of their role; `owner` when absent. */
  readonly role?: string;
  /** Somebody of the tenant; the development tenant when absent. */
  readonly of?: Pick<Caller, 'tenantId'>;
}

/** Makes the people of a test, beside those an app makes by itself. */
export interface Seed {
  /** A new tenant, as its owner with every permission. */
  tenant(name?: string): Promise<Caller>;
  /** A new member of a tenant, with a key. */
  member(options?: MemberOptions): Promise<Caller>;
  close(): Promise<void>;
}

/** Opens one on the database of an app that has no SECRET of its own. Close it before the app stops. */
export async function openSeed(app: Pick<TestApp, 'url' | 'database' | 'ask'>): Promise<Seed> {
  const config = { ...databaseDefaults, url: app.database.url, maxConnections: 6 };
  const database = await openDatabase(config, { log: openLog({ level: 'silent' }), clock: systemClock });
  const secret = 'development';
  let made = 0;
  const uniqueName = () => `seed-${(made += 1)}`;

  const callerOf = (tenantId: string, memberId: string, key: string): Caller => {
    const answer = async (query: string, variables: Record<string, unknown> = {}) =>
      (await post(app.url, { query, variables }, { key })).body;
    return {
      tenantId,
      memberId,
      key,
      answer,
      ask: async <T>(query: string, variables?: Record<string, unknown>) => {
        const { data, errors } = await answer(query, variables);
        if (errors?.length) throw new Error(JSON.stringify(errors));
        return data as T;
      },
    };
  };

  /** By hand, so that the audit log of a test's tenant begins with what the test does. */
  const insertPerson = async (
    tenantId: string,
    { name, role, email, can = [everything] }: { name: string; role: string; email: string; can?: readonly string[] },
  ) => {
    const [memberId, id] = [newId('mem'), newId('key')];
    const { query } = database.as({ tenantId });
    await query.insert(members).values({ id: memberId, tenantId, role, email });
    const key = newKeyText(id, secret);
    const permissions = [...can] as Permission[];
    await query.insert(apiKeys).values({ id, tenantId, memberId, name, secretHash: hashOf(key, secret), permissions });
    return callerOf(tenantId, memberId, key);
  };

  return {
    async tenant(name = uniqueName()) {
      const tenantId = newId('ten');
      await database
        .as({ tenantId })
        .sql((sql) => sql`insert into tenants (id, name) values (${uuidOf(tenantId, 'ten')}, ${name})`);
      return insertPerson(tenantId, { name: 'owner', role: 'owner', email: `owner@${name}.example` });
    },
    async member({ can, role = 'owner', of } = {}) {
      const tenantId = of?.tenantId ?? (await ownTenant(app));
      return insertPerson(tenantId, { name: 'seed', role, email: `${uniqueName()}@${tenantId}.example`, ...(can && { can }) });
    },
    close: () => database.close(),
  };
}

async function ownTenant(app: Pick<TestApp, 'ask'>): Promise<string> {
  const { viewer } = await app.ask<{ viewer: { tenant: { id: string } } }>('{ viewer { tenant { id } } }');
  return viewer.tenant.id;
}
