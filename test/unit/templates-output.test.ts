import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLibrary, type LibraryTemplate } from '../../src/templates/library.ts';
import { compileTemplate } from '../../src/templates/render.ts';
import { outputFault, outputSchemaProblems } from '../../src/templates/schema.ts';
import { sealed } from '../../src/templates/source.ts';

const libraryDir = fileURLToPath(new URL('../fixtures/library', import.meta.url));
let template: LibraryTemplate;

beforeAll(async () => {
  const [first] = await readLibrary(libraryDir);
  if (!first) throw new Error('the library is empty');
  template = first;
});

describe('a template with an output', () => {
  it('writes a draft that fits it, whatever the values', () => {
    for (const { variables } of template.samples) {
      const { draft } = compileTemplate(template).render(variables, () => 'x');
      expect(outputFault(template.outputSchema ?? {}, draft), draft).toBeNull();
    }
    expect(template.outputSchema).toMatchObject({ type: 'object', required: ['subject', 'tone', 'paragraphs'] });
  });

  it('has a hash of its own; one without has the one that it had before there were outputs', () => {
    const { contentHash, outputSchema, ...content } = template;
    const plain = sealed({ ...content, outputSchema: null });
    expect(sealed({ ...content, outputSchema }).contentHash).toBe(contentHash);
    expect(plain.contentHash).not.toBe(contentHash);
    expect(sealed(content as typeof content & { outputSchema: null }).contentHash).toBe(plain.contentHash);
  });
});

describe('a text that has to fit', () => {
  it.each([
    ['{"subject":"A","tone":"warm","paragraphs":["B"]}', null],
    ['  {"subject":"A","tone":"warm","paragraphs":["B"]}\n', null],
    ['```json\n{"subject":"A"}\n```', 'the answer has to be one JSON value and nothing else'],
    ['{"subject":"A","tone":"warm","paragraphs":["B"]} Done.', 'the answer has to be one JSON value and nothing else'],
    ['{"subject":"A","tone":"warm"}', "the answer has to fit its JSON Schema: it must have required property 'paragraphs'"],
    [
      '{"subject":"A","tone":"loud","paragraphs":["B"]}',
      'the answer has to fit its JSON Schema: /tone must be equal to one of the allowed values',
    ],
    [
      '{"subject":"A","tone":"warm","paragraphs":[]}',
      'the answer has to fit its JSON Schema: /paragraphs must NOT have fewer than 1 items',
    ],
    ['{"subject":"A","tone":"warm","paragraphs":["B"],"more":1}', /must NOT have additional properties/],
  ])('%s', (text, fault) => {
    const found = outputFault(template.outputSchema ?? {}, text);
    if (fault instanceof RegExp) expect(found).toMatch(fault);
    else expect(found).toBe(fault);
  });
});

describe('the schema of an output', () => {
  const text = { type: 'string', format: 'text', maxLength: 10, description: 'A text.' };
  const object = (properties: object, more: object = {}) => ({
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties),
    properties,
    ...more,
  });

  it.each([
    ['fits', object({ a: text }), null],
    ['is no object', { type: 'array', items: text, maxItems: 3 }, /must have type: object/],
    [
      'leaves a property optional',
      object({ a: text }, { required: [] }),
      /a is not required: no property of an output is optional/,
    ],
    [
      'leaves one deeper down optional',
      object({ a: object({ b: text }, { required: [], description: 'One.' }) }),
      /b is not required/,
    ],
    ['is open', object({ a: text }, { additionalProperties: true }), /additionalProperties: false/],
    ['has a default', object({ a: { ...text, default: 'x' } }), /the keyword default is not allowed/],
    ['has an example', object({ a: { ...text, examples: ['x'] } }), /the keyword examples is not allowed/],
    ['has a pattern', object({ a: { ...text, pattern: '(a+)+' } }), /the keyword pattern is not allowed/],
    ['names a personal detail', object({ a: { ...text, 'x-personal': 'name' } }), /x-personal is not allowed/],
  ])('%s', (_name, schema, problem) => {
    const found = outputSchemaProblems(schema).map(({ reason }) => reason);
    if (problem === null) expect(found).toEqual([]);
    else expect(found.join('\n')).toMatch(problem);
  });
});

describe('a library', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'draftwire-library-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it.each([
    [
      'template.yaml',
      (text: string) => text.replace('required: [subject, tone, paragraphs]', 'required: [subject]'),
      /template\.yaml:\d+: output\.required: tone is not required/,
    ],
    [
      'template.yaml',
      (text: string) => text.replace(/^output:\n[^]*$/m, 'output: yes\n'),
      /template\.yaml:\d+: output: the output schema must have type: object/,
    ],
    [
      'draft.njk',
      (text: string) => text.replace('"plain"', '"loud"'),
      /1-nurse\.yaml:1: its draft does not fit the output: .*\/tone/,
    ],
    [
      'draft.njk',
      () => 'Dear {{ company }}\n',
      /1-nurse\.yaml:1: its draft does not fit the output: the answer has to be one JSON value/,
    ],
  ])('does not take a broken output in %s', async (file, edit, problem) => {
    await cp(libraryDir, dir, { recursive: true });
    const path = join(dir, 'cover-letter/parts', file);
    await writeFile(path, edit(await readFile(path, 'utf8')));
    await expect(readLibrary(dir)).rejects.toThrow(problem);
  });
});
