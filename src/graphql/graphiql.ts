/** GraphiQL as one page that needs no network; `key` fills in the Authorization header, `nonce` is what lets its scripts run. */
export async function graphiqlPage(host: string, key: string | null, nonce: string): Promise<string> {
  // 9 MB, which a server that shows no page need not read at its start.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
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
