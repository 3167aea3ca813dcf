/** What is there to run at first. */
const firstQuery = `# README.md has a tour that goes on from here.
{
  viewer {
    tenant {
      name
    }
  }
  templates {
    nodes {
      slug
      title
    }
  }
}
`;

/** GraphiQL as one page that needs no network; `key` fills in the Authorization header, `nonce` is what lets its scripts run. */
export async function graphiqlPage(key: string | null, nonce: string): Promise<string> {
  // 9 MB, which a server that shows no page need not read at its start.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const options = {
    title: 'Draftwire',
    defaultQuery: firstQuery,
    // Its page reads these, its types leave them out. With an `endpoint`, which is the page's own address anyway, it would send subscriptions there,
    // and without a method as a GET, which needs a header that it does not set.
    subscriptionsEndpoint: '/graphql/stream',
    subscriptionsProtocol: 'GRAPHQL_SSE' as const,
    method: 'POST' as const,
    ...(key !== null && { headers: JSON.stringify({ Authorization: `Bearer ${key}` }, null, 2) }),
  };
  // Its own element stands on a line by itself; what that runs holds others as text, which have to stay as they are.
  return renderGraphiQL(options).replace(/^( *)<script>$/m, `$1<script nonce="${nonce}">`);
}
