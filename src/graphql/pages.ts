import {
  getNamedType,
  isObjectType,
  isInterfaceType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { AppError } from '../kernel/errors.ts';
import type { Limits } from './limits.ts';

type Variables = Readonly<Record<string, unknown>>;

/**
 * Throws INVALID_INPUT when a page size is outside 1..pageSize, and LIMIT_EXCEEDED when the answer could hold too many fields.
 * Sizes count wherever they come from: literals, variables, defaults of either. Runs after validation, for each request.
 */
export function checkPages(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  limits: Limits,
): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  let cost = 0;

  const count = (set: SelectionSetNode, type: GraphQLNamedType | null | undefined, times: number): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        cost += times;
        if (cost > limits.cost) throw new AppError('LIMIT_EXCEEDED', `the answer could hold more than ${limits.cost} fields`);
        if (!selection.selectionSet || selection.name.value.startsWith('__')) continue;
        const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
        const size = field ? pageSizeOf(field, selection, operation, variables) : null;
        if (size !== null && (size < 1 || size > limits.pageSize)) {
          throw new AppError('INVALID_INPUT', `first is ${size}, not 1 to ${limits.pageSize}`, { path: ['first'] });
        }
        count(selection.selectionSet, field ? getNamedType(field.type) : null, times * (size ?? askedFor(selection, variables)));
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        count(selection.selectionSet, condition === undefined ? type : schema.getType(condition), times);
      } else {
        const fragment = fragments.get(selection.name.value);
        if (fragment) count(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value), times);
      }
    }
  };
  count(operation.selectionSet, schema.getRootType(operation.operation), 1);
}

/** null for fields that are no lists, and for sizes that are no numbers (coercion refuses those). */
function pageSizeOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number | null {
  const argument = field.args.find(({ name }) => name === 'first');
  if (!argument) return null;
  const given = node.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (given?.kind === Kind.INT) return Number(given.value);
  if (given?.kind === Kind.VARIABLE) {
    const name = given.name.value;
    if (Object.hasOwn(variables, name)) return typeof variables[name] === 'number' ? variables[name] : null;
    const standard = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;
    if (standard?.kind === Kind.INT) return Number(standard.value);
  }
  return typeof argument.defaultValue === 'number' ? argument.defaultValue : null;
}

/** How many things a field asks for by name, in `nodes(ids:)` and `_entities(representations:)`: at least one. */
function askedFor(node: FieldNode, variables: Variables): number {
  const given = node.arguments?.find(({ name }) => name.value === 'ids' || name.value === 'representations')?.value;
  if (given?.kind === Kind.LIST) return Math.max(1, given.values.length);
  const value = given?.kind === Kind.VARIABLE ? variables[given.name.value] : null;
  return Array.isArray(value) ? Math.max(1, value.length) : 1;
}
