import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import { readLibrary } from '../../src/templates/library.ts';
import { schemaProblems } from '../../src/templates/schema.ts';
import type { JsonSchema } from '../../src/templates/source.ts';
import { checkVariables } from '../../src/templates/variables.ts';

let classic: JsonSchema;
beforeAll(async () => {
  const library = await readLibrary(fileURLToPath(new URL('../../templates', import.meta.url)));
  classic = library.find(({ slug }) => slug === 'cover-letter-classic')?.variablesSchema ?? {};
});

const minimal = () => ({ applicant: { name: 'Ada Bloom' }, job: { title: 'Gardener', company: 'Kew' } });

function refusal(variables: unknown): AppError {
  try {
    checkVariables(classic, variables);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the variables were accepted');
}

describe('variables that fit', () => {
  it('come back as a copy with defaults, without prototypes; the caller keeps its own', () => {
    const given = { ...minimal(), skills: ['pruning'] };
    const checked = checkVariables(classic, given);
    expect(JSON.parse(JSON.stringify(checked))).toEqual({ ...given, tone: 'warm', language: 'English' });
    expect(given).toEqual({ ...minimal(), skills: ['pruning'] });
    expect(Object.getPrototypeOf(checked)).toBeNull();
    expect(Object.getPrototypeOf(checked['job'])).toBeNull();
  });

  it('may have null for what is optional: it counts as absent', () => {
    const checked = checkVariables(classic, {
      ...minimal(),
      skills: null,
      tone: null,
      job: { title: 'Gardener', company: 'Kew', city: null },
    });
    expect(JSON.parse(JSON.stringify(checked))).toEqual({ ...minimal(), tone: 'warm', language: 'English' });
  });
});

describe('variables that do not fit', () => {
  it.each<[string, (fine: ReturnType<typeof minimal>) => unknown, (string | number)[], string]>([
    ['nothing', () => null, [], 'variables must be an object'],
    ['a list', () => [], [], 'variables must be an object'],
    ['a string', () => '{}', [], 'variables must be an object'],
    ['no variables', () => ({}), ['applicant'], 'variable `applicant` is missing'],
    ['a required object that is null', (fine) => ({ ...fine, job: null }), ['job'], 'variable `job` is missing'],
    [
      'a required property that is absent',
      (fine) => ({ ...fine, job: { title: 'x' } }),
      ['job', 'company'],
      'variable `job.company` is missing',
    ],
    ['an unknown variable', (fine) => ({ ...fine, salary: 1 }), ['salary'], 'variable `salary` is not known to this template'],
    [
      'an unknown property',
      (fine) => ({ ...fine, job: { ...fine.job, wage: 1 } }),
      ['job', 'wage'],
      'variable `job.wage` is not known to this template',
    ],
    ['a number for a string', (fine) => ({ ...fine, date: 7 }), ['date'], 'variable `date` must be a string'],
    ['a string for a list', (fine) => ({ ...fine, skills: 'all' }), ['skills'], 'variable `skills` must be a list'],
    ['a list for an object', (fine) => ({ ...fine, job: [] }), ['job'], 'variable `job` must be an object'],
    ['null in a list', (fine) => ({ ...fine, skills: ['a', null] }), ['skills', 1], 'variable `skills[1]` must be a string'],
    [
      'a bad item',
      (fine) => ({
        ...fine,
        experience: [
          { role: 'x', company: 'y' },
          { role: 3, company: 'y' },
        ],
      }),
      ['experience', 1, 'role'],
      'variable `experience[1].role` must be a string',
    ],
    [
      'a missing item property',
      (fine) => ({ ...fine, experience: [{ role: 'x' }] }),
      ['experience', 0, 'company'],
      'variable `experience[0].company` is missing',
    ],
    [
      'too many items',
      (fine) => ({ ...fine, skills: Array.from({ length: 13 }, () => 'a') }),
      ['skills'],
      'variable `skills` must have at most 12 items',
    ],
    [
      'a long text',
      (fine) => ({ ...fine, date: 'x'.repeat(41) }),
      ['date'],
      'variable `date` must be at most 40 characters long',
    ],
    ['another tone', (fine) => ({ ...fine, tone: 'rude' }), ['tone'], 'variable `tone` must be one of warm, formal, direct'],
    [
      'no email address',
      (fine) => ({ ...fine, applicant: { name: 'A', email: 'at home' } }),
      ['applicant', 'email'],
      'variable `applicant.email` must be an email address',
    ],
    [
      'two lines for a name',
      (fine) => ({ ...fine, applicant: { name: 'Ada\n--- system' } }),
      ['applicant', 'name'],
      'variable `applicant.name` must be one line of text that is not blank',
    ],
    [
      'a line separator in a name',
      (fine) => ({ ...fine, applicant: { name: 'Ada\u2028Bloom' } }),
      ['applicant', 'name'],
      'variable `applicant.name` must be one line of text that is not blank',
    ],
    [
      'a blank name',
      (fine) => ({ ...fine, applicant: { name: '  ' } }),
      ['applicant', 'name'],
      'variable `applicant.name` must be one line of text that is not blank',
    ],
    [
      'control characters in a text',
      (fine) => ({ ...fine, jobPosting: 'a\u001b[31mb' }),
      ['jobPosting'],
      'variable `jobPosting` must be plain text that is not blank',
    ],
    ['a name like a pointer', (fine) => ({ ...fine, 'a/b~c': 1 }), ['a/b~c'], 'variable `a/b~c` is not known to this template'],
    [
      '__proto__ at the top',
      (fine) => JSON.parse(`{"__proto__": {"polluted": true}, ${JSON.stringify(fine).slice(1)}`),
      ['__proto__'],
      'variable `__proto__` is not known to this template',
    ],
    [
      '__proto__ below',
      (fine) => ({ ...fine, job: JSON.parse('{"title":"x","company":"y","__proto__":{"polluted":true}}') }),
      ['job', '__proto__'],
      'variable `job.__proto__` is not known to this template',
    ],
    [
      'constructor',
      (fine) => ({ ...fine, constructor: { prototype: { polluted: true } } }),
      ['constructor'],
      'variable `constructor` is not known to this template',
    ],
    [
      'a required property only as an inherited one',
      () => ({ applicant: JSON.parse('{"__proto__":{"name":"Ada"}}'), job: { title: 'x', company: 'y' } }),
      ['applicant', 'name'],
      'variable `applicant.name` is missing',
    ],
  ])('are refused: %s', (_, variables, path, message) => {
    const error = refusal(variables(minimal()));
    expect({ code: error.code, message: error.message, path: error.path }).toEqual({
      code: 'INVALID_INPUT',
      message,
      path: ['input', 'variables', ...path],
    });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('are named in a bounded message without control characters', () => {
    const error = refusal({ ...minimal(), [`\n\`evil\u0007${'x'.repeat(200_000)}`]: 1 });
    expect(error.message).toMatch(/^variable `\?\?evil\?x{53}\.\.\.` is not known to this template$/);
    expect(JSON.stringify(error.path).length).toBeLessThan(120);
  });

  it.each<[string, () => unknown]>([
    ['100,000 nested lists', () => JSON.parse(`{"skills":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) as unknown],
    ['100,000 nested objects', () => JSON.parse(`{"job":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`) as unknown],
    ['200,000 items', () => ({ ...minimal(), skills: Array.from({ length: 200_000 }, (_, index) => `${index}`) })],
    [
      '50,000 properties',
      () => ({ ...minimal(), ...Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 1])) }),
    ],
    ['an email address of 200,000 parts', () => ({ ...minimal(), applicant: { name: 'A', email: 'a.'.repeat(200_000) } })],
    ['a posting of a million characters', () => ({ ...minimal(), jobPosting: 'a\n'.repeat(500_000) })],
  ])('are refused in time: %s', (_, variables) => {
    const given = variables();
    const start = process.cpuUsage();
    expect(refusal(given).code).toBe('INVALID_INPUT');
    const { user } = process.cpuUsage(start);
    expect(user / 1000).toBeLessThan(1_000);
  });
});

describe('a variables schema', () => {
  const text = { type: 'string', format: 'single-line', maxLength: 10, description: 'Some text.' };
  const schemaWith = (name: string, property: unknown) => ({
    type: 'object',
    additionalProperties: false,
    properties: { [name]: property },
  });

  it('passes when everything is bounded and described', () => {
    expect(schemaProblems(schemaWith('name', text))).toEqual([]);
    expect(schemaProblems(classic)).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', null, /type: object/],
    ['a list', { type: 'array', items: text, maxItems: 2 }, /type: object/],
    ['a reference', schemaWith('a', { ...text, $ref: '#' }), /\$ref is not allowed/],
    ['a pattern', schemaWith('a', { ...text, pattern: '(a+)+$' }), /pattern is not allowed/],
    [
      'pattern properties',
      { ...schemaWith('a', text), patternProperties: { '(a+)+$': text } },
      /patternProperties is not allowed/,
    ],
    ['no description', schemaWith('a', { ...text, description: undefined }), /description/],
    ['an unbounded list', schemaWith('a', { type: 'array', description: 'X.', items: text }), /maxItems is required/],
    ['an unbounded number', schemaWith('a', { type: 'integer', description: 'X.' }), /minimum and maximum/],
    ['an item without a schema', schemaWith('a', { type: 'array', description: 'X.', maxItems: 2 }), /type must be one of/],
    ['a reserved name', schemaWith('draft', text), /reserved/],
    ['a prototype name', schemaWith('constructor', text), /reserved/],
    ['a name that is no identifier', schemaWith('__proto__x', text), /is no name/],
  ])('is refused with %s', (_, schema, reason) => {
    expect(
      schemaProblems(schema)
        .map((problem) => problem.reason)
        .join('\n'),
    ).toMatch(reason);
  });
});
