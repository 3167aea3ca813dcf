import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { RouteTimesService } from '../../src/routing/route-times.service.ts';

const route = { id: newId('rte'), version: 1 };
const log = openLog({ level: 'silent' });

/** A service on a database that answers for each tenant as it is told; `told` is the number of calls of each statement that did not fail. */
function open() {
  const told: string[] = [];
  const failures = new Map<string, () => Error>();
  const sql = Object.assign((_strings: TemplateStringsArray, ...values: unknown[]) => values, { json: (value: object) => value });
  const database = {
    as: ({ tenantId }: { tenantId: string }) => ({
      sql: (build: (tag: typeof sql) => unknown[]) => {
        const failure = failures.get(tenantId)?.();
        if (failure) return Promise.reject(failure);
        const counts = build(sql).find((value) => typeof value === 'object' && value !== null && !Array.isArray(value)) as object;
        told.push(`${tenantId} ${Object.values(counts).reduce((sum: number, count: number) => sum + count, 0)}`);
        return Promise.resolve([]);
      },
    }),
  };
  // Whatever else a database has is not asked for.
  const times = new RouteTimesService({ database: database as unknown as Database, log });
  // Each telling is what a process does when it ends: one round.
  return { times, told, failures, tell: () => times.close() };
}

const refused = (): Error => Object.assign(new Error('no'), { code: '22P02' });
const away = (): Error => new AppError('UNAVAILABLE', 'the database cannot be reached');

describe('how long routes take', () => {
  const [first, second, third] = [newId('ten'), newId('ten'), newId('ten')];

  it('is told of all versions but the one that fails, which is told later, together with what came meanwhile', async () => {
    const { times, told, failures, tell } = open();
    failures.set(first, refused);
    for (const tenant of [first, second, third]) times.took(tenant, route, 100);
    await tell();
    expect(told).toEqual([`${second} 1`, `${third} 1`]);

    times.took(first, route, 900);
    failures.clear();
    await tell();
    expect(told.slice(2)).toEqual([`${first} 2`]);
  });

  it('is given up after three refusals', async () => {
    const { times, told, failures, tell } = open();
    failures.set(first, refused);
    times.took(first, route, 100);
    for (let time = 0; time < 3; time++) await tell();
    failures.clear();
    await tell();
    expect(told).toEqual([]);
  });

  it('waits for a database that is away, for as long as that takes', async () => {
    const { times, told, failures, tell } = open();
    failures.set(first, away);
    for (const tenant of [first, second]) times.took(tenant, route, 100);
    for (let time = 0; time < 5; time++) await tell();
    expect(told).toEqual([]);
    failures.clear();
    await tell();
    expect(told).toEqual([`${first} 1`, `${second} 1`]);
  });

  it('is never counted twice: what may have been stored is not told again', async () => {
    const { times, told, failures, tell } = open();
    failures.set(
      first,
      () => new AppError('TIMEOUT', 'the database did not answer within the deadline', { cause: new Error('late') }),
    );
    for (const tenant of [first, second]) times.took(tenant, route, 100);
    await tell();
    failures.clear();
    await tell();
    expect(told).toEqual([`${second} 1`]);
  });

  it('is kept of a thousand versions at most', async () => {
    const { times, told, failures, tell } = open();
    failures.set(first, away);
    times.took(first, route, 100);
    for (let version = 2; version < 1_100; version++) times.took(first, { id: route.id, version }, 100);
    await tell();
    failures.clear();
    await tell();
    expect(told).toHaveLength(1_000);
  });
});
