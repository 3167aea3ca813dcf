import { GraphQLID } from 'graphql';
import { Arg, Ctx, Field, FieldResolver, ObjectType, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { enumOf } from '../graphql/enum.ts';
import { Viewer } from '../tenants/tenant.type.ts';
import { permissionReasons, type ExplainService, type PermissionReason } from './explain.service.ts';
import type { RoleResolver } from './role.resolver.ts';
import { rolesOfMember } from './roles.ts';
import { Role } from './role.type.ts';
import type { TenantResolver } from '../tenants/tenant.resolver.ts';

const PermissionReasonEnum = enumOf(
  'PermissionReason',
  'Which wall decides whether somebody may do something.',
  permissionReasons,
);

@ObjectType({ description: 'Whether the caller may do something, and why.', simpleResolvers: true })
class PermissionExplanation {
  @Field(() => Boolean, { description: 'Whether they may.' }) allowed!: boolean;
  @Field(() => PermissionReasonEnum, { description: 'Which wall decides.' }) reason!: PermissionReason;
}

/** What callers may do, and why not. */
@Resolver(() => Viewer)
export class ExplainResolver {
  constructor(
    private readonly service: ExplainService,
    private readonly tenants: TenantResolver,
    private readonly roles: RoleResolver,
  ) {}

  @Query(() => PermissionExplanation, {
    description: 'Why the caller may use a permission or not, with a thing or at all. It needs no permission.',
  })
  explainPermission(
    @Ctx() { scope }: RequestContext,
    @Arg('permission', () => String, { description: 'Such as `generations:write`.' }) permission: string,
    @Arg('nodeId', () => GraphQLID, { nullable: true, description: 'The id of the thing; null for none in particular.' })
    nodeId?: string | null,
  ) {
    return this.service.explain(scope, { permission, nodeId: nodeId ?? null });
  }

  @FieldResolver(() => Role, {
    nullable: true,
    description: 'The role of the member, or the first that the claims of the token gave; null for whoever is none yet.',
  })
  async role(@Ctx() { scope, loaders }: RequestContext) {
    if (scope.proof.kind === 'invitation') return null;
    const { proof } = scope;
    if (proof.kind === 'token') return proof.roles[0] === undefined ? null : loaders.get(this.roles.byName).load(proof.roles[0]);
    const member = await loaders.get(this.tenants.memberById).load(scope.memberId);
    const [name] = member ? rolesOfMember(member) : [];
    return name === undefined ? null : loaders.get(this.roles.byName).load(name);
  }
}
