import { Anthropic } from '@anthropic-ai/sdk';
import { sdkResponse } from './call-failure.ts';
import { MessagesConverter, messagesRequest } from './messages.ts';
import { secretsOf } from './key-pieces.ts';
import { namesIn } from './model-list.ts';
import { anthropicModels } from './models.ts';
import type { Provider, ProviderModel } from './port.ts';
import { PartReader } from './read.ts';
import { routed, routedFetch, withoutAddedHeaders } from './routed.ts';

const ownBaseURL = 'https://api.anthropic.com';

/** How to reach Anthropic or a server that speaks its Messages API. */
export interface AnthropicOptions {
  /** The id of the provider; `anthropic` when absent. */
  readonly id?: string;
  readonly apiKey: string;
  /** Without `/v1`; Anthropic's own when absent or null. */
  readonly baseURL?: string | null;
  readonly models?: readonly ProviderModel[];
}

/** Anthropic's Messages API. Names outside `models` are passed on. */
export function anthropic(options: AnthropicOptions): Provider {
  const { id = 'anthropic', apiKey, models = anthropicModels } = options;
  const baseURL = options.baseURL ?? ownBaseURL;
  // Null and 'off' keep the SDK from reading our environment and from writing to our output.
  const client = withoutAddedHeaders(
    new Anthropic({
      apiKey,
      authToken: null,
      webhookKey: null,
      baseURL,
      fetch: routedFetch,
      maxRetries: 0,
      logLevel: 'off',
    }),
  );

  return {
    id,
    models,
    acceptsUnknownModels: true,
    takesKeys: true,
    endpoint: baseURL,
    at: (elsewhere, key) => anthropic({ ...options, baseURL: elsewhere, apiKey: key }),
    async listModels({ signal, fetch, apiKey: given = null }) {
      const call = client.get('/v1/models?limit=1000', routed(fetch, signal, given)).asResponse();
      const response = await sdkResponse(call, { provider: id, signal, secrets: secretsOf(apiKey, given) });
      return namesIn(response, { provider: id, list: 'data', field: 'id', signal });
    },
    stream(request, { signal, fetch, apiKey: given = null }) {
      const secrets = secretsOf(apiKey, given);
      const reading = { provider: id, converter: new MessagesConverter(id, secrets), signal, secrets };
      const call = () => client.messages.create(messagesRequest(request), routed(fetch, signal, given)).asResponse();
      return new PartReader(() => sdkResponse(call(), reading), reading);
    },
  };
}
