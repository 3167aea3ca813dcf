import { failureOf } from './failures.ts';
import { errorIn, isObject, numberOf, objectIn, stringOf } from './json.ts';
import type { FinishReason, StreamPart, TextRequest, Usage } from './port.ts';
import { finish, type Converter } from './read.ts';
import type { SseEvent } from './sse.ts';

const reasons: Readonly<Record<string, FinishReason>> = { stop: 'STOP', length: 'LENGTH', content_filter: 'CONTENT_FILTER' };

/** The body of a Chat Completions call. `limitName` differs: OpenAI retired `max_tokens`, most compatible servers know nothing else. */
export function chatRequest(request: TextRequest, limitName: 'max_tokens' | 'max_completion_tokens') {
  return {
    model: request.model,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    [limitName]: request.maxOutputTokens,
    ...(request.temperature === null ? {} : { temperature: request.temperature }),
    stream: true as const,
    stream_options: { include_usage: true },
  };
}

/**
 * Chat Completions chunks. The finish signal is a choice's `finish_reason`; its usage follows in a chunk without choices, then `[DONE]`,
 * which some compatible servers leave out. https://platform.openai.com/docs/api-reference/chat-streaming
 */
export class ChatConverter implements Converter {
  private reason: FinishReason | null = null;
  private isRefused = false;
  private usage: Usage = { inputTokens: null, outputTokens: null, cachedInputTokens: null };

  constructor(
    private readonly provider: string,
    private readonly secrets: readonly string[],
  ) {}

  take({ data }: SseEvent): StreamPart | null {
    if (data === '[DONE]') return this.end();
    const chunk = objectIn(this.provider, data);
    const error = errorIn(chunk);
    if (error) throw failureOf({ provider: this.provider, status: null, ...error, secrets: this.secrets });
    if (isObject(chunk.usage)) this.usage = usageOf(chunk.usage);

    const choice: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    if (!isObject(choice)) return null;
    const delta = isObject(choice.delta) ? choice.delta : {};
    if (stringOf(delta.refusal)) this.isRefused = true;
    const said = stringOf(choice.finish_reason);
    if (said) this.reason = this.isRefused ? 'CONTENT_FILTER' : (reasons[said] ?? 'OTHER');
    const text = stringOf(delta.content);
    return text ? { type: 'text', text } : null;
  }

  end(): StreamPart | null {
    return this.reason === null ? null : finish(this.reason, this.usage);
  }
}

function usageOf(usage: Record<string, unknown>): Usage {
  const details = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  return {
    inputTokens: numberOf(usage.prompt_tokens),
    outputTokens: numberOf(usage.completion_tokens),
    cachedInputTokens: numberOf(details.cached_tokens),
  };
}
