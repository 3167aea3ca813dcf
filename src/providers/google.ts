import type { GoogleGenAI } from '@google/genai';
import { isObject } from '../kernel/object.ts';
import { refusalOf, unreached } from './call-failure.ts';
import { failure, failureOf, retryAfterMs, scrub } from './failures.ts';
import { ContentConverter, contentRequest } from './generate-content.ts';
import { errorIn, parsed, saidNothing, stringOf } from './json.ts';
import { secretsOf } from './key-pieces.ts';
import { namesIn } from './model-list.ts';
import { googleModels } from './models.ts';
import { nothingUsed, type Provider, type ProviderError, type ProviderModel } from './port.ts';
import { PartReader } from './read.ts';

const ownBaseURL = 'https://generativelanguage.googleapis.com';
const keyHeader = 'x-goog-api-key';
/** The one that servers which speak it have, and in which system instructions are documented. */
const apiVersion = 'v1beta';

/** How to reach Google's Gemini API or a server that speaks it. */
export interface GoogleOptions {
  /** The id of the provider; `google` when absent. */
  readonly id?: string;
  readonly apiKey: string;
  /** Without the version; Google's own when absent or null. */
  readonly baseURL?: string | null;
  readonly models?: readonly ProviderModel[];
}

/** Google's Gemini API. Names outside `models` are passed on. */
export function google({ id = 'google', apiKey, baseURL = null, models = googleModels }: GoogleOptions): Provider {
  // Loaded with the first call: a megabyte that a process without a Google key never needs.
  let opening: Promise<GoogleGenAI> | null = null;
  const client = (): Promise<GoogleGenAI> =>
    (opening ??= import('@google/genai').then(
      (sdk) =>
        new sdk.GoogleGenAI({
          apiKey,
          vertexai: false,
          // Said in any case: else the SDK looks for one in the environment.
          httpOptions: { apiVersion, baseUrl: baseURL ?? ownBaseURL },
        }),
    ));

  return {
    id,
    models,
    acceptsUnknownModels: true,
    takesKeys: true,
    endpoint: baseURL ?? ownBaseURL,
    prepare: client,
    at: (elsewhere, key) => google({ id, apiKey: key, baseURL: elsewhere, models }),
    async listModels({ signal, fetch, apiKey: given = null }) {
      const secrets = secretsOf(apiKey, given);
      const url = `${baseURL ?? ownBaseURL}/${apiVersion}/models?pageSize=1000`;
      const response = await fetch(url, { headers: { [keyHeader]: given ?? apiKey }, signal }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw unreached(id, cause);
      });
      if (!response.ok) throw await refusalOf(id, response, secrets);
      const names = await namesIn(response, { provider: id, list: 'models', field: 'name', signal });
      return names.map((name) => name.replace(/^models\//, ''));
    },
    stream(request, { signal, fetch, apiKey: given = null }) {
      const secrets = secretsOf(apiKey, given);
      const open = async (): Promise<Response> => {
        const ai = await client();
        const { model, contents, config } = contentRequest(request);
        const way = new Way(fetch, signal);
        const headers = given === null ? {} : { headers: { [keyHeader]: given } };
        try {
          await ai.models.generateContentStream({
            model,
            contents,
            config: { ...config, httpOptions: { ...headers, fetch: way.fetch } },
          });
        } catch (error) {
          signal.throwIfAborted();
          throw way.failureOf(id, error, secrets);
        }
        return way.response ?? Promise.reject(failure('NETWORK', `${id} was not called`));
      };
      return new PartReader(open, { provider: id, converter: new ContentConverter(id, secrets), signal, secrets });
    },
  };
}

/** The way of one call: the SDK makes the request and judges the status, and the body of a response that is good is ours to read. */
class Way {
  response: Response | null = null;
  private refused: Pick<Response, 'status' | 'headers'> | null = null;
  private broken: { readonly cause: unknown } | null = null;

  constructor(
    private readonly go: typeof fetch,
    private readonly signal: AbortSignal,
  ) {}

  readonly fetch: typeof fetch = async (input, init) => {
    try {
      const response = await this.go(input, { ...init, signal: this.signal });
      if (!response.ok) {
        this.refused = response;
        return response;
      }
      this.response = response;
      return new Response('');
    } catch (cause) {
      this.broken = { cause };
      throw cause;
    }
  };

  /** What kept the call from its stream. The SDK's error holds the body of the response as text, which can repeat the key: it is no cause. */
  failureOf(provider: string, error: unknown, secrets: readonly string[]): ProviderError {
    const said = error instanceof Error ? error.message : String(error);
    if (this.refused) {
      const { status, headers } = this.refused;
      const { words, message } = errorIn(parsed(said)) ?? saidNothing;
      const waitMs = retryAfterMs(headers, new Date()) ?? retryDelayMs(parsed(said));
      return failureOf({ provider, status, words, message, retryAfterMs: waitMs, secrets });
    }
    if (this.broken) return unreached(provider, this.broken.cause);
    return failure('INVALID_REQUEST', `the call to ${provider} could not be made: ${scrub(said, secrets)}`, {
      usage: nothingUsed,
    });
  }
}

/** Google's own spelling of how long to stay away: `{ error: { details: [{ retryDelay: "32s" }] } }`. */
function retryDelayMs(body: unknown): number | null {
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  const details: unknown[] = Array.isArray(error.details) ? error.details : [];
  const delays = details.flatMap((detail) => (isObject(detail) ? (stringOf(detail.retryDelay) ?? []) : []));
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delays[0] ?? '')?.[1];
  return seconds === undefined ? null : Math.round(Number(seconds) * 1_000);
}
