import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import type { TenantResolver } from '../tenants/tenant.resolver.ts';
import { Member } from '../tenants/tenant.type.ts';
import {
  ProviderCredentialDeleteInput,
  ProviderCredentialSetInput,
  ProviderCredentialTestInput,
} from './provider-credential.input.ts';
import type { ProviderCredentialTestService } from './provider-credential-test.service.ts';
import type { ProviderCredentialService, ProviderCredentialView } from './provider-credential.service.ts';
import {
  ProviderCredential,
  ProviderCredentialConnection,
  ProviderCredentialDeletePayload,
  ProviderCredentialSetPayload,
  ProviderCredentialTestPayload,
} from './provider-credential.type.ts';

@Resolver(() => ProviderCredential)
export class ProviderCredentialResolver {
  /** Credentials by id. */
  readonly byId: LoaderFactory<string, ProviderCredentialView | null> = (scope) => (ids) => this.credentials.list(scope, ids);

  constructor(
    private readonly credentials: ProviderCredentialService,
    private readonly tests: ProviderCredentialTestService,
    private readonly tenants: TenantResolver,
  ) {}

  @Query(() => ProviderCredentialConnection, {
    name: 'providerCredentials',
    description: 'For which providers the tenant has keys of its own, oldest first. Requires `credentials:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.credentials.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => ProviderCredentialSetPayload, {
    description:
      'Sets the tenant’s own key for a provider, in the place of the one before: the next call for the tenant is made with it. It is not ' +
      'tried first; a generation whose key the provider refuses fails with `PROVIDER_AUTH`. Requires `credentials:write`.',
  })
  providerCredentialSet(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ProviderCredentialSetInput, { description: 'Which provider, and the key.' })
    input: ProviderCredentialSetInput,
  ) {
    return payload(async () => ({ providerCredential: await this.credentials.set(scope, input) }));
  }

  @Mutation(() => ProviderCredentialTestPayload, {
    description:
      'Asks a provider now whether it takes the tenant’s own key, where the tenant’s calls go, and gives its verdict within 10 seconds. It lists models, ' +
      'which costs nothing. Requires `credentials:write`.',
  })
  providerCredentialTest(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ProviderCredentialTestInput, { description: 'Which one.' }) input: ProviderCredentialTestInput,
  ) {
    return payload(async () => ({ test: await this.tests.test(scope, input) }));
  }

  @Mutation(() => ProviderCredentialDeletePayload, {
    description:
      'Deletes the tenant’s own key for a provider: the next call for the tenant is made with ours. Requires `credentials:write`.',
  })
  providerCredentialDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ProviderCredentialDeleteInput, { description: 'Which one.' }) { id }: ProviderCredentialDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.credentials.delete(scope, id) }));
  }

  @FieldResolver(() => Member, { nullable: true })
  updatedBy(@Root() { updatedBy }: ProviderCredentialView, @Ctx() { loaders }: RequestContext) {
    return updatedBy === null ? null : loaders.get(this.tenants.memberById).load(updatedBy);
  }
}
