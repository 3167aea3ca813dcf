import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { Member } from '../tenants/tenant.type.ts';
import type { MemberRow } from '../tenants/tenants.table.ts';
import { RoleCreateInput, RoleDeleteInput, RoleUpdateInput } from './role.input.ts';
import { rolesOfMember } from './roles.ts';
import type { RoleService, RoleView } from './role.service.ts';
import { Role, RoleCreatePayload, RoleDeletePayload, RoleUpdatePayload } from './role.type.ts';

/** Roles, and the role of each member. */
@Resolver(() => Member)
export class RoleResolver {
  /** Roles by id. */
  readonly byId: LoaderFactory<string, RoleView | null> = (scope) => (ids) => this.service.list(scope, ids);
  /** Roles by name. */
  readonly byName: LoaderFactory<string, RoleView | null> = (scope) => (names) => this.service.named(scope, names);

  constructor(private readonly service: RoleService) {}

  @Query(() => [Role], {
    name: 'roles',
    description: 'The roles of the own tenant: the built-in ones, then its own by name. Requires `members:read`.',
  })
  all(@Ctx() { scope }: RequestContext) {
    return this.service.all(scope);
  }

  @Mutation(() => RoleCreatePayload, {
    description: 'Makes a role of permissions that the caller has. Requires `roles:write`.',
  })
  roleCreate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RoleCreateInput, { description: 'What it may do.' }) input: RoleCreateInput,
  ) {
    return payload(async () => ({ role: await this.service.create(scope, input) }));
  }

  @Mutation(() => RoleUpdatePayload, {
    description:
      'Changes what a role of the tenant’s own may do, for all who have it: running subscriptions that it does not cover any more end ' +
      'within 5 seconds. The caller has all of it, before and after. Requires `roles:write`.',
  })
  roleUpdate(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RoleUpdateInput, { description: 'What it may do.' }) input: RoleUpdateInput,
  ) {
    return payload(async () => ({ role: await this.service.update(scope, input) }));
  }

  @Mutation(() => RoleDeletePayload, {
    description:
      'Deletes a role of the tenant’s own that nobody has, nobody is invited to and no issuer gives. Requires `roles:write`.',
  })
  roleDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RoleDeleteInput, { description: 'Which one.' }) { id }: RoleDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.service.delete(scope, id) }));
  }

  @FieldResolver(() => Role, {
    nullable: true,
    description: 'What they may do; null when their role is none any more. For people of an issuer the first of their `roles`.',
  })
  role(@Root() member: MemberRow, @Ctx() { loaders }: RequestContext) {
    const [name] = rolesOfMember(member);
    return name === undefined ? null : loaders.get(this.byName).load(name);
  }

  @FieldResolver(() => [Role], {
    description:
      'All their roles, which they have together: the one they were given here or, for people of an issuer, those that the claims of their ' +
      'last token gave, whatever they came with.',
  })
  async roles(@Root() member: MemberRow, @Ctx() { loaders }: RequestContext) {
    const roles = loaders.get(this.byName);
    const found = await Promise.all(rolesOfMember(member).map((name) => roles.load(name)));
    return found.filter((role) => role !== null);
  }
}
