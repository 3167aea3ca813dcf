import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';

export const applicationsSdl = readFileSync(new URL('applications.graphql', import.meta.url), 'utf8');

export interface Application {
  readonly id: string;
  readonly employer: string;
  readonly generationId: string;
}

/** The partner's subgraph, over HTTP. It knows the ids of letters, never their text. */
export async function openApplications(applications: readonly Application[]): Promise<{ url: string; stop(): Promise<void> }> {
  const resolvers = {
    Query: { applications: () => applications },
    Application: {
      __resolveReference: ({ id }: { id: string }) => applications.find((one) => one.id === id) ?? null,
      generation: ({ generationId }: Application) => ({ __typename: 'Generation', id: generationId }),
    },
    Generation: {
      __resolveReference: ({ id }: { id: string }) => ({ id }),
      applications: ({ id }: { id: string }) => applications.filter(({ generationId }) => generationId === id),
    },
  };
  const schema = buildSubgraphSchema([{ typeDefs: parse(applicationsSdl), resolvers }]);
  const server = createServer((request, response) => {
    void json(request)
      .then(async (body) => {
        const { query, variables } = body as { query: string; variables?: Record<string, unknown> };
        return graphql({ schema, source: query, variableValues: variables });
      })
      .then(
        (result) => response.setHeader('content-type', 'application/json').end(JSON.stringify(result)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
