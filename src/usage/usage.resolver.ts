import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, Info, Query, Resolver } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import { fieldsOnPage } from '../graphql/selection.ts';
import type { UsageDimension as Dimension, UsageSource as Source } from './dimensions.ts';
import { UsageRangeInput } from './usage.input.ts';
import type { UsageService } from './usage.service.ts';
import { UsageDimension, UsageGroup, UsageGroupConnection, UsageSource } from './usage.type.ts';

@Resolver(() => UsageGroup)
export class UsageResolver {
  constructor(private readonly service: UsageService) {}

  @Query(() => UsageGroupConnection, {
    description:
      'What the generations of the tenant that were asked for in a time used and cost, in groups; their sums are those of the generations. ' +
      'Requires `usage:read`.',
  })
  usage(
    @Ctx() { scope }: RequestContext,
    @Info() info: GraphQLResolveInfo,
    @Args(() => ConnectionArgs) { first, after }: ConnectionArgs,
    @Arg('groupBy', () => [UsageDimension], { description: 'What the groups are told apart by; one group of all when empty.' })
    groupBy: Dimension[],
    @Arg('range', () => UsageRangeInput, { description: 'The time.' }) range: UsageRangeInput,
    @Arg('timeZone', () => String, {
      nullable: true,
      description: 'The zone whose days are meant, like `Europe/Berlin`; UTC when absent.',
    })
    timeZone?: string | null,
    @Arg('of', () => UsageSource, { nullable: true, description: 'Whose usage; that of generations when absent.' })
    of?: Source | null,
  ) {
    const question = {
      of: of ?? 'GENERATIONS',
      groupBy,
      range,
      timeZone: timeZone ?? 'UTC',
      withEstimates: fieldsOnPage(info).has('estimate'),
    };
    return this.service.page(scope, { first: first ?? 20, after }, question);
  }
}
