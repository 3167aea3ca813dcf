import { AppError } from '../kernel/errors.ts';
import { allPermissions, type Permission, type Scope } from '../kernel/scope.ts';

const path = ['input', 'permissions'];

/** The permissions that somebody gives on: INVALID_INPUT for one that is none, FORBIDDEN for one that they do not have. `thing` is what gets them. */
export function permissionsGiven(scope: Scope, given: readonly string[], thing: string): Permission[] {
  if (given.length === 0) throw new AppError('INVALID_INPUT', `a ${thing} needs a permission`, { path });
  given.forEach((permission, index) => {
    if (!(allPermissions as string[]).includes(permission))
      throw new AppError('INVALID_INPUT', 'no such permission', { path: [...path, index] });
    requireHeld(scope, permission as Permission, [...path, index]);
  });
  return allPermissions.filter((permission) => given.includes(permission));
}

/** Throws FORBIDDEN for a permission that the scope has not. */
export function requireHeld(scope: Scope, permission: Permission, at: readonly (string | number)[]): void {
  if (!scope.can(permission))
    throw new AppError('FORBIDDEN', `nobody hands out what they do not have: ${permission}`, { path: at });
}

/** Throws FORBIDDEN when somebody may do more than the scope: who may do less neither changes them nor sends them away. */
export function requireNoLess(scope: Scope, theirs: Iterable<Permission>, at: readonly (string | number)[]): void {
  for (const permission of theirs)
    if (!scope.can(permission)) throw new AppError('FORBIDDEN', `they may do what you may not: ${permission}`, { path: at });
}
