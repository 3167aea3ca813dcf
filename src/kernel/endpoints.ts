import { isObject } from './object.ts';

/** A model as an endpoint's operator describes it. */
export interface EndpointModel {
  readonly name: string;
  /** Tokens of prompt and answer together; null when unknown. */
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  /** Whether it can be held to a JSON Schema; null when unknown. */
  readonly hasStructuredOutput: boolean | null;
}

/** A provider by configuration. */
export interface Endpoint {
  /** The part of its models' ids before the slash. */
  readonly id: string;
  /** What it speaks: a name in the list of `src/providers/list.ts`; OpenAI's Chat Completions is `chat`. */
  readonly api: string;
  /** Up to and with `/v1`, where its vendor's own clients want it so. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What `models` lists; names outside of it are passed on. */
  readonly models: readonly EndpointModel[];
}

/** An endpoint as it is written: its key itself, or the name of the setting that holds it, or none. */
export interface WrittenEndpoint extends Omit<Endpoint, 'apiKey'> {
  readonly apiKey: string | null;
  readonly apiKeySetting: string | null;
}

const idPattern = /^[a-z][a-z0-9-]{0,30}$/;
const settingPattern = /^[A-Z][A-Z0-9_]{0,60}$/;
/** Providers of our own: their names are taken. */
const taken = new Set(['openai', 'anthropic', 'google', 'offline']);
const most = 50;
const fields = ['id', 'api', 'baseUrl', 'apiKey', 'apiKeySetting', 'models'];

/**
 * Reads `[{ "id": "groq", "baseUrl": "https://api.groq.com/openai/v1", "apiKeySetting": "GROQ_API_KEY", "models": ["..."] }]`. Throws an Error that names
 * the entry and what is wrong with it, never a key.
 */
export function readEndpoints(text: string): WrittenEndpoint[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    // The parser's own message shows a piece of the text, and the text may hold a key.
    throw new Error('it is no JSON');
  }
  if (!Array.isArray(entries) || entries.length > most) throw new Error(`it has to be a list of at most ${most} endpoints`);
  const seen = new Set(taken);
  return entries.map((entry: unknown, index) => {
    const endpoint = readEndpoint(entry, `entry ${index}`);
    if (seen.has(endpoint.id)) throw new Error(`entry ${index}: the id ${endpoint.id} is taken`);
    seen.add(endpoint.id);
    return endpoint;
  });
}

function readEndpoint(entry: unknown, where: string): WrittenEndpoint {
  if (!isObject(entry)) throw new Error(`${where} is no object`);
  const strange = Object.keys(entry).find((key) => !fields.includes(key));
  if (strange !== undefined) throw new Error(`${where} has ${strange}, which is none of ${fields.join(', ')}`);
  const { id, api = 'chat', baseUrl, apiKey = null, apiKeySetting = null, models = [] } = entry;
  if (typeof id !== 'string' || !idPattern.test(id))
    throw new Error(`${where}: id has 1 to 31 small letters, digits and hyphens, a letter first`);
  if (typeof api !== 'string' || !idPattern.test(api)) throw new Error(`${id}: api is no name of one, such as chat`);
  if (typeof baseUrl !== 'string' || !/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl))
    throw new Error(`${id}: baseUrl is no URL that begins with http:// or https://`);
  if (apiKey !== null && (typeof apiKey !== 'string' || apiKey === '')) throw new Error(`${id}: apiKey is no text`);
  if (apiKeySetting !== null && (typeof apiKeySetting !== 'string' || !settingPattern.test(apiKeySetting)))
    throw new Error(`${id}: apiKeySetting is no name of a setting, such as GROQ_API_KEY`);
  if (apiKey !== null && apiKeySetting !== null)
    throw new Error(`${id}: apiKey and apiKeySetting are both set; one of them is enough`);
  if (!Array.isArray(models) || models.length > 200) throw new Error(`${id}: models is no list of at most 200`);
  return { id, api, baseUrl, apiKey, apiKeySetting, models: models.map((model: unknown) => readModel(model, id)) };
}

function readModel(model: unknown, id: string): EndpointModel {
  const {
    name,
    contextWindow = null,
    maxOutputTokens = null,
    hasStructuredOutput = null,
  } = typeof model === 'string' ? { name: model } : isObject(model) ? model : {};
  if (typeof name !== 'string' || name === '' || name.length > 200)
    throw new Error(`${id}: a model is a name of 1 to 200 characters, or an object with one`);
  if (hasStructuredOutput !== null && typeof hasStructuredOutput !== 'boolean')
    throw new Error(`${id}: ${name}: hasStructuredOutput is true or false`);
  const tokens = (count: unknown): number | null => tokensIn(count, id, name);
  return { name, contextWindow: tokens(contextWindow), maxOutputTokens: tokens(maxOutputTokens), hasStructuredOutput };
}

function tokensIn(count: unknown, id: string, name: string): number | null {
  if (count === null || (typeof count === 'number' && Number.isInteger(count) && count > 0 && count < 2 ** 31)) return count;
  throw new Error(`${id}: ${name}: contextWindow and maxOutputTokens are whole numbers above 0`);
}
