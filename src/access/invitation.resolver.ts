import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import type { TenantResolver } from '../tenants/tenant.resolver.ts';
import { Member } from '../tenants/tenant.type.ts';
import type { AcceptanceService } from './acceptance.service.ts';
import { InvitationAcceptInput, InvitationCreateInput, InvitationRevokeInput } from './invitation.input.ts';
import type { InvitationService, InvitationView } from './invitation.service.ts';
import {
  Invitation,
  InvitationAcceptPayload,
  InvitationConnection,
  InvitationCreatePayload,
  InvitationRevokePayload,
} from './invitation.type.ts';
import type { RoleResolver } from './role.resolver.ts';
import { Role } from './role.type.ts';

@Resolver(() => Invitation)
export class InvitationResolver {
  /** Invitations by id. */
  readonly byId: LoaderFactory<string, InvitationView | null> = (scope) => (ids) => this.invitations.list(scope, ids);

  constructor(
    private readonly invitations: InvitationService,
    private readonly acceptances: AcceptanceService,
    private readonly tenants: TenantResolver,
    private readonly roles: RoleResolver,
  ) {}

  @Query(() => InvitationConnection, {
    name: 'invitations',
    description: 'The invitations to the own tenant, newest first, those that are over too. Requires `members:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.invitations.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => InvitationCreatePayload, {
    description: 'Invites somebody, by a token that you hand over; no email is sent. Requires `members:write`.',
  })
  invitationCreate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => InvitationCreateInput, { description: 'Whom.' }) input: InvitationCreateInput,
  ) {
    return payload(() => this.invitations.create(scope, input));
  }

  @Mutation(() => InvitationRevokePayload, {
    description:
      'Takes back an invitation that nobody has accepted. One that was revoked stays as it is. Requires `members:write`.',
  })
  invitationRevoke(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => InvitationRevokeInput, { description: 'Which one.' }) { id }: InvitationRevokeInput,
  ) {
    return payload(async () => ({ invitation: await this.invitations.revoke(scope, id) }));
  }

  @Mutation(() => InvitationAcceptPayload, {
    description:
      'Makes whoever shows the token of an invitation a member, once, and gives them their first key. It needs no permission but the ' +
      'token, as the header `authorization: Bearer <token>`.',
  })
  invitationAccept(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => InvitationAcceptInput, { description: 'Who accepts.' }) input: InvitationAcceptInput,
  ) {
    return payload(() => this.acceptances.accept(scope, input));
  }

  @FieldResolver(() => String)
  status(@Root() invitation: InvitationView) {
    return this.invitations.statusOf(invitation);
  }

  @FieldResolver(() => Role, { nullable: true })
  role(@Root() { role }: InvitationView, @Ctx() { loaders }: RequestContext) {
    return loaders.get(this.roles.byName).load(role);
  }

  @FieldResolver(() => Member)
  invitedBy(@Root() { invitedById }: InvitationView, @Ctx() { loaders }: RequestContext) {
    return loaders.get(this.tenants.memberById).load(invitedById);
  }

  @FieldResolver(() => Member, { nullable: true })
  member(@Root() { memberId, acceptedAt }: InvitationView, @Ctx() { loaders }: RequestContext) {
    return acceptedAt === null ? null : loaders.get(this.tenants.memberById).load(memberId);
  }
}
