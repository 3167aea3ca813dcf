import { post } from './clients.ts';
import { StreamReader } from './stream-reader.ts';
import { sampleVariables } from './letters.ts';
import type { Call } from './mock-provider.ts';
import type { Caller } from './seed.ts';

const set = `mutation ($input: ProviderCredentialSetInput!) {
  providerCredentialSet(input: $input) {
    providerCredential { id provider fingerprint createdAt updatedAt updatedBy { id } }
    errors { code message path }
  }
}`;
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;
const told =
  'query ($id: ID!) { generation(id: $id) { status failure { code message } attempts { model endedBy } skipped { model reason } } }';

/** A credential as the API shows it. */
export interface Credential {
  readonly id: string;
  readonly provider: string;
  readonly fingerprint: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly updatedBy: { readonly id: string } | null;
}

/** How a letter ended. */
export interface Told {
  readonly status: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly attempts: readonly { readonly model: string; readonly endedBy: string }[];
  readonly skipped: readonly { readonly model: string; readonly reason: string }[];
}

type Asker = Pick<Caller, 'ask' | 'key'>;

/** Somebody with a key, who asks at one process. */
export function askerAt(url: string, key: string): Asker {
  return {
    key,
    ask: async <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => {
      const { data, errors } = (await post(url, { query, variables }, { key })).body;
      if (errors?.length) throw new Error(JSON.stringify(errors));
      return data as T;
    },
  };
}

/** What `providerCredentialSet` answers. */
export interface SetAnswer {
  readonly providerCredential: Credential | null;
  readonly errors: readonly { readonly code: string; readonly message: string; readonly path: readonly string[] | null }[];
}

/** Sets a key, or does not: the whole answer. */
export async function askToSet(asker: Pick<Caller, 'ask'>, input: Record<string, unknown>): Promise<SetAnswer> {
  return (await asker.ask<{ providerCredentialSet: SetAnswer }>(set, { input })).providerCredentialSet;
}

/** Sets a key; throws when it is refused. */
export async function setKey(asker: Pick<Caller, 'ask'>, provider: string, apiKey: string): Promise<Credential> {
  const { providerCredential, errors } = await askToSet(asker, { provider, apiKey });
  if (!providerCredential) throw new Error(JSON.stringify(errors));
  return providerCredential;
}

/** Starts a letter with a model; resolves with its id at once. */
export async function startWith(asker: Pick<Caller, 'ask'>, model: string): Promise<string> {
  const variables = await sampleVariables(asker);
  const { generationStart } = await asker.ask<{ generationStart: { generation: { id: string } | null; errors: unknown[] } }>(
    start,
    {
      input: { template: 'cover-letter-classic', variables, model },
    },
  );
  if (!generationStart.generation) throw new Error(JSON.stringify(generationStart.errors));
  return generationStart.generation.id;
}

/** Writes a letter to its end with a model. */
export async function writeWith(url: string, asker: Asker, model: string): Promise<Told> {
  const id = await startWith(asker, model);
  await new StreamReader({ url, key: asker.key }, id).toEnd();
  return (await asker.ask<{ generation: Told }>(told, { id })).generation;
}

/** The keys that a call came with, in whatever header. */
export function keysOf({ headers }: Call): string[] {
  const values = [headers.authorization, headers['x-api-key'], headers['api-key']].flat();
  return values.flatMap((value) => (value === undefined ? [] : [value.replace(/^Bearer /, '')]));
}
