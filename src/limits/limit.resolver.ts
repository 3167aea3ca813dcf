import { Arg, Ctx, FieldResolver, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { payload } from '../graphql/payload.ts';
import { Viewer } from '../tenants/tenant.type.ts';
import type { LimitSettingService } from './limit-setting.service.ts';
import { TenantLimitsUpdateInput } from './limit.input.ts';
import { Limit, TenantLimitsUpdatePayload } from './limit.type.ts';

@Resolver(() => Viewer)
export class LimitResolver {
  constructor(private readonly settings: LimitSettingService) {}

  @FieldResolver(() => [Limit], {
    description: 'The limits that hold for them, and what is left: the tenant’s, those of each member, and the key’s own.',
  })
  limits(@Ctx() { scope }: RequestContext) {
    return this.settings.list(scope);
  }

  @Mutation(() => TenantLimitsUpdatePayload, {
    description:
      'Sets limits of the own tenant and its members, no higher than the installation allows. They hold within seconds, for what comes after: ' +
      'nothing that is open is closed. Requires `limits:write`.',
  })
  tenantLimitsUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => TenantLimitsUpdateInput, { description: 'What to change.' }) { limits }: TenantLimitsUpdateInput,
  ) {
    return payload(async () => ({ limits: await this.settings.update(scope, limits) }));
  }
}
