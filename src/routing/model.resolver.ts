import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../graphql/context.ts';
import { autoRoute, type Models } from './models.ts';
import { Model } from './model.type.ts';

@Resolver(() => Model)
export class ModelResolver {
  constructor(private readonly catalogue: Models) {}

  @Query(() => [Model], { description: 'The models of this process, by provider, retired ones too. Requires `models:read`.' })
  models(@Ctx() { scope }: RequestContext): Model[] {
    scope.require('models:read');
    const [first] = this.catalogue.plan(autoRoute).models;
    return this.catalogue.choices.map(({ id, provider, model }) => {
      const { name, contextWindow, maxOutputTokens, hasStructuredOutput = null, retiresAt = null } = model;
      const can = { name, contextWindow, maxOutputTokens, hasStructuredOutput, retiresAt };
      const isRetired = this.catalogue.retiredAt(id) !== null;
      return { ...can, id, provider: provider.id, isRetired, price: this.catalogue.priceOf(id), isDefault: id === first };
    });
  }
}
