import { visit, type ASTNode, type DocumentNode } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import { isObject } from '../kernel/object.ts';

type Path = readonly (string | number)[];
type Parent = ASTNode | readonly ASTNode[] | undefined;

// Postgres refuses NUL and lone surrogates, in text or in JSON, or changes them silently.
const maxDepth = 64;

/** Throws INVALID_INPUT with the path of the first string or key in the variables that cannot be stored, BAD_REQUEST for a key that would be a prototype. */
export function checkVariables(variables: Readonly<Record<string, unknown>>): void {
  check(variables, []);
}

/**
 * Throws BAD_REQUEST for a key that would be a prototype anywhere in a request but its variables: over HTTP the body's parser refuses it,
 * over a socket nobody does.
 */
export function checkKeys(request: object): void {
  for (const [key, value] of Object.entries(request)) {
    refusePoison(key, value, []);
    if (key === 'extensions') checkKeysIn(value, [key]);
  }
}

/** Throws INVALID_INPUT with the path of the first literal in the document that cannot be stored: a string, or what is nested too deep. */
export function checkLiterals(document: DocumentNode): void {
  let depth = 0;
  const level = {
    enter(
      _node: ASTNode,
      key: string | number | undefined,
      parent: Parent,
      _path: Path,
      ancestors: readonly NonNullable<Parent>[],
    ) {
      depth += 1;
      if (depth > maxDepth) throw tooDeep(pathOfLiteral(parent ? [...ancestors, parent] : ancestors, key));
    },
    leave() {
      depth -= 1;
    },
  };
  visit(document, {
    ListValue: level,
    ObjectValue: level,
    StringValue: {
      enter(node, key, parent, _path, ancestors) {
        if (!isStorable(node.value)) throw unstorable(pathOfLiteral(parent ? [...ancestors, parent] : ancestors, key));
      },
    },
    ObjectField(node) {
      const { name, value } = node;
      const fields = value.kind === 'ObjectValue' ? value.fields.map((field) => [field.name.value, null] as const) : [];
      refusePoison(name.value, Object.fromEntries(fields));
    },
  });
}

function check(value: unknown, path: Path): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) throw unstorable(path);
  } else if (typeof value === 'object' && value !== null) {
    if (path.length > maxDepth) throw tooDeep(path);
    for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      if (typeof key === 'string' && !isStorable(key)) throw unstorable(path);
      refusePoison(key, inner, path);
      if (typeof inner === 'string' || typeof inner === 'object') check(inner, [...path, key]);
    }
  }
}

function checkKeysIn(value: unknown, path: Path): void {
  if (typeof value !== 'object' || value === null) return;
  if (path.length > maxDepth) throw tooDeep(path);
  for (const [key, inner] of Object.entries(value)) {
    refusePoison(key, inner, path);
    checkKeysIn(inner, [...path, key]);
  }
}

/** The rule of the parser of bodies: `__proto__`, and `constructor` that holds a `prototype`. */
function refusePoison(key: string | number, value: unknown, path?: Path): void {
  const isPoison = key === '__proto__' || (key === 'constructor' && isObject(value) && Object.hasOwn(value, 'prototype'));
  if (!isPoison) return;
  throw new AppError(
    'BAD_REQUEST',
    `a key may not be ${key === '__proto__' ? key : 'constructor.prototype'}`,
    path ? { path } : {},
  );
}

function tooDeep(path: Path): AppError {
  return new AppError('INVALID_INPUT', `a value is nested deeper than ${maxDepth}`, { path: path.slice(0, 8) });
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function unstorable(path: Path): AppError {
  return new AppError('INVALID_INPUT', 'a string holds U+0000 or half a surrogate pair', { path });
}

/** From the argument (or variable) down, as a client would write it. */
function pathOfLiteral(ancestors: readonly (ASTNode | readonly ASTNode[])[], key: string | number | undefined): Path {
  const path: (string | number)[] = [];
  const steps = [...ancestors];
  for (const [index, step] of steps.entries()) {
    if ('kind' in step) {
      if (step.kind === 'VariableDefinition') path.push(step.variable.name.value);
      if (step.kind === 'Argument' || step.kind === 'ObjectField') path.push(step.name.value);
    } else {
      const owner = steps[index - 1];
      const next = steps[index + 1];
      if (owner && 'kind' in owner && owner.kind === 'ListValue') path.push(next ? step.indexOf(next as ASTNode) : Number(key));
    }
  }
  return path;
}
