import type { Statements } from '../db/connection.ts';
import { AppError } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { SigningAlgorithm } from './algorithms.ts';
import { requireHeld } from './hand-out.ts';
import type { IssuerRow, RoleGrant } from './issuers.table.ts';
import { findRole } from './people.ts';

/** How the tokens of an issuer are read. */
export type Reading = Pick<IssuerRow, 'algorithms' | 'subjectClaim' | 'emailClaim' | 'roleClaim' | 'roles' | 'defaultRole'>;

/** The same, as a caller gives it. */
export interface ReadingInput {
  readonly algorithms?: readonly SigningAlgorithm[] | null;
  readonly subjectClaim?: string | null;
  readonly emailClaim?: string | null;
  readonly roleClaim?: string | null;
  readonly roles?: readonly RoleGrant[] | null;
  readonly defaultRole?: string | null;
}

const longestName = 200;
const longestUrl = 512;
const mostRoles = 100;
const usual: Reading = {
  algorithms: [],
  subjectClaim: 'sub',
  emailClaim: 'email',
  roleClaim: null,
  roles: [],
  defaultRole: null,
};

/** An issuer's URL, to the letter: tokens are compared with it. INVALID_INPUT for what no issuer has (OpenID Connect Discovery, 2). */
export function urlOf(given: string): string {
  const isUrl = given.length <= longestUrl && /^https?:\/\/[\x21-\x7e]+$/.test(given) && URL.canParse(given);
  if (!isUrl || /[?#]/.test(given))
    throw invalid(
      'url',
      `a URL of an issuer begins with https:// and has at most ${longestUrl} characters, no query and no fragment`,
    );
  return given;
}

/** What tokens must be for: the tenant itself unless it is said, and never another tenant. */
export function audienceOf({ tenantId }: Scope, given: string | null | undefined): string {
  if (given == null) return tenantId;
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,510}[\x21-\x7e])?$/.test(given))
    throw invalid('audience', 'an audience has 1 to 512 characters of ASCII');
  // The ids of tenants are theirs: nobody takes one before its tenant does.
  if (given !== tenantId && uuidOfId(given, 'ten') !== null) throw invalid('audience', 'this is the id of another tenant');
  return given;
}

/** What people call it. */
export function nameOf(given: string): string {
  return textOf(given, 'a name', ['input', 'name']);
}

/** A reading as it was asked for, on top of the one before. INVALID_INPUT names the field. */
export function readingOf(input: ReadingInput, before: Reading = usual): Reading {
  const { algorithms, subjectClaim, emailClaim, roleClaim, roles, defaultRole } = input;
  if (algorithms?.length === 0) throw invalid('algorithms', 'an issuer needs an algorithm');
  const reading = {
    algorithms: algorithms ? [...new Set(algorithms)] : before.algorithms,
    subjectClaim: subjectClaim == null ? before.subjectClaim : claimNameOf(subjectClaim, 'subjectClaim'),
    emailClaim: emailClaim === undefined ? before.emailClaim : emailClaim && claimNameOf(emailClaim, 'emailClaim'),
    roleClaim: roleClaim === undefined ? before.roleClaim : roleClaim && claimNameOf(roleClaim, 'roleClaim'),
    roles: roles ? rolesOf(roles) : before.roles,
    defaultRole: defaultRole === undefined ? before.defaultRole : defaultRole,
  };
  if (reading.roles.length > 0 && reading.roleClaim === null) throw invalid('roleClaim', 'roles need the claim that they are in');
  if (reading.roles.length === 0 && reading.defaultRole === null)
    throw invalid('roles', 'nobody could have a role: give roles and their claim, or defaultRole');
  return reading;
}

/** Throws unless the tenant has all roles that a reading gives, and the scope may do what they may do: nobody hands out more. */
export async function checkRoles(statements: Statements, scope: Scope, { roles, defaultRole }: Reading): Promise<void> {
  const given = roles.map(({ role }, index) => ({ role, path: ['input', 'roles', index, 'role'] }));
  if (defaultRole !== null) given.push({ role: defaultRole, path: ['input', 'defaultRole'] });
  for (const { role, path } of given) {
    const permissions = await findRole(statements, scope, role);
    if (!permissions) throw new AppError('NOT_FOUND', 'no such role', { path });
    for (const permission of permissions) requireHeld(scope, permission, path);
  }
}

function rolesOf(given: readonly RoleGrant[]): RoleGrant[] {
  if (given.length > mostRoles) throw invalid('roles', `an issuer gives at most ${mostRoles} roles, not ${given.length}`);
  const seen = new Set<string>();
  return given.map(({ value: text, role }, index) => {
    const path = ['input', 'roles', index, 'value'];
    const value = textOf(text, 'a role', path);
    if (seen.has(value)) throw new AppError('INVALID_INPUT', `the role ${value} is there twice`, { path });
    seen.add(value);
    return { value, role };
  });
}

function claimNameOf(given: string, field: string): string {
  return textOf(given, 'the name of a claim', ['input', field]);
}

function textOf(given: string, what: string, path: readonly (string | number)[]): string {
  const text = given.trim();
  const { length } = Array.from(text);
  if (length >= 1 && length <= longestName && !/\p{Cc}/u.test(text)) return text;
  throw new AppError('INVALID_INPUT', `${what} has 1 to ${longestName} characters, none of them a control character`, { path });
}

function invalid(field: string, message: string): AppError {
  return new AppError('INVALID_INPUT', message, { path: ['input', field] });
}
