import {
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { JsonBytes } from './json-bytes.ts';
import { objectWriter, type Write, type WrittenField } from './writers.ts';

/** The data of an answer as it goes out. */
export class WrittenData {
  constructor(
    /** JSON, a character for each byte of its UTF-8. */
    readonly text: string,
    /** Its lists and objects by their names in the answer, without any leaf. */
    readonly shape: Readonly<Record<string, unknown>>,
  ) {}
}

/** A root field, whose resolver gives something that is only looked at. */
interface Root {
  readonly key: string;
  readonly field: GraphQLField<unknown, unknown>;
  readonly node: FieldNode;
  readonly info: Omit<GraphQLResolveInfo, 'variableValues'>;
}

type Values = Readonly<Record<string, unknown>>;

const out = new JsonBytes();

/** A query whose root fields alone have resolvers: what they give is written out property by property, or as it is stored. */
export class WrittenQuery {
  private readonly write: Write;

  constructor(
    private readonly roots: readonly Root[],
    fields: readonly WrittenField[],
  ) {
    this.write = objectWriter(fields);
  }

  /** Null for a document that has more to do than that. */
  static of(schema: GraphQLSchema, document: DocumentNode): WrittenQuery | null {
    const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
    const [operation] = operations;
    const type = schema.getQueryType();
    if (!type || operation?.operation !== OperationTypeNode.QUERY || operations.length > 1) return null;
    return new Reader(schema, document, operation).query(type);
  }

  /** Runs it; `values` are its variables, coerced. Rejects when anything is wrong: graphql-js knows what to say then. */
  async execute({ contextValue, rootValue }: ExecutionArgs, values: Values): Promise<ExecutionResult> {
    const [only] = this.roots;
    const found: Record<string, unknown> = {};
    const given = (root: Root): unknown => {
      const { field, node, info } = root;
      const args = getArgumentValues(field, node, values);
      return field.resolve?.(rootValue, args, contextValue, { ...info, variableValues: values });
    };
    if (only && this.roots.length === 1) found[only.key] = await given(only);
    else {
      const all = await Promise.all(this.roots.map(given));
      for (const [index, { key }] of this.roots.entries()) found[key] = all[index];
    }
    out.clear();
    const shape = this.write(out, found) as WrittenData['shape'] | undefined;
    return { data: new WrittenData(out.written, shape ?? {}) as unknown as Record<string, unknown> };
  }
}

class Unreadable extends Error {}

/** Reads a document for what there is to write. */
class Reader {
  private readonly fragments: Record<string, FragmentDefinitionNode> = {};

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
  ) {
    for (const each of document.definitions) if (each.kind === Kind.FRAGMENT_DEFINITION) this.fragments[each.name.value] = each;
  }

  query(type: GraphQLObjectType): WrittenQuery | null {
    const roots: Root[] = [];
    try {
      const fields = this.collect([this.operation.selectionSet], type).map(([key, nodes]): WrittenField => {
        const field = this.fieldOf(type, nodes);
        if (!field) return typeName(key, type);
        const [node] = nodes;
        if (!field.resolve || !node) throw new Unreadable();
        roots.push({ key, field, node, info: this.infoOf(type, field, key, nodes) });
        return { key, property: key, type: field.type, below: this.below(field, nodes), constant: null };
      });
      return new WrittenQuery(roots, fields);
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
  }

  private infoOf(
    parentType: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    key: string,
    fieldNodes: readonly FieldNode[],
  ): Root['info'] {
    return {
      fieldName: field.name,
      fieldNodes,
      returnType: field.type,
      parentType,
      path: { prev: undefined, key, typename: parentType.name },
      schema: this.schema,
      fragments: this.fragments,
      rootValue: undefined,
      operation: this.operation,
    };
  }

  private below(field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): readonly WrittenField[] | null {
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (sets.length === 0) return null;
    const type = getNamedType(field.type);
    if (!isObjectType(type) || type.isTypeOf) throw new Unreadable();
    return this.collect(sets, type).map(([key, below]) => {
      const inner = this.fieldOf(type, below);
      if (!inner) return typeName(key, type);
      if (inner.resolve) throw new Unreadable();
      return { key, property: inner.name, type: inner.type, below: this.below(inner, below), constant: null };
    });
  }

  /** Null for the name of the type. */
  private fieldOf(type: GraphQLObjectType, [node]: readonly FieldNode[]): GraphQLField<unknown, unknown> | null {
    if (node?.name.value === '__typename') return null;
    const field = type.getFields()[node?.name.value ?? ''];
    if (!field) throw new Unreadable();
    return field;
  }

  /** The fields of an object by their names in the answer, in the order that execution gives them. */
  private collect(sets: readonly SelectionSetNode[], type: GraphQLObjectType): [string, FieldNode[]][] {
    const found = new Map<string, FieldNode[]>();
    const visit = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        // What a directive leaves out depends on variables.
        if (selection.directives && selection.directives.length > 0) throw new Unreadable();
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          const nodes = found.get(key);
          if (nodes) nodes.push(selection);
          else found.set(key, [selection]);
          continue;
        }
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments[selection.name.value];
        if (inner && this.isOf(type, inner.typeCondition?.name.value)) visit(inner.selectionSet);
      }
    };
    for (const set of sets) visit(set);
    return [...found];
  }

  private isOf(type: GraphQLObjectType, name: string | undefined): boolean {
    if (name === undefined || name === type.name) return true;
    const condition = this.schema.getType(name);
    return isAbstractType(condition) && this.schema.isSubType(condition, type);
  }
}

function typeName(key: string, type: GraphQLObjectType): WrittenField {
  return { key, property: key, type, below: null, constant: type.name };
}
