import type { ErrorObject } from 'ajv/dist/2020.js';
import { AppError } from '../kernel/errors.ts';
import { validatorOf } from './schema.ts';
import type { JsonSchema, Variables } from './source.ts';

type Path = readonly (string | number)[];

const argument: Path = ['input', 'variables'];
const deepest = 20;
const longestNameShown = 60;

/**
 * A checked copy of what a caller sent, defaults filled in; the caller's own object is never changed. A property that is null counts as absent.
 * Throws INVALID_INPUT for the first variable that does not fit, with its path below `input.variables`.
 */
export function checkVariables(schema: JsonSchema, variables: unknown): Variables {
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    throw new AppError('INVALID_INPUT', 'variables must be an object', { path: argument });
  }
  const copy = copied(variables, []) as Variables;
  const validate = validatorOf(schema);
  if (validate(copy)) return copy;
  const error = validate.errors?.[0];
  if (!error) throw new Error('a failed check named no error');
  const path = pathOf(error, copy);
  throw new AppError('INVALID_INPUT', `${nameOf(path)} ${reasonOf(error)}`, { path: [...argument, ...path] });
}

/** Plain data without prototypes: keys such as `__proto__` are ordinary and nothing is inherited. */
function copied(value: unknown, path: Path): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (path.length >= deepest) {
    throw new AppError('INVALID_INPUT', `${nameOf(path.slice(0, 1))} is nested deeper than ${deepest} levels`, {
      path: [...argument, ...path.slice(0, 1)],
    });
  }
  if (Array.isArray(value)) return value.map((item, index) => copied(item, [...path, index]));
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [name, part] of Object.entries(value)) {
    if (part !== null && part !== undefined) copy[name] = copied(part, [...path, shortened(name)]);
  }
  return copy;
}

function pathOf(error: ErrorObject, root: unknown): Path {
  const path: (string | number)[] = [];
  let at: unknown = root;
  for (const escaped of error.instancePath.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(name) : name);
    at = (at as Record<string, unknown>)[name];
  }
  if (error.keyword === 'required') path.push(String(error.params['missingProperty']));
  if (error.keyword === 'additionalProperties') path.push(shortened(String(error.params['additionalProperty'])));
  return path;
}

function nameOf(path: Path): string {
  const name = path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`)).join('');
  return `variable \`${name}\``;
}

/** A name of the caller's own making, fit for a message: bounded, and without control characters. */
function shortened(name: string): string {
  const clean = name.replace(/[\p{Cc}\p{Cs}\u2028\u2029`]/gu, '?');
  return clean.length <= longestNameShown ? clean : `${clean.slice(0, longestNameShown).replace(/\p{Cs}$/u, '')}...`;
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

const formatNames: Readonly<Record<string, string>> = {
  'single-line': 'one line of text that is not blank',
  text: 'plain text that is not blank',
  email: 'an email address',
  date: 'a date such as 2026-03-31',
};

function reasonOf(error: ErrorObject): string {
  const { limit, type, format, allowedValues } = error.params as {
    limit: number;
    type: string;
    format: string;
    allowedValues: unknown[];
  };
  const counted = (thing: string) => `${limit} ${thing}${limit === 1 ? '' : 's'}`;
  switch (error.keyword) {
    case 'required':
      return 'is missing';
    case 'additionalProperties':
      return 'is not known to this template';
    case 'type':
      return `must be ${typeNames[type] ?? type}`;
    case 'enum':
      return `must be one of ${allowedValues.join(', ')}`;
    case 'format':
      return `must be ${formatNames[format] ?? format}`;
    case 'maxLength':
      return `must be at most ${counted('character')} long`;
    case 'minLength':
      return `must be at least ${counted('character')} long`;
    case 'maxItems':
      return `must have at most ${counted('item')}`;
    case 'minItems':
      return `must have at least ${counted('item')}`;
    default:
      return error.message ?? 'does not fit';
  }
}
