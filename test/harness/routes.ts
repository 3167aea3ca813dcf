import type { Caller } from './seed.ts';

interface Published {
  readonly id: string;
  readonly name: string;
  readonly current: { readonly id: string; readonly number: number };
}

/** Publishes a version of a route; one that leads to the offline model, unless said. */
export async function publishRoute(
  caller: Pick<Caller, 'ask'>,
  name: string,
  definition: object = { route: { model: 'offline/draft' } },
): Promise<Published> {
  const { routePublish } = await caller.ask<{ routePublish: { route: Published | null; errors: unknown[] } }>(
    `mutation ($input: RoutePublishInput!) {
      routePublish(input: $input) { route { id name current { id number } } errors { code message path } }
    }`,
    { input: { name, definition } },
  );
  if (!routePublish.route) throw new Error(JSON.stringify(routePublish.errors));
  return routePublish.route;
}
