import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

const known = new WeakMap<FieldNode, ReadonlySet<string>>();

/**
 * The fields that a query asks of the things on a page, below `nodes` and `edges { node }`. Directives are not looked at, so it may name
 * more than the answer will hold. The same for every run of a document, so it is found once.
 */
export function fieldsOnPage({
  fieldNodes,
  fragments,
}: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>): ReadonlySet<string> {
  const only = fieldNodes.length === 1 ? fieldNodes[0] : undefined;
  const seen = only && known.get(only);
  if (seen) return seen;

  const fieldsIn = (sets: readonly SelectionSetNode[]): FieldNode[] =>
    sets.flatMap(({ selections }) =>
      selections.flatMap((selection) => {
        if (selection.kind === Kind.FIELD) return [selection];
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
        return inner ? fieldsIn([inner.selectionSet]) : [];
      }),
    );
  const below = (fields: readonly FieldNode[], name: string): FieldNode[] =>
    fieldsIn(fields.flatMap((field) => (field.name.value === name && field.selectionSet ? [field.selectionSet] : [])));
  const page = fieldsIn(fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []));
  const fields = new Set([...below(page, 'nodes'), ...below(below(page, 'edges'), 'node')].map(({ name }) => name.value));
  if (only) known.set(only, fields);
  return fields;
}
