import { Arg, Ctx, Directive, FieldResolver, Int, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { bySubscriber } from '../graphql/schema.ts';
import type { ModelHealth } from './health-news.ts';
import type { HealthService } from './health.service.ts';
import type { Models } from './models.ts';
import { Provider, ProviderHealthMessage, ProviderModel } from './provider.type.ts';

/** A list that nobody gave a size. */
const mostUsual = 20;
/** The worst last. */
const states = ['CLOSED', 'HALF_OPEN', 'OPEN'] as const satisfies ModelHealth['state'][];

@Resolver(() => Provider)
export class ProviderResolver {
  constructor(
    private readonly catalogue: Models,
    private readonly health: HealthService,
  ) {}

  @Query(() => [Provider], { description: 'The providers of this process, and how their models do. Requires `providers:read`.' })
  providers(@Ctx() { scope }: RequestContext): Provider[] {
    return this.all(this.health.list(scope));
  }

  @Directive('@listSize(slicingArguments: ["first"], requireOneSlicingArgument: false)')
  @FieldResolver(() => [ProviderModel], {
    description:
      'Its models, those that do worst first, then by id: those that are listed, and, for a tenant that runs the installation, others that were called ' +
      'lately. What nobody listed may be the name of a tenant’s own.',
  })
  models(
    @Root() { models }: Provider,
    @Arg('first', () => Int, { nullable: true, defaultValue: mostUsual, description: 'How many at most, 1 to 100.' })
    first: number | null,
  ): ProviderModel[] {
    return models.slice(0, first ?? mostUsual);
  }

  @Subscription(() => ProviderHealthMessage, {
    description: 'How models do: first all of them, then what changes, at most once a second or so. Requires `providers:read`.',
    subscribe: bySubscriber,
  })
  providerHealthStream(@Root() message: ProviderHealthMessage) {
    return message;
  }

  /** The values of `providerHealthStream`. */
  readonly stream = (_args: unknown, { scope, signal }: RequestContext): AsyncIterable<ProviderHealthMessage> =>
    this.messages(this.health.follow(scope, signal));

  private async *messages(changes: AsyncIterable<readonly ModelHealth[]>): AsyncGenerator<ProviderHealthMessage, void> {
    let isFirst = true;
    for await (const changed of changes) {
      yield { providers: isFirst ? this.all(changed) : grouped(changed) };
      isFirst = false;
    }
  }

  /** With models that nobody has called: those of the catalogue. */
  private all(told: readonly ModelHealth[]): Provider[] {
    const isTold = new Set(told.map(({ model }) => model));
    const untold = this.catalogue.known.filter((id) => !isTold.has(id)).map((id) => this.health.healthOf(id));
    const found = grouped([...told, ...untold]);
    const isFound = new Set(found.map(({ id }) => id));
    // Some vendors list no models, but take any.
    const empty = this.catalogue.providers.filter(({ id }) => !isFound.has(id));
    return [...found, ...empty.map(({ id }) => ({ id, health: this.health.healthOf(id), models: [], modelCount: 0 }))];
  }
}

function grouped(all: readonly ModelHealth[]): Provider[] {
  const byProvider = Map.groupBy(all, ({ model }) => model.slice(0, model.indexOf('/')));
  return [...byProvider].flatMap(([id, of]) => {
    const models = of
      .map((health) => ({ id: health.model, health }))
      .toSorted((a, b) => badness(b.health) - badness(a.health) || (a.id < b.id ? -1 : 1));
    const [worst] = models;
    return worst ? [{ id, health: worst.health, models, modelCount: models.length }] : [];
  });
}

function badness({ state, failures }: ModelHealth): number {
  return states.indexOf(state) * 1e9 + failures;
}
