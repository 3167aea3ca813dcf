import { AppError } from './errors.ts';

/** The closed list of permissions; a key or role holds a subset. */
export const permissions = {
  'templates:read': 'See templates and their versions.',
  'generations:read': 'See generations, their text and their stream.',
  'generations:write': 'Start, cancel, retry and delete generations.',
  'generations:others': 'See and change also generations of other members; without it there are only the own ones.',
  'models:read': 'See the models that can be chosen.',
  'usage:read': 'See what the generations of all members used and cost.',
  'providers:read': 'See providers and how their models do.',
  'routes:read': 'See routes, their versions, and what they come to.',
  'routes:write': 'Publish, roll back, test and delete routes.',
  'tenant:write': 'Change settings of the tenant.',
  'tenant:delete': 'Delete the tenant with everything in it.',
  'members:read': 'See members, roles and invitations.',
  'members:write': 'Invite, change and remove members.',
  'roles:write': 'Create, change and delete roles.',
  'limits:write': 'Set limits of the tenant and its members, below what the installation allows.',
  'budgets:read': 'See budgets, what is used of them and what is left.',
  'budgets:write': 'Set and delete budgets.',
  'keys:read': 'See API keys, never their secrets.',
  'keys:write': 'Create, rotate and revoke API keys.',
  'keys:others': 'See and revoke also keys of other members; without it there are only the own ones.',
  'issuers:read': 'See the OIDC issuers whose tokens are taken.',
  'issuers:write': 'Register, change and delete OIDC issuers.',
  'audit:read': 'See, verify, watch and export the audit log.',
  'credentials:read': 'See for which providers the tenant has keys of its own, never the keys.',
  'credentials:write': 'Set and delete the tenant’s own keys for providers.',
  'tenants:create': 'Make tenants. Only a tenant that runs the installation has it.',
  'schema:introspect': 'Ask the schema about itself.',
  'schema:federate': 'Act as a federation gateway: `_service` and `_entities`.',
  'health:read': 'See the details of readiness.',
} as const;

export type Permission = keyof typeof permissions;
export const allPermissions = Object.keys(permissions) as Permission[];

/** Those about the installation as a whole: whatever is stored, only who is in a tenant that runs it has them. */
export const installationPermissions: ReadonlySet<Permission> = new Set(['tenants:create']);

/** What proved who acts: an API key, a token of an issuer that the tenant registered, or an invitation. */
export type Proof =
  | { readonly kind: 'key'; readonly id: string }
  /** Nobody yet: its member is the one that accepting it makes, and accepting is all it may do. */
  | { readonly kind: 'invitation'; readonly id: string }
  /** `id` is the issuer's, as it was at `revision`; `roles` are those that the token's claims gave by it. */
  | {
      readonly kind: 'token';
      readonly id: string;
      readonly expiresAt: Date;
      readonly revision: number;
      readonly roles: readonly string[];
    };

/** Where an operation came from. */
export interface Origin {
  readonly transport: string;
  /** The client's address, as far as it can be believed. */
  readonly address: string;
  readonly requestId: string;
}

/** Who acts, for which tenant, with which permissions: the first argument of every service method. */
export class Scope {
  private current: ReadonlySet<Permission>;

  constructor(
    readonly tenantId: string,
    readonly memberId: string,
    readonly proof: Proof,
    held: Iterable<Permission>,
    /** Null before there is an operation, and for what the product does by itself. */
    readonly origin: Origin | null = null,
  ) {
    this.current = held instanceof Set ? held : new Set(held);
  }

  /** What it may do now; another set after each change. */
  get held(): ReadonlySet<Permission> {
    return this.current;
  }

  /** From now on it may do this: what outlives a request keeps its scope, and whoever watches over it keeps the scope true. */
  change(held: ReadonlySet<Permission>): void {
    this.current = held;
  }

  /** The same scope for one operation; scopes are remembered between operations, their origins are not. */
  from(origin: Origin): Scope {
    return new Scope(this.tenantId, this.memberId, this.proof, this.held, origin);
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
    if (!this.can(permission)) throw missing(permission);
  }
}

/** The refusal for want of a permission. */
export function missing(permission: Permission): AppError {
  return new AppError('FORBIDDEN', `this needs the permission ${permission}`);
}

/** What whoever holds something open is told about its scope; `E` is how errors are said there. */
export interface ScopeEvents<E> {
  /** Once, and never at once: what proved the scope is over. */
  readonly onEnd: (error: E) => void;
  /** In the place of `onEnd` where it is there: the proof has run out by its own time, as tokens do. */
  readonly onRunOut?: (() => void) | undefined;
  /** The scope may do other things than before, and says so itself by now. */
  readonly onChange?: (() => void) | undefined;
  /** What the scope held when it was let in, where that was a while ago; what it holds now when absent. */
  readonly held?: ReadonlySet<Permission> | undefined;
}

/** Something proved who calls, and is no longer good: revoked, expired, suspended. Whoever it was is known, so that the refusal can be told of. */
export class ProofRefused extends AppError {
  constructor(
    { code, message }: AppError,
    readonly scope: Scope,
  ) {
    super(code, message);
  }
}
