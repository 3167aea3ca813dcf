import { createHash } from 'node:crypto';
import { isObject } from '../kernel/object.ts';
import type { TextRequest } from './port.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The keywords that all vendors hold a model to. */
const common = ['type', 'title', 'description', 'enum', 'properties', 'required', 'additionalProperties', 'items'];
/** Formats that vendors know; ours beside them mean nothing to them. */
const knownFormats = new Set<unknown>(['date', 'date-time', 'time', 'email', 'uuid']);

/**
 * The keywords that a vendor takes beside those. Vendors refuse keywords that they do not know. What has to be left out for that is said in the
 * description instead, and the text is checked against the whole schema when it is there.
 */
const dialects = {
  /** https://developers.openai.com/api/docs/guides/structured-outputs (strict) */
  openai: ['format', 'minimum', 'maximum', 'minItems', 'maxItems'],
  /** https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
  anthropic: ['format'],
  /** https://ai.google.dev/gemini-api/docs/structured-output */
  google: ['format', 'minimum', 'maximum', 'minItems', 'maxItems'],
} as const satisfies Record<string, readonly string[]>;

/** A schema as a vendor takes it. */
export function schemaFor(dialect: keyof typeof dialects, schema: Schema): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  const told: string[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === '$schema') continue;
    const isKnown = common.includes(keyword) || (dialects[dialect] as readonly string[]).includes(keyword);
    if (!isKnown || (keyword === 'format' && !knownFormats.has(value))) told.push(`${keyword}: ${JSON.stringify(value)}`);
    else if (keyword === 'items' && isObject(value)) kept[keyword] = schemaFor(dialect, value);
    else if (keyword === 'properties' && isObject(value)) kept[keyword] = propertiesFor(dialect, value);
    else kept[keyword] = value;
  }
  if (told.length === 0) return kept;
  const { description } = kept;
  return { ...kept, description: `${typeof description === 'string' ? `${description} ` : ''}(${told.join(', ')})` };
}

function propertiesFor(dialect: keyof typeof dialects, properties: Schema): Record<string, unknown> {
  const all = Object.entries(properties).map(([name, each]) => [name, isObject(each) ? schemaFor(dialect, each) : each]);
  return Object.fromEntries(all) as Record<string, unknown>;
}

/** The name that OpenAI wants a schema to have. */
export const schemaName = 'letter';

/**
 * The name under which OpenAI caches the beginning of a prompt: the same for all prompts that begin alike, and nothing of the prompt can be read from it. None if
 * nothing at the beginning stays the same.
 */
export function cacheKey({ messages }: Pick<TextRequest, 'messages'>): { prompt_cache_key?: string } {
  const stable = messages.slice(0, stableCount(messages));
  if (stable.length === 0) return {};
  const hash = createHash('sha256').update(JSON.stringify(stable.map(({ role, content }) => [role, content])));
  return { prompt_cache_key: `prefix-${hash.digest('hex').slice(0, 32)}` };
}

/** How many messages at the beginning are the same in every prompt of their template. */
export function stableCount(messages: TextRequest['messages']): number {
  const changing = messages.findIndex(({ isStable = false }) => !isStable);
  return changing === -1 ? messages.length : changing;
}
