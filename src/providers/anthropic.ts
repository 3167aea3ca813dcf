import { below, post } from './call.ts';
import { MessagesConverter, messagesRequest } from './messages.ts';
import { anthropicModels } from './models.ts';
import type { Provider, ProviderModel, StreamPart } from './port.ts';
import { readParts } from './read.ts';

const ownBaseURL = 'https://api.anthropic.com';
/** https://platform.claude.com/docs/en/api/versioning */
const apiVersion = '2023-06-01';

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
  const secrets = [apiKey];
  const url = below(baseURL, 'v1/messages');
  const headers = { 'x-api-key': apiKey, 'anthropic-version': apiVersion };

  return {
    id,
    models,
    acceptsUnknownModels: true,
    async *stream(request, { signal, fetch }): AsyncGenerator<StreamPart> {
      const response = await post({ provider: id, url, headers, body: messagesRequest(request), fetch, signal, secrets });
      yield* readParts(response, { provider: id, converter: new MessagesConverter(id, secrets), signal, secrets });
    },
  };
}
