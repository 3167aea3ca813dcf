import { and, asc, eq, inArray } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { givenName } from '../kernel/given.ts';
import { idOfName, newId, uuidOfId } from '../kernel/id.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { tenants } from '../tenants/tenants.table.ts';
import { permissionsGiven, requireNoLess } from './hand-out.ts';
import { lockPeople } from './people.ts';
import { builtInRoles, knownPermissions, permissionsOfRole } from './roles.ts';
import { roles } from './roles.table.ts';

/** A role as people see it, built-in or the tenant's own. */
export interface RoleView {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly isBuiltIn: boolean;
}

/** What to make of a role. */
export interface RoleInput {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly idempotencyKey?: string | null;
}

const longestName = 60;
/** They are shown in one list, without pages. */
const mostRoles = 100;
const path = ['input', 'id'];

const builtInsOf = (runsInstallation: boolean): readonly RoleView[] =>
  [...builtInRoles.keys()].map((name) => ({
    id: idOfName('rol', name),
    name,
    permissions: permissionsOfRole(name, null, { runsInstallation }),
    isBuiltIn: true,
  }));
const [builtIns, rulingBuiltIns] = [builtInsOf(false), builtInsOf(true)];
/** Ids and names of those that may do more where the tenant runs the installation. */
const varying: ReadonlySet<string> = new Set(
  rulingBuiltIns.flatMap(({ id, name, permissions }, index) =>
    permissions.length > (builtIns[index]?.permissions.length ?? 0) ? [id, name] : [],
  ),
);

/** The roles of a tenant. */
export class RoleService {
  constructor(private readonly parts: { readonly database: Database; readonly acts: ActService; readonly bus: Bus }) {}

  /** All of them: the built-in ones, then the tenant's own by name. */
  async all(scope: Scope): Promise<RoleView[]> {
    scope.require('members:read');
    const { query } = this.parts.database.as(scope);
    const [known, own] = await Promise.all([
      this.builtIns(scope),
      query.select().from(roles).where(eq(roles.tenantId, scope.tenantId)).orderBy(asc(roles.name)).limit(mostRoles),
    ]);
    return [...known, ...own.map(viewOf)];
  }

  /** Roles by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(RoleView | null)[]> {
    scope.require('members:read');
    const known = ids.filter((id) => uuidOfId(id, 'rol') !== null);
    return this.find(scope, ids, 'id', known);
  }

  /** Roles by name, for who sees the member that has it; null for unknown ones. */
  async named(scope: Scope, names: readonly string[]): Promise<(RoleView | null)[]> {
    return this.find(scope, names, 'name', names);
  }

  /** Makes a role. INVALID_INPUT names the bad field, FORBIDDEN the permission that the caller does not have; CONFLICT when the name is taken. */
  async create(scope: Scope, input: RoleInput): Promise<RoleView> {
    scope.require('roles:write');
    const name = givenName(input.name, ['input', 'name'], longestName);
    const permissions = permissionsGiven(scope, input.permissions, 'role');
    if (builtInRoles.has(name.toLowerCase()))
      throw new AppError('CONFLICT', 'this is the name of a built-in role', { path: ['input', 'name'] });
    const again = async (id: string) => (await this.find(scope, [id], 'id', [id]))[0] ?? Promise.reject(noSuchRole());
    return this.parts.acts.run(scope, { operation: 'roleCreate', input, again }, async (act) => {
      await lockPeople(act, scope);
      const [count] = await act.sql<{ roles: number; is_taken: boolean }>(
        (sql) => sql`
          select count(*)::int as roles, coalesce(bool_or(name = ${name}), false) as is_taken from roles
          where tenant_id = ${uuidOf(scope.tenantId, 'ten')}`,
      );
      if (count?.is_taken) throw new AppError('CONFLICT', 'there is a role with this name', { path: ['input', 'name'] });
      if ((count?.roles ?? 0) >= mostRoles)
        throw new AppError('LIMIT_EXCEEDED', `a tenant has at most ${mostRoles} roles of its own`);
      const id = newId('rol');
      await act.query.insert(roles).values({ tenantId: scope.tenantId, id, name, permissions });
      act.record({ thing: id, before: null, after: { name, permissions } });
      return { id, name, permissions, isBuiltIn: false };
    });
  }

  /** Changes what a role may do, for everybody who has it. FORBIDDEN when it may do, before or after, what the caller may not. */
  async update(scope: Scope, input: { readonly id: string; readonly permissions: readonly string[] }): Promise<RoleView> {
    scope.require('roles:write');
    const permissions = permissionsGiven(scope, input.permissions, 'role');
    const changed = await this.parts.acts.run(scope, { operation: 'roleUpdate', input: {} }, async (act) => {
      await lockPeople(act, scope);
      const role = await getOwn(act, scope, input.id);
      requireNoLess(scope, role.permissions, path);
      await act.query.update(roles).set({ permissions }).where(isRole(scope, role.id));
      act.record({ thing: role.id, before: { permissions: role.permissions }, after: { permissions } });
      return { ...role, permissions };
    });
    this.parts.bus.publish('access.changed', [scope.tenantId]);
    return changed;
  }

  /**
   * Deletes a role that nobody was given here, nobody is invited to and no issuer gives; CONFLICT when it is in use, with the name of the
   * issuer. Whoever had it by an earlier token has it no more, whatever comes to be called the same.
   */
  async delete(scope: Scope, id: string): Promise<string> {
    scope.require('roles:write');
    return this.parts.acts.run(scope, { operation: 'roleDelete', input: {} }, async (act) => {
      await lockPeople(act, scope);
      const { name, permissions } = await getOwn(act, scope, id);
      requireNoLess(scope, permissions, path);
      const [use] = await act.sql<{ is_used: boolean }>(
        (sql) => sql`
          select exists (
              select from members
              where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and role = ${name} and claimed_roles is null and removed_at is null)
            or exists (
              select from invitations
              where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and role = ${name}
                and accepted_at is null and revoked_at is null and expires_at > now()) as is_used`,
      );
      if (use?.is_used) throw new AppError('CONFLICT', 'somebody has this role, or is invited to it', { path });
      await requireNoIssuerGives(act, scope, name);
      await act.sql(
        (sql) => sql`
          update members set claimed_roles = array_remove(claimed_roles, ${name}::text)
          where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and ${name} = any(claimed_roles)`,
      );
      await act.query.delete(roles).where(isRole(scope, id));
      act.record({ thing: id, before: { name, permissions }, after: null });
      return id;
    });
  }

  /** The built-in ones, as they are in the scope's tenant. */
  private async builtIns({ tenantId }: Scope): Promise<readonly RoleView[]> {
    const { query } = this.parts.database.as({ tenantId });
    const [tenant] = await query.select({ isRuling: tenants.runsInstallation }).from(tenants).where(eq(tenants.id, tenantId));
    return tenant?.isRuling ? rulingBuiltIns : builtIns;
  }

  private async find(
    scope: Scope,
    asked: readonly string[],
    by: 'id' | 'name',
    known: readonly string[],
  ): Promise<(RoleView | null)[]> {
    const shown = asked.some((each) => varying.has(each)) ? await this.builtIns(scope) : builtIns;
    const found = new Map(shown.map((role) => [role[by], role]));
    const own = known.filter((each) => !found.has(each));
    if (own.length > 0) {
      const { query } = this.parts.database.as(scope);
      const isAsked = and(eq(roles.tenantId, scope.tenantId), inArray(roles[by], own));
      for (const row of await query.select().from(roles).where(isAsked)) found.set(row[by], viewOf(row));
    }
    return asked.map((each) => found.get(each) ?? null);
  }
}

function viewOf({ id, name, permissions }: typeof roles.$inferSelect): RoleView {
  return { id, name, permissions: knownPermissions(permissions), isBuiltIn: false };
}

async function getOwn({ query }: Statements, scope: Scope, id: string): Promise<RoleView> {
  if (builtIns.some((role) => role.id === id)) throw new AppError('CONFLICT', 'built-in roles stay as they are', { path });
  if (uuidOfId(id, 'rol') === null) throw noSuchRole();
  const [row] = await query.select().from(roles).where(isRole(scope, id));
  if (!row) throw noSuchRole();
  return viewOf(row);
}

/** Issuers that are turned off count: they may be turned on again. */
async function requireNoIssuerGives(act: Act, { tenantId }: Scope, role: string): Promise<void> {
  const [issuer] = await act.sql<{ name: string }>(
    (sql) => sql`
      select name from issuers
      where tenant_id = ${uuidOf(tenantId, 'ten')} and deleted_at is null
        and (default_role = ${role} or exists (select from jsonb_array_elements(roles) given where given ->> 'role' = ${role}))
      order by id limit 1`,
  );
  if (issuer) throw new AppError('CONFLICT', `the issuer ${issuer.name} gives this role: change that first`, { path });
}

function isRole({ tenantId }: Scope, id: string) {
  return and(eq(roles.tenantId, tenantId), eq(roles.id, id));
}

function noSuchRole(): AppError {
  return new AppError('NOT_FOUND', 'no such role', { path });
}
