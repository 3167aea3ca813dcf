import type { Caller } from './seed.ts';

/** A budget as it is shown. */
export interface ShownBudget {
  readonly id: string;
  readonly subject: string;
  readonly team: string | null;
  readonly keyId: string | null;
  readonly memberId: string | null;
  readonly unit: string;
  readonly period: string;
  readonly most: number;
  readonly softAt: number | null;
  readonly allowsUnknownPrice: boolean;
  readonly settled: number;
  readonly outstanding: number;
  readonly left: number;
  readonly resetsAt: string | null;
  readonly softReachedAt: string | null;
}

/** All of a budget that tests look at. */
const budgetParts =
  'id subject team keyId memberId unit period most softAt allowsUnknownPrice settled outstanding left resetsAt softReachedAt';

/** What `budgetSet` answers. */
export interface BudgetSetAnswer {
  readonly budget: ShownBudget | null;
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path: readonly string[] | null }[];
}

/** Asks for a budget: the tenant's own of generations in a day, unless said. */
export async function askForBudget(asker: Pick<Caller, 'ask'>, input: object = {}): Promise<BudgetSetAnswer> {
  const query = `mutation ($input: BudgetSetInput!) {
    budgetSet(input: $input) { budget { ${budgetParts} } errors { code message path } }
  }`;
  const variables = { input: { unit: 'GENERATIONS', period: 'DAY', most: 1_000_000, ...input } };
  return (await asker.ask<{ budgetSet: BudgetSetAnswer }>(query, variables)).budgetSet;
}

/** The same, where there are no errors. */
export async function setBudget(asker: Pick<Caller, 'ask'>, input: object = {}): Promise<ShownBudget> {
  const { budget, errors } = await askForBudget(asker, input);
  if (!budget) throw new Error(JSON.stringify(errors));
  return budget;
}

/** All of them, oldest first. */
export async function budgetsOf(asker: Pick<Caller, 'ask'>): Promise<ShownBudget[]> {
  const { budgets } = await asker.ask<{ budgets: { nodes: ShownBudget[] } }>(
    `{ budgets(first: 100) { nodes { ${budgetParts} } } }`,
  );
  return budgets.nodes;
}
