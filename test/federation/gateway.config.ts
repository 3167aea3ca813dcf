import { defineConfig, type GatewayPlugin } from '@graphql-hive/gateway';

/** What a caller shows: a header over HTTP and SSE, a connection parameter over WebSocket. */
interface Shown {
  readonly headers?: { readonly authorization?: string };
  readonly connectionParams?: { readonly Authorization?: string };
}

/** Puts the caller's key into the context, wherever it came from. */
const callerKey: GatewayPlugin = {
  onContextBuilding({ context, extendContext }) {
    const { headers, connectionParams } = context as Shown;
    extendContext({ authorization: connectionParams?.Authorization ?? headers?.authorization ?? '' } as never);
  },
};

/** The caller's own key goes on to Draftwire, so that nobody sees through the gateway what they may not see without it. */
export const gatewayConfig = defineConfig({
  plugins: () => [callerKey],
  propagateHeaders: {
    fromClientToSubgraphs({ context, subgraphName }) {
      const { authorization } = context as { readonly authorization?: string };
      return subgraphName === 'draftwire' && authorization ? { authorization } : undefined;
    },
  },
  transportEntries: {
    draftwire: {
      options: {
        subscriptions: {
          kind: 'ws',
          location: '/graphql',
          options: { connectionParams: { Authorization: '{context.authorization}' } },
        },
      },
    },
  },
});
