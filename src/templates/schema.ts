import { createHash } from 'node:crypto';
import ajvFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import { untrustedKeyword } from '../guards/fence.ts';
import { personalKinds } from '../guards/kinds.ts';
import { isPersonalKind, personalKeyword } from '../guards/personal.ts';
import { canonicalJson, type JsonSchema } from './source.ts';

/** A fault in a schema; `path` leads to the keyword or property. */
export interface SchemaProblem {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

const annotations = ['type', 'title', 'description', 'default', 'examples', personalKeyword, untrustedKeyword];
/** What a vendor is told is no place for values of ours, and models are held to no optional property. */
const outputAnnotations = ['type', 'title', 'description'];
const keywordsByType: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'format', 'enum'],
  integer: ['minimum', 'maximum'],
  number: ['minimum', 'maximum'],
  boolean: [],
};
const bounds: Readonly<Record<string, number>> = { maxLength: 20_000, maxItems: 50 };
const stringFormats = ['single-line', 'text', 'email', 'date'];
const deepest = 6;
const namePattern = /^[a-z][A-Za-z0-9]{0,39}$/;
/** Names that the template language or the renderer gives a meaning. */
const reservedNames = new Set([
  'variables',
  'draft',
  'loop',
  'caller',
  'range',
  'cycler',
  'joiner',
  'super',
  'true',
  'false',
  'none',
  'constructor',
]);

const ajv = new Ajv2020({ strict: true, useDefaults: true, ownProperties: true, logger: false });
ajv.addKeyword({ keyword: personalKeyword, schemaType: 'string' });
ajv.addKeyword({ keyword: untrustedKeyword, schemaType: 'boolean' });
ajvFormats.default(ajv, ['email', 'date']);
// Control characters and line separators could break a letterhead or the lines of a prompt; a blank text would leave a hole in a sentence.
ajv.addFormat('single-line', (text: string) => /\S/.test(text) && !/[\p{Cc}\u2028\u2029]/u.test(text));
ajv.addFormat('text', (text: string) => /\S/.test(text) && !/[^\P{Cc}\t\n\r]/u.test(text));

/**
 * What is wrong with a variables schema. Only an allow-list of keywords passes, everything has a bound, every property a description: so checking
 * variables takes time linear in their size (no patterns, no references) and a form can be built from any schema.
 */
export function schemaProblems(schema: unknown): SchemaProblem[] {
  const { root, problems } = walked(schema, 'variables');
  for (const name of Object.keys(isObject(root['properties']) ? root['properties'] : {})) {
    if (reservedNames.has(name)) problems.push({ path: ['properties', name], reason: `${name} is a reserved name` });
  }
  if (problems.length > 0) return problems;
  return compiled(root, problems);
}

/**
 * What is wrong with the schema of an output: the same subset, without examples and defaults, and with every property required, since vendors hold
 * models to no others.
 */
export function outputSchemaProblems(schema: unknown): SchemaProblem[] {
  const { root, problems } = walked(schema, 'output');
  return problems.length > 0 ? problems : compiled(root, problems);
}

/** Why a text is not what a version's output schema asks for, as an order to who writes it anew; null when it is. It repeats nothing of the text. */
export function outputFault(schema: JsonSchema, text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message shows a piece of the text.
    return 'the answer has to be one JSON value and nothing else';
  }
  const validate = validatorOf(schema);
  if (validate(value)) return null;
  const [first] = validate.errors ?? [];
  const { instancePath = '', message = 'does not fit' } = first ?? {};
  return `the answer has to fit its JSON Schema: ${instancePath === '' ? 'it' : instancePath} ${message}`;
}

type SchemaUse = 'variables' | 'output';

function walked(schema: unknown, use: SchemaUse): { root: JsonSchema; problems: SchemaProblem[] } {
  const problems: SchemaProblem[] = [];
  const root = isObject(schema) ? schema : {};
  if (root['type'] !== 'object') problems.push({ path: [], reason: `the ${use} schema must have type: object` });
  walk(Object.fromEntries(Object.entries(root).filter(([keyword]) => keyword !== '$schema')), [], problems, use);
  return { root, problems };
}

function compiled(root: JsonSchema, problems: SchemaProblem[]): SchemaProblem[] {
  try {
    validatorOf(root);
    checkExamples(root, [], problems);
  } catch (error) {
    problems.push({ path: [], reason: `not a JSON Schema: ${(error as Error).message}` });
  }
  return problems;
}

function walk(schema: JsonSchema, path: readonly (string | number)[], problems: SchemaProblem[], use: SchemaUse): void {
  const fail = (reason: string, ...at: (string | number)[]) => void problems.push({ path: [...path, ...at], reason });
  const type = String(schema['type']);
  const own = keywordsByType[type];
  if (!own) return fail(`type must be one of ${Object.keys(keywordsByType).join(', ')}`, 'type');
  if (path.length > deepest * 2) return fail(`schemas may be ${deepest} levels deep`);
  for (const keyword of Object.keys(schema)) {
    if (!own.includes(keyword) && !(use === 'output' ? outputAnnotations : annotations).includes(keyword))
      fail(`the keyword ${keyword} is not allowed for type ${type}`, keyword);
  }
  const personal = schema[personalKeyword];
  const holdsText = type === 'string' || (type === 'array' && isObject(schema['items']) && schema['items']['type'] === 'string');
  if (personal !== undefined && !(holdsText && isPersonalKind(personal)))
    fail(
      `${personalKeyword} is said of texts and lists of texts, and is one of ${Object.keys(personalKinds).join(', ')}`,
      personalKeyword,
    );
  const untrusted = schema[untrustedKeyword];
  if (untrusted !== undefined && !(holdsText && typeof untrusted === 'boolean'))
    fail(`${untrustedKeyword} is said of texts and lists of texts, and is true or false`, untrustedKeyword);
  for (const [keyword, highest] of Object.entries(bounds)) {
    if (!own.includes(keyword) || schema['enum'] !== undefined) continue;
    const bound = schema[keyword];
    if (typeof bound !== 'number' || bound > highest) fail(`${keyword} is required and at most ${highest}`, keyword);
  }
  if (type === 'string' && schema['enum'] === undefined && !stringFormats.includes(String(schema['format']))) {
    fail(`a string needs an enum or a format of ${stringFormats.join(', ')}`, 'format');
  }
  if (own.includes('maximum') && (typeof schema['minimum'] !== 'number' || typeof schema['maximum'] !== 'number')) {
    fail('a number needs minimum and maximum');
  }
  if (type === 'array') walk(isObject(schema['items']) ? schema['items'] : {}, [...path, 'items'], problems, use);
  if (type !== 'object') return;
  if (schema['additionalProperties'] !== false) fail('an object needs additionalProperties: false', 'additionalProperties');
  const properties = schema['properties'];
  if (!isObject(properties)) return fail('an object needs properties', 'properties');
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  for (const name of required) {
    if (!Object.hasOwn(properties, String(name))) fail(`requires ${String(name)}, which is not a property`, 'required');
  }
  const optional = Object.keys(properties).find((name) => !required.includes(name));
  if (use === 'output' && optional !== undefined)
    fail(`${optional} is not required: no property of an output is optional`, 'required');
  for (const [name, property] of Object.entries(properties)) {
    const at = ['properties', name];
    if (!namePattern.test(name)) fail(`${name} is no name: it must match ${namePattern.source}`, ...at);
    if (!isObject(property)) fail('a property needs a schema', ...at);
    else if (typeof property['description'] !== 'string' || !/\S.*\.$/.test(property['description']))
      fail('a property needs a description that ends with a period', ...at);
    else walk(property, [...path, ...at], problems, use);
  }
}

function checkExamples(schema: JsonSchema, path: readonly (string | number)[], problems: SchemaProblem[]): void {
  // Strict mode takes a default inside of a schema only, not at its root.
  const validate = validatorOf(Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== 'default')));
  const given = Array.isArray(schema['examples']) ? (schema['examples'] as unknown[]) : [];
  given.forEach((example, index) => {
    if (!validate(structuredClone(example)))
      problems.push({ path: [...path, 'examples', index], reason: 'the example does not fit its own schema' });
  });
  if (schema['default'] !== undefined && !validate(schema['default'])) {
    problems.push({ path: [...path, 'default'], reason: 'the default does not fit its own schema' });
  }
  if (isObject(schema['items'])) checkExamples(schema['items'], [...path, 'items'], problems);
  for (const [name, property] of Object.entries(isObject(schema['properties']) ? schema['properties'] : {})) {
    if (isObject(property)) checkExamples(property, [...path, 'properties', name], problems);
  }
}

const byIdentity = new WeakMap<JsonSchema, ValidateFunction>();
const byContent = new LRUCache<string, ValidateFunction>({ max: 500 });

/** The compiled check of a schema; equal schemas are compiled once. It fills in defaults, so give it a copy. Throws where the schema is none. */
export function validatorOf(schema: JsonSchema): ValidateFunction {
  const known = byIdentity.get(schema);
  if (known) return known;
  const hash = createHash('sha256').update(canonicalJson(schema)).digest('hex');
  const validate = byContent.get(hash) ?? ajv.compile(schema);
  // ajv would remember every schema object it has ever seen; the two caches above are bounded.
  ajv.removeSchema(schema);
  byContent.set(hash, validate);
  byIdentity.set(schema, validate);
  return validate;
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
