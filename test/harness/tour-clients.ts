import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { getOperationAST, print } from 'graphql';
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from 'urql';
import { ask, type Endpoint } from '../../src/client/ask.ts';
import type { StreamMessage } from '../../src/client/follow.ts';
import { GenerationStreamDocument, type GenerationStreamSubscription } from '../../src/client/operations.ts';
import { wsClient } from './clients.ts';

export interface StreamVariables {
  readonly id: string;
  readonly after: string | null;
}

export interface Observer {
  next(message: StreamMessage): void;
  error(error: unknown): void;
}

/** What the tour in README asks of a client. */
export interface TourClient {
  ask<R, V extends Record<string, unknown>>(document: TypedDocumentNode<R, V>, variables: V): Promise<R>;
  /** Watches a generation; the answer stops it. */
  watch(variables: StreamVariables, observer: Observer): () => void;
  close(): Promise<void>;
}

const isSubscription = (document: Parameters<typeof getOperationAST>[0]): boolean =>
  getOperationAST(document)?.operation === 'subscription';

/** Apollo Client 4 with its graphql-ws link. */
export function apolloClient({ url, key }: Endpoint): TourClient {
  const socket = wsClient(url, key);
  const http = new HttpLink({ uri: `${url}/graphql`, headers: { authorization: `Bearer ${key}` } });
  const link = ApolloLink.split(({ query }) => isSubscription(query), new GraphQLWsLink(socket), http);
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  return {
    async ask<R, V extends Record<string, unknown>>(document: TypedDocumentNode<R, V>, variables: V): Promise<R> {
      const isMutation = getOperationAST(document)?.operation === 'mutation';
      const { data } = isMutation
        ? await client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' } as never)
        : await client.query({ query: document, variables, fetchPolicy: 'no-cache' } as never);
      return data as R;
    },
    watch(variables, { next, error }) {
      const watching = client.subscribe({ query: GenerationStreamDocument, variables, fetchPolicy: 'no-cache' }).subscribe({
        next: (result) => (result.data ? next(result.data.generationStream) : error(result.error)),
        error,
      });
      return () => watching.unsubscribe();
    },
    async close() {
      client.stop();
      await socket.dispose();
    },
  };
}

/** urql 5 with graphql-ws behind its subscription exchange. */
export function urqlClient({ url, key }: Endpoint): TourClient {
  const socket = wsClient(url, key);
  const client = new UrqlClient({
    url: `${url}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: { ...variables } }, sink as never) }),
        }),
      }),
    ],
  });
  return {
    async ask<R, V extends Record<string, unknown>>(document: TypedDocumentNode<R, V>, variables: V): Promise<R> {
      const isMutation = getOperationAST(document)?.operation === 'mutation';
      const { data, error } = await (
        isMutation ? client.mutation(document, variables) : client.query(document, variables)
      ).toPromise();
      if (error) throw error;
      return data as R;
    },
    watch(variables, { next, error }) {
      const watching = client
        .subscription(GenerationStreamDocument, variables)
        .subscribe((result) => (result.data ? next(result.data.generationStream) : error(result.error)));
      return () => watching.unsubscribe();
    },
    close: async () => socket.dispose(),
  };
}

/** Nothing but fetch and graphql-ws. */
export function plainClient(endpoint: Endpoint): TourClient {
  const socket = wsClient(endpoint.url, endpoint.key);
  return {
    ask: (document, variables) => ask(endpoint, document, variables),
    watch: ({ id, after }, { next, error }) =>
      socket.subscribe<GenerationStreamSubscription>(
        { query: print(GenerationStreamDocument), variables: { id, after } },
        { next: ({ data, errors }) => (data ? next(data.generationStream) : error(errors)), error, complete: () => undefined },
      ),
    close: async () => socket.dispose(),
  };
}
