import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  getNullableType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { AppError } from '../kernel/errors.ts';
import { assumedObjects, listSizeOf, weightOf } from './cost-directives.ts';

/**
 * How often something is in the answer: a number, or what a variable says (its value, or its length), `otherwise` when it is absent and
 * `ifNull` when it is null.
 */
export type Size = number | { readonly variable: string; readonly otherwise: number; readonly ifNull: number };

/** Holds when the variable has this value; `otherwise` is its default. */
export interface Condition {
  readonly variable: string;
  readonly is: boolean;
  readonly otherwise: boolean;
}

/** A field whose cost depends on its size, on conditions or on what is below it. */
export interface FieldCost {
  /** Its name in the answer. */
  readonly key: string;
  /** Of each of its values. */
  readonly weight: number;
  readonly size: Size;
  /** It is asked for when all conditions of one of these hold; null for always. */
  readonly when: readonly (readonly Condition[])[] | null;
  /** What may be below each value: one for each type that differs from the others. */
  readonly sets: readonly SetCost[];
}

/** What an object of one type costs besides its own weight. */
export interface SetCost {
  /** Of the fields that always cost the same. */
  readonly weight: number;
  /** How many values those put into the answer. */
  readonly values: number;
  readonly inner: readonly FieldCost[];
}

/** What an operation costs, as far as it can be known without its variables. */
export interface CostPlan {
  readonly root: SetCost;
  /** The page sizes that it names, to be checked. */
  readonly pages: readonly Size[];
}

/** A field as it was written, and the conditions around it. */
interface Written {
  readonly node: FieldNode;
  readonly when: readonly Condition[];
}

/** A selection and the conditions around it. */
interface Part {
  readonly set: SelectionSetNode;
  readonly when: readonly Condition[];
}

const introspectionWeight = 10;
/** Arguments that ask for things by name: as many values as they have entries. */
const countedArguments: ReadonlySet<string> = new Set(['ids', 'representations']);
/** Fields times the types that they may be of; more is no document that anybody means. */
const mostFields = 20_000;

/** Works out the part of an operation's cost that its variables do not change. The document is valid; this is done once for it. */
export function planCost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): CostPlan {
  const root = schema.getRootType(operation.operation);
  const planner = new Planner(schema, document, operation);
  return {
    root: root ? planner.setOf([{ set: operation.selectionSet, when: [] }], root, null) : { weight: 0, values: 0, inner: [] },
    pages: planner.pages,
  };
}

/** The lists below a field that have a size which the field was given. */
interface Sized {
  readonly names: readonly string[];
  readonly size: Size;
}

class Planner {
  readonly pages: Size[] = [];
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private fields = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
  ) {
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
  }

  setOf(parts: readonly Part[], type: GraphQLObjectType, sized: Sized | null): SetCost {
    const inner: FieldCost[] = [];
    let [weight, values] = [0, 0];
    for (const [key, written] of this.collect(parts, type)) {
      if (++this.fields > mostFields)
        throw new AppError('LIMIT_EXCEEDED', 'the document asks for too many fields of too many types');
      const field = this.fieldOf(key, written, type, sized);
      const isPlain = field.when === null && typeof field.size === 'number' && field.sets.every((set) => set.inner.length === 0);
      const isFree = field.weight === 0 && field.sets.every((set) => set.weight === 0);
      if (isPlain && typeof field.size === 'number' && (field.sets.length === 0 || isFree)) {
        weight += field.size * field.weight;
        values += 1 + field.size * Math.max(0, ...field.sets.map((set) => set.values));
      } else inner.push(field);
    }
    return { weight, values, inner };
  }

  private fieldOf(key: string, written: readonly Written[], type: GraphQLObjectType, sized: Sized | null): FieldCost {
    const [first] = written;
    const name = first?.node.name.value ?? '';
    const when = written.some((each) => each.when.length === 0) ? null : written.map((each) => each.when);
    const field = type.getFields()[name];
    if (!first || !field) {
      return { key, weight: name === '__typename' ? 0 : introspectionWeight, size: 1, when, sets: [] };
    }
    const given = this.sizeOf(field, first.node, sized);
    const named = getNamedType(field.type);
    const parts = written.flatMap(({ node, when: around }) =>
      // What all of it depends on is said above.
      node.selectionSet ? [{ set: node.selectionSet, when: written.length === 1 ? [] : around }] : [],
    );
    const sets = isCompositeType(named) ? this.possible(named).map((each) => this.setOf(parts, each, given.below)) : [];
    return { key, weight: weightOf(this.schema, field), size: given.own, when, sets: distinct(sets) };
  }

  /** How many values the field has, and which lists below it are of a size that it gives. */
  private sizeOf(
    field: GraphQLField<unknown, unknown>,
    node: FieldNode,
    sized: Sized | null,
  ): { own: Size; below: Sized | null } {
    const says = listSizeOf(field);
    const isList = isListType(getNullableType(field.type));
    const counted = isList ? node.arguments?.find(({ name }) => countedArguments.has(name.value)) : undefined;
    if (counted) {
      const { value } = counted;
      if (value.kind === Kind.VARIABLE) {
        const standard = this.defaultOf(value.name.value);
        const otherwise = standard?.kind === Kind.LIST ? Math.max(1, standard.values.length) : 1;
        return { own: { variable: value.name.value, otherwise, ifNull: 1 }, below: null };
      }
      return { own: value.kind === Kind.LIST ? Math.max(1, value.values.length) : 1, below: null };
    }
    const slicing = says?.slicingArguments?.[0];
    const size = slicing === undefined ? (says?.assumedSize ?? null) : this.argumentSize(field, node, slicing, says?.assumedSize);
    if (slicing === 'first' && size !== null) this.pages.push(size);
    if (says?.sizedFields) return { own: 1, below: { names: says.sizedFields, size: size ?? assumedObjects } };
    if (!isList) return { own: 1, below: null };
    if (size !== null) return { own: size, below: null };
    if (sized?.names.includes(field.name)) return { own: sized.size, below: null };
    return { own: isCompositeType(getNamedType(field.type)) ? assumedObjects : 1, below: null };
  }

  private argumentSize(field: GraphQLField<unknown, unknown>, node: FieldNode, name: string, assumed = assumedObjects): Size {
    const standard = field.args.find((each) => each.name === name)?.defaultValue;
    const otherwise = typeof standard === 'number' ? standard : assumed;
    const given = node.arguments?.find((each) => each.name.value === name)?.value;
    if (given?.kind === Kind.INT) return Number(given.value);
    if (given?.kind !== Kind.VARIABLE) return otherwise;
    const own = this.defaultOf(given.name.value);
    return { variable: given.name.value, otherwise: own?.kind === Kind.INT ? Number(own.value) : otherwise, ifNull: otherwise };
  }

  /** The fields of an object of this type by their names in the answer, as execution collects them. */
  private collect(parts: readonly Part[], type: GraphQLObjectType): Map<string, Written[]> {
    const found = new Map<string, Written[]>();
    const visit = ({ set, when }: Part): void => {
      for (const selection of set.selections) {
        const conditions = this.conditionsOf(selection);
        if (conditions === null) continue;
        const around = conditions.length === 0 ? when : [...when, ...conditions];
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          const written = found.get(key) ?? [];
          written.push({ node: selection, when: around });
          found.set(key, written);
          continue;
        }
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
        if (inner && this.isOf(type, inner.typeCondition?.name.value)) visit({ set: inner.selectionSet, when: around });
      }
    };
    for (const part of parts) visit(part);
    return found;
  }

  private isOf(type: GraphQLObjectType, name: string | undefined): boolean {
    if (name === undefined || name === type.name) return true;
    const condition = this.schema.getType(name);
    return isAbstractType(condition) && this.schema.isSubType(condition, type);
  }

  private possible(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isObjectType(type) ? [type] : this.schema.getPossibleTypes(type);
  }

  /** What has to hold of variables for a selection to be asked for; null when it never is. */
  private conditionsOf({ directives = [] }: SelectionNode): readonly Condition[] | null {
    const conditions: Condition[] = [];
    for (const { name, arguments: given } of directives) {
      if (name.value !== 'skip' && name.value !== 'include') continue;
      const is = name.value === 'include';
      const value = given?.find((each) => each.name.value === 'if')?.value;
      if (value?.kind === Kind.BOOLEAN && value.value !== is) return null;
      if (value?.kind !== Kind.VARIABLE) continue;
      const own = this.defaultOf(value.name.value);
      conditions.push({ variable: value.name.value, is, otherwise: own?.kind === Kind.BOOLEAN ? own.value : is });
    }
    return conditions;
  }

  private defaultOf(variable: string) {
    return this.operation.variableDefinitions?.find((each) => each.variable.name.value === variable)?.defaultValue;
  }
}

function distinct(sets: readonly SetCost[]): readonly SetCost[] {
  return sets.length < 2 ? sets : [...new Map(sets.map((set) => [JSON.stringify(set), set])).values()];
}
