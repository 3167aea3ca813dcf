import type { TenantScope } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid, uuidOfId } from '../kernel/id.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import { builtInRoles, permissionsOfRole, permissionsOfRoles } from './roles.ts';
import { readKeyStandings, type Standing } from './standing.ts';
import { readTokenStandings } from './token-standing.ts';

/**
 * A member, and what they may do. People have the role that they were given here; people of an issuer have the roles that the claims of
 * their last token gave them, whatever they came with.
 */
export interface Person {
  readonly id: string;
  readonly roles: readonly string[];
  /** Whether an issuer decides about their roles: they may be others any day. */
  readonly isClaimed: boolean;
  readonly permissions: readonly Permission[];
}

interface PersonRow {
  id: string;
  roles: string[];
  is_claimed: boolean;
  own: string[];
  runs_installation: boolean;
}

/** The members of the scope's tenant with these ids. Removed ones are missing. */
export async function readPeople(
  statements: Statements,
  { tenantId }: TenantScope,
  ids: readonly string[],
): Promise<Map<string, Person>> {
  const uuids = ids.flatMap((id) => uuidOfId(id, 'mem') ?? []);
  const rows = await statements.sql<PersonRow>(
    (sql) => sql`
      select m.id, coalesce(m.claimed_roles, array[m.role]) as roles, m.claimed_roles is not null as is_claimed,
        array(
          select unnest(r.permissions) from roles r
          where r.tenant_id = m.tenant_id and r.name = any(coalesce(m.claimed_roles, array[m.role]))) as own,
        t.runs_installation
      from members m join tenants t on t.id = m.tenant_id
      where m.tenant_id = ${uuidOf(tenantId, 'ten')} and m.id = any(${uuids}::uuid[]) and m.removed_at is null`,
    { idempotent: true },
  );
  return new Map(
    rows.map(({ id: uuid, roles, is_claimed: isClaimed, own, runs_installation: runsInstallation }) => {
      const id = idOfUuid('mem', uuid);
      return [id, { id, roles, isClaimed, permissions: permissionsOfRoles(roles, own, { runsInstallation }) }];
    }),
  );
}

/** What the scope's own member may do by their roles: with a token those that its claims gave, else as the member's. */
export async function ownPermissions(statements: Statements, scope: Scope): Promise<readonly Permission[]> {
  if (scope.proof.kind !== 'token')
    return (await readPeople(statements, scope, [scope.memberId])).get(scope.memberId)?.permissions ?? [];
  const standing = await tokenStanding(statements, scope, scope.proof.roles);
  return standing && !standing.refusal ? [...standing.held] : [];
}

/** Keeps everybody else from changing people, roles and issuers of the tenant until the transaction ends: what is counted stays so. */
export async function lockTenant(transaction: Statements, { tenantId }: TenantScope): Promise<void> {
  // Not `for update`: what points at the tenant (rate limits, people) goes on being written.
  await transaction.sql((sql) => sql`select from tenants where id = ${uuidOf(tenantId, 'ten')} for no key update`);
}

/**
 * The same for somebody who changes them. FORBIDDEN when the caller was sent away while it waited, its key or issuer is over, or it may not
 * do any more what it could when it was let in.
 */
export async function lockPeople(transaction: Statements, scope: Scope): Promise<void> {
  await lockTenant(transaction, scope);
  await requireStanding(transaction, scope);
}

/** Throws FORBIDDEN as `lockPeople` does: what was remembered of the caller may let nobody make what outlives its own end. */
export async function requireStanding(transaction: Statements, scope: Scope): Promise<void> {
  const standing = await standingNow(transaction, scope);
  if (standing.refusal) throw standing.refusal;
  if (!scope.permissions.every((permission) => standing.held.has(permission)))
    throw new AppError('FORBIDDEN', 'your role was changed just now');
}

/** How it stands with what proved the scope, as the transaction sees it. */
async function standingNow(transaction: Statements, scope: Scope): Promise<Standing> {
  const { proof, memberId } = scope;
  if (!(await readPeople(transaction, scope, [memberId])).has(memberId)) return over('you are no member any more');
  if (proof.kind === 'key')
    return (
      (await readKeyStandings(transaction, [proof.id])).get(proof.id)?.standing ?? over('this key was revoked or has expired')
    );
  if (proof.kind !== 'token') return over(`nobody is changed with this ${proof.kind}`);
  const [issuer] = await transaction.sql(
    (sql) => sql`
      select from issuers
      where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and id = ${uuidOf(proof.id, 'iss')} and revision = ${proof.revision}
        and is_enabled and deleted_at is null`,
  );
  if (!issuer) return over('the issuer of this token was changed or deleted');
  return (await tokenStanding(transaction, scope, proof.roles)) ?? over('you are no member any more');
}

async function tokenStanding(
  statements: Statements,
  { tenantId, memberId }: Scope,
  roles: readonly string[],
): Promise<Standing | null> {
  const [standing = null] = await readTokenStandings(statements, [{ tenantId, memberId, roles }]);
  return standing;
}

function over(message: string): Standing {
  return { refusal: new AppError('FORBIDDEN', message) };
}

/** What a role of this name may do; null when the tenant has none. */
export async function findRole(statements: Statements, scope: Scope, name: string): Promise<readonly Permission[] | null> {
  const [row] = await statements.sql<{ permissions: string[] | null; runs_installation: boolean }>(
    (sql) => sql`
      select r.permissions, t.runs_installation from tenants t left join roles r on r.tenant_id = t.id and r.name = ${name}
      where t.id = ${uuidOf(scope.tenantId, 'ten')}`,
    { idempotent: true },
  );
  if (!row || (row.permissions === null && !builtInRoles.has(name))) return null;
  return permissionsOfRole(name, row.permissions, { runsInstallation: row.runs_installation });
}
