import { allPermissions, installationPermissions, type Permission } from '../kernel/scope.ts';
import type { MemberRow } from '../tenants/tenants.table.ts';

/** What everybody in a tenant may do; keys without `keys:others` are the own ones. */
const everybody = [
  'templates:read',
  'models:read',
  'keys:read',
  'keys:write',
  'schema:introspect',
] as const satisfies Permission[];

const tenantPermissions = allPermissions.filter((permission) => !installationPermissions.has(permission));

/** The roles that every tenant has, by name; a new permission is the owner's and the admin's until it is written down elsewhere too. */
export const builtInRoles: ReadonlyMap<string, readonly Permission[]> = new Map(
  Object.entries({
    owner: tenantPermissions,
    admin: tenantPermissions.filter((permission) => permission !== 'tenant:delete'),
    editor: [...everybody, 'generations:read', 'generations:write', 'generations:others', 'members:read'],
    reviewer: [...everybody, 'generations:read', 'generations:others', 'members:read'],
    analyst: [...everybody, 'usage:read', 'budgets:read'],
    operator: [...everybody, 'health:read', 'providers:read', 'routes:read', 'usage:read', 'budgets:read'],
    member: [...everybody, 'generations:read', 'generations:write'],
  } satisfies Record<string, readonly Permission[]>),
);

/** The role that a tenant is never without. */
export const ownerRole = 'owner';

/** What of a tenant decides about what its roles may do. */
export interface TenantKind {
  readonly runsInstallation: boolean;
}

/** The built-in roles that may also do what is about the installation, in a tenant that runs it. */
const ruling: readonly string[] = [ownerRole, 'admin'];

/**
 * What a role may do; `own` are the permissions of the tenant's own role of this name, null when it has none. Nothing for a role that is not
 * there. In a tenant that does not run the installation nobody may do what is about it.
 */
export function permissionsOfRole(name: string, own: readonly string[] | null, tenant: TenantKind): readonly Permission[] {
  return permissionsOfRoles([name], builtInRoles.has(name) ? [] : (own ?? []), tenant);
}

/** What somebody may do who has all of these roles; `own` are the permissions of those among them that are the tenant's own. */
export function permissionsOfRoles(
  names: readonly string[],
  own: readonly string[],
  { runsInstallation }: TenantKind,
): readonly Permission[] {
  const held = new Set<string>([...own, ...names.flatMap((name) => builtInRoles.get(name) ?? [])]);
  if (names.some((name) => ruling.includes(name))) for (const permission of installationPermissions) held.add(permission);
  return allPermissions.filter(
    (permission) => held.has(permission) && (runsInstallation || !installationPermissions.has(permission)),
  );
}

/** The names of the roles of a member: the one they were given here, or those that their last token claimed. */
export function rolesOfMember({ role, claimedRoles }: Pick<MemberRow, 'role' | 'claimedRoles'>): readonly string[] {
  return claimedRoles ?? [role];
}

/** Those that this build knows: another may have stored more. */
export function knownPermissions(stored: readonly string[]): Permission[] {
  return allPermissions.filter((permission) => stored.includes(permission));
}

/** In the place of a key's permissions: all that its member may do, also what they may do later. */
export const everything = '*';

/** What a key may do for a member with this role. */
export function permissionsOfKey(key: readonly string[], role: readonly Permission[]): ReadonlySet<Permission> {
  return new Set(key.includes(everything) ? role : role.filter((permission) => key.includes(permission)));
}
