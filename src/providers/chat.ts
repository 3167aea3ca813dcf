import { failureOf } from './failures.ts';
import { isObject } from '../kernel/object.ts';
import { errorIn, numberOf, objectIn, stringOf } from './json.ts';
import type { FinishReason, StreamPart, TextRequest, Usage } from './port.ts';
import { cacheKey, schemaFor, schemaName } from './output-schema.ts';
import { brokenOff, finish, wantsTools, type Converter } from './read.ts';
import type { SseEvent } from './sse.ts';

const reasons: Readonly<Record<string, FinishReason>> = {
  stop: 'STOP',
  length: 'LENGTH',
  max_tokens: 'LENGTH',
  model_length: 'LENGTH',
  model_context_window_exceeded: 'LENGTH',
  content_filter: 'CONTENT_FILTER',
  sensitive: 'CONTENT_FILTER',
};
/** The finish reasons of compatible servers for a text that they could not write to its end: Mistral and OpenRouter, vLLM, DeepSeek, Z.ai. */
const breaks: ReadonlySet<string> = new Set(['error', 'abort', 'insufficient_system_resource', 'network_error']);
/** The finish reasons of a model that waits for tools. Some servers say `stop` all the same. */
const waits: ReadonlySet<string> = new Set(['tool_calls', 'tool_call', 'tool_use', 'function_call']);

/**
 * The body of a Chat Completions call, to OpenAI itself or to a compatible server. The name of the limit differs: OpenAI retired `max_tokens`, most
 * compatible servers know nothing else. Nor do they know OpenAI's cache key, and some refuse what they do not know.
 */
export function chatRequest(request: TextRequest, isOwn: boolean) {
  const limitName = isOwn ? 'max_completion_tokens' : 'max_tokens';
  return {
    model: request.model,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    [limitName]: request.maxOutputTokens,
    ...(request.temperature === null ? {} : { temperature: request.temperature }),
    ...(request.outputSchema && {
      response_format: {
        type: 'json_schema' as const,
        json_schema: { name: schemaName, schema: schemaFor('openai', request.outputSchema), strict: true },
      },
    }),
    ...(isOwn ? cacheKey(request) : {}),
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
  /** Whether the model asked for tools, and whether it ended with that. */
  private hasAsked = false;
  private isWaiting = false;
  /** The word by which the server said that it broke off. */
  private brokenBy: string | null = null;
  private readonly likeness = new Likeness();
  private usage: Usage = { inputTokens: null, outputTokens: null, cachedInputTokens: null };

  constructor(
    private readonly provider: string,
    private readonly secrets: readonly string[],
  ) {}

  take({ data }: SseEvent): StreamPart | null {
    if (data === '[DONE]') return this.end();
    const alike = this.likeness.textIn(data);
    if (alike !== null) return { type: 'text', text: alike };
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
    if (said && breaks.has(said)) this.brokenBy = said;
    if (isAsking(delta)) this.hasAsked = true;
    if (said && (waits.has(said) || (this.hasAsked && this.reason === 'STOP'))) this.isWaiting = true;
    const text = stringOf(delta.content);
    if (!text) return null;
    if (this.reason === null) this.likeness.learn(data, text);
    return { type: 'text', text };
  }

  end(): StreamPart | null {
    if (this.brokenBy !== null) throw brokenOff(this.provider, this.brokenBy, this.usage);
    if (this.isWaiting && this.reason !== 'CONTENT_FILTER') throw wantsTools(this.provider, this.usage);
    return this.reason === null ? null : finish(this.reason, this.usage);
  }
}

function isAsking({ tool_calls: tools, function_call: named }: Record<string, unknown>): boolean {
  return (Array.isArray(tools) && tools.length > 0) || isObject(named);
}

/**
 * A shortcut around JSON. Most servers send one event after the other that differ only in their text. An event that is the same as the one before, but for its
 * text, means the same, so it is not parsed.
 */
class Likeness {
  private before = '';
  private after = '';

  /** The text of an event like the one that was learnt last; null for any other. */
  textIn(data: string): string | null {
    const { before, after } = this;
    const end = data.length - after.length;
    // Comparing slices goes word by word, startsWith and endsWith character by character.
    if (after === '' || end <= before.length || data.slice(0, before.length) !== before || data.slice(end) !== after) return null;
    const text = data.slice(before.length, end);
    return plainText.test(text) ? text : null;
  }

  /** Learns an event with this text, if the text can be found in it without a doubt: as the only `content`, and without escapes. */
  learn(data: string, text: string): void {
    const at = data.indexOf(contentKey);
    const start = at + contentKey.length + 2;
    if (at === -1 || data.includes(contentKey, start) || !plainText.test(text)) return;
    if (!data.startsWith(`:"${text}"`, start - 2)) return;
    this.before = data.slice(0, start);
    this.after = data.slice(start + text.length);
  }
}

const contentKey = '"content"';
/** What a JSON string holds as it is: not empty, nothing escaped, nothing that would have to be. */
const plainText = /^[^"\\\p{Cc}]+$/u;

function usageOf(usage: Record<string, unknown>): Usage {
  const details = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  return {
    inputTokens: numberOf(usage.prompt_tokens),
    outputTokens: numberOf(usage.completion_tokens),
    cachedInputTokens: numberOf(details.cached_tokens),
  };
}
