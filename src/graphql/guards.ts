import { visit, type DocumentNode } from 'graphql';
import type { Permission } from '../kernel/scope.ts';

/** Fields that need a permission of their own wherever they stand; all of them are root fields that no feature owns. */
const guardedFields: Readonly<Record<string, Permission>> = {
  __schema: 'schema:introspect',
  __type: 'schema:introspect',
  _service: 'schema:federate',
  _entities: 'schema:federate',
};

const known = new WeakMap<DocumentNode, readonly Permission[]>();

/** The permissions that a document needs whatever it is asked with; found once for each document. */
export function guardsOf(document: DocumentNode): readonly Permission[] {
  const seen = known.get(document);
  if (seen) return seen;
  const found = new Set<Permission>();
  visit(document, {
    Field(field) {
      const permission = Object.hasOwn(guardedFields, field.name.value) ? guardedFields[field.name.value] : undefined;
      if (permission) found.add(permission);
    },
  });
  const guards = [...found];
  known.set(document, guards);
  return guards;
}
