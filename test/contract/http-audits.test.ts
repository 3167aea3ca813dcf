import { auditServer } from 'graphql-http';
import { expect, it } from 'vitest';
import { openTinyApp } from '../harness/tiny-api.ts';

it('passes the audits of GraphQL over HTTP without an error', async () => {
  const app = await openTinyApp();
  try {
    const results = await auditServer({
      url: `${app.url}/graphql`,
      fetchFn: (url: string, init?: RequestInit) =>
        fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), authorization: 'Bearer all' } }),
    });
    expect(results.length).toBeGreaterThan(40);
    expect(results.filter(({ status }) => status === 'error').map(({ name }) => name)).toEqual([]);
  } finally {
    await app.close();
  }
});
