import { isObject } from '../kernel/object.ts';
import { failure, failureOf, scrub } from './failures.ts';
import { errorIn, numberOf, objectIn, stringOf } from './json.ts';
import type { FinishReason, StreamPart, TextRequest, Usage } from './port.ts';
import { schemaFor } from './output-schema.ts';
import { brokenOff, finish, wantsTools, type Converter } from './read.ts';
import type { SseEvent } from './sse.ts';

/** The finish reasons of a model that was stopped for its content. The vendor adds to them. */
const filters = ['SAFETY', 'RECITATION', 'LANGUAGE', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'IMAGE_SAFETY'];
const reasons: Readonly<Record<string, FinishReason>> = {
  STOP: 'STOP',
  MAX_TOKENS: 'LENGTH',
  ...Object.fromEntries(filters.map((reason) => [reason, 'CONTENT_FILTER' as const])),
};

/** The finish reasons of a text that is not whole although it hit no limit. */
const breaks: ReadonlySet<string> = new Set(['OTHER', 'MALFORMED_RESPONSE', 'MISSING_THOUGHT_SIGNATURE']);
/** The finish reasons of a model that wanted tools. One that waits for their answers ends with STOP. */
const waits: ReadonlySet<string> = new Set(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS']);

/**
 * What a generateContent call takes: system messages travel apart, and the model's turns are called `model`. Nothing marks what stays the same: the vendor
 * finds out by itself. https://ai.google.dev/gemini-api/docs/caching
 */
export function contentRequest({ model, messages, maxOutputTokens, temperature, outputSchema }: TextRequest) {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const turns = messages.filter(({ role }) => role !== 'system');
  return {
    model,
    contents: turns.map(({ role, content }) => ({ role: role === 'assistant' ? 'model' : 'user', parts: [{ text: content }] })),
    config: {
      maxOutputTokens,
      ...(system.length === 0 ? {} : { systemInstruction: system.join('\n\n') }),
      ...(temperature === null ? {} : { temperature }),
      ...(outputSchema && { responseMimeType: 'application/json', responseJsonSchema: schemaFor('google', outputSchema) }),
    },
  };
}

/**
 * Chunks of Google's streamGenerateContent. The finish signal is a candidate's `finishReason`, often beside the last text; each chunk has
 * the usage so far, and no event says that it is the last. Thoughts are not text. https://ai.google.dev/api/generate-content
 */
export class ContentConverter implements Converter {
  private reason: FinishReason | null = null;
  /** Whether the model asked for tools, and whether it ended with that. */
  private hasAsked = false;
  private isWaiting = false;
  /** The word by which the vendor said that it broke off. */
  private brokenBy: string | null = null;
  private usage: Usage = { inputTokens: null, outputTokens: null, cachedInputTokens: null };

  constructor(
    private readonly provider: string,
    private readonly secrets: readonly string[],
  ) {}

  take({ data }: SseEvent): StreamPart | null {
    const chunk = objectIn(this.provider, data);
    const error = errorIn(chunk);
    if (error) throw failureOf({ provider: this.provider, status: null, ...error, secrets: this.secrets });
    if (isObject(chunk.usageMetadata)) this.usage = usageOf(chunk.usageMetadata);

    const blocked = isObject(chunk.promptFeedback) ? stringOf(chunk.promptFeedback.blockReason) : null;
    if (blocked) {
      const why = scrub(blocked.slice(0, 200), this.secrets).slice(0, 60);
      throw failure('CONTENT_REFUSED', `${this.provider} refused the prompt (${why})`);
    }
    const candidate: unknown = Array.isArray(chunk.candidates) ? chunk.candidates[0] : undefined;
    if (!isObject(candidate)) return null;
    const said = stringOf(candidate.finishReason);
    if (said && said !== 'FINISH_REASON_UNSPECIFIED') this.reason = reasons[said] ?? 'OTHER';
    if (said && breaks.has(said)) this.brokenBy = said;
    if (partsOf(candidate.content).some((part) => isObject(part) && isObject(part.functionCall))) this.hasAsked = true;
    if (said) this.isWaiting = waits.has(said) || (this.hasAsked && this.reason === 'STOP');
    const text = textOf(candidate.content);
    return text === '' ? this.rest() : { type: 'text', text };
  }

  rest(): StreamPart | null {
    if (this.brokenBy !== null) throw brokenOff(this.provider, this.brokenBy, this.usage, { isOfRequest: true });
    if (this.isWaiting) throw wantsTools(this.provider, this.usage);
    return this.reason === null ? null : finish(this.reason, this.usage);
  }

  end(): StreamPart | null {
    return this.rest();
  }
}

function partsOf(content: unknown): readonly unknown[] {
  return isObject(content) && Array.isArray(content.parts) ? content.parts : [];
}

function textOf(content: unknown): string {
  return partsOf(content)
    .map((part) => (isObject(part) && part.thought !== true ? (stringOf(part.text) ?? '') : ''))
    .join('');
}

/** Google leaves out what is 0, and counts thoughts apart from the answer; both are paid as output. */
function usageOf(usage: Record<string, unknown>): Usage {
  const input = numberOf(usage.promptTokenCount);
  const answer = numberOf(usage.candidatesTokenCount);
  const thoughts = numberOf(usage.thoughtsTokenCount);
  return {
    inputTokens: input,
    outputTokens: answer === null && thoughts === null ? null : (answer ?? 0) + (thoughts ?? 0),
    cachedInputTokens: numberOf(usage.cachedContentTokenCount) ?? (input === null ? null : 0),
  };
}
