import { AppError } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import { allPermissions, type Permission, type Scope } from '../kernel/scope.ts';
import type { SigningAlgorithm } from './algorithms.ts';
import type { IssuerRow, RoleGrant } from './issuers.table.ts';

/** How the tokens of an issuer are read. */
export type Reading = Pick<
  IssuerRow,
  'algorithms' | 'subjectClaim' | 'emailClaim' | 'roleClaim' | 'roles' | 'defaultPermissions'
>;

/** The same, as a caller gives it. */
export interface ReadingInput {
  readonly algorithms?: readonly SigningAlgorithm[] | null;
  readonly subjectClaim?: string | null;
  readonly emailClaim?: string | null;
  readonly roleClaim?: string | null;
  readonly roles?: readonly { readonly value: string; readonly permissions: readonly string[] }[] | null;
  readonly defaultPermissions?: readonly string[] | null;
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
  defaultPermissions: null,
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

/** A reading as it was asked for, on top of the one before. INVALID_INPUT and FORBIDDEN name the field. */
export function readingOf(scope: Scope, input: ReadingInput, before: Reading = usual): Reading {
  const { algorithms, subjectClaim, emailClaim, roleClaim, roles, defaultPermissions } = input;
  if (algorithms?.length === 0) throw invalid('algorithms', 'an issuer needs an algorithm');
  return {
    algorithms: algorithms ? [...new Set(algorithms)] : before.algorithms,
    subjectClaim: subjectClaim == null ? before.subjectClaim : claimNameOf(subjectClaim, 'subjectClaim'),
    emailClaim:
      emailClaim == null ? (emailClaim === undefined ? before.emailClaim : null) : claimNameOf(emailClaim, 'emailClaim'),
    roleClaim: roleClaim == null ? (roleClaim === undefined ? before.roleClaim : null) : claimNameOf(roleClaim, 'roleClaim'),
    roles: roles ? rolesOf(scope, roles) : before.roles,
    defaultPermissions:
      defaultPermissions == null
        ? defaultPermissions === undefined
          ? before.defaultPermissions
          : null
        : permissionsOf(scope, defaultPermissions, ['input', 'defaultPermissions']),
  };
}

/** Refuses a reading by which nobody could do anything, and one that gives what its maker does not have. */
export function checkGrants({ roleClaim, roles, defaultPermissions }: Reading, maker?: Scope): void {
  if (roles.length > 0 && roleClaim === null) throw invalid('roleClaim', 'roles need the claim that they are in');
  if (roles.length === 0 && defaultPermissions === null)
    throw invalid('roles', 'nobody could do anything: give roles and their claim, or defaultPermissions');
  if (!maker) return;
  for (const permission of [...roles.flatMap(({ permissions }) => permissions), ...(defaultPermissions ?? [])])
    requireHeld(maker, permission, ['input']);
}

function rolesOf(scope: Scope, given: NonNullable<ReadingInput['roles']>): RoleGrant[] {
  if (given.length > mostRoles) throw invalid('roles', `an issuer has at most ${mostRoles} roles, not ${given.length}`);
  const seen = new Set<string>();
  return given.map(({ value, permissions }, index) => {
    const path = ['input', 'roles', index];
    const role = textOf(value, 'a role', [...path, 'value']);
    if (seen.has(role)) throw new AppError('INVALID_INPUT', `the role ${role} is there twice`, { path: [...path, 'value'] });
    seen.add(role);
    return { value: role, permissions: permissionsOf(scope, permissions, [...path, 'permissions']) };
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

function permissionsOf(scope: Scope, given: readonly string[], path: readonly (string | number)[]): Permission[] {
  if (given.length === 0) throw new AppError('INVALID_INPUT', 'this needs a permission', { path });
  given.forEach((permission, index) => {
    if (!(allPermissions as string[]).includes(permission))
      throw new AppError('INVALID_INPUT', 'no such permission', { path: [...path, index] });
    requireHeld(scope, permission as Permission, [...path, index]);
  });
  return allPermissions.filter((permission) => given.includes(permission));
}

function requireHeld(scope: Scope, permission: Permission, path: readonly (string | number)[]): void {
  if (!scope.can(permission)) throw new AppError('FORBIDDEN', `nobody hands out what they do not have: ${permission}`, { path });
}

function invalid(field: string, message: string): AppError {
  return new AppError('INVALID_INPUT', message, { path: ['input', field] });
}
