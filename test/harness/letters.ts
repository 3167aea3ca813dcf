import type { TestApp } from './app.ts';
import type { Caller } from './seed.ts';
import { wsClient } from './clients.ts';

/** A letter that is written. */
export interface Letter {
  readonly id: string;
  readonly status: string;
  readonly text: string;
  readonly template: { readonly id: string };
  readonly templateVersion: { readonly id: string };
}

type Asker = Pick<Caller, 'ask' | 'key'>;

const sampleOf = 'query ($slug: String!) { template(slug: $slug) { currentVersion { sample } } }';
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;
const letter = 'query ($id: ID!) { generation(id: $id) { id status text template { id } templateVersion { id } } }';
const stream = 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }';

/** The sample variables of a library template. */
export async function sampleVariables(
  asker: Pick<Caller, 'ask'>,
  slug = 'cover-letter-classic',
): Promise<Record<string, unknown>> {
  const { template } = await asker.ask<{ template: { currentVersion: { sample: Record<string, unknown> } } }>(sampleOf, { slug });
  return template.currentVersion.sample;
}

/** Starts a generation of a sample; resolves with its id at once. Throws on errors in the payload. */
export async function startGeneration(asker: Pick<Caller, 'ask'>, slug = 'cover-letter-classic'): Promise<string> {
  const variables = await sampleVariables(asker, slug);
  const { generationStart } = await asker.ask<{ generationStart: { generation: { id: string } | null; errors: unknown[] } }>(
    start,
    {
      input: { template: slug, variables },
    },
  );
  if (!generationStart.generation) throw new Error(JSON.stringify(generationStart.errors));
  return generationStart.generation.id;
}

/** Starts a generation of a sample and waits for its end on its stream. */
export async function finishedGeneration(app: TestApp, asker: Asker = app, slug = 'cover-letter-classic'): Promise<Letter> {
  const id = await startGeneration(asker, slug);
  const client = wsClient(app.url, asker.key);
  try {
    const results = client.iterate({ query: stream, variables: { id } });
    for await (const { errors } of results) if (errors) throw new Error(JSON.stringify(errors));
  } finally {
    await client.dispose();
  }
  return (await asker.ask<{ generation: Letter }>(letter, { id })).generation;
}
