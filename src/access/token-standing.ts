import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Permission } from '../kernel/scope.ts';
import { permissionsOfRole } from './roles.ts';
import { suspended, type Standing } from './standing.ts';

/** A member, and the roles that a token gave them. */
export interface TokenHolder {
  readonly tenantId: string;
  readonly memberId: string;
  readonly roles: readonly string[];
}

interface MemberRow {
  id: string;
  is_suspended: boolean;
  runs_installation: boolean;
}

interface RoleRow {
  tenant_id: string;
  name: string;
  permissions: string[];
}

/**
 * How it stands with the holders of tokens, in their order: they may do what all their roles allow together; null for members who were
 * removed, or whose tenant was deleted. One of the acts without a tenant (protocol.md, rule 20): the holders are whoever is connected.
 */
export async function readTokenStandings(
  engine: Statements,
  holders: readonly TokenHolder[],
  deadlineMs?: number,
): Promise<(Standing | null)[]> {
  const memberIds = [...new Set(holders.map(({ memberId }) => uuidOf(memberId, 'mem')))];
  const tenantIds = [...new Set(holders.map(({ tenantId }) => uuidOf(tenantId, 'ten')))];
  const names = [...new Set(holders.flatMap(({ roles }) => roles))];
  const options = { idempotent: true, ...(deadlineMs !== undefined && { deadlineMs }) };
  const [members, ownRoles] = await Promise.all([
    engine.sql<MemberRow>(
      (sql) => sql`
        select m.id, t.suspended_at is not null as is_suspended, t.runs_installation
        from members m join tenants t on t.id = m.tenant_id and t.deleted_at is null
        where m.tenant_id = any(${tenantIds}::uuid[]) and m.id = any(${memberIds}::uuid[]) and m.removed_at is null`,
      options,
    ),
    engine.sql<RoleRow>(
      (sql) => sql`
        select tenant_id, name, permissions from roles where tenant_id = any(${tenantIds}::uuid[]) and name = any(${names}::text[])`,
      options,
    ),
  ]);
  const known = new Map(members.map((row) => [idOfUuid('mem', row.id), row]));
  const own = new Map(ownRoles.map((row) => [`${idOfUuid('ten', row.tenant_id)} ${row.name}`, row.permissions]));
  return holders.map(({ tenantId, memberId, roles }) => {
    const found = known.get(memberId);
    if (!found) return null;
    if (found.is_suspended) return { refusal: suspended() };
    const tenant = { runsInstallation: found.runs_installation };
    const held = new Set<Permission>(
      roles.flatMap((name) => permissionsOfRole(name, own.get(`${tenantId} ${name}`) ?? null, tenant)),
    );
    return { held, endsInMs: Infinity, refusal: null };
  });
}
