import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { allPermissions } from '../kernel/scope.ts';
import type { TenantResolver } from '../tenants/tenant.resolver.ts';
import { Member } from '../tenants/tenant.type.ts';
import { ApiKeyCreateInput, ApiKeyRevokeInput, ApiKeyRotateInput, ApiKeyUpdateInput } from './api-key.input.ts';
import type { ApiKeyService, ApiKeyView } from './api-key.service.ts';
import {
  ApiKey,
  ApiKeyConnection,
  ApiKeyCreatePayload,
  ApiKeyRevokePayload,
  ApiKeyRotatePayload,
  ApiKeyUpdatePayload,
} from './api-key.type.ts';
import { fingerprintOf } from './key-text.ts';
import { everything } from './roles.ts';

@Resolver(() => ApiKey)
export class ApiKeyResolver {
  /** Keys by id. */
  readonly byId: LoaderFactory<string, ApiKeyView | null> = (scope) => (ids) => this.keys.list(scope, ids);

  constructor(
    private readonly keys: ApiKeyService,
    private readonly tenants: TenantResolver,
  ) {}

  @Query(() => ApiKeyConnection, {
    name: 'apiKeys',
    description:
      'The own keys, newest first, revoked ones too; with `keys:others` those of the whole tenant. Requires `keys:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.keys.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => ApiKeyCreatePayload, { description: 'Makes a key that acts as the caller. Requires `keys:write`.' })
  apiKeyCreate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ApiKeyCreateInput, { description: 'What it may do.' }) input: ApiKeyCreateInput,
  ) {
    return payload(() => this.keys.create(scope, input));
  }

  @Mutation(() => ApiKeyUpdatePayload, {
    description:
      'Changes the limits of an own key, with `keys:others` of any of the tenant; they hold within seconds. Requires `keys:write`.',
  })
  apiKeyUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ApiKeyUpdateInput, { description: 'What to change.' }) input: ApiKeyUpdateInput,
  ) {
    return payload(async () => ({ apiKey: await this.keys.update(scope, input) }));
  }

  @Mutation(() => ApiKeyRotatePayload, {
    description:
      'Makes a new key in the place of one of the caller’s own: same name, permissions and limits, and as long a life, but no longer than the key in ' +
      'use: one that replaces itself keeps its end. The old one goes on for the overlap; what it replaced itself ends at once, so that two are ' +
      'valid at most. The caller has all of its permissions; a key for all that its member may do is replaced by such a key alone. Requires ' +
      '`keys:write`.',
  })
  apiKeyRotate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ApiKeyRotateInput, { description: 'Which one.' }) input: ApiKeyRotateInput,
  ) {
    return payload(() => this.keys.rotate(scope, input));
  }

  @Mutation(() => ApiKeyRevokePayload, {
    description:
      'Ends a key for good, with `keys:others` any of the tenant; its running subscriptions end within 5 seconds. One that was revoked stays as it is. ' +
      'Requires `keys:write`.',
  })
  apiKeyRevoke(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => ApiKeyRevokeInput, { description: 'Which one.' }) { id }: ApiKeyRevokeInput,
  ) {
    return payload(async () => ({ apiKey: await this.keys.revoke(scope, id) }));
  }

  @FieldResolver(() => [String])
  permissions(@Root() { permissions }: ApiKeyView) {
    return (permissions as string[]).includes(everything) ? allPermissions : permissions;
  }

  @FieldResolver(() => String)
  fingerprint(@Root() { id }: ApiKeyView) {
    return fingerprintOf(id);
  }

  @FieldResolver(() => Member)
  member(@Root() { memberId }: ApiKeyView, @Ctx() { loaders }: RequestContext) {
    return loaders.get(this.tenants.memberById).load(memberId);
  }
}
