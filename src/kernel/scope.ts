import { AppError } from './errors.ts';

/** The closed list of permissions; a key or role holds a subset. */
export const permissions = {
  'templates:read': 'See templates and their versions.',
  'generations:read': 'See generations, their text and their stream.',
  'generations:write': 'Start, cancel, retry and delete generations.',
  'models:read': 'See the models that can be chosen.',
  'tenant:write': 'Change settings of the tenant.',
  'keys:read': 'See API keys, never their secrets.',
  'keys:write': 'Create, rotate and revoke API keys.',
  'schema:introspect': 'Ask the schema about itself.',
  'schema:federate': 'Act as a federation gateway: `_service` and `_entities`.',
  'health:read': 'See the details of readiness.',
} as const;

export type Permission = keyof typeof permissions;
export const allPermissions = Object.keys(permissions) as Permission[];

/** Who acts, for which tenant, with which permissions: the first argument of every service method. */
export class Scope {
  private readonly held: ReadonlySet<Permission>;

  constructor(
    readonly tenantId: string,
    readonly memberId: string,
    /** The key that proved it. */
    readonly keyId: string,
    held: Iterable<Permission>,
  ) {
    this.held = new Set(held);
  }

  get permissions(): Permission[] {
    return allPermissions.filter((permission) => this.held.has(permission));
  }

  can(permission: Permission): boolean {
    return this.held.has(permission);
  }

  /** Throws FORBIDDEN, naming the permission that is missing. */
  require(permission: Permission): void {
    if (!this.can(permission)) throw new AppError('FORBIDDEN', `this needs the permission ${permission}`);
  }
}
