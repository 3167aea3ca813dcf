import {
  getNamedType,
  getNullableType,
  GraphQLID,
  GraphQLString,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';
import type { Asked } from './clients.ts';

/** A place in the schema that takes an id, found by looking. */
export interface Place {
  /** `Mutation.generationCancel(input.id)`. */
  readonly name: string;
  readonly root: 'query' | 'mutation' | 'subscription' | null;
  readonly field: GraphQLField<unknown, unknown>;
  /** From the argument down. */
  readonly path: readonly string[];
  readonly isList: boolean;
}

type Taker = GraphQLArgument | GraphQLInputField;

/** Every argument and input field of type ID, and every text that says in its description that an id will do. */
export function placesOfIds(schema: GraphQLSchema): Place[] {
  return placesWhere(schema, (taker) => {
    const type = getNamedType(taker.type);
    return type === GraphQLID || (type === GraphQLString && /\bids?\b/i.test(taker.description ?? ''));
  });
}

/** Every `after` of a list or subscription. */
export function placesOfCursors(schema: GraphQLSchema): Place[] {
  return placesWhere(schema, ({ name }) => name === 'after' || name === 'before');
}

function placesWhere(schema: GraphQLSchema, isWanted: (taker: Taker) => boolean): Place[] {
  const roots = new Map<GraphQLObjectType | null | undefined, NonNullable<Place['root']>>([
    [schema.getQueryType(), 'query'],
    [schema.getMutationType(), 'mutation'],
    [schema.getSubscriptionType(), 'subscription'],
  ]);
  const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
  return objects.flatMap((type) =>
    Object.values((type as GraphQLObjectType).getFields()).flatMap((field) =>
      field.args.flatMap((argument) =>
        takersIn(argument, [], isWanted).map(({ path, isList }) => ({
          name: `${type.name}.${field.name}(${path.join('.')})`,
          root: roots.get(type as GraphQLObjectType) ?? null,
          field,
          path,
          isList,
        })),
      ),
    ),
  );
}

function takersIn(
  taker: Taker,
  above: readonly Taker[],
  isWanted: (taker: Taker) => boolean,
): { path: string[]; isList: boolean }[] {
  const path = [...above, taker].map(({ name }) => name);
  if (isWanted(taker)) return [{ path, isList: isListType(getNullableType(taker.type)) }];
  const type = getNamedType(taker.type);
  // An input type may hold itself.
  if (!isInputObjectType(type) || above.some((each) => getNamedType(each.type) === type)) return [];
  return Object.values(type.getFields()).flatMap((field) => takersIn(field, [...above, taker], isWanted));
}

/** An operation that gives this value at a place of a root field, with the other arguments that it needs. */
export function askAt(place: Place, value: unknown, others: Readonly<Record<string, unknown>> = {}): Asked {
  if (place.root === null) throw new Error(`${place.name} is no root field: its row has to say how to ask`);
  const given = place.path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), place.isList ? [value] : value);
  const variables = merged(others, given as Record<string, unknown>);
  const used = place.field.args.filter(({ name }) => name in variables);
  const declared = used.map(({ name, type }) => `$${name}: ${type.toString()}`).join(', ');
  const passed = used.map(({ name }) => `${name}: $${name}`).join(', ');
  return { query: `${place.root} (${declared}) { ${place.field.name}(${passed}) ${selectionOf(place.field.type)} }`, variables };
}

function merged(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const both = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const other = both[key];
    both[key] = isRecord(other) && isRecord(value) ? merged(other, value) : value;
  }
  return both;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Enough to tell answers apart: ids, and the errors of payloads. */
function selectionOf(type: GraphQLOutputType, depth = 2): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  const fields = 'getFields' in named ? Object.values(named.getFields()) : [];
  const hasId = fields.some(({ name }) => name === 'id');
  const parts = fields.flatMap((field) => {
    if (field.name === 'errors') return ['errors { code message path }'];
    if (['id', 'deletedId'].includes(field.name)) return [field.name];
    // What is no thing says all there is to say in its own fields.
    if (!hasId && field.args.length === 0 && isLeafType(getNamedType(field.type))) return [field.name];
    const isPart = /^(nodes|node)$/.test(field.name) || fields.some(({ name }) => name === 'errors');
    return isPart && depth > 1 && !isLeafType(getNamedType(field.type))
      ? [`${field.name} ${selectionOf(field.type, depth - 1)}`]
      : [];
  });
  return `{ ${['__typename', ...parts].join(' ')} }`;
}
