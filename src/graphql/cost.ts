import type { DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import { isObject } from '../kernel/object.ts';
import { shownCost, type Charge } from './admission.ts';
import { planCost, type CostPlan, type FieldCost, type SetCost, type Size } from './cost-plan.ts';
import type { Limits } from './limits.ts';
import { WrittenData } from './written.ts';

type Variables = Readonly<Record<string, unknown>>;

/** What an operation costs with its variables: at most, and then by its answer. */
export interface OperationCost {
  /** If every list were full and of all types that an object may have it had the dearest. */
  readonly requested: number;
  /** Of the root fields alone: what was done when nothing more was. */
  readonly least: number;
  /** What the answer really holds. A part that failed is taken as requested: what was done for it is not known. */
  actualOf(result: Pick<ExecutionResult, 'data' | 'errors'>): number;
}

/** Works out what operations cost. What does not depend on variables is worked out once for each document. */
export class Costs {
  private readonly plans = new WeakMap<OperationDefinitionNode, CostPlan>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly limits: Pick<Limits, 'pageSize' | 'answerValues'>,
  ) {}

  /**
   * Throws INVALID_INPUT when a page size is outside 1..pageSize, and LIMIT_EXCEEDED when the answer could hold too many values. Sizes
   * count wherever they come from: literals, variables, defaults of either.
   */
  of(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): OperationCost {
    let plan = this.plans.get(operation);
    if (!plan) {
      plan = planCost(this.schema, document, operation);
      this.plans.set(operation, plan);
    }
    const { root, pages } = plan;
    const { pageSize, answerValues } = this.limits;
    for (const page of pages) {
      const size = sizeIn(page, variables);
      if (size < 1 || size > pageSize)
        throw new AppError('INVALID_INPUT', `first is ${size}, not 1 to ${pageSize}`, { path: ['first'] });
    }
    if (valuesOf(root, variables) > answerValues)
      throw new AppError('LIMIT_EXCEEDED', `the answer could hold more than ${answerValues} fields`);
    return new CostOfOperation(root, variables);
  }
}

class CostOfOperation implements OperationCost {
  readonly requested: number;

  constructor(
    private readonly root: SetCost,
    private readonly variables: Variables,
  ) {
    this.requested = costOf(root, variables);
  }

  get least(): number {
    return this.root.inner.reduce((sum, field) => sum + (isAsked(field, this.variables) ? field.weight : 0), this.root.weight);
  }

  actualOf({ data, errors }: Pick<ExecutionResult, 'data' | 'errors'>): number {
    if (!data) return this.requested;
    if (data instanceof WrittenData) return actualOfSet(this.root, data.shape, null);
    return actualOfSet(this.root, data, errors ? this.variables : null);
  }
}

/** Settles what an operation was charged, and says so in its result. */
export function paid(
  { cost, charge }: { readonly cost: OperationCost; readonly charge: Charge | null },
  result: ExecutionResult,
  actual = charge ? cost.actualOf(result) : 0,
): ExecutionResult {
  if (!charge) return result;
  const { requested } = cost;
  charge.settle(actual);
  const { maximumAvailable, currentlyAvailable, restoreRate } = charge.status;
  const left = Math.min(maximumAvailable, Math.max(0, currentlyAvailable + requested - actual));
  const shown = shownCost(requested, actual, { maximumAvailable, currentlyAvailable: left, restoreRate });
  return { ...result, extensions: { ...result.extensions, cost: shown } };
}

/**
 * Takes for what the messages of a subscription load, beyond what it paid when it began: the messages themselves are free. Null where there is
 * nothing to take.
 */
export function meteredBy({
  cost,
  charge,
}: {
  readonly cost: OperationCost;
  readonly charge: Charge | null;
}): ((message: ExecutionResult) => void) | null {
  const { requested, least } = cost;
  if (!charge || requested <= least) return null;
  let paidFor = requested - least;
  return (message) => {
    const loaded = Math.max(0, cost.actualOf(message) - least);
    const covered = Math.min(paidFor, loaded);
    paidFor -= covered;
    if (loaded > covered) charge.spend(loaded - covered);
  };
}

function costOf(set: SetCost, variables: Variables): number {
  let cost = set.weight;
  for (const field of set.inner)
    if (isAsked(field, variables)) cost += sizeIn(field.size, variables) * costOfOne(field, variables);
  return cost;
}

/** Of one value of the field. */
function costOfOne({ weight, sets }: FieldCost, variables: Variables): number {
  let most = 0;
  for (const set of sets) most = Math.max(most, costOf(set, variables));
  return weight + most;
}

function valuesOf(set: SetCost, variables: Variables): number {
  let values = set.values;
  for (const { size, sets } of set.inner) {
    let most = 0;
    for (const each of sets) most = Math.max(most, valuesOf(each, variables));
    values += 1 + sizeIn(size, variables) * most;
  }
  return values;
}

/** `failed` are the variables when there were errors, each of which left a null somewhere; null when there were none. */
function actualOfSet(set: SetCost, data: Readonly<Record<string, unknown>>, failed: Variables | null): number {
  let cost = set.weight;
  for (const field of set.inner) {
    const value = data[field.key];
    // Left out by a condition, or of another type.
    if (value === undefined) continue;
    if (value === null && failed) cost += sizeIn(field.size, failed) * costOfOne(field, failed);
    else cost += actualOfValue(field, value, failed);
  }
  return cost;
}

function actualOfValue(field: FieldCost, value: unknown, failed: Variables | null): number {
  if (Array.isArray(value)) {
    const [only] = field.sets;
    // Nothing below costs more for one than for another, which is so for most lists.
    if (field.sets.length === 1 && only?.inner.length === 0 && !failed) return value.length * (field.weight + only.weight);
    let cost = 0;
    for (const each of value) cost += actualOfValue(field, each, failed);
    return cost;
  }
  if (value === null && failed) return costOfOne(field, failed);
  // Nothing was found, but it was looked for.
  if (!isObject(value)) return field.weight;
  let most = 0;
  for (const set of field.sets) most = Math.max(most, actualOfSet(set, value, failed));
  return field.weight + most;
}

function isAsked({ when }: FieldCost, variables: Variables): boolean {
  return (
    when === null ||
    when.some((all) => all.every(({ variable, is, otherwise }) => (own(variables, variable) ?? otherwise) === is))
  );
}

function sizeIn(size: Size, variables: Variables): number {
  if (typeof size === 'number') return size;
  const value = own(variables, size.variable);
  if (typeof value === 'number') return value;
  // Null is not absent: it takes the place of the variable's default.
  if (value === null) return size.ifNull;
  return Array.isArray(value) ? Math.max(1, value.length) : size.otherwise;
}

function own(variables: Variables, name: string): unknown {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
