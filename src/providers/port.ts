/** One message of a prompt. `system` messages come first. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** Whether it is the same in every prompt of its template, and so worth a place in the provider's cache; false when absent. */
  readonly isStable?: boolean;
}

/** What a model is asked to write. */
export interface TextRequest {
  /** The provider's own name of the model, without our prefix. */
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  /** The template's own text; the offline provider streams it, the others ignore it. */
  readonly draft: string;
  /** Always sent to the provider. */
  readonly maxOutputTokens: number;
  /** 0..2; null leaves it to the model. */
  readonly temperature: number | null;
  /** A JSON Schema that the text has to fit, which is JSON then; absent and null for plain text. The offline provider's draft fits it by itself. */
  readonly outputSchema?: Readonly<Record<string, unknown>> | null;
}

/** Tokens as the provider counted them; null where it did not say. */
export interface Usage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedInputTokens: number | null;
  /** Input tokens that it wrote into its cache, which some vendors charge more for; absent and null where it did not say. */
  readonly cacheWriteTokens?: number | null;
}

/** The usage of a call that was refused before it began: vendors charge nothing for it. */
export const nothingUsed: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 };

/** Why the model stopped, by its vendor's explicit signal. STOP: it was done. LENGTH: it hit a token limit. CONTENT_FILTER: it was stopped by a filter, or refused. OTHER: a reason that the vendor has added since. */
export type FinishReason = 'STOP' | 'LENGTH' | 'CONTENT_FILTER' | 'OTHER';

export type StreamPart =
  /** Some text, in order; never empty. */
  | { readonly type: 'text'; readonly text: string }
  /** The last part of a stream that succeeded. */
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: Usage };

/**
 * Why a provider failed. These are also the failure codes of a generation.
 * A connection that breaks before the response's headers is NETWORK, after them STREAM_CUT, even if the vendor closes it politely.
 * A filter or refusal without any text is CONTENT_REFUSED, after some text a finish with CONTENT_FILTER; any other finish without text
 * is EMPTY_COMPLETION.
 */
export const providerErrorCodes = {
  RATE_LIMITED: 'The provider refuses for now: too many requests or tokens.',
  OVERLOADED: 'The provider is overloaded or failing (HTTP 5xx, in-band server errors).',
  PROVIDER_AUTH: 'The provider does not accept the key, or the key may not use this model.',
  CREDENTIAL_UNREADABLE: 'The tenant has a key of its own for the provider, and it cannot be decrypted; nobody was called.',
  PROVIDER_QUOTA: 'The account at the provider is out of money or quota.',
  INVALID_REQUEST: 'The provider does not accept the request.',
  MODEL_NOT_FOUND: 'The provider does not have this model.',
  CONTEXT_TOO_LONG: 'Prompt and answer do not fit the window of the model.',
  CONTENT_REFUSED: 'The provider refuses this content.',
  STREAM_CUT: 'The stream ended before its finish signal.',
  STREAM_MALFORMED: 'The provider sent something that is not its own protocol.',
  EMPTY_COMPLETION: 'The model finished without writing anything.',
  NETWORK: 'The provider could not be reached or the connection broke.',
  TIMEOUT: 'A deadline ran out.',
} as const;

export type ProviderErrorCode = keyof typeof providerErrorCodes;

/** The only way a stream fails. `retryable` says whether the same call may succeed when tried again. The message never holds a key. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** What the call used all the same; null when nobody knows. */
  readonly usage: Usage | null;
  /** Whether this request brought it about, where the code alone does not say so. It is then no sign that the model is failing, and another model may manage. */
  readonly isOfRequest: boolean;

  constructor(
    readonly code: ProviderErrorCode,
    message: string,
    options: {
      retryable: boolean;
      retryAfterMs?: number | null;
      usage?: Usage | null;
      isOfRequest?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.usage = options.usage ?? null;
    this.isOfRequest = options.isOfRequest ?? false;
  }
}

/** A model as a provider offers it. */
export interface ProviderModel {
  /** The provider's own name; our id is `<provider>/<name>`. */
  readonly name: string;
  /** Tokens of prompt and answer together; null when unknown. */
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  /** Whether it can be held to a JSON Schema; absent and null when unknown. */
  readonly hasStructuredOutput?: boolean | null;
  /** When its vendor stops to offer it; absent and null when that is not announced. */
  readonly retiresAt?: Date | null;
}

/** A provider as the configuration describes it. */
export interface ProviderOptions {
  readonly id: string;
  readonly apiKey: string;
  readonly baseURL: string;
  readonly models: readonly ProviderModel[];
}

/** How calls go out. */
export interface ProviderHttp {
  readonly fetch: typeof fetch;
  /** A `fetch` that prepares its requests at once, and sends them when `moment` resolves. */
  fetchAfter(moment: Promise<void>): typeof fetch;
}

/** What goes with one call. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
  /** The key to call with in place of the provider's own, where it takes keys; absent and null leave it the own one. */
  readonly apiKey?: string | null;
}

/**
 * Turns a prompt into text. Parts arrive in order; the last is `finish`; every failure is thrown as ProviderError.
 * After `signal` aborts, the stream ends by throwing the signal's reason and the socket is closed within 50 ms.
 */
export interface Provider {
  readonly id: string;
  readonly models: readonly ProviderModel[];
  /** Whether names outside `models` are worth a try (compatible servers list their own). */
  readonly acceptsUnknownModels: boolean;
  /** Whether it writes the draft whatever the messages say. Then it cannot go on from a text that another model began. */
  readonly ignoresMessages?: boolean;
  /** Whether its calls cost nothing, since they reach nobody. */
  readonly isFree?: boolean;
  /** The URL at which it is reached, by which its prices are found; absent where there are none. */
  readonly endpoint?: string;
  /** Whether a call can be made with another key than its own; those that can have `at` and `listModels`. */
  readonly takesKeys?: boolean;
  /** The same vendor at another address, with this key in place of its own, which is not taken along. */
  at?(baseURL: string, apiKey: string): Provider;
  /** Names of models that the key may use: the cheapest call that a key is needed for. Fails as `stream` does. */
  listModels?(options: CallOptions): Promise<readonly string[]>;
  /** Loads what the first call would otherwise wait for; called at boot for the provider that `auto` begins with. */
  prepare?(): Promise<unknown>;
  stream(request: TextRequest, options: CallOptions): AsyncIterable<StreamPart>;
}
