import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { TenantUpdateInput } from './tenant.input.ts';
import type { TenantService } from './tenant.service.ts';
import { TenantUpdatePayload, Viewer } from './tenant.type.ts';
import type { MemberRow, TenantRow } from './tenants.table.ts';

@Resolver(() => Viewer)
export class TenantResolver {
  /** Tenants by id. */
  readonly byId: LoaderFactory<string, TenantRow | null> = (scope) => (ids) => this.tenants.list(scope, ids);
  /** Members by id. */
  readonly memberById: LoaderFactory<string, MemberRow | null> = (scope) => (ids) => this.tenants.members(scope, ids);

  constructor(private readonly tenants: TenantService) {}

  @Query(() => Viewer, { description: 'Who asks, for which tenant, with which permissions.' })
  viewer(@Ctx() { scope, loaders }: RequestContext) {
    return {
      tenant: () => loaders.get(this.byId).load(scope.tenantId),
      actor: () => loaders.get(this.memberById).load(scope.memberId),
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
}
