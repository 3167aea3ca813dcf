import { and, eq } from 'drizzle-orm';
import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import { allPermissions, Scope, type Permission } from '../kernel/scope.ts';
import { ownPermissions, readPeople } from './people.ts';
import { knownPermissions } from './roles.ts';
import { roles } from './roles.table.ts';

/** Which wall stands in the way of somebody; GRANTED when none does. */
export const permissionReasons = {
  GRANTED: 'No wall stands in the way.',
  ROLE: 'The role of the member does not have the permission.',
  KEY: 'The role has the permission; the key or token in use does not.',
  OTHERS: 'The thing is another member’s, and only the own ones are within reach.',
  BEYOND: 'The person or role may do what the caller may not, and who may do less changes neither; or the role is built in.',
  UNKNOWN: 'There is no such thing in this tenant.',
} as const;
export type PermissionReason = keyof typeof permissionReasons;

/** Whether somebody may do something, and which wall decides. */
export interface Explanation {
  readonly allowed: boolean;
  readonly reason: PermissionReason;
}

/** What is asked: may they do this, and with this thing. */
export interface ExplainInput {
  readonly permission: string;
  readonly nodeId?: string | null;
}

/** Says why somebody may do something, or which wall keeps them from it. */
export class ExplainService {
  constructor(
    private readonly database: Database,
    /** Whether a scope finds the thing, as `node` does. */
    private readonly isFound: (scope: Scope, id: string) => Promise<boolean>,
  ) {}

  /** The first wall that stands in the way: the role, the key, then the thing. INVALID_INPUT for what is no permission. */
  async explain(scope: Scope, { permission: given, nodeId }: ExplainInput): Promise<Explanation> {
    const permission = allPermissions.find((each) => each === given);
    if (!permission) throw new AppError('INVALID_INPUT', 'no such permission', { path: ['permission'] });
    // Everybody sees themselves.
    const isOneself = permission === 'members:read' && nodeId === scope.memberId;
    const wall = isOneself ? null : await this.wallBefore(scope, permission);
    const reason = wall ?? (nodeId == null ? null : await this.wallAround(scope, permission, nodeId));
    return { allowed: reason === null, reason: reason ?? 'GRANTED' };
  }

  private async wallBefore(scope: Scope, permission: Permission): Promise<PermissionReason | null> {
    if (scope.can(permission)) return null;
    const role = await ownPermissions(this.database.as(scope), scope);
    return role.includes(permission) ? 'KEY' : 'ROLE';
  }

  private async wallAround(scope: Scope, permission: Permission, id: string): Promise<PermissionReason | null> {
    const { tenantId, memberId, proof } = scope;
    const withAll = (held: readonly Permission[]) => new Scope(tenantId, memberId, proof, held);
    const isWithin = (each: Permission) => !each.endsWith(':others') || scope.can(each);
    if (!(await this.isFound(withAll(allPermissions), id))) return 'UNKNOWN';
    if (!(await this.isFound(withAll(allPermissions.filter(isWithin)), id))) return 'OTHERS';
    if (permission === 'members:write' && uuidOfId(id, 'mem') !== null) return this.wallOfPerson(scope, id);
    if (permission === 'roles:write' && uuidOfId(id, 'rol') !== null) return this.wallOfRole(scope, id);
    return null;
  }

  /** Those who were removed are found and not changed. */
  private async wallOfPerson(scope: Scope, id: string): Promise<PermissionReason | null> {
    const person = (await readPeople(this.database.as(scope), scope, [id])).get(id);
    if (!person) return 'UNKNOWN';
    return person.permissions.every((each) => scope.can(each)) ? null : 'BEYOND';
  }

  private async wallOfRole(scope: Scope, id: string): Promise<PermissionReason | null> {
    const { query } = this.database.as(scope);
    const isThis = and(eq(roles.tenantId, scope.tenantId), eq(roles.id, id));
    const [own] = await query.select({ permissions: roles.permissions }).from(roles).where(isThis);
    return own && knownPermissions(own.permissions).every((each) => scope.can(each)) ? null : 'BEYOND';
  }
}
