import { setImmediate as turn } from 'node:timers/promises';
import postgres from 'postgres';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyService } from '../../src/access/key.service.ts';
import { databaseDefaults, openDatabase, type Database } from '../../src/db/client.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { sql, type Statement } from '../../src/db/statement.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Scope } from '../../src/kernel/scope.ts';
import type { CostLimit } from '../../src/limits/cost.ts';
import { LimitService } from '../../src/limits/limit.service.ts';
import type { RateLimits } from '../../src/limits/policy.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';

let testDatabase: TestDatabase;
let owner: postgres.Sql;
let database: Database;

beforeAll(async () => {
  testDatabase = await openTestDatabase();
  owner = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
  await owner`create table begun (name text)`;
  await owner`grant select, insert on begun to draftwire_app`;
  const log = openLog({ level: 'silent' });
  database = await openDatabase({ ...databaseDefaults, url: testDatabase.url, maxConnections: 10 }, { log, clock: systemClock });
});
afterAll(async () => {
  await database.close();
  await owner.end();
  await testDatabase.drop();
});

const beginsOf = async (name: string) => (await owner`select from begun where name = ${name}`).length;

/** A member whose buckets are there: one start and one request were counted. */
async function newMember(limits: Partial<RateLimits>, cost?: CostLimit) {
  const registry = new Registry();
  const all = { member: 100, tenant: 0, starts: 0, ...limits };
  const service = new LimitService({ database, clock: systemClock, registry, limits: all, ...(cost && { cost }) });
  const { tenantId } = await new KeyService(database, 'development').bootstrap('limited', 'owner@limited.example');
  const scope = new Scope(tenantId, newId('mem'), { kind: 'key', id: newId('key') }, []);
  await service.takeStart(scope);
  (await service.admit(scope, () => 1)).charge?.settle(0);
  const used = async (kind: string) =>
    (await owner`select used from rate_buckets where tenant_id = ${uuidOf(tenantId)} and kind = ${kind}`)[0]?.['used'] as
      number | undefined;
  /** One request and the start it came with, which begins something of this name. */
  const request = async (name: string, cost = 0, breaks = false) => {
    const operation = scope.from({ transport: 'http', address: 'unknown', requestId: name });
    const admission = Promise.resolve(
      service.admit(
        scope,
        () => cost,
        () => operation,
      ),
    );
    expect(service.isCounting(operation)).toBe(true);
    await turn();
    await turn();
    const begun = service.startWith(
      operation,
      false,
      (counted) => sql`
        with counted as (${counted})
        insert into begun (name) select case when ${breaks}::bool then (1 / (used - used))::text else ${name}::text end from counted
        returning name`,
    );
    const rows = await begun?.then(
      (found) => found.length,
      () => 'failed',
    );
    const { refusal, charge } = await admission;
    charge?.settle(0);
    expect(service.isCounting(operation)).toBe(false);
    return { rows, refusal: refusal?.code ?? null };
  };
  return { service, scope, request, used };
}

describe('a start that goes behind the count of its request', () => {
  it('is counted, and begins', async () => {
    const { request, used } = await newMember({ starts: 3 });
    expect(await request('first')).toEqual({ rows: 1, refusal: null });
    expect(await request('second')).toEqual({ rows: 1, refusal: null });
    expect([await used('requests'), await used('starts')]).toEqual([3, 3]);
  });

  it('does nothing above the limit of starts', async () => {
    const { service, scope, request, used } = await newMember({ starts: 2 });
    expect(await request('last')).toEqual({ rows: 1, refusal: null });
    expect(await request('above')).toEqual({ rows: 0, refusal: null });
    expect([await beginsOf('above'), await used('starts')]).toEqual([0, 2]);
    await expect(service.takeStart(scope)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('does nothing when its request is refused: for its number, its tenant or its cost', async () => {
    const byNumber = await newMember({ starts: 10 });
    expect(await byNumber.request('first')).toEqual({ rows: 1, refusal: null });
    await owner`update rate_buckets set used = 100 where tenant_id = ${uuidOf(byNumber.scope.tenantId)} and kind = 'requests'`;
    expect(await byNumber.request('refused')).toEqual({ rows: 0, refusal: 'RATE_LIMITED' });

    const byTenant = await newMember({ tenant: 100, starts: 10 });
    expect(await byTenant.request('first')).toEqual({ rows: 1, refusal: null });
    await owner`update rate_buckets set used = 100 where tenant_id = ${uuidOf(byTenant.scope.tenantId)} and kind = 'tenant'`;
    expect(await byTenant.request('refused')).toEqual({ rows: 0, refusal: 'RATE_LIMITED' });

    const byCost = await newMember({ starts: 10 }, { maximum: 100, restoreRate: 1 });
    expect(await byCost.request('cheap', 10)).toEqual({ rows: 1, refusal: null });
    await owner`update cost_buckets set spent = 95, spent_at = now() where tenant_id = ${uuidOf(byCost.scope.tenantId)}`;
    expect(await byCost.request('refused', 50)).toEqual({ rows: 0, refusal: 'RATE_LIMITED' });
    const counted = [byNumber, byTenant, byCost].map(({ used }) => used('starts'));
    expect([await beginsOf('refused'), ...(await Promise.all(counted))]).toEqual([0, 2, 2, 2]);
  });

  it('costs nothing when it fails', async () => {
    const { request, used } = await newMember({ starts: 10 });
    await request('first');
    expect(await request('broken', 0, true)).toEqual({ rows: 'failed', refusal: null });
    expect([await used('requests'), await used('starts')]).toEqual([3, 2]);
  });

  it('is left to its caller when the request is answered, or is one that will be refused for its cost alone', async () => {
    const { service, scope } = await newMember({ starts: 10 }, { maximum: 100, restoreRate: 1 });
    const statement = () => sql`select 1`;
    const late = scope.from({ transport: 'http', address: 'unknown', requestId: 'late' });
    const { charge } = await service.admit(
      scope,
      () => 1,
      () => late,
    );
    charge?.settle(1);
    expect(service.startWith(late, false, statement)).toBeNull();

    const dear = scope.from({ transport: 'http', address: 'unknown', requestId: 'dear' });
    const admission = Promise.resolve(
      service.admit(
        scope,
        () => 101,
        () => dear,
      ),
    );
    await turn();
    await turn();
    expect([service.isCounting(dear), service.startWith(dear, false, statement)]).toEqual([false, null]);
    expect((await admission).refusal?.code).toBe('LIMIT_EXCEEDED');
  });

  it('is as exact as the others: 40 operations at once, by both ways, are 10 starts', async () => {
    const { service, scope, used } = await newMember({ starts: 11 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        for (let turns = index; turns > 0; turns--) await turn();
        const operation = scope.from({ transport: 'http', address: 'unknown', requestId: String(index) });
        const admission = Promise.resolve(
          service.admit(
            scope,
            () => 0,
            () => operation,
          ),
        );
        await turn();
        await turn();
        const early = await service.startWith(
          operation,
          false,
          (counted) => sql`with counted as (${counted}) insert into begun (name) select 'exact' from counted returning name`,
        );
        await admission;
        if (early?.length === 1) return 1;
        return service.takeStart(operation).then(
          () => 1,
          () => 0,
        );
      }),
    );
    expect(outcomes.filter((each) => each === 1).length).toBe(10);
    expect(await used('starts')).toBe(11);
    expect(await beginsOf('exact')).toBeLessThanOrEqual(10);
  });
});

describe('a start whose request was counted before it began', () => {
  const begin = (name: string) => (counted: Statement) =>
    sql`with counted as (${counted}) insert into begun (name) select ${name}::text from counted returning name`;

  it('is counted by its own statement, at once, and does nothing above the limit', async () => {
    const { service, scope, used } = await newMember({ starts: 2 });
    const operation = scope.from({ transport: 'http', address: 'unknown', requestId: 'counted' });
    expect(await service.startWith(operation, true, begin('counted'))).toEqual([{ name: 'counted' }]);
    expect(await service.startWith(operation, true, begin('counted'))).toEqual([]);
    expect([await used('starts'), await beginsOf('counted')]).toEqual([2, 1]);
    await expect(service.takeStart(scope)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('costs nothing when it fails', async () => {
    const { service, scope, used } = await newMember({ starts: 9 });
    const broken = (counted: Statement) => sql`with counted as (${counted}) select 1 / (used - used) from counted`;
    await expect(service.startWith(scope, true, broken)).rejects.toMatchObject({ code: '22012' });
    expect(await used('starts')).toBe(1);
  });
});
