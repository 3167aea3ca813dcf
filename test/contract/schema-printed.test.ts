import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generate } from '@graphql-codegen/cli';
import {
  buildSchema,
  findBreakingChanges,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  parse,
  validateSchema,
  type GraphQLSchema,
} from 'graphql';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import codegen from '../../codegen.ts';
import { printSchemas } from '../../src/schema.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): Promise<string> => readFile(new URL(path, `file://${root}`), 'utf8');

describe('the printed contract', () => {
  it.each([
    ['schema.graphql', 'api'],
    ['subgraph.graphql', 'subgraph'],
  ] as const)('%s is current: npm run schema', async (file, kind) => {
    expect(await read(`schema/${file}`)).toBe(printSchemas()[kind]);
  });

  it('parses and is valid by itself, without federation', async () => {
    const sdl = await read('schema/schema.graphql');
    expect(validateSchema(buildSchema(sdl))).toEqual([]);
    expect(sdl).not.toMatch(/@key|@link|@shareable|_entities|_service/);
  });

  it('has current typed operations: npm run codegen', async () => {
    const [generated] = (await generate({ ...codegen, cwd: root, silent: true }, false)) as {
      filename: string;
      content: string;
    }[];
    const path = `${root}src/client/operations.ts`;
    const formatted = await format(generated?.content ?? '', { ...(await resolveConfig(path)), filepath: path });
    expect(await read('src/client/operations.ts')).toBe(formatted);
  });

  it('describes everything in a sentence', async () => {
    expect(described(buildSchema(await read('schema/schema.graphql'))).filter(({ text }) => !/[^\s]\.$/.test(text))).toEqual([]);
  });

  it('names the permission of every field that demands one', async () => {
    const schema = buildSchema(await read('schema/schema.graphql'));
    const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
      Object.values(type?.getFields() ?? {}),
    );
    const open = fields
      .filter(({ description }) => !/Requires `[a-z]+:[a-z]+`\./.test(description ?? ''))
      .map(({ name }) => name);
    // What the key may see decides about the parts: each type that nodes find demands its own. Whoever accepts an invitation has no key yet.
    expect(open.toSorted()).toEqual(['explainPermission', 'invitationAccept', 'node', 'nodes', 'viewer']);
  });

  it('gives every node type its key in the subgraph', async () => {
    const { definitions } = parse(await read('schema/subgraph.graphql'));
    const types = definitions.filter((definition) => definition.kind === Kind.OBJECT_TYPE_DEFINITION);
    const nodes = types.filter(({ interfaces }) => interfaces?.some(({ name }) => name.value === 'Node'));
    expect(nodes.length).toBeGreaterThan(3);
    expect(
      nodes.filter(({ directives }) => !directives?.some(({ name }) => name.value === 'key')).map(({ name }) => name.value),
    ).toEqual([]);
  });

  it('breaks nothing that was released, but what was reviewed', async () => {
    const released = lastRelease();
    const allowed = parseYaml(await read('schema/allowed-breaks.yaml')) as AllowedBreak[];
    const current = await read('schema/schema.graphql');
    expect(compare(released ?? current, current, allowed)).toEqual({ unreviewed: [], outdated: [] });
  });

  it('would notice', () => {
    const [released, current] = ['type Query { kept: Int, gone: Int }', 'type Query { kept: Int }'];
    const change = 'Query.gone was removed.';
    expect(compare(released, current, [])).toEqual({ unreviewed: [change], outdated: [] });
    expect(compare(released, current, [{ change, reason: 'nobody asked for it' }])).toEqual({ unreviewed: [], outdated: [] });
    expect(compare(current, current, [{ change, reason: 'nobody asked for it' }])).toEqual({
      unreviewed: [],
      outdated: [change],
    });
  });
});

interface AllowedBreak {
  readonly change: string;
  readonly reason: string;
}

/** Breaking changes that nobody reviewed, and reviews of what is no change any more. */
function compare(
  released: string,
  current: string,
  allowed: readonly AllowedBreak[],
): { unreviewed: string[]; outdated: string[] } {
  const breaks = findBreakingChanges(buildSchema(released), buildSchema(current)).map(({ description }) => description);
  return {
    unreviewed: breaks.filter((change) => !allowed.some((each) => each.change === change)),
    outdated: allowed.map(({ change }) => change).filter((change) => !breaks.includes(change)),
  };
}

interface Described {
  readonly name: string;
  readonly text: string;
}

/** Every type, field, argument and enum value with what it says about itself. */
function described(schema: GraphQLSchema): Described[] {
  const found: Described[] = [];
  const add = (name: string, { description }: { readonly description?: string | null | undefined }): void =>
    void found.push({ name, text: description ?? '' });
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    add(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) add(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) add(`${type.name}.${field.name}`, field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      add(`${type.name}.${field.name}`, field);
      for (const argument of field.args) add(`${type.name}.${field.name}(${argument.name})`, argument);
    }
  }
  return found;
}

/** The schema at the newest version tag; null before the first release, and where there is no repository. */
function lastRelease(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [tag] = git('tag', '--list', 'v*', '--sort=-version:refname').split('\n');
    return tag ? git('show', `${tag}:schema/schema.graphql`) : null;
  } catch {
    // A source archive has no history to compare with; CI has.
    return null;
  }
}
