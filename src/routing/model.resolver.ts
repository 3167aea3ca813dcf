import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { autoRoute, type Models } from './models.ts';
import { Model } from './model.type.ts';

@Resolver(() => Model)
export class ModelResolver {
  constructor(
    private readonly catalogue: Models,
    private readonly clock: Clock = systemClock,
  ) {}

  @Query(() => [Model], { description: 'The models of this process, by provider, retired ones too. Requires `models:read`.' })
  models(@Ctx() { scope }: RequestContext): Model[] {
    scope.require('models:read');
    const [first] = this.catalogue.plan(autoRoute).models;
    const now = this.clock.now();
    return this.catalogue.choices.map(({ id, provider, model }) => {
      const { name, contextWindow, maxOutputTokens, hasStructuredOutput = null, retiresAt = null } = model;
      const can = { name, contextWindow, maxOutputTokens, hasStructuredOutput, retiresAt };
      const isRetired = this.catalogue.retiredAt(id) !== null;
      return { ...can, id, provider: provider.id, isRetired, price: this.catalogue.priceOf(id, now), isDefault: id === first };
    });
  }
}
