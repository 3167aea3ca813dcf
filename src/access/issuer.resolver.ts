import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { IssuerCreateInput, IssuerDeleteInput, IssuerUpdateInput } from './issuer.input.ts';
import type { IssuerService } from './issuer.service.ts';
import { Issuer, IssuerConnection, IssuerCreatePayload, IssuerDeletePayload, IssuerUpdatePayload } from './issuer.type.ts';
import type { IssuerRow } from './issuers.table.ts';

@Resolver(() => Issuer)
export class IssuerResolver {
  /** Issuers by id. */
  readonly byId: LoaderFactory<string, IssuerRow | null> = (scope) => (ids) => this.issuers.list(scope, ids);

  constructor(private readonly issuers: IssuerService) {}

  @Query(() => IssuerConnection, {
    name: 'issuers',
    description: 'The OIDC issuers of the own tenant, newest first. Requires `issuers:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.issuers.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => IssuerCreatePayload, {
    description:
      'Registers an OIDC issuer: from now on its tokens (JWT) prove people of the tenant, who become members when they are first seen. ' +
      'The roles that the claims of their last token gave are what counts for them. Its discovery document and its keys are read before. ' +
      'Requires `issuers:write`.',
  })
  issuerCreate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => IssuerCreateInput, { description: 'Which one, and how its tokens are read.' }) input: IssuerCreateInput,
  ) {
    return payload(async () => ({ issuer: await this.issuers.create(scope, input) }));
  }

  @Mutation(() => IssuerUpdatePayload, {
    description:
      'Changes how the tokens of an issuer are read, or whether they are taken. What is open by one of them ends within 5 seconds, unless only ' +
      'the name changed; a fresh look decides what it may do now. Requires `issuers:write`.',
  })
  issuerUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => IssuerUpdateInput, { description: 'What to change.' }) input: IssuerUpdateInput,
  ) {
    return payload(async () => ({ issuer: await this.issuers.update(scope, input) }));
  }

  @Mutation(() => IssuerDeletePayload, {
    description:
      'Deletes an issuer: its tokens are refused, and what is open by one of them ends within 5 seconds. Its people stay members; its URL and ' +
      'audience stay with the tenant, which can register them again. Requires `issuers:write`.',
  })
  issuerDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => IssuerDeleteInput, { description: 'Which one.' }) { id }: IssuerDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.issuers.delete(scope, id) }));
  }
}
