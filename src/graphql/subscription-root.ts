import { GraphQLError, Kind, type ASTVisitor, type SelectionSetNode, type ValidationContext } from 'graphql';

/**
 * A subscription's root field is always there: `@skip` and `@include` on the way to it are refused, as the specification does since 2025.
 * graphql-js 16 lets them pass and then fails for want of a field.
 */
export function SubscriptionRootRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation === 'subscription') check(selectionSet, new Set());
    },
  };

  function check(set: SelectionSetNode, seen: Set<string>): void {
    for (const selection of set.selections) {
      const directive = selection.directives?.find(({ name }) => name.value === 'skip' || name.value === 'include');
      if (directive) {
        context.reportError(
          new GraphQLError(`@${directive.name.value} cannot stand on the root of a subscription.`, { nodes: directive }),
        );
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet, seen);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
      seen.add(selection.name.value);
      const fragment = context.getFragment(selection.name.value);
      if (fragment) check(fragment.selectionSet, seen);
    }
  }
}
