import { below, post } from './call.ts';
import { ChatConverter, chatRequest } from './chat.ts';
import { openaiModels } from './models.ts';
import type { Provider, ProviderModel, StreamPart } from './port.ts';
import { readParts } from './read.ts';
import { ResponsesConverter, responsesRequest } from './responses.ts';

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
  const limitName = isOwn ? 'max_completion_tokens' : 'max_tokens';
  const secrets = [apiKey];

  const url = below(baseURL, api === 'responses' ? 'responses' : 'chat/completions');
  const headers = { authorization: `Bearer ${apiKey}` };

  return {
    id,
    models: options.models ?? (isOwn ? openaiModels : []),
    acceptsUnknownModels: true,
    async *stream(request, { signal, fetch }): AsyncGenerator<StreamPart> {
      const body = api === 'responses' ? responsesRequest(request) : chatRequest(request, limitName);
      const response = await post({ provider: id, url, headers, body, fetch, signal, secrets });
      const converter = api === 'responses' ? new ResponsesConverter(id, secrets) : new ChatConverter(id, secrets);
      yield* readParts(response, { provider: id, converter, signal, secrets });
    },
  };
}
