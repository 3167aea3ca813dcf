import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

/** GraphiQL as one page that needs no network; `key` fills in the Authorization header, `nonce` is what lets its scripts run. */
export function graphiqlPage(host: string, key: string | null, nonce: string): string {
  const options = {
    title: 'Draftwire',
    endpoint: `http://${host}/graphql`,
    subscriptionsEndpoint: `http://${host}/graphql/stream`,
    subscriptionsProtocol: 'GRAPHQL_SSE' as const,
    ...(key !== null && { headers: JSON.stringify({ Authorization: `Bearer ${key}` }, null, 2) }),
  };
  // Its page reads `subscriptionsEndpoint`, its types leave it out.
  return renderGraphiQL(options).replaceAll('<script>', `<script nonce="${nonce}">`);
}
