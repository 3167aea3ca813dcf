import { and, eq, getTableColumns } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import type { Database } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { AppError } from '../kernel/errors.ts';
import { givenName } from '../kernel/given.ts';
import { idOfUuid, newId } from '../kernel/id.ts';
import { isSame } from '../kernel/same.ts';
import { Scope } from '../kernel/scope.ts';
import { members, type MemberRow } from '../tenants/tenants.table.ts';
import type { ApiKeyView } from './api-key.service.ts';
import { hashOf, newKeyText, readKey, type ShownKey } from './key-text.ts';
import { apiKeys } from './keys.table.ts';
import { findRole, lockTenant, readPeople } from './people.ts';
import { everything } from './roles.ts';
import { suspended } from './standing.ts';

const { secretHash: _secretHash, ...keyColumns } = getTableColumns(apiKeys);

/** A new member, and their first key with its only copy. */
export interface Accepted {
  readonly member: MemberRow;
  readonly apiKey: ApiKeyView;
  readonly secret: string | null;
}

/** Who accepts. */
export interface AcceptInput {
  readonly name?: string | null;
  readonly idempotencyKey?: string | null;
}

/** What the service is built on. */
export interface AcceptanceParts {
  readonly database: Database;
  readonly acts: ActService;
  /** What keyed hashes are made with. */
  readonly secret: string;
}

interface ShownRow {
  tenant_id: string;
  member_id: string;
  secret_hash: string;
  is_suspended: boolean;
  is_revoked: boolean;
  is_accepted: boolean;
  is_repeatable: boolean;
  is_expired: boolean;
}

const operation = 'invitationAccept';

/** What whoever comes second is told. */
export const used = 'this invitation was used already';

/** Invitations, for those who were invited: a token that is shown once makes one member. */
export class AcceptanceService {
  constructor(private readonly parts: AcceptanceParts) {}

  /** The scope that an invitation's token proves, which may do nothing but accept it; null for what is no such token. */
  authenticate({ authorization }: { readonly authorization: string | null }): Promise<Scope> | null {
    const shown = authorization === null ? null : readKey(authorization, this.parts.secret, 'inv');
    return shown && this.find(shown);
  }

  /** Makes the member that the invitation in use is for, once, and their first key: for all that their role may do. */
  async accept(scope: Scope, input: AcceptInput): Promise<Accepted> {
    const { proof, tenantId, memberId } = scope;
    if (proof.kind !== 'invitation')
      throw new AppError('FORBIDDEN', 'only an invitation accepts: send it as authorization: Bearer <token>');
    const name = input.name == null ? null : givenName(input.name, ['input', 'name']);
    const again = async (id: string, kept: string | null): Promise<Accepted> => this.accepted(scope, id, kept);
    return this.parts.acts.run(scope, { operation, input, again }, async (act) => {
      await lockTenant(act, scope);
      // The row is the gate: of any number of callers one finds it open.
      const [invitation] = await act.sql<{ email: string; role: string; invited_by_id: string }>(
        (tag) => tag`
          update invitations set accepted_at = now()
          where tenant_id = ${uuidOf(tenantId, 'ten')} and id = ${uuidOf(proof.id, 'inv')}
            and accepted_at is null and revoked_at is null and expires_at > now()
          returning email, role, invited_by_id`,
      );
      if (!invitation) throw new AppError('CONFLICT', 'this invitation was used, or is over');
      await requireInviter(act, scope, idOfUuid('mem', invitation.invited_by_id), invitation.role);
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
      act.keep(secret);
      act.record({ thing: memberId, before: null, after: { role: member.role, invitation: proof.id } });
      return { member, apiKey, secret };
    });
  }

  /** What accepting made, for a repeat of the call; the key may have been revoked since. */
  private async accepted({ tenantId }: Scope, memberId: string, secret: string | null): Promise<Accepted> {
    const { query } = this.parts.database.as({ tenantId });
    const shown = readKey(`Bearer ${secret}`, this.parts.secret);
    if (!shown) throw new Error('what was kept of an acceptance is no key');
    const [[member], [apiKey]] = await Promise.all([
      query
        .select()
        .from(members)
        .where(and(eq(members.tenantId, tenantId), eq(members.id, memberId))),
      query
        .select(keyColumns)
        .from(apiKeys)
        .where(and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.id, idOfUuid('key', shown.uuid)))),
    ]);
    if (!member || !apiKey) throw new AppError('NOT_FOUND', 'what this invitation made is gone');
    return { member, apiKey, secret };
  }

  /** One of the acts without a tenant (protocol.md, rule 20), as the lookup of a key. */
  private async find({ key, uuid }: ShownKey): Promise<Scope> {
    const [row] = await this.parts.database.engine.sql<ShownRow>(
      (tag) => tag`
        select i.tenant_id, i.member_id, i.secret_hash, t.suspended_at is not null as is_suspended,
          i.revoked_at is not null as is_revoked, i.expires_at <= now() as is_expired,
          i.accepted_at is not null as is_accepted,
          i.accepted_at is not null and exists (
            select from idempotency_keys k
            where k.tenant_id = i.tenant_id and k.member_id = i.member_id and k.operation = ${operation} and k.expires_at > now()
          ) as is_repeatable
        from invitations i join tenants t on t.id = i.tenant_id and t.deleted_at is null
        where i.id = ${uuid}`,
      { idempotent: true },
    );
    if (!row || !isSame(row.secret_hash, hashOf(key, this.parts.secret)))
      throw new AppError('UNAUTHENTICATED', 'this invitation is not valid');
    // Who accepted it with an idempotency key may ask for the same answer again, and for nothing else.
    const isRepeat = row.is_repeatable;
    if (row.is_accepted && !isRepeat) throw new AppError('UNAUTHENTICATED', used);
    if (row.is_revoked) throw new AppError('UNAUTHENTICATED', 'this invitation was revoked');
    if (row.is_expired && !isRepeat) throw new AppError('UNAUTHENTICATED', 'this invitation has expired');
    if (row.is_suspended) throw suspended();
    const proof = { kind: 'invitation', id: idOfUuid('inv', uuid) } as const;
    return new Scope(idOfUuid('ten', row.tenant_id), idOfUuid('mem', row.member_id), proof, []);
  }
}

/** Throws unless whoever invited somebody might do so now: a role can come to allow more, and a person less. */
async function requireInviter(act: Act, scope: Scope, inviterId: string, role: string): Promise<void> {
  const inviter = (await readPeople(act, scope, [inviterId])).get(inviterId);
  const needed = ['members:write' as const, ...((await findRole(act, scope, role)) ?? [])];
  if (!inviter || needed.some((permission) => !inviter.permissions.includes(permission)))
    throw new AppError('CONFLICT', 'whoever invited you may not do so any more');
}

/** The refusal of somebody whose address is a member's; `at` names the field. */
export function alreadyMember(at: readonly string[]): AppError {
  return new AppError('CONFLICT', 'somebody with this address is a member already', at.length > 0 ? { path: at } : {});
}
