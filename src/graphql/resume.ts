import {
  getNullableType,
  GraphQLString,
  Kind,
  visit,
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import type { Operation } from './execute.ts';

/**
 * The same subscription from `cursor` on: sets the root field's argument `after`. If a variable feeds that argument the variable
 * is overridden, else the argument itself is. Subscriptions without such an argument start as they would.
 */
export function resumedFrom(cursor: string, operation: Operation, schema: GraphQLSchema): Operation {
  const field = rootFieldOf(operation.definition.selectionSet, operation.document);
  const argument =
    field &&
    schema
      .getSubscriptionType()
      ?.getFields()
      [field.name.value]?.args.find(({ name }) => name === 'after');
  if (!argument || getNullableType(argument.type) !== GraphQLString) return operation;
  const given = field.arguments?.find(({ name }) => name.value === 'after');
  if (given?.value.kind === Kind.VARIABLE) {
    return { ...operation, variables: { ...operation.variables, [given.value.name.value]: cursor } };
  }
  const after: ArgumentNode = {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: 'after' },
    value: { kind: Kind.STRING, value: cursor },
  };
  const document: DocumentNode = visit(operation.document, {
    Field: (node) =>
      node === field ? { ...node, arguments: [...(node.arguments ?? []).filter((other) => other !== given), after] } : undefined,
  });
  return { ...operation, document };
}

/** Validation has made sure that there is one, perhaps inside fragments. */
function rootFieldOf(set: SelectionSetNode, document: DocumentNode): FieldNode | null {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) return selection;
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : document.definitions.find(
            (other) => other.kind === Kind.FRAGMENT_DEFINITION && other.name.value === selection.name.value,
          );
    const found =
      inner &&
      rootFieldOf('selectionSet' in inner && inner.selectionSet ? inner.selectionSet : (inner as SelectionSetNode), document);
    if (found) return found;
  }
  return null;
}
