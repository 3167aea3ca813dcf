import { GraphQLError, specifiedRules, validate, visit, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Permission } from '../kernel/scope.ts';
import { limitErrors, type Limits } from './limits.ts';
import { refusal } from './masking.ts';
import { withoutValue } from './misfits.ts';
import { SubscriptionRootRule } from './subscription-root.ts';

const rules = [...specifiedRules, SubscriptionRootRule];

/** Why a document does not run, whoever sends it: above a limit, or not what the schema offers. No suggestions, no values. */
export function documentErrors(schema: GraphQLSchema, document: DocumentNode, limits: Limits): readonly GraphQLError[] {
  const errors = limitErrors(document, limits);
  if (errors.length > 0) return errors;
  try {
    const found = validate(schema, document, rules, { hideSuggestions: true, maxErrors: 20 });
    return found.map(
      ({ message, nodes }) =>
        new GraphQLError(withoutValue(message), { nodes: nodes ?? null, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
    );
  } catch {
    // graphql-js throws on documents such as `subscription ($s: Boolean!) { a @skip(if: $s) b }` instead of refusing them.
    return [refusal('GRAPHQL_VALIDATION_FAILED', 'the document cannot be validated')];
  }
}

/** Fields that need a permission of their own wherever they stand; all of them are root fields that no feature owns. */
const guardedFields: Readonly<Record<string, Permission>> = {
  __schema: 'schema:introspect',
  __type: 'schema:introspect',
  _service: 'schema:federate',
  _entities: 'schema:federate',
};

const guards = new WeakMap<DocumentNode, readonly Permission[]>();

/** The permissions that a document needs by itself, beside those that its fields' services ask for; looked for once a document. */
export function guardsOf(document: DocumentNode): readonly Permission[] {
  const known = guards.get(document);
  if (known) return known;
  const found = new Set<Permission>();
  visit(document, {
    Field(field) {
      const permission = Object.hasOwn(guardedFields, field.name.value) ? guardedFields[field.name.value] : undefined;
      if (permission) found.add(permission);
    },
  });
  const needed = [...found];
  guards.set(document, needed);
  return needed;
}
