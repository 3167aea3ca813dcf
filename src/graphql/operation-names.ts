import { Kind, type DocumentNode } from 'graphql';

/** The names of the operations that ship with the product: metrics show these, and `other` for any name that a client makes up. */
export function operationNames(documents: Readonly<Record<string, DocumentNode>>): ReadonlySet<string> {
  const definitions = Object.values(documents).flatMap(({ definitions: each }) => each);
  return new Set(definitions.flatMap((each) => (each.kind === Kind.OPERATION_DEFINITION && each.name ? [each.name.value] : [])));
}
