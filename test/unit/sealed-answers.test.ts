import { expect, it } from 'vitest';
import { seal, unseal } from '../../src/idempotency/seal.ts';

const of = { secret: 'a secret', key: 'an idempotency key', context: ['tenant', 'member', 'key', 'key_1', 'apiKeyCreate'] };
const text = 'dw_live_𝒢_secret';

it('opens for the same caller with the same key, and is never the same twice', () => {
  const [one, other] = [seal(text, of), seal(text, of)];
  expect([unseal(one, of), unseal(other, of)]).toEqual([text, text]);
  expect(one).not.toBe(other);
  expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('secret');
});

it.each([
  ['another secret', { ...of, secret: 'other' }],
  ['another idempotency key', { ...of, key: 'other' }],
  ['another member', { ...of, context: of.context.with(1, 'other') }],
  ['another proof', { ...of, context: of.context.with(3, 'key_2') }],
  ['parts that run into each other', { ...of, secret: 'a secret"', key: of.key }],
])('stays shut for %s', (_what, other) => {
  expect(unseal(seal(text, of), other)).toBeNull();
});

it('stays shut when a byte of it was changed, or some are gone', () => {
  const bytes = Buffer.from(seal(text, of), 'base64url');
  for (const index of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(unseal(changed.toString('base64url'), of), String(index)).toBeNull();
  }
  for (let length = 0; length < bytes.length; length++)
    expect(unseal(bytes.subarray(0, length).toString('base64url'), of), String(length)).toBeNull();
});

it('opens what an earlier release has stored', () => {
  const stored = 'QgHzxCGjX1A9vyGV6kM1aEAtE9KbOBXObvTEziihgep1uE8LIIAyWgmgyCV0AktbR2_jLckMMSsQm_-soX7d';
  expect(unseal(stored, of)).toBe(text);
});
