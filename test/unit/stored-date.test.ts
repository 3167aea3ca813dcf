import { expect, it } from 'vitest';
import { StoredDate } from '../../src/db/stored-date.ts';

it.each([
  ['2026-11-21 04:22:15+00', '2026-11-21T04:22:15.000Z'],
  ['2026-11-21 04:22:15.1+00', '2026-11-21T04:22:15.100Z'],
  ['2026-11-21 04:22:15.12+00', '2026-11-21T04:22:15.120Z'],
  ['2026-11-21 04:22:15.120999+00', '2026-11-21T04:22:15.120Z'],
  ['2024-02-29 23:59:59.999999+00', '2024-02-29T23:59:59.999Z'],
  ['1969-12-31 23:59:59.9999+00', '1969-12-31T23:59:59.999Z'],
  ['10000-01-01 00:00:00+00', '+010000-01-01T00:00:00.000Z'],
])('reads and writes %s as the language does', (stored, text) => {
  const date = new StoredDate(stored);
  expect(date.toISOString()).toBe(text);
  expect(date.getTime()).toBe(new Date(text).getTime());
  expect(JSON.stringify(date)).toBe(JSON.stringify(text));
});

it('writes what it was changed to', () => {
  const date = new StoredDate('2026-11-21 04:22:15.123456+00');
  date.setUTCFullYear(2030);
  expect(date.toISOString()).toBe('2030-11-21T04:22:15.123Z');
});

it('is no date when Postgres says infinity', () => {
  expect(new StoredDate('infinity').getTime()).toBeNaN();
});
