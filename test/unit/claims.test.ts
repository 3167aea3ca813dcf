import { describe, expect, it } from 'vitest';
import { personOf, rolesOf } from '../../src/access/claims.ts';

const issuer = { subjectClaim: 'sub', emailClaim: 'email', roleClaim: 'roles', roles: [], defaultRole: null };
const granting = {
  ...issuer,
  roles: [
    { value: 'writer', role: 'editor' },
    { value: 'reader', role: 'reviewer' },
    { value: 'scribe', role: 'editor' },
    { value: 'admin user', role: 'admin' },
  ],
};

describe('the person of a token', () => {
  it.each<readonly [string, Record<string, unknown>, string | null]>([
    ['their address', { email: 'ada@acme.example' }, 'ada@acme.example'],
    ['one that is proved', { email: 'ada@acme.example', email_verified: true }, 'ada@acme.example'],
    ['one that is not proved', { email: 'ada@acme.example', email_verified: false }, null],
    ['none', {}, null],
    ['one that is no text', { email: ['ada@acme.example'] }, null],
    ['one that is none', { email: 'ada' }, null],
    ['one with a line break', { email: 'ada@acme.example\nbcc' }, null],
    ['one that is too long', { email: `${'a'.repeat(250)}@b.example` }, null],
  ])('has %s', (_what, claims, email) => {
    expect(personOf({ sub: 'ada', ...claims }, issuer)).toEqual({ subject: 'ada', email });
  });

  it('is named by any claim, also one within another, and by no inherited one', () => {
    expect(personOf({ user: { id: 'ada' } }, { ...issuer, subjectClaim: 'user.id' })?.subject).toBe('ada');
    expect(personOf({ 'user.id': 'ada', user: { id: 'eve' } }, { ...issuer, subjectClaim: 'user.id' })?.subject).toBe('ada');
    expect(personOf({ 'https://acme.example/id': 'ada' }, { ...issuer, subjectClaim: 'https://acme.example/id' })?.subject).toBe(
      'ada',
    );
    for (const subjectClaim of ['constructor.name', '__proto__', 'toString', 'sub.length', 'user']) {
      expect(personOf({ sub: 'ada', user: {} }, { ...issuer, subjectClaim }), subjectClaim).toBeNull();
    }
  });

  it.each([undefined, null, '', 7, {}, ['ada'], 'a'.repeat(256), 'ada\0', 'ada\ud800'])('is nobody for %j', (sub) => {
    expect(personOf({ sub }, issuer)).toBeNull();
  });
});

describe('the roles of a token', () => {
  it.each<readonly [string, unknown, readonly string[] | null]>([
    ['a role', ['reader'], ['reviewer']],
    ['several, in the order of the issuer', ['reader', 'writer'], ['editor', 'reviewer']],
    ['two that are one here', ['scribe', 'writer'], ['editor']],
    ['one among unknown ones', ['a', 'reader', 'b'], ['reviewer']],
    ['a text', 'reader', ['reviewer']],
    ['words in a text', 'openid reader admin', ['reviewer']],
    ['a text of two words', 'admin user', ['admin']],
    ['unknown ones', ['owner'], null],
    ['one by the name that it has here', ['admin', 'editor'], null],
    ['part of a role', ['read'], null],
    ['another case', ['Reader'], null],
    ['none', [], null],
    ['no claim', undefined, null],
    ['something else', { reader: true }, null],
    ['a list in a list', [['reader']], null],
    ['what every object has', ['__proto__', 'constructor'], null],
  ])('are those of %s', (_what, given, roles) => {
    expect(rolesOf({ roles: given }, granting)).toEqual(roles);
  });

  it('are the issuer’s usual one where no claim gives any, and only there', () => {
    const usual = { ...granting, defaultRole: 'member' };
    expect(rolesOf({ roles: ['guest'] }, usual)).toEqual(['member']);
    expect(rolesOf({}, { ...usual, roleClaim: null })).toEqual(['member']);
    expect(rolesOf({ roles: ['reader'] }, usual)).toEqual(['reviewer']);
  });

  it('are found within another claim', () => {
    const keycloak = { ...granting, roleClaim: 'realm_access.roles' };
    expect(rolesOf({ realm_access: { roles: ['reader'] } }, keycloak)).toEqual(['reviewer']);
  });
});
