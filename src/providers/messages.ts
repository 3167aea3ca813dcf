import { failure, failureOf } from './failures.ts';
import { isObject } from '../kernel/object.ts';
import { errorIn, numberOf, objectIn, saidNothing, stringOf } from './json.ts';
import type { FinishReason, StreamPart, TextRequest, Usage } from './port.ts';
import { schemaFor, stableCount } from './output-schema.ts';
import { finish, wantsTools, type Converter } from './read.ts';
import type { SseEvent } from './sse.ts';

const reasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'STOP',
  stop_sequence: 'STOP',
  max_tokens: 'LENGTH',
  model_context_window_exceeded: 'LENGTH',
  refusal: 'CONTENT_FILTER',
};
/** The stop reasons of a model that waits: for the answers of tools, or to be told to go on with the vendor's own. We offer it none of either. */
const waits: ReadonlySet<string> = new Set(['tool_use', 'pause_turn']);

/** All messages up to this mark may be read from the vendor's cache. */
const cached = { cache_control: { type: 'ephemeral' as const } };

/**
 * The body of a Messages call: system messages travel apart, the vendor's temperature ends at 1, and the last message that is the same in every prompt of
 * its template is marked for the cache. https://platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
export function messagesRequest(request: TextRequest) {
  const lastStable = stableCount(request.messages) - 1;
  const all = request.messages.map(({ role, content }, index) => ({
    role,
    block: { type: 'text' as const, text: content, ...(index === lastStable && cached) },
  }));
  const system = all.flatMap(({ role, block }) => (role === 'system' ? [block] : []));
  const messages = all.flatMap(({ role, block }) => {
    if (role === 'system') return [];
    return [{ role, content: block.cache_control ? [block] : block.text }];
  });
  return {
    model: request.model,
    max_tokens: request.maxOutputTokens,
    messages,
    ...(system.length === 0 ? {} : { system }),
    ...(request.outputSchema && {
      output_config: { format: { type: 'json_schema' as const, schema: schemaFor('anthropic', request.outputSchema) } },
    }),
    ...(request.temperature === null ? {} : { temperature: Math.min(1, request.temperature) }),
    stream: true as const,
  };
}

/**
 * Events of Anthropic's Messages API. The finish signal is `message_delta` with a `stop_reason`, then `message_stop`; usage is cumulative.
 * Thinking is not text. https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class MessagesConverter implements Converter {
  private reason: FinishReason | null = null;
  /** Whether the model asked for tools, and whether it ended with that. */
  private hasAsked = false;
  private isWaiting = false;
  private readonly counts: Record<string, number> = {};

  constructor(
    private readonly provider: string,
    private readonly secrets: readonly string[],
  ) {}

  take({ data }: SseEvent): StreamPart | null {
    const event = objectIn(this.provider, data);
    switch (event.type) {
      case 'message_start':
        if (isObject(event.message)) this.count(event.message.usage);
        return null;
      case 'content_block_start':
        if (isObject(event.content_block) && event.content_block.type === 'tool_use') this.hasAsked = true;
        return textIn(event.content_block, 'text');
      case 'content_block_delta':
        return textIn(event.delta, 'text_delta');
      case 'message_delta': {
        this.count(event.usage);
        const said = isObject(event.delta) ? stringOf(event.delta.stop_reason) : null;
        if (said) this.reason = reasons[said] ?? 'OTHER';
        if (said) this.isWaiting = waits.has(said) || (this.hasAsked && this.reason === 'STOP');
        return null;
      }
      case 'message_stop':
        if (this.reason === null) throw failure('STREAM_MALFORMED', `${this.provider} stopped without a stop reason`);
        if (this.isWaiting) throw wantsTools(this.provider, this.usage());
        return finish(this.reason, this.usage());
      case 'error':
        throw failureOf({ provider: this.provider, status: null, ...(errorIn(event) ?? saidNothing), secrets: this.secrets });
      default:
        return null;
    }
  }

  end(): StreamPart | null {
    return null;
  }

  private count(usage: unknown): void {
    if (!isObject(usage)) return;
    for (const [name, value] of Object.entries(usage)) {
      const tokens = numberOf(value);
      if (tokens !== null) this.counts[name] = tokens;
    }
  }

  /** Anthropic counts cached input apart from `input_tokens`; ours is all of it. */
  private usage(): Usage {
    const {
      input_tokens: fresh,
      output_tokens: output,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written,
    } = this.counts;
    return {
      inputTokens: fresh === undefined ? null : fresh + (read ?? 0) + (written ?? 0),
      outputTokens: output ?? null,
      cachedInputTokens: read ?? null,
      cacheWriteTokens: written ?? null,
    };
  }
}

function textIn(block: unknown, type: string): StreamPart | null {
  const text = isObject(block) && block.type === type ? stringOf(block.text) : null;
  return text ? { type: 'text', text } : null;
}
