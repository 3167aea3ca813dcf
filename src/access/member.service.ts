import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { page, type Page, type PageInput } from '../db/page.ts';
import { AppError } from '../kernel/errors.ts';
import { givenName } from '../kernel/given.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { members, type MemberRow } from '../tenants/tenants.table.ts';
import { requireHeld, requireNoLess } from './hand-out.ts';
import { findRole, lockPeople, readPeople, type Person } from './people.ts';
import { ownerRole } from './roles.ts';

/** What to change about a member; absent leaves as it is. */
export interface MemberUpdate {
  readonly id: string;
  /** The name of a role. */
  readonly role?: string | null;
  /** Null for none. */
  readonly name?: string | null;
}

const path = ['input', 'id'];

/** The people of a tenant. Whoever changes somebody may do all that they may, and the last owner stays. */
export class MemberService {
  constructor(private readonly parts: { readonly database: Database; readonly acts: ActService; readonly bus: Bus }) {}

  /** Everybody in the tenant, in the order in which they came; without those who were removed. */
  async page(scope: Scope, input: PageInput): Promise<Page<MemberRow>> {
    scope.require('members:read');
    return page<MemberRow>(input, {
      list: 'members',
      key: members.id,
      direction: 'ascending',
      keyOf: ({ id }) => id,
      rows: (where, orderBy, limit) =>
        this.parts.database
          .as(scope)
          .query.select()
          .from(members)
          .where(and(eq(members.tenantId, scope.tenantId), isNull(members.removedAt), where))
          .orderBy(orderBy)
          .limit(limit),
    });
  }

  /** Changes somebody's name or role; running subscriptions that the new role does not cover end within 5 s. CONFLICT for the last owner. */
  async update(scope: Scope, input: MemberUpdate): Promise<MemberRow> {
    scope.require('members:write');
    const name = input.name == null ? input.name : givenName(input.name, ['input', 'name']);
    const member = await this.parts.acts.run(scope, { operation: 'memberUpdate', input: {} }, async (act) => {
      const person = await lockPerson(act, scope, input.id);
      const role = input.role ?? person.role;
      if (role !== person.role) {
        await requireRole(act, scope, role);
        if (person.role === ownerRole) await requireOtherOwner(act, scope, person.id);
        await takeBackInvitations(act, scope, person.id);
      }
      const [before] = await act.query.select().from(members).where(isMember(scope, person.id));
      const change = { role, ...(name !== undefined && { name }) };
      const [row] = await act.query.update(members).set(change).where(isMember(scope, person.id)).returning();
      if (!before || !row) throw noSuchMember();
      act.record({ thing: row.id, before: { role: before.role }, after: { role: row.role } });
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
      if (person.role === ownerRole) await requireOtherOwner(act, scope, person.id);
      const [row] = await act.query
        .update(members)
        .set({ removedAt: sql`now()` })
        .where(isMember(scope, person.id))
        .returning();
      if (!row) throw noSuchMember();
      await takeBackInvitations(act, scope, person.id);
      act.record({ thing: row.id, before: { role: row.role, status: 'ACTIVE' }, after: { role: row.role, status: 'REMOVED' } });
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

/** Throws unless there is a role of this name and the scope may give all that it may do. */
export async function requireRole(act: Act, scope: Scope, name: string): Promise<void> {
  const at = ['input', 'role'];
  const permissions = await findRole(act, scope, name);
  if (!permissions) throw new AppError('NOT_FOUND', 'no such role', { path: at });
  for (const permission of permissions) requireHeld(scope, permission, at);
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

async function requireOtherOwner(act: Act, scope: Scope, id: string): Promise<void> {
  const [owner] = await act.sql(
    (tag) => tag`
      select from members
      where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and role = ${ownerRole} and removed_at is null and id <> ${uuidOf(id, 'mem')}
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
