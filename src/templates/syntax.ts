import nunjucks from 'nunjucks';
import { hasFilter } from './render.ts';
import type { JsonSchema } from './source.ts';

/** A name in a template that means nothing; `line` counts from 1. */
export interface SyntaxProblem {
  readonly line: number;
  readonly reason: string;
}

interface SyntaxNode {
  readonly lineno: number;
  readonly value?: unknown;
  readonly name?: SyntaxNode;
  readonly arr?: SyntaxNode;
  readonly target?: SyntaxNode;
  readonly targets?: readonly SyntaxNode[];
  readonly val?: SyntaxNode;
  findAll(type: unknown): SyntaxNode[];
}

// The type package leaves out the parser and its nodes, which nunjucks exports.
const { parser, nodes } = nunjucks as unknown as {
  parser: { parse(source: string, extensions: readonly unknown[], options: object): SyntaxNode };
  nodes: Readonly<Record<string, unknown>>;
};

const foreign = ['Include', 'Extends', 'Import', 'FromImport', 'CallExtension'];
const unknown: JsonSchema = {};

/**
 * Names that nunjucks would only miss when it gets there: filters that do not exist, variables that are not in the schema (a misspelt one is silently
 * false in an `if`), other files. The source must compile.
 */
export function syntaxProblems(source: string, schema: JsonSchema, builtIn: readonly string[]): SyntaxProblem[] {
  const tree = parser.parse(source, [], { trimBlocks: true, lstripBlocks: true });
  const problems: SyntaxProblem[] = [];
  const fail = (node: SyntaxNode, reason: string) => void problems.push({ line: node.lineno + 1, reason });
  for (const type of foreign) for (const node of tree.findAll(nodes[type])) fail(node, 'templates cannot use other files');

  const notVariables = new Set<SyntaxNode | undefined>();
  for (const node of tree.findAll(nodes['Filter'])) {
    const name = String(node.name?.value);
    notVariables.add(node.name);
    if (!hasFilter(name)) fail(node, `there is no filter ${name}`);
  }

  const known = new Map<string, JsonSchema>(Object.entries(propertiesOf(schema)));
  for (const name of [...builtIn, 'loop']) known.set(name, unknown);
  for (const node of tree.findAll(nodes['Set']))
    for (const target of node.targets ?? []) known.set(String(target.value), unknown);
  for (const node of tree.findAll(nodes['For']))
    known.set(String(node.name?.value), itemsOf(node.arr && schemaAt(node.arr, known)));

  for (const node of tree.findAll(nodes['Symbol'])) {
    if (!notVariables.has(node) && !known.has(String(node.value))) fail(node, `there is no variable ${String(node.value)}`);
  }
  for (const node of tree.findAll(nodes['LookupVal'])) {
    const { type, properties } = (node.target && schemaAt(node.target, known)) ?? unknown;
    const name = String(node.val?.value);
    if (type === 'object' && !Object.hasOwn(properties as object, name))
      fail(node, `there is no variable ${name} in this object`);
    if (type === 'array' && typeof node.val?.value === 'string' && name !== 'length') fail(node, `a list has no ${name}`);
  }
  return problems;
}

/** The schema of what a chain such as `job.company` names; null when it is not such a chain. */
function schemaAt(node: SyntaxNode, known: ReadonlyMap<string, JsonSchema>): JsonSchema | null {
  if (typeof node.value === 'string' && !node.target) return known.get(node.value) ?? null;
  const parent = node.target && schemaAt(node.target, known);
  if (!parent) return null;
  if (parent['type'] === 'array') return itemsOf(parent);
  return propertiesOf(parent)[String(node.val?.value)] ?? null;
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema['properties'] ?? {}) as Record<string, JsonSchema>;
}

function itemsOf(schema: JsonSchema | null | undefined): JsonSchema {
  return (schema?.['items'] as JsonSchema | undefined) ?? unknown;
}
