import type { Database } from '../db/client.ts';
import { AppError } from '../kernel/errors.ts';
import { allPermissions, Scope, type Permission } from '../kernel/scope.ts';
import { ownPermissions } from './people.ts';

/** Which wall stands in the way of somebody; GRANTED when none does. */
export const permissionReasons = {
  GRANTED: 'No wall stands in the way.',
  ROLE: 'The role of the member does not have the permission.',
  KEY: 'The role has the permission; the key or token in use does not.',
  OTHERS: 'The thing is another member’s, and only the own ones are within reach.',
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
    const reason = (await this.wallBefore(scope, permission)) ?? (nodeId == null ? null : await this.wallAround(scope, nodeId));
    return { allowed: reason === null, reason: reason ?? 'GRANTED' };
  }

  private async wallBefore(scope: Scope, permission: Permission): Promise<PermissionReason | null> {
    if (scope.can(permission)) return null;
    const role = await ownPermissions(this.database.as(scope), scope);
    return role.includes(permission) ? 'KEY' : 'ROLE';
  }

  private async wallAround(scope: Scope, id: string): Promise<PermissionReason | null> {
    const { tenantId, memberId, proof } = scope;
    const withAll = (held: readonly Permission[]) => new Scope(tenantId, memberId, proof, held);
    const isWithin = (permission: Permission) => !permission.endsWith(':others') || scope.can(permission);
    if (!(await this.isFound(withAll(allPermissions), id))) return 'UNKNOWN';
    return (await this.isFound(withAll(allPermissions.filter(isWithin)), id)) ? null : 'OTHERS';
  }
}
