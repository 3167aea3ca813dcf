import 'reflect-metadata';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { printSchemaWithDirectives } from '@graphql-tools/utils';
import {
  GraphQLError,
  isInterfaceType,
  lexicographicSortSchema,
  parse,
  print,
  visit,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { buildSchemaSync, createResolversMap, type NonEmptyArray } from 'type-graphql';
import { AppError } from '../kernel/errors.ts';
import type { RequestContext } from './context.ts';
import { addCosts, costDirectives } from './cost-directives.ts';
import { noteRefusal } from './refused.ts';

/** Finds the thing that another subgraph refers to by its key; null when there is none, or it is not the caller's. */
export type EntityResolver = (reference: { readonly id: string }, context: RequestContext) => unknown;

/** Makes the values of a subscription field. */
export type Subscriber = (args: never, context: RequestContext) => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>;

/** What a subscription's decorator says for `subscribe`: decorators run before there is an instance, so the schema's `subscribers` do it. */
export function bySubscriber(): never {
  throw new Error('this subscription has no subscriber: give buildApiSchema one');
}

export interface SchemaOptions {
  /** By the name of the subscription field. */
  readonly subscribers?: Readonly<Record<string, Subscriber>>;
  /** Makes or finds the instance of a resolver class; classes without constructor arguments need none. */
  readonly instanceOf?: (resolver: Function) => unknown;
  /** Classes that no field names: implementations of interfaces. */
  readonly orphanedTypes?: readonly Function[];
}

// type-graphql asks for one as soon as there is a subscription; ours all bring their own iterables.
const noPubSub = {
  publish(): never {
    throw new Error('subscriptions bring their own iterable: use the `subscribe` option');
  },
  subscribe(): never {
    throw new Error('subscriptions bring their own iterable: use the `subscribe` option');
  },
};

// type-graphql makes these types by itself and takes no description for them.
const rootDescriptions = {
  Query:
    'What can be read; over HTTP. It costs 1 for each object that the answer may hold, unless `@cost` and `@listSize` say otherwise; what ' +
    'the answer does not hold is given back. `extensions.cost` of each answer says what was asked, what it was and what is left.',
  Mutation:
    'What can be done; over HTTP. Expected failures are in `errors` of each payload. Each costs 10, and what its payload holds.',
  Subscription:
    'What can be watched; over WebSocket and server-sent events. Each costs 10 and its dearest message, once, when it begins.',
};

/** The API's schema from its resolver classes. Arguments are not validated by decorators: services decide. */
export function buildApiSchema(resolvers: readonly Function[], options: SchemaOptions = {}): GraphQLSchema {
  const { instanceOf, orphanedTypes, subscribers = {} } = options;
  const schema = buildSchemaSync({
    resolvers: resolvers as NonEmptyArray<Function>,
    validate: false,
    pubSub: noPubSub,
    ...(instanceOf && { container: { get: (resolver: Function) => instanceOf(resolver) } }),
    ...(orphanedTypes && { orphanedTypes: [...orphanedTypes] }),
  });
  for (const [name, description] of Object.entries(rootDescriptions)) {
    const type = schema.getType(name);
    if (type) type.description = description;
  }
  const fields = schema.getSubscriptionType()?.getFields() ?? {};
  for (const [name, subscriber] of Object.entries(subscribers)) {
    const field = fields[name];
    if (!field) throw new Error(`there is no subscription ${name}`);
    field.subscribe = (_source, args, context: RequestContext) => subscriber(args as never, context);
  }
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    const isMutation = root === schema.getMutationType();
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { name } = field;
      if (field.resolve) field.resolve = locatable(field.resolve, { name, hasPayload: isMutation });
      if (field.subscribe) field.subscribe = locatable(field.subscribe, { name, hasPayload: false });
    }
  }
  // What the subscriber gives is the value: a resolver in between would cost a promise and an argument check for every message.
  for (const name of Object.keys(subscribers)) {
    const field = fields[name];
    if (field) field.resolve = (message) => message;
  }
  addCosts(schema);
  return schema;
}

/**
 * graphql-js takes any error that has a `path` array for one that knows its place in the answer; the path of an AppError is one
 * in the input. Wrapped, it gets its place as well. What the field refuses, thrown or in a mutation's payload, is told to the context.
 */
function locatable<S>(
  resolve: GraphQLFieldResolver<S, RequestContext>,
  { name, hasPayload }: { readonly name: string; readonly hasPayload: boolean },
): GraphQLFieldResolver<S, RequestContext> {
  return async (source, args, context, info) => {
    try {
      const given: unknown = await resolve(source, args, context, info);
      if (hasPayload) noteRefusal(context, name, { given });
      return given;
    } catch (error) {
      noteRefusal(context, name, { thrown: error });
      throw error instanceof AppError ? new GraphQLError(error.message, { originalError: error }) : error;
    }
  };
}

/** The name of the type that a value of an interface has. */
export type TypeResolver = (value: never) => string;

/**
 * The same schema as a Federation 2 subgraph: with `_service`, `_entities` and batched reference resolvers by type name. Values of an
 * interface get their type by `typeResolvers`: type-graphql's own answer with a promise, which compiled documents cannot wait for.
 */
export function buildSubgraph(
  schema: GraphQLSchema,
  entityResolvers: Readonly<Record<string, EntityResolver>>,
  typeResolvers: Readonly<Record<string, TypeResolver>> = {},
): GraphQLSchema {
  const resolvers: Record<string, Record<string, unknown>> = createResolversMap(schema) as never;
  for (const [type, resolve] of Object.entries(entityResolvers)) {
    resolvers[type] = { ...resolvers[type], __resolveReference: resolve };
  }
  const subgraph = buildSubgraphSchema([{ typeDefs: parse(printSubgraph(schema)), resolvers: resolvers as never }]);
  for (const [name, resolve] of Object.entries(typeResolvers)) {
    const type = subgraph.getType(name);
    if (!isInterfaceType(type)) throw new Error(`there is no interface ${name}`);
    type.resolveType = (value) => resolve(value as never);
  }
  const entities = subgraph.getQueryType()?.getFields()._entities;
  if (entities?.resolve) {
    const { resolve } = entities;
    const checked: typeof resolve = (source, args: { representations: readonly unknown[] }, context, info) => {
      checkRepresentations(args.representations, entityResolvers);
      return resolve(source, args, context, info);
    };
    entities.resolve = locatable(checked, { name: '_entities', hasPayload: false });
  }
  return subgraph;
}

/** `_Any` lets everything pass, and Apollo takes what is no entity for a fault of ours. */
function checkRepresentations(
  representations: readonly unknown[],
  entityResolvers: Readonly<Record<string, EntityResolver>>,
): void {
  for (const [index, representation] of representations.entries()) {
    const type =
      typeof representation === 'object' &&
      representation !== null &&
      '__typename' in representation &&
      representation.__typename;
    if (typeof type === 'string' && Object.hasOwn(entityResolvers, type)) continue;
    throw new AppError('INVALID_INPUT', 'a representation is an object whose `__typename` is an entity', {
      path: ['representations', String(index)],
    });
  }
}

const clientDirectives: ReadonlySet<string> = new Set(['cost', 'listSize', 'deprecated', 'specifiedBy', 'oneOf']);

/** `schema/schema.graphql`: what clients see, sorted, with costs, without federation; parses by itself. */
export function printApi(schema: GraphQLSchema): string {
  const all = parse(printSchemaWithDirectives(lexicographicSortSchema(schema)));
  const shown = visit(all, { Directive: ({ name }) => (clientDirectives.has(name.value) ? undefined : null) });
  return `${costDirectives}\n\n${print(shown)}\n`;
}

/** `schema/subgraph.graphql`: what a federation gateway composes. */
export function printSubgraph(schema: GraphQLSchema): string {
  const imported = ['@key', '@shareable', '@cost', '@listSize'].map((name) => `"${name}"`).join(', ');
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [${imported}])`;
  return `${link}\n\n${printSchemaWithDirectives(lexicographicSortSchema(schema))}\n`;
}
