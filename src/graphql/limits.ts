import { GraphQLError, Kind, type DocumentNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';
import { checkLiterals } from './hygiene.ts';
import { shownError } from './masking.ts';

/** What a document may be, on every transport. */
export interface Limits {
  /** Tokens of the document; the parser stops there. */
  readonly tokens: number;
  /** Levels of fields; a root field is level 1. */
  readonly depth: number;
  /** Fields after fragments are spread out. */
  readonly fields: number;
  /** Aliases after fragments are spread out, those of `__typename` too. */
  readonly aliases: number;
  /** Directives anywhere in the document. */
  readonly directives: number;
  /** Operations in the document. */
  readonly operations: number;
  /** The same for what is below `__schema` and `__type`, which the other limits skip: GraphiQL and codegen ask 15 deep. */
  readonly introspectionDepth: number;
  readonly introspectionFields: number;
  /** `first` of every list. */
  readonly pageSize: number;
  /** Values that the answer could hold if every list were full. */
  readonly answerValues: number;
}

export const defaultLimits: Limits = {
  tokens: 2_000,
  depth: 12,
  fields: 400,
  aliases: 30,
  directives: 50,
  operations: 10,
  introspectionDepth: 20,
  introspectionFields: 800,
  pageSize: 100,
  answerValues: 50_000,
};

/** What a selection holds when its fragments are spread out. */
interface Extent {
  depth: number;
  fields: number;
  aliases: number;
  introspectionDepth: number;
  introspectionFields: number;
}

/** Measures a parsed document before it is validated. Linear in the document, however its fragments multiply. */
export function limitErrors(document: DocumentNode, limits: Limits): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operations = 0;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations += 1;
  }
  const measured = new Map<string, Extent>();
  let directives = 0;

  const measure = (set: SelectionSetNode): Extent => {
    const extent: Extent = { depth: 0, fields: 0, aliases: 0, introspectionDepth: 0, introspectionFields: 0 };
    for (const selection of set.selections) {
      directives += selection.directives?.length ?? 0;
      if (selection.kind === Kind.FIELD) {
        const inner = selection.selectionSet ? measure(selection.selectionSet) : nothing;
        const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type';
        add(extent, isIntrospection ? asIntrospection(inner) : inner, isIntrospection ? 0 : 1);
        extent.aliases += selection.alias ? 1 : 0;
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        add(extent, measure(selection.selectionSet), 0);
      } else {
        add(extent, measureFragment(selection.name.value), 0);
      }
    }
    return extent;
  };
  const measureFragment = (name: string): Extent => {
    const known = measured.get(name);
    if (known) return known;
    // Set first, so that a cycle ends; validation refuses it afterwards.
    measured.set(name, nothing);
    const fragment = fragments.get(name);
    const extent = fragment ? measure(fragment.selectionSet) : nothing;
    measured.set(name, extent);
    return extent;
  };

  const errors: GraphQLError[] = [];
  const refuse = (what: string, is: number, most: number): void => {
    if (is > most)
      errors.push(
        new GraphQLError(`the document has ${what} above the limit of ${most}`, { extensions: { code: 'LIMIT_EXCEEDED' } }),
      );
  };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    directives += definition.directives?.length ?? 0;
    if (definition.kind === Kind.FRAGMENT_DEFINITION) continue;
    for (const variable of definition.variableDefinitions ?? []) directives += variable.directives?.length ?? 0;
    const extent = measure(definition.selectionSet);
    refuse('a depth', extent.depth, limits.depth);
    refuse('a number of fields', extent.fields, limits.fields);
    refuse('a number of aliases', extent.aliases, limits.aliases);
    refuse('an introspection depth', extent.introspectionDepth, limits.introspectionDepth);
    refuse('a number of introspection fields', extent.introspectionFields, limits.introspectionFields);
  }
  refuse('a number of directives', directives, limits.directives);
  refuse('a number of operations', operations, limits.operations);
  try {
    checkLiterals(document);
  } catch (error) {
    errors.push(shownError(error));
  }
  return errors;
}

const nothing: Extent = { depth: 0, fields: 0, aliases: 0, introspectionDepth: 0, introspectionFields: 0 };

function add(to: Extent, inner: Extent, level: 0 | 1): void {
  to.depth = Math.max(to.depth, inner.depth + level);
  to.fields += inner.fields + level;
  to.aliases += inner.aliases;
  to.introspectionDepth = Math.max(to.introspectionDepth, inner.introspectionDepth);
  to.introspectionFields += inner.introspectionFields;
}

function asIntrospection(inner: Extent): Extent {
  return {
    ...nothing,
    aliases: inner.aliases,
    introspectionDepth: Math.max(inner.depth, inner.introspectionDepth) + 1,
    introspectionFields: inner.fields + inner.introspectionFields + 1,
  };
}
