import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  valueFromASTUntyped,
  type ConstDirectiveNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';

type Field = GraphQLField<unknown, unknown>;
type Directed = { readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined };

/** What `@listSize` says about a field. */
export interface ListSize {
  /** For a list whose size no argument gives. */
  readonly assumedSize?: number;
  /** Arguments that give the size. */
  readonly slicingArguments?: readonly string[];
  /** The lists below the field that have this size; the field itself when absent. */
  readonly sizedFields?: readonly string[];
}

/** The directives of the GraphQL cost directive specification (https://ibm.github.io/graphql-specs/cost-spec.html), as Federation 2.9 defines them. */
export const costDirectives = `"""
What it costs: a field as often as it is in the answer, a type for each of its values. Without it objects cost 1, scalars and enums nothing. A subscription is paid when it begins; what its messages load beyond that is taken as they are sent, and ends no stream.
"""
directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR

"""
How many things a list is taken to hold before it is read: what an argument says, or \`assumedSize\`. With \`sizedFields\` it is said of those lists below the field.
"""
directive @listSize(
  assumedSize: Int
  slicingArguments: [String!]
  sizedFields: [String!]
  requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION`;

/** What a field that acts or opens a stream costs, unless it says otherwise. */
const actionWeight = 10;
/** How many objects a list is taken to hold that says nothing about it. */
export const assumedObjects = 10;

/**
 * Writes what follows from the shape of the schema where a field says nothing itself, so that all of it is printed: a page has the size
 * that `first` says, any other list of objects an assumed one, and what acts or streams costs more than what reads.
 */
export function addCosts(schema: GraphQLSchema): void {
  const actions = [schema.getMutationType(), schema.getSubscriptionType()];
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
    const isPage = type.name.endsWith('Connection');
    for (const field of Object.values(type.getFields())) {
      if (actions.some((action) => action === type)) add(field, `@cost(weight: ${actionWeight})`);
      const size = isPage ? null : sizeDirective(field);
      if (size !== null) add(field, size);
    }
  }
}

function sizeDirective(field: Field): string | null {
  const type = getNamedType(field.type);
  if (!isCompositeType(type)) return null;
  if (isListType(getNullableType(field.type))) return `@listSize(assumedSize: ${assumedObjects})`;
  if (!isObjectType(type) || !field.args.some(({ name }) => name === 'first')) return null;
  const sized = Object.values(type.getFields()).filter((inner) => isListType(getNullableType(inner.type)));
  const names = sized.map(({ name }) => `"${name}"`).join(', ');
  return `@listSize(slicingArguments: ["first"], sizedFields: [${names}], requireOneSlicingArgument: false)`;
}

/** Adds a directive to a field that has none of this name. */
function add(field: Field, directive: string): void {
  const [definition] = parse(`type T { ${field.name}: T ${directive} }`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OBJECT_TYPE_DEFINITION || !definition.fields?.[0]) throw new Error(`no directive: ${directive}`);
  const [made] = definition.fields;
  const had = field.astNode?.directives ?? [];
  const [added] = made.directives ?? [];
  if (had.some(({ name }) => name.value === added?.name.value)) return;
  field.astNode = { ...made, ...field.astNode, directives: [...had, ...(made.directives ?? [])] };
}

/** What one value of a field costs without what is below it. */
export function weightOf(schema: GraphQLSchema, field: Field): number {
  return ownWeight(field) ?? weightOfType(schema, getNamedType(field.type));
}

/** What a field says about the size of its lists; null for nothing. */
export function listSizeOf(field: Field): ListSize | null {
  return argumentsOf(field, 'listSize');
}

function weightOfType(schema: GraphQLSchema, type: GraphQLNamedType): number {
  if (isInterfaceType(type) || isUnionType(type)) {
    return Math.max(0, ...schema.getPossibleTypes(type).map((possible) => weightOfType(schema, possible)));
  }
  return ownWeight(type) ?? (isObjectType(type) ? 1 : 0);
}

function ownWeight(of: Directed): number | null {
  const weight = argumentsOf(of, 'cost')?.['weight'];
  return typeof weight === 'number' ? weight : null;
}

function argumentsOf({ astNode }: Directed, name: string): Readonly<Record<string, unknown>> | null {
  const directive = astNode?.directives?.find((each) => each.name.value === name);
  if (!directive) return null;
  return Object.fromEntries((directive.arguments ?? []).map((each) => [each.name.value, valueFromASTUntyped(each.value)]));
}
