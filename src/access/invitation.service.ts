import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { page, type Page, type PageInput } from '../db/page.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { givenName } from '../kernel/given.ts';
import { idOfUuid, newId, uuidOfId } from '../kernel/id.ts';
import { isSame } from '../kernel/same.ts';
import { Scope } from '../kernel/scope.ts';
import { members, type MemberRow } from '../tenants/tenants.table.ts';
import type { ApiKeyView } from './api-key.service.ts';
import { invitations, type InvitationRow } from './invitations.table.ts';
import { hashOf, newKeyText, readKey, type ShownKey } from './key-text.ts';
import { apiKeys } from './keys.table.ts';
import { requireRole } from './member.service.ts';
import { lockPeople } from './people.ts';
import { everything } from './roles.ts';
import { suspended } from './standing.ts';

const { secretHash: _secretHash, ...columns } = getTableColumns(invitations);
const { secretHash: _hash, ...keyColumns } = getTableColumns(apiKeys);

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

/** An invitation and the only copy of its token; null where an earlier call has shown it. */
export interface NewInvitation {
  readonly invitation: InvitationView;
  readonly token: string | null;
}

/** A new member, and their first key with its only copy. */
export interface Accepted {
  readonly member: MemberRow;
  readonly apiKey: ApiKeyView;
  readonly secret: string;
}

/** What the service is built on. */
export interface InvitationParts {
  readonly database: Database;
  readonly acts: ActService;
  /** What keyed hashes are made with. */
  readonly secret: string;
  readonly clock: Clock;
}

interface ShownRow {
  tenant_id: string;
  member_id: string;
  secret_hash: string;
  is_suspended: boolean;
  is_revoked: boolean;
  is_accepted: boolean;
  is_expired: boolean;
}

const [shortest, usual, longest] = [60, 7 * 86_400, 30 * 86_400];
const longestEmail = 254;
/** Open at the same time in a tenant. */
const mostOpen = 1_000;
const path = ['input', 'id'];
const used = 'this invitation was used already';

/** Invitations: tokens that are shown once and make one member. */
export class InvitationService {
  constructor(private readonly parts: InvitationParts) {}

  /** Newest first, those that are over too. */
  async page(scope: Scope, input: PageInput): Promise<Page<InvitationView>> {
    scope.require('members:read');
    return page<InvitationView>(input, {
      list: 'invitations',
      key: invitations.id,
      direction: 'descending',
      keyOf: ({ id }) => id,
      rows: (where, orderBy, limit) =>
        this.parts.database
          .as(scope)
          .query.select(columns)
          .from(invitations)
          .where(and(eq(invitations.tenantId, scope.tenantId), where))
          .orderBy(orderBy)
          .limit(limit),
    });
  }

  /** Invitations by id, in the order asked for; null for unknown ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(InvitationView | null)[]> {
    scope.require('members:read');
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
    const email = givenEmail(input.email);
    const seconds = input.expiresInSeconds ?? usual;
    if (seconds < shortest || seconds > longest)
      throw new AppError('INVALID_INPUT', `expiresInSeconds is ${seconds}, not ${shortest} to ${longest}`, {
        path: ['input', 'expiresInSeconds'],
      });
    const again = async (id: string): Promise<NewInvitation> => {
      const [invitation] = await this.list(scope, [id]);
      if (!invitation) throw noSuchInvitation();
      return { invitation, token: null };
    };
    return this.parts.acts.run(scope, { operation: 'invitationCreate', input, again }, async (act) => {
      await lockPeople(act, scope);
      await requireRole(act, scope, input.role);
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

  /** Makes the member that the invitation in use is for, once, and their first key: for all that their role may do. */
  async accept(scope: Scope, input: { readonly name?: string | null }): Promise<Accepted> {
    const { proof, tenantId, memberId } = scope;
    if (proof.kind !== 'invitation')
      throw new AppError('FORBIDDEN', 'only an invitation accepts: send it as authorization: Bearer <token>');
    const name = input.name == null ? null : givenName(input.name, ['input', 'name']);
    return this.parts.acts.run(scope, { operation: 'invitationAccept', input: {} }, async (act) => {
      // The row is the gate: of any number of callers one finds it open.
      const [invitation] = await act.sql<{ email: string; role: string }>(
        (tag) => tag`
          update invitations set accepted_at = now()
          where tenant_id = ${uuidOf(tenantId, 'ten')} and id = ${uuidOf(proof.id, 'inv')}
            and accepted_at is null and revoked_at is null and expires_at > now()
          returning email, role`,
      );
      if (!invitation) throw new AppError('CONFLICT', 'this invitation was used, or is over');
      const [member] = await act.query
        .insert(members)
        .values({ id: memberId, tenantId, email: invitation.email, role: invitation.role, name })
        .onConflictDoNothing()
        .returning();
      if (!member) throw alreadyMember([]);
      const id = newId('key');
      const secret = newKeyText(id, this.parts.secret);
      const secretHash = hashOf(secret, this.parts.secret);
      const [apiKey] = await act.query
        .insert(apiKeys)
        .values({ id, tenantId, memberId, name: 'first', secretHash, permissions: [everything] })
        .returning(keyColumns);
      if (!apiKey) throw new Error('the new key was not returned');
      act.record({ thing: memberId, before: null, after: { role: member.role, invitation: proof.id } });
      return { member, apiKey, secret };
    });
  }

  /** The scope that an invitation's token proves, which may do nothing but accept it; null for what is no such token. */
  authenticate({ authorization }: { readonly authorization: string | null }): Promise<Scope> | null {
    const shown = authorization === null ? null : readKey(authorization, this.parts.secret, 'inv');
    return shown && this.find(shown);
  }

  /** Where an invitation is on its way now. */
  statusOf({ acceptedAt, revokedAt, expiresAt }: InvitationView): InvitationStatus {
    if (acceptedAt) return 'ACCEPTED';
    if (revokedAt) return 'REVOKED';
    return expiresAt <= this.parts.clock.now() ? 'EXPIRED' : 'PENDING';
  }

  /** One of the acts without a tenant (protocol.md, rule 20), as the lookup of a key. */
  private async find({ key, uuid }: ShownKey): Promise<Scope> {
    const [row] = await this.parts.database.engine.sql<ShownRow>(
      (tag) => tag`
        select i.tenant_id, i.member_id, i.secret_hash, t.suspended_at is not null as is_suspended,
          i.revoked_at is not null as is_revoked, i.accepted_at is not null as is_accepted, i.expires_at <= now() as is_expired
        from invitations i join tenants t on t.id = i.tenant_id and t.deleted_at is null
        where i.id = ${uuid}`,
      { idempotent: true },
    );
    if (!row || !isSame(row.secret_hash, hashOf(key, this.parts.secret)))
      throw new AppError('UNAUTHENTICATED', 'this invitation is not valid');
    if (row.is_accepted) throw new AppError('UNAUTHENTICATED', used);
    if (row.is_revoked) throw new AppError('UNAUTHENTICATED', 'this invitation was revoked');
    if (row.is_expired) throw new AppError('UNAUTHENTICATED', 'this invitation has expired');
    if (row.is_suspended) throw suspended();
    const proof = { kind: 'invitation', id: idOfUuid('inv', uuid) } as const;
    return new Scope(idOfUuid('ten', row.tenant_id), idOfUuid('mem', row.member_id), proof, []);
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

/** An address as it is kept: its letters are small. */
function givenEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (email.length <= longestEmail && /^[^\s@]+@[^\s@]+$/.test(email)) return email;
  throw new AppError('INVALID_INPUT', 'this is no email address', { path: ['input', 'email'] });
}

function alreadyMember(at: readonly string[]): AppError {
  return new AppError('CONFLICT', 'somebody with this address is a member already', at.length > 0 ? { path: at } : {});
}

function noSuchInvitation(): AppError {
  return new AppError('NOT_FOUND', 'no such invitation', { path });
}
