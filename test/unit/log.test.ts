import { expect, it } from 'vitest';
import { openLog } from '../../src/kernel/log.ts';

/** The fields of the line that a message with these is, as it is read. */
function lineOf(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }).info(fields, 'said');
  const { level: _level, time: _time, msg, ...rest } = JSON.parse(lines.join('')) as Record<string, unknown>;
  expect(msg).toBe('said');
  return rest;
}

const secrets = [
  'authorization',
  'password',
  'secret',
  'apiKey',
  'key',
  'token',
  'variables',
  'text',
  'prompt',
  'draft',
  'cookie',
];

it.each(secrets)('never writes what is named %s, however deep', (name) => {
  const fields = {
    [name]: 'canary',
    at: { [name]: { inside: 'canary' }, list: [{ [name]: 7 }], deep: { er: { [name]: 'canary' } } },
  };
  expect(lineOf(fields)).toEqual({
    [name]: '[redacted]',
    at: { [name]: '[redacted]', list: [{ [name]: '[redacted]' }], deep: { er: { [name]: '[redacted]' } } },
  });
});

it('writes all else as it is, and leaves what it was given alone', () => {
  const given = { model: 'a/b', nested: { apiKey: 'canary', count: 2, at: new Date(0) }, none: null, list: ['a', { n: 1 }] };
  const before = structuredClone(given);
  expect(lineOf(given)).toEqual({
    model: 'a/b',
    nested: { apiKey: '[redacted]', count: 2, at: '1970-01-01T00:00:00.000Z' },
    none: null,
    list: ['a', { n: 1 }],
  });
  expect(given).toEqual(before);
});

it('is not led round in circles', () => {
  const circle: Record<string, unknown> = { token: 'canary' };
  circle['again'] = circle;
  expect(JSON.stringify(lineOf({ circle }))).not.toContain('canary');
});
