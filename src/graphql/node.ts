import 'reflect-metadata';
import { GraphQLID } from 'graphql';
import { Arg, Ctx, Directive, Field, InterfaceType, Query, Resolver } from 'type-graphql';
import { AppError } from '../kernel/errors.ts';
import { idPrefixes, prefixOfId, type IdPrefix } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { RequestContext } from './context.ts';
import { Loaders, type LoaderFactory } from './loaders.ts';

/** The type of a thing with an id. */
export function typeOfNode({ id }: { readonly id: string }): string {
  const prefix = prefixOfId(id);
  if (!prefix) throw new Error('a node without an id of ours');
  return idPrefixes[prefix];
}

/** Anything that has an id; the id's prefix says which type it is. */
@InterfaceType({ description: 'Anything that has an id.', resolveType: typeOfNode })
export abstract class Node {
  @Field(() => GraphQLID, { description: 'Opaque and global: `node(id)` finds it again.', simple: true }) id!: string;
}

/** How things of one kind are read by id: null for what is unknown or not the caller's. */
export type NodeLoader = LoaderFactory<string, Node | null>;
export type NodeLoaders = Partial<Record<IdPrefix, NodeLoader>>;

/** A thing needs the permission that lists of its kind need. */
const required =
  'Requires what its kind does: `templates:read`, `generations:read`, `members:read` but for oneself, `keys:read`, ' +
  '`issuers:read`, `audit:read`, `credentials:read`, `routes:read` or `budgets:read`; the tenant needs none.';
/** The most ids that `nodes` takes. */
const mostNodes = 100;

/** `node` and `nodes`: dispatch on the prefix of the id. */
@Resolver()
export class NodeResolver {
  constructor(private readonly loaders: NodeLoaders) {}

  @Query(() => Node, {
    nullable: true,
    description: `The thing with this id; null when there is none, or it is not yours. ${required}`,
  })
  async node(
    @Ctx() context: RequestContext,
    @Arg('id', () => GraphQLID, { description: 'Its id.' }) id: string,
  ): Promise<Node | null> {
    return this.load(context, id);
  }

  // Printed for tools; here it costs as many as there are ids, for @listSize knows no length of lists.
  @Directive(`@listSize(assumedSize: ${mostNodes})`)
  @Query(() => [Node], {
    nullable: 'items',
    description: `The things with these ids, at most 100, in their order; null for each that there is not. ${required}`,
  })
  nodes(
    @Ctx() context: RequestContext,
    @Arg('ids', () => [GraphQLID], { description: 'Their ids.' }) ids: string[],
  ): Promise<Node | null>[] {
    if (ids.length > mostNodes)
      throw new AppError('INVALID_INPUT', `ids has ${ids.length} entries, not up to ${mostNodes}`, { path: ['ids'] });
    // A promise for each: one that may not be seen is null with an error, beside those that may.
    return ids.map((id) => this.load(context, id));
  }

  /** The reference resolvers of a federation subgraph, by type name; batched like everything else. */
  entityResolvers(): Record<string, (reference: { readonly id: unknown }, context: RequestContext) => Promise<Node | null>> {
    const prefixes = Object.keys(this.loaders) as IdPrefix[];
    return Object.fromEntries(
      prefixes.map((prefix) => [
        idPrefixes[prefix],
        async ({ id }, context) => (typeof id === 'string' && prefixOfId(id) === prefix ? this.load(context, id) : null),
      ]),
    );
  }

  /** Whether a scope finds the thing with this id; one that it may not read throws. */
  async isFound(scope: Scope, id: string): Promise<boolean> {
    return (await this.load({ loaders: new Loaders(scope) }, id)) !== null;
  }

  private async load(context: Pick<RequestContext, 'loaders'>, id: string): Promise<Node | null> {
    const prefix = prefixOfId(id);
    const loader = prefix && this.loaders[prefix];
    return loader ? context.loaders.get(loader).load(id) : null;
  }
}
