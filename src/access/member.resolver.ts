import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import { payload } from '../graphql/payload.ts';
import { MemberRemoveInput, MemberUpdateInput } from './member.input.ts';
import type { MemberService } from './member.service.ts';
import { MemberConnection, MemberRemovePayload, MemberUpdatePayload } from './member.type.ts';

@Resolver()
export class MemberResolver {
  constructor(private readonly members: MemberService) {}

  @Query(() => MemberConnection, {
    name: 'members',
    description: 'The people of the own tenant, in the order in which they came. Requires `members:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.members.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => MemberUpdatePayload, {
    description:
      'Changes a member’s name or role; running subscriptions that the new role does not cover end within 5 seconds. The caller has all ' +
      'permissions of the old role and of the new one; the last owner stays one. People of an issuer have the roles of their last token: for theirs ' +
      'it is CONFLICT while their issuer is registered, and they are no last owners. Requires `members:write`.',
  })
  memberUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => MemberUpdateInput, { description: 'What to change.' }) input: MemberUpdateInput,
  ) {
    return payload(async () => ({ member: await this.members.update(scope, input) }));
  }

  @Mutation(() => MemberRemovePayload, {
    description:
      'Removes a member for good: their keys are refused, and their running subscriptions end within 5 seconds; what they made stays. The ' +
      'caller has all of their permissions; the last owner stays. Requires `members:write`.',
  })
  memberRemove(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => MemberRemoveInput, { description: 'Whom.' }) { id }: MemberRemoveInput,
  ) {
    return payload(async () => ({ member: await this.members.remove(scope, id) }));
  }
}
