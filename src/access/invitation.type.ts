import { Directive, Field, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';
import { ApiKey } from './api-key.type.ts';
import type { InvitationStatus } from './invitation.service.ts';
import { invitations } from './invitations.table.ts';
import { Role } from './role.type.ts';

const InvitationStatusEnum = enumOf<InvitationStatus>('InvitationStatus', 'Where an invitation is on its way.', {
  PENDING: 'It can be accepted.',
  ACCEPTED: 'It has made a member.',
  REVOKED: 'It was taken back.',
  EXPIRED: 'Nobody accepted it in time.',
});

@Directive('@key(fields: "id")')
@ObjectType({ description: 'Asks somebody to become a member.', implements: Node, simpleResolvers: true })
export class Invitation extends Node {
  @Column(invitations.id, 'Its id.') declare id: string;
  @Column(invitations.email, 'The address of whom it is for.') email!: string;
  @Field(() => Role, { nullable: true, description: 'What they may do; null when this role is none any more.' })
  role!: Role | null;
  @Field(() => InvitationStatusEnum, { description: 'Where it is on its way.' }) status!: InvitationStatus;
  @Field(() => Member, { description: 'Who invites.' }) invitedBy!: Member;
  @Field(() => Member, { nullable: true, description: 'Whom it made a member; null while nobody has accepted it.' })
  member!: Member | null;
  @Column(invitations.createdAt, 'When it was created.') createdAt!: Date;
  @Column(invitations.expiresAt, 'From this moment it is refused.') expiresAt!: Date;
  @Column(invitations.acceptedAt, 'When it was accepted; null while it was not.') acceptedAt!: Date | null;
  @Column(invitations.revokedAt, 'When it was revoked; null while it was not.') revokedAt!: Date | null;
}

export const InvitationConnection = connectionOf(Invitation);

@ObjectType({ description: 'What `invitationCreate` did.', simpleResolvers: true })
export class InvitationCreatePayload extends Payload {
  @Field(() => Invitation, { nullable: true, description: 'The invitation; null when there are errors.' })
  invitation!: Invitation | null;
  @Field(() => String, {
    nullable: true,
    description:
      'What accepts it, once, as the header `authorization: Bearer <token>` of `invitationAccept`. Shown this once, and to a repeat with the ' +
      'same `idempotencyKey`; null when there are errors.',
  })
  token!: string | null;
}

@ObjectType({ description: 'What `invitationRevoke` did.', simpleResolvers: true })
export class InvitationRevokePayload extends Payload {
  @Field(() => Invitation, { nullable: true, description: 'The invitation; null when there are errors.' })
  invitation!: Invitation | null;
}

@ObjectType({ description: 'What `invitationAccept` did.', simpleResolvers: true })
export class InvitationAcceptPayload extends Payload {
  @Field(() => Member, { nullable: true, description: 'The new member; null when there are errors.' }) member!: Member | null;
  @Field(() => ApiKey, { nullable: true, description: 'Their first key; null when there are errors.' }) apiKey!: ApiKey | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The whole key, for the header `authorization: Bearer <key>`. Shown this once, and to a repeat with the ' +
      'same `idempotencyKey`; null when there are errors.',
  })
  secret!: string | null;
}
