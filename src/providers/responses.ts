import { failureOf } from './failures.ts';
import { isObject } from '../kernel/object.ts';
import { errorIn, numberOf, objectIn, saidNothing, stringOf } from './json.ts';
import type { FinishReason, StreamPart, TextRequest, Usage } from './port.ts';
import { cacheKey, schemaFor, schemaName } from './output-schema.ts';
import { finish, wantsTools, type Converter } from './read.ts';
import type { SseEvent } from './sse.ts';

const incompleteReasons: Readonly<Record<string, FinishReason>> = {
  max_output_tokens: 'LENGTH',
  content_filter: 'CONTENT_FILTER',
};
/** The output items of a model that waits for its caller to do something. What the vendor does by itself is not among them. */
const waits: ReadonlySet<string> = new Set([
  'function_call',
  'custom_tool_call',
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'mcp_approval_request',
]);

/** The body of a Responses call. Nothing is stored at the vendor: letters are personal data. */
export function responsesRequest(request: TextRequest) {
  return {
    model: request.model,
    input: request.messages.map(({ role, content }) => ({ role, content })),
    max_output_tokens: request.maxOutputTokens,
    ...(request.temperature === null ? {} : { temperature: request.temperature }),
    ...(request.outputSchema && {
      text: {
        format: {
          type: 'json_schema' as const,
          name: schemaName,
          schema: schemaFor('openai', request.outputSchema),
          strict: true,
        },
      },
    }),
    ...cacheKey(request),
    store: false,
    stream: true as const,
  };
}

/**
 * Events of OpenAI's Responses API. The finish signal is `response.completed` or `response.incomplete`; there is no `[DONE]`.
 * https://developers.openai.com/api/docs/guides/streaming-responses
 */
export class ResponsesConverter implements Converter {
  private isRefused = false;
  private hasAsked = false;

  constructor(
    private readonly provider: string,
    private readonly secrets: readonly string[],
  ) {}

  take({ data }: SseEvent): StreamPart | null {
    if (data === '[DONE]') return null;
    const event = objectIn(this.provider, data);
    switch (event.type) {
      case 'response.output_text.delta': {
        const text = stringOf(event.delta);
        return text ? { type: 'text', text } : null;
      }
      case 'response.output_item.added':
        if (isAsking(event.item)) this.hasAsked = true;
        return null;
      case 'response.refusal.delta':
        this.isRefused = true;
        return null;
      case 'response.completed':
      case 'response.incomplete':
        if (isObject(event.response) && event.response.status === 'failed') throw this.failure(event.response);
        return this.finish(isObject(event.response) ? event.response : {}, event.type === 'response.incomplete');
      case 'response.failed':
        throw this.failure(event.response);
      case 'error':
        throw this.failure(event);
      default:
        return null;
    }
  }

  end(): StreamPart | null {
    return null;
  }

  private finish(response: Record<string, unknown>, isIncomplete: boolean): StreamPart {
    const details = isObject(response.incomplete_details) ? response.incomplete_details : {};
    const usage = isObject(response.usage) ? response.usage : {};
    // The status counts beside the event's name: some servers close an incomplete response with `response.completed`.
    const isWhole = !isIncomplete && response.status !== 'incomplete';
    const items: unknown[] = Array.isArray(response.output) ? response.output : [];
    const isWaiting = this.hasAsked || items.some(isAsking);
    if (isWhole && isWaiting && !this.isRefused) throw wantsTools(this.provider, usageOf(usage));
    // Whatever the vendor says of it, or does not: it is not whole.
    const reason = isWhole ? 'STOP' : (incompleteReasons[stringOf(details.reason) ?? ''] ?? 'LENGTH');
    return finish(this.isRefused ? 'CONTENT_FILTER' : reason, usageOf(usage));
  }

  private failure(holder: unknown) {
    return failureOf({ provider: this.provider, status: null, ...(errorIn(holder) ?? saidNothing), secrets: this.secrets });
  }
}

function isAsking(item: unknown): boolean {
  return isObject(item) && waits.has(stringOf(item.type) ?? '');
}

function usageOf(usage: Record<string, unknown>): Usage {
  const details = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  return {
    inputTokens: numberOf(usage.input_tokens),
    outputTokens: numberOf(usage.output_tokens),
    cachedInputTokens: numberOf(details.cached_tokens),
  };
}
