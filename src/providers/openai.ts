import { OpenAI } from 'openai';
import { sdkResponse } from './call-failure.ts';
import { ChatConverter, chatRequest } from './chat.ts';
import { secretsOf } from './key-pieces.ts';
import { namesIn } from './model-list.ts';
import { openaiModels } from './models.ts';
import type { Provider, ProviderModel, TextRequest } from './port.ts';
import { PartReader } from './read.ts';
import { ResponsesConverter, responsesRequest } from './responses.ts';
import { routed, routedFetch, withoutAddedHeaders, type Routed } from './routed.ts';

const ownBaseURL = 'https://api.openai.com/v1';

/** How to reach OpenAI or a server that speaks its Chat Completions. */
export interface OpenAIOptions {
  /** The id of the provider, the part of a model id before the slash; `openai` when absent. */
  readonly id?: string;
  readonly apiKey: string;
  /** Up to and with `/v1`; OpenAI's own when absent or null. */
  readonly baseURL?: string | null;
  /** The models it offers; a short list of OpenAI's for its own host, none for another. */
  readonly models?: readonly ProviderModel[];
  /** Which of OpenAI's two APIs to speak: Responses at OpenAI's own host, Chat Completions elsewhere, unless said. */
  readonly api?: 'responses' | 'chat';
}

/** OpenAI, and every server that speaks its Chat Completions. Names outside `models` are passed on. */
export function openai(options: OpenAIOptions): Provider {
  const { id = 'openai', apiKey } = options;
  const baseURL = options.baseURL ?? ownBaseURL;
  const isOwn = new URL(baseURL).host === new URL(ownBaseURL).host;
  const api = options.api ?? (isOwn ? 'responses' : 'chat');

  // Null and 'off' keep the SDK from reading our environment and from writing to our output.
  const client = withoutAddedHeaders(
    new OpenAI({
      apiKey,
      adminAPIKey: null,
      baseURL,
      fetch: routedFetch,
      maxRetries: 0,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
    }),
  );

  function send(request: TextRequest, by: Routed): Promise<Response> {
    if (api === 'responses') return client.responses.create(responsesRequest(request), by).asResponse();
    return client.chat.completions.create(chatRequest(request, isOwn), by).asResponse();
  }

  return {
    id,
    models: options.models ?? (isOwn ? openaiModels : []),
    acceptsUnknownModels: true,
    takesKeys: true,
    endpoint: baseURL,
    at: (elsewhere, key) => openai({ ...options, baseURL: elsewhere, apiKey: key }),
    async listModels({ signal, fetch, apiKey: given = null }) {
      const call = client.get('/models', routed(fetch, signal, given)).asResponse();
      const response = await sdkResponse(call, { provider: id, signal, secrets: secretsOf(apiKey, given) });
      return namesIn(response, { provider: id, list: 'data', field: 'id', signal });
    },
    stream(request, { signal, fetch, apiKey: given = null }) {
      const secrets = secretsOf(apiKey, given);
      const converter = api === 'responses' ? new ResponsesConverter(id, secrets) : new ChatConverter(id, secrets);
      const reading = { provider: id, converter, signal, secrets };
      return new PartReader(() => sdkResponse(send(request, routed(fetch, signal, given)), reading), reading);
    },
  };
}
