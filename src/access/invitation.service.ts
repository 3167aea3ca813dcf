import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange, givenEmail } from '../kernel/given.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { alreadyMember, used } from './acceptance.service.ts';
import { invitations, type InvitationRow } from './invitations.table.ts';
import { hashOf, newKeyText } from './key-text.ts';
import { refuseCapped } from './key-makers.ts';
import { requireRole } from './member.service.ts';
import { lockPeople } from './people.ts';

const { secretHash: _secretHash, ...columns } = getTableColumns(invitations);

/** An invitation as it is read: everything but the hash of its token. */
export type InvitationView = Omit<InvitationRow, 'secretHash'>;

/** Where an invitation is on its way. */
export const invitationStatuses = ['PENDING', 'ACCEPTED', 'REVOKED', 'EXPIRED'] as const;
export type InvitationStatus = (typeof invitationStatuses)[number];

/** Whom to invite. */
export interface InvitationInput {
  readonly email: string;
  readonly role: string;
  readonly expiresInSeconds?: number | null;
  readonly idempotencyKey?: string | null;
}

/** An invitation and its token, of which only a keyed hash is stored. */
export interface NewInvitation {
  readonly invitation: InvitationView;
  readonly token: string | null;
}

/** What the service is built on. */
export interface InvitationParts {
  readonly database: Database;
  readonly acts: ActService;
  /** What keyed hashes are made with. */
  readonly secret: string;
  readonly clock: Clock;
}

const [shortest, usual, longest] = [60, 7 * 86_400, 30 * 86_400];
/** Open at the same time in a tenant. */
const mostOpen = 1_000;
const path = ['input', 'id'];

/** Invitations, for the people who make them. */
export class InvitationService {
  constructor(private readonly parts: InvitationParts) {}

  /** Newest first, those that are over too. */
  async page(scope: Scope, input: PageInput): Promise<Page<InvitationView>> {
    scope.require('members:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'invitations',
      table: invitations,
      columns: columns,
      direction: 'descending',
    });
  }

  /** Invitations by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(InvitationView | null)[]> {
    scope.require('members:read');
    return this.find(scope, ids);
  }

  private find(scope: Scope, ids: readonly string[]): Promise<(InvitationView | null)[]> {
    return rowsById('inv', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select(columns)
        .from(invitations)
        .where(and(eq(invitations.tenantId, scope.tenantId), inArray(invitations.id, known))),
    );
  }

  /** Invites somebody to a role, of which the caller has all permissions. CONFLICT when they are a member already. */
  async create(scope: Scope, input: InvitationInput): Promise<NewInvitation> {
    scope.require('members:write');
    const email = givenEmail(input.email, ['input', 'email']);
    const seconds = input.expiresInSeconds ?? usual;
    checkRange(seconds, shortest, longest, ['input', 'expiresInSeconds']);
    const again = async (id: string, token: string | null): Promise<NewInvitation> => {
      const [invitation] = await this.find(scope, [id]);
      if (!invitation) throw noSuchInvitation();
      return { invitation, token };
    };
    return this.parts.acts.run(scope, { operation: 'invitationCreate', input, again }, async (act) => {
      await lockPeople(act, scope);
      const permissions = await requireRole(act, scope, input.role);
      if (permissions.includes('generations:write')) await refuseCapped(act, scope, 'those whom you invite');
      await this.requireRoom(act, scope, email);
      const id = newId('inv');
      const token = newKeyText(id, this.parts.secret, 'inv');
      const [invitation] = await act.query
        .insert(invitations)
        .values({
          tenantId: scope.tenantId,
          id,
          memberId: newId('mem'),
          invitedById: scope.memberId,
          email,
          role: input.role,
          secretHash: hashOf(token, this.parts.secret),
          expiresAt: sql`now() + make_interval(secs => ${seconds}::float8)`,
        })
        .returning(columns);
      if (!invitation) throw new Error('the new invitation was not returned');
      act.keep(token);
      act.record({ thing: id, before: null, after: { role: input.role, expiresAt: invitation.expiresAt } });
      return { invitation, token };
    });
  }

  /** Ends an invitation; revoking it again changes nothing, one that was accepted is CONFLICT. */
  async revoke(scope: Scope, id: string): Promise<InvitationView> {
    scope.require('members:write');
    if (uuidOfId(id, 'inv') === null) throw noSuchInvitation();
    return this.parts.acts.run(scope, { operation: 'invitationRevoke', input: {} }, async (act) => {
      const isThis = and(eq(invitations.tenantId, scope.tenantId), eq(invitations.id, id));
      const [before] = await act.query.select(columns).from(invitations).where(isThis).for('update');
      if (!before) throw noSuchInvitation();
      if (before.acceptedAt) throw new AppError('CONFLICT', used, { path });
      const [row] = await act.query
        .update(invitations)
        .set({ revokedAt: sql`coalesce(revoked_at, now())` })
        .where(isThis)
        .returning(columns);
      if (!row) throw noSuchInvitation();
      act.record({ thing: id, before: { revokedAt: before.revokedAt }, after: { revokedAt: row.revokedAt } });
      return row;
    });
  }

  /** Where an invitation is on its way now. */
  statusOf({ acceptedAt, revokedAt, expiresAt }: InvitationView): InvitationStatus {
    if (acceptedAt) return 'ACCEPTED';
    if (revokedAt) return 'REVOKED';
    return expiresAt <= this.parts.clock.now() ? 'EXPIRED' : 'PENDING';
  }

  private async requireRoom(act: Act, scope: Scope, email: string): Promise<void> {
    const [found] = await act.sql<{ is_member: boolean; open: number }>(
      (tag) => tag`
        select exists (
            select from members where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and email = ${email} and removed_at is null
          ) as is_member,
          (select count(*)::int from invitations
           where tenant_id = ${uuidOf(scope.tenantId, 'ten')} and accepted_at is null and revoked_at is null and expires_at > now()) as open`,
    );
    if (found?.is_member) throw alreadyMember(['input', 'email']);
    if ((found?.open ?? 0) >= mostOpen)
      throw new AppError('LIMIT_EXCEEDED', `a tenant has at most ${mostOpen} open invitations; revoke some`);
  }
}

function noSuchInvitation(): AppError {
  return new AppError('NOT_FOUND', 'no such invitation', { path });
}
