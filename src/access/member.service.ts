import { and, eq, getTableColumns, isNull, sql } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import { AppError } from '../kernel/errors.ts';
import { givenName } from '../kernel/given.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { members, type MemberRow } from '../tenants/tenants.table.ts';
import { requireHeld, requireNoLess } from './hand-out.ts';
import { findRole, lockPeople, readPeople, type Person } from './people.ts';
import { ownerRole, rolesOfMember } from './roles.ts';

/** What to change about a member; absent leaves as it is. */
export interface MemberUpdate {
  readonly id: string;
  /** The name of a role. */
  readonly role?: string | null;
  /** Null for none. */
  readonly name?: string | null;
}

const path = ['input', 'id'];

/**
 * The people of a tenant. Whoever changes somebody may do all that they may, and the last owner stays. For people of an issuer the roles of
 * their last token count; whoever is an owner by those may be none tomorrow, and is not the one who stays.
 */
export class MemberService {
  constructor(private readonly parts: { readonly database: Database; readonly acts: ActService; readonly bus: Bus }) {}

  /** Everybody in the tenant, in the order in which they came; without those who were removed. */
  async page(scope: Scope, input: PageInput): Promise<Page<MemberRow>> {
    scope.require('members:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'members',
      table: members,
      columns: getTableColumns(members),
      direction: 'ascending',
      where: isNull(members.removedAt),
    });
  }

  /**
   * Changes somebody's name or role; running subscriptions that the new role does not cover end within 5 s. CONFLICT for the last owner, and
   * for the role of somebody whose issuer decides about it.
   */
  async update(scope: Scope, input: MemberUpdate): Promise<MemberRow> {
    scope.require('members:write');
    const name = input.name == null ? input.name : givenName(input.name, ['input', 'name']);
    const member = await this.parts.acts.run(scope, { operation: 'memberUpdate', input: {} }, async (act) => {
      const person = await lockPerson(act, scope, input.id);
      const { role } = input;
      const isMoved = role != null && !(person.roles.length === 1 && person.roles[0] === role);
      if (isMoved) {
        await requireRole(act, scope, role);
        if (person.isClaimed) await requireNoIssuer(act, scope, person.id);
        else if (person.roles.includes(ownerRole)) await requireOtherOwner(act, scope, person.id);
        await takeBackInvitations(act, scope, person.id);
      }
      // Names are of people: the log tells one from another, and tells none.
      const nameOf = (known: string | null) => known && this.parts.acts.pseudonyms.of(scope.tenantId, known);
      const [named] =
        name === undefined ? [] : await act.query.select({ name: members.name }).from(members).where(isMember(scope, person.id));
      const change = { ...(isMoved && { role, claimedRoles: null }), ...(name !== undefined && { name }) };
      const [row] = await changed(act, scope, person.id, change);
      if (!row) throw noSuchMember();
      act.record({
        thing: row.id,
        before: { role: inWords(person.roles), ...(named && { name: nameOf(named.name) }) },
        after: { role: inWords(rolesOfMember(row)), ...(named && { name: nameOf(row.name) }) },
      });
      return row;
    });
    this.parts.bus.publish('access.changed', [member.id]);
    return member;
  }

  /** Sends somebody away: their keys are refused and their running subscriptions end within 5 s; what they made stays. CONFLICT for the last owner. */
  async remove(scope: Scope, id: string): Promise<MemberRow> {
    scope.require('members:write');
    const member = await this.parts.acts.run(scope, { operation: 'memberRemove', input: {} }, async (act) => {
      const person = await lockPerson(act, scope, id);
      if (!person.isClaimed && person.roles.includes(ownerRole)) await requireOtherOwner(act, scope, person.id);
      const [row] = await act.query
        .update(members)
        .set({ removedAt: sql`now()` })
        .where(isMember(scope, person.id))
        .returning();
      if (!row) throw noSuchMember();
      await takeBackInvitations(act, scope, person.id);
      act.record({
        thing: row.id,
        before: { role: inWords(person.roles), status: 'ACTIVE' },
        after: { role: inWords(person.roles), status: 'REMOVED' },
      });
      return row;
    });
    this.parts.bus.publish('access.changed', [member.id]);
    return member;
  }
}

/** Finds somebody whom the scope may change, while nobody else changes anybody. */
async function lockPerson(act: Act, scope: Scope, id: string): Promise<Person> {
  await lockPeople(act, scope);
  const person = (await readPeople(act, scope, [id])).get(id);
  if (!person) throw noSuchMember();
  requireNoLess(scope, person.permissions, path);
  return person;
}

/** What a role may do; throws unless there is one of this name and the scope may give all of that. */
export async function requireRole(act: Act, scope: Scope, name: string): Promise<readonly Permission[]> {
  const at = ['input', 'role'];
  const permissions = await findRole(act, scope, name);
  if (!permissions) throw new AppError('NOT_FOUND', 'no such role', { path: at });
  for (const permission of permissions) requireHeld(scope, permission, at);
  return permissions;
}

/** What somebody invited others to does not outlive that they might: else it would be their own way back. */
async function takeBackInvitations(act: Act, { tenantId }: Scope, inviterId: string): Promise<void> {
  const taken = await act.sql<{ id: string }>(
    (tag) => tag`
      update invitations set revoked_at = now()
      where tenant_id = ${uuidOf(tenantId, 'ten')} and invited_by_id = ${uuidOf(inviterId, 'mem')}
        and accepted_at is null and revoked_at is null
      returning id`,
  );
  for (const { id } of taken)
    act.recordBy('access', 'invitationRevoke', {
      thing: idOfUuid('inv', id),
      before: { status: 'PENDING' },
      after: { status: 'REVOKED' },
    });
}

/** Throws CONFLICT while an issuer gives somebody their roles with each token: what is said here would not hold. */
async function requireNoIssuer(act: Act, scope: Scope, id: string): Promise<void> {
  const [issuer] = await act.sql<{ name: string }>(
    (tag) => tag`
      select s.name from identities p join issuers s on s.tenant_id = p.tenant_id and s.url = p.issuer
      where p.tenant_id = ${uuidOf(scope.tenantId, 'ten')} and p.member_id = ${uuidOf(id, 'mem')} and s.is_enabled and s.deleted_at is null
      order by s.id limit 1`,
  );
  if (issuer)
    throw new AppError('CONFLICT', `the issuer ${issuer.name} decides about their roles: change them there`, {
      path: ['input', 'role'],
    });
}

function changed({ query }: Act, scope: Scope, id: string, change: Partial<MemberRow>): Promise<MemberRow[]> {
  if (Object.keys(change).length === 0) return query.select().from(members).where(isMember(scope, id));
  return query.update(members).set(change).where(isMember(scope, id)).returning();
}

/** Roles as the record has them: one by its name, several as a list. */
function inWords(roles: readonly string[]): unknown {
  return roles.length === 1 ? roles[0] : roles;
}

async function requireOtherOwner(act: Act, scope: Scope, id: string): Promise<void> {
  const [owner] = await act.sql(
    (tag) => tag`
      select from members
      where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and role = ${ownerRole} and claimed_roles is null and removed_at is null and id <> ${uuidOf(id, 'mem')}
      limit 1`,
  );
  if (!owner) throw new AppError('CONFLICT', 'a tenant keeps its last owner', { path });
}

function isMember({ tenantId }: Scope, id: string) {
  return and(eq(members.tenantId, tenantId), eq(members.id, id));
}

function noSuchMember(): AppError {
  return new AppError('NOT_FOUND', 'no such member', { path });
}
