import { DateTimeTypeDefinition, DateTimeResolver } from 'graphql-scalars';
import { makeExecutableSchema } from '@graphql-tools/schema';

/** The list that is measured, as the product answered it once. */
const { generations } = JSON.parse(process.env.LIST ?? '{}') as { generations: { nodes: Record<string, unknown>[] } };
const nodes = generations.nodes.map((node) => ({
  ...node,
  createdAt: new Date(node.createdAt as string),
  finishedAt: node.finishedAt === null ? null : new Date(node.finishedAt as string),
}));

/** The part of the product's schema that the list needs, served from memory. */
export const typeDefs = /* GraphQL */ `
  ${DateTimeTypeDefinition}
  enum GenerationStatus {
    QUEUED
    RUNNING
    SUCCEEDED
    INCOMPLETE
    FAILED
    CANCELLED
  }
  enum FinishReason {
    STOP
    LENGTH
    CONTENT_FILTER
    OTHER
  }
  type Generation {
    id: ID!
    status: GenerationStatus!
    requestedModel: String!
    model: String!
    finishReason: FinishReason
    createdAt: DateTime!
    finishedAt: DateTime
  }
  type GenerationConnection {
    nodes: [Generation!]!
  }
  type Query {
    generations(first: Int = 20): GenerationConnection!
  }
`;

export const resolvers = {
  DateTime: DateTimeResolver,
  Query: { generations: (_root: unknown, { first }: { first: number }) => ({ nodes: nodes.slice(0, first) }) },
};

export function listSchema() {
  return makeExecutableSchema({ typeDefs, resolvers });
}
