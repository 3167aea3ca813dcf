import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { payload } from '../graphql/payload.ts';
import { TenantCreateInput } from './tenant-creation.input.ts';
import type { TenantCreationService } from './tenant-creation.service.ts';
import { TenantCreatePayload } from './tenant-creation.type.ts';

@Resolver()
export class TenantCreationResolver {
  constructor(private readonly creations: TenantCreationService) {}

  @Mutation(() => TenantCreatePayload, {
    description:
      'Makes a tenant, its owner and the owner’s key. It is apart from the own one, whose people see nothing of it and have to run the ' +
      'installation. Requires `tenants:create`.',
  })
  tenantCreate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => TenantCreateInput, { description: 'Which one.' }) input: TenantCreateInput,
  ) {
    return payload(() => this.creations.create(scope, input));
  }
}
