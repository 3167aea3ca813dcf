import 'reflect-metadata';
import { ArgsType, Directive, Field, Int, ObjectType, type ClassType } from 'type-graphql';

/** Where a page lies in its list. */
@Directive('@shareable')
@Directive('@cost(weight: 0)')
@ObjectType({ description: 'Where a page lies in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follows after `endCursor`.' }) hasNextPage!: boolean;
  @Field(() => Boolean, { description: 'Whether something comes before `startCursor`.' }) hasPreviousPage!: boolean;
  @Field(() => String, { nullable: true, description: 'The position of the first thing on the page; null when it is empty.' })
  startCursor!: string | null;
  @Field(() => String, { nullable: true, description: 'The position of the last thing on the page; null when it is empty.' })
  endCursor!: string | null;
}

/** The arguments of every list: `first` (1-100) and `after`. */
@ArgsType()
export class ConnectionArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20, description: 'How many, 1 to 100.' }) first: number | null = 20;
  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before; the start of the list when absent.' })
  after?: string | null;
}

/** One page of a list, in the shape that a resolver returns. */
export interface Connection<T> {
  nodes: T[];
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
}

/** Makes the Relay types `<Node>Connection` and `<Node>Edge`, named by the class. Call it once per node class. */
export function connectionOf<T extends object>(node: ClassType<T>): ClassType<Connection<T>> {
  const { name } = node;

  @Directive('@cost(weight: 0)')
  @ObjectType(`${name}Edge`, { description: `A ${name} and its position in the list.`, simpleResolvers: true })
  class NodeEdge {
    @Field(() => String, { description: 'The position; opaque, for `after`.' }) cursor!: string;
    @Field(() => node, { description: `The ${name}.` }) node!: T;
  }

  @ObjectType(`${name}Connection`, { description: `One page of a list of ${name}.`, simpleResolvers: true })
  class NodeConnection implements Connection<T> {
    @Field(() => [node], { description: 'The things on this page.' }) nodes!: T[];
    @Field(() => [NodeEdge], { description: 'The things on this page with their positions.' }) edges!: NodeEdge[];
    @Field(() => PageInfo, { description: 'Where the page lies.' }) pageInfo!: PageInfo;
  }

  return NodeConnection;
}
