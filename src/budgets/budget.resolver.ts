import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { ConnectionArgs } from '../graphql/connection.ts';
import type { RequestContext } from '../graphql/context.ts';
import type { LoaderFactory } from '../graphql/loaders.ts';
import { payload } from '../graphql/payload.ts';
import { BudgetDeleteInput, BudgetSetInput } from './budget.input.ts';
import type { BudgetService, BudgetView } from './budget.service.ts';
import { Budget, BudgetConnection, BudgetDeletePayload, BudgetSetPayload } from './budget.type.ts';

@Resolver(() => Budget)
export class BudgetResolver {
  /** Budgets by id. */
  readonly byId: LoaderFactory<string, BudgetView | null> = (scope) => (ids) => this.budgets.list(scope, ids);

  constructor(private readonly budgets: BudgetService) {}

  @Query(() => BudgetConnection, {
    name: 'budgets',
    description: 'The tenant’s budgets with what is used of them and what is left, oldest first. Requires `budgets:read`.',
  })
  page(@Ctx() { scope }: RequestContext, @Args(() => ConnectionArgs) { first, after }: ConnectionArgs) {
    return this.budgets.page(scope, { first: first ?? 20, after });
  }

  @Mutation(() => BudgetSetPayload, {
    description:
      'Sets the budget of a subject for a unit and a period, in the place of the one before, whose counts go on. A new one counts from now: not ' +
      'what ended before, nor what is under way. Requires `budgets:write`.',
  })
  budgetSet(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => BudgetSetInput, { description: 'The budget.' }) input: BudgetSetInput,
  ) {
    return payload(async () => ({ budget: await this.budgets.set(scope, input) }));
  }

  @Mutation(() => BudgetDeletePayload, { description: 'Deletes a budget with its counts. Requires `budgets:write`.' })
  budgetDelete(
    @Ctx() { scope }: RequestContext,
    @Arg('input', () => BudgetDeleteInput, { description: 'Which one.' }) { id }: BudgetDeleteInput,
  ) {
    return payload(async () => ({ deletedId: await this.budgets.delete(scope, id) }));
  }
}
