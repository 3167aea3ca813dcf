import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { idOfUuid, uuidOfId } from '../kernel/id.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import { builtInRoles, permissionsOfRole } from './roles.ts';

/** A member, and what their role may do. */
export interface Person {
  readonly id: string;
  readonly role: string;
  readonly permissions: readonly Permission[];
}

interface PersonRow {
  id: string;
  role: string;
  permissions: string[] | null;
  runs_installation: boolean;
}

/** The members of the scope's tenant with these ids. Removed ones are missing. */
export async function readPeople(statements: Statements, scope: Scope, ids: readonly string[]): Promise<Map<string, Person>> {
  const uuids = ids.flatMap((id) => uuidOfId(id, 'mem') ?? []);
  const rows = await statements.sql<PersonRow>(
    (sql) => sql`
      select m.id, m.role, r.permissions, t.runs_installation from members m join tenants t on t.id = m.tenant_id
      left join roles r on r.tenant_id = m.tenant_id and r.name = m.role
      where m.tenant_id = ${uuidOf(scope.tenantId, 'ten')} and m.id = any(${uuids}::uuid[]) and m.removed_at is null`,
    { idempotent: true },
  );
  return new Map(
    rows.map(({ id: uuid, role, permissions, runs_installation: runsInstallation }) => {
      const id = idOfUuid('mem', uuid);
      return [id, { id, role, permissions: permissionsOfRole(role, permissions, { runsInstallation }) }];
    }),
  );
}

/** What the role of the scope's own member may do. */
export async function ownRole(statements: Statements, scope: Scope): Promise<readonly Permission[]> {
  return (await readPeople(statements, scope, [scope.memberId])).get(scope.memberId)?.permissions ?? [];
}

/**
 * Keeps everybody else from changing people and roles of the tenant until the transaction ends: what is counted stays so. FORBIDDEN when
 * the caller was sent away while it waited, or may not do any more what it could when it was let in.
 */
export async function lockPeople(transaction: Statements, scope: Scope): Promise<void> {
  // Not `for update`: what points at the tenant (rate limits, people) goes on being written.
  await transaction.sql((sql) => sql`select from tenants where id = ${uuidOf(scope.tenantId, 'ten')} for no key update`);
  const own = (await readPeople(transaction, scope, [scope.memberId])).get(scope.memberId);
  if (!own) throw new AppError('FORBIDDEN', 'you are no member any more');
  const isAsBefore = scope.proof.kind !== 'key' || scope.permissions.every((permission) => own.permissions.includes(permission));
  if (!isAsBefore) throw new AppError('FORBIDDEN', 'your role was changed just now');
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
