import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { AppError } from '../kernel/errors.ts';
import { TenantDeleteInput, TenantUpdateInput } from './tenant.input.ts';
import type { TenantService } from './tenant.service.ts';
import { Member, MemberStatus, TenantDeletePayload, TenantUpdatePayload, Viewer } from './tenant.type.ts';
import type { MemberRow, TenantRow } from './tenants.table.ts';

@Resolver(() => Member)
export class TenantResolver {
  /** Tenants by id. */
  readonly byId: LoaderFactory<string, TenantRow | null> = (scope) => (ids) => this.tenants.list(scope, ids);
  /** Members by id, for fields of things that name them. */
  readonly memberById: LoaderFactory<string, MemberRow | null> = (scope) => (ids) => this.tenants.members(scope, ids);
  /** Members by id, as they are asked for by themselves. */
  readonly memberNode: LoaderFactory<string, MemberRow | null> = (scope) => (ids) => this.tenants.membersAsked(scope, ids);

  constructor(private readonly tenants: TenantService) {}

  @Query(() => Viewer, { description: 'Who asks, for which tenant, with which permissions.' })
  viewer(@Ctx() { scope, loaders }: RequestContext) {
    return {
      tenant: () => loaders.get(this.byId).load(scope.tenantId),
      actor: () => {
        if (scope.proof.kind === 'invitation') throw new AppError('FORBIDDEN', 'nobody yet: accept the invitation first');
        return loaders.get(this.memberById).load(scope.memberId);
      },
      permissions: scope.permissions,
    };
  }

  @Mutation(() => TenantUpdatePayload, { description: 'Changes settings of the own tenant. Requires `tenant:write`.' })
  tenantUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => TenantUpdateInput, { description: 'What to change.' }) input: TenantUpdateInput,
  ) {
    return payload(async () => ({ tenant: await this.tenants.update(scope, input) }));
  }

  @Mutation(() => TenantDeletePayload, {
    description:
      'Deletes the own tenant for good, with everything in it: its keys are refused at once, what runs is stopped, and its things are ' +
      'gone within minutes. Requires `tenant:delete`.',
  })
  tenantDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => TenantDeleteInput, { description: 'Which one.' }) input: TenantDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.tenants.delete(scope, input) }));
  }

  @FieldResolver(() => MemberStatus)
  status(@Root() { removedAt }: MemberRow) {
    return removedAt === null ? MemberStatus.ACTIVE : MemberStatus.REMOVED;
  }
}
