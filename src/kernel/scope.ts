import { AppError } from './errors.ts';

/** The closed list of permissions; a key or role holds a subset. */
export const permissions = {
  'templates:read': 'See templates and their versions.',
  'generations:read': 'See generations, their text and their stream.',
  'generations:write': 'Start, cancel, retry and delete generations.',
  'models:read': 'See the models that can be chosen.',
  'tenant:write': 'Change settings of the tenant.',
  'limits:write': 'Set limits of the tenant and its members, below what the installation allows.',
  'keys:read': 'See API keys, never their secrets.',
  'keys:write': 'Create, rotate and revoke API keys.',
  'schema:introspect': 'Ask the schema about itself.',
  'schema:federate': 'Act as a federation gateway: `_service` and `_entities`.',
  'health:read': 'See the details of readiness.',
} as const;

export type Permission = keyof typeof permissions;
export const allPermissions = Object.keys(permissions) as Permission[];

/** What proved who acts: an API key, or a token of an issuer that the tenant registered. */
export type Proof =
  | { readonly kind: 'key'; readonly id: string }
  /** `id` is the issuer's. */
  | { readonly kind: 'token'; readonly id: string; readonly expiresAt: Date };

/** Who acts, for which tenant, with which permissions: the first argument of every service method. */
export class Scope {
  private readonly held: ReadonlySet<Permission>;

  constructor(
    readonly tenantId: string,
    readonly memberId: string,
    readonly proof: Proof,
    held: Iterable<Permission>,
  ) {
    this.held = new Set(held);
  }

  /** The API key that proved it; null when something else did. */
  get keyId(): string | null {
    return this.proof.kind === 'key' ? this.proof.id : null;
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
