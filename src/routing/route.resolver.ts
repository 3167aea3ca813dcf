import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import type { TenantResolver } from '../tenants/tenant.resolver.ts';
import { Member } from '../tenants/tenant.type.ts';
import { RouteDeleteInput, RouteExplainInput, RoutePublishInput, RouteRollbackInput, RouteTestInput } from './route.input.ts';
import type { RouteTrialService } from './route-trial.service.ts';
import type { RouteService, RouteView } from './route.service.ts';
import {
  Route,
  RouteDeletePayload,
  RouteExplanation,
  RoutePublishPayload,
  RouteRollbackPayload,
  RouteTestPayload,
  RouteVersion,
  RouteVersionConnection,
} from './route.type.ts';
import type { RouteVersionRow } from './routes.table.ts';
import type { Cause } from './plan.ts';

@Resolver(() => Route)
export class RouteResolver {
  /** Routes by id. */
  readonly byId: LoaderFactory<string, RouteView | null> = (scope) => (ids) => this.service.list(scope, ids);
  /** Versions by id. */
  readonly versionById: LoaderFactory<string, RouteVersionRow | null> = (scope) => (ids) => this.service.versionsById(scope, ids);

  constructor(
    private readonly service: RouteService,
    private readonly trials: RouteTrialService,
  ) {}

  @Query(() => [Route], { name: 'routes', description: 'The tenant’s own routes, by name; at most 50. Requires `routes:read`.' })
  all(@Ctx() { scope }: RequestContext) {
    return this.service.all(scope);
  }

  @Query(() => RouteExplanation, {
    description:
      'Which models would write a generation, in which order, and why; nothing is called. Where chance decides, the next answer may be ' +
      'another: `share` says how often. Naming a template needs `templates:read` too. Requires `routes:read`.',
  })
  async routeExplain(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RouteExplainInput, { description: 'The generation that may be.' }) input: RouteExplainInput,
  ) {
    const { route, models, branches, steps, shares, hedge } = await this.trials.explain(scope, input);
    return {
      routeId: route?.id ?? null,
      version: route?.version ?? null,
      models: models.map((model) => ({ model, share: shares.get(model) ?? 0 })),
      branches: Object.entries(branches).map(([cause, led]) => ({ cause: cause as Cause, models: [...led] })),
      steps,
      hedge,
    };
  }

  @Mutation(() => RoutePublishPayload, {
    description:
      'Publishes a version of a route, and takes it into use: the next generation follows it. `{ name: "auto", definition: { route: { model: ' +
      '"<id>" } } }` is all it takes to give the tenant another model. Requires `routes:write`.',
  })
  routePublish(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RoutePublishInput, { description: 'The version.' }) input: RoutePublishInput,
  ) {
    return payload(async () => ({ route: await this.service.publish(scope, input) }));
  }

  @Mutation(() => RouteRollbackPayload, {
    description: 'Takes an earlier version into use again, exactly as it was. Requires `routes:write`.',
  })
  routeRollback(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RouteRollbackInput, { description: 'Which one.' }) input: RouteRollbackInput,
  ) {
    return payload(async () => ({ route: await this.service.rollback(scope, input) }));
  }

  @Mutation(() => RouteDeletePayload, {
    description:
      'Deletes a route with all its versions; what runs by it goes on. Without an `auto` of its own the tenant has the installation’s. ' +
      'Requires `routes:write`.',
  })
  routeDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RouteDeleteInput, { description: 'Which one.' }) { id }: RouteDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.service.delete(scope, id) }));
  }

  @Mutation(() => RouteTestPayload, {
    description:
      'Asks each model of a route, ten at most, for a word, with the key that the tenant’s generations use, and gives the providers’ ' +
      'verdicts within 20 seconds. It costs a few tokens each, which count for the budgets in money and tokens that a generation of the caller would count for, and ' +
      'not for `usage`; a repeat with the same `idempotencyKey` costs none. Requires `routes:write`.',
  })
  routeTest(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => RouteTestInput, { description: 'Which route.' }) input: RouteTestInput,
  ) {
    return payload(async () => ({ verdicts: await this.trials.test(scope, input) }));
  }

  @FieldResolver(() => RouteVersionConnection, { description: 'All its versions, newest first.' })
  versions(
    @Root() { id }: RouteView,
    @Ctx() { scope }: RequestContext,
    @Args(() => ConnectionArgs) { first, after }: ConnectionArgs,
  ) {
    return this.service.versions(scope, id, { first: first ?? 20, after });
  }
}

@Resolver(() => RouteVersion)
export class RouteVersionResolver {
  constructor(private readonly tenants: TenantResolver) {}

  @FieldResolver(() => Member, { nullable: true })
  publishedBy(@Root() { publishedBy }: RouteVersionRow, @Ctx() { loaders }: RequestContext) {
    return publishedBy === null ? null : loaders.get(this.tenants.memberById).load(publishedBy);
  }
}
