import { expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { sql, type SqlTag, type Statement } from '../../src/db/statement.ts';
import { newId } from '../../src/kernel/id.ts';
import { Scope } from '../../src/kernel/scope.ts';
import { UsageService } from '../../src/usage/usage.service.ts';

const scope = new Scope(newId('ten'), newId('mem'), { kind: 'key', id: newId('key') }, new Set(['usage:read']));
const range = { from: new Date('2026-10-01T00:00:00Z'), to: new Date('2026-10-02T00:00:00Z') };

/** Asks a database that answers so. */
async function ask(timeZone: string, answer: () => Promise<unknown[]>): Promise<readonly (string | null)[]> {
  let parameters: readonly (string | null)[] = [];
  const connection = {
    sql(make: (tag: SqlTag) => Statement) {
      parameters = make(sql).compile().parameters;
      return answer();
    },
  };
  const service = new UsageService({ as: () => connection } as unknown as Database);
  await service.page(scope, { first: 1 }, { of: 'GENERATIONS', groupBy: ['DAY'], range, timeZone, withEstimates: false });
  return parameters;
}

it('asks for a time zone by the name that was given, which may be newer than the one that the language has for it', async () => {
  expect(new Intl.DateTimeFormat('en', { timeZone: 'Asia/Kolkata' }).resolvedOptions().timeZone).toBe('Asia/Calcutta');
  expect(await ask('Asia/Kolkata', () => Promise.resolve([]))).toContain('Asia/Kolkata');
});

it('refuses a zone that the language knows and the database does not', async () => {
  const unknown = () => Promise.reject(Object.assign(new Error('time zone not recognized'), { code: '22023' }));
  await expect(ask('Asia/Calcutta', unknown)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['timeZone'] });
});
