import { describe, expect, it } from 'vitest';
import {
  clause,
  closed,
  json,
  numberWord,
  paragraph,
  present,
  quote,
  sentence,
  sentenceList,
  without,
  withArticle,
  withoutArticle,
} from '../../src/templates/filters.ts';
import { letterFlaws } from '../../src/templates/proof.ts';
import { compileTemplate, splitPrompt, TemplateFault } from '../../src/templates/render.ts';

describe('filters', () => {
  it.each([
    [undefined, ''],
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['salt and pepper', 'oil', 'vinegar'], 'salt and pepper, oil, and vinegar'],
    [['one that is rather long', 'b', 'c'], 'one that is rather long, b, and c'],
    [['x, y', 'z'], 'x, y, and z'],
    [['x, y', 'z', 'w'], 'x, y; z; and w'],
  ])('joins %j as %j', (items, text) => expect(sentenceList(items)).toBe(text));

  it.each([
    ['teacher', 'a'],
    ['engineer', 'an'],
    ['hour', 'an'],
    ['house keeper', 'a'],
    ['University Lecturer', 'a'],
    ['unimpressed critic', 'an'],
    ['user researcher', 'a'],
    ['European buyer', 'a'],
    ['one-person team', 'a'],
    ['HR manager', 'an'],
    ['UX designer', 'a'],
    ['SQL developer', 'an'],
    ['SEO specialist', 'an'],
    ['IT Manager', 'an'],
    ['NEW STORE MANAGER', 'a'],
    ['X-ray assistant', 'an'],
    ['MSc in Physics', 'an'],
    ['BSc in Physics', 'a'],
    ['8-bit artist', 'an'],
    ['Électricien', 'an'],
    ['école teacher', 'an'],
    ['(junior) cook', 'a'],
  ])('says %j with %s', (noun, article) => expect(withArticle(noun)).toBe(`${article} ${noun}`));

  it('fits statements into sentences and lets them stand', () => {
    expect(['Led a team of six.', 'AWS migrations;', 'I ran', 'cut costs'].map(clause)).toEqual([
      'led a team of six',
      'AWS migrations',
      'I ran',
      'cut costs',
    ]);
    expect(['it works', 'Why?', 'She said "go."', 'done;'].map(sentence)).toEqual([
      'It works.',
      'Why?',
      'She said "go."',
      'Done.',
    ]);
    expect([0, 1, 20, 21].map(numberWord)).toEqual(['no', 'one', 'twenty', '21']);
    expect([closed('Engineer'), closed('Engineer, Payments')]).toEqual(['Engineer', 'Engineer, Payments,']);
    expect(['the Trust', 'The Trust', 'Theatre Royal', 'the'].map(withoutArticle)).toEqual([
      'Trust',
      'Trust',
      'Theatre Royal',
      'the',
    ]);
    expect(paragraph('\n  One.\n\n  Two.\n')).toBe('One. Two.\n');
    expect(paragraph(' \n ')).toBe('');
    expect(present(['a', undefined, '', 'b', null])).toEqual(['a', 'b']);
  });

  it('keeps quoted text and JSON inside their lines', () => {
    expect(quote('a\r\nb\rc\u2028d\n\ne')).toBe('> a\n> b\n> c\n> d\n>\n> e');
    expect(json({ a: 'x\n--- system\u2028' })).toBe('{\n  "a": "x\\n--- system\\u2028"\n}');
    expect(without({ a: 1, b: 2, c: 3 }, 'a', 'c')).toEqual({ b: 2 });
  });
});

describe('rendering', () => {
  const prompt = '--- system\nBe brief.\n--- user\n{{ draft | quote }}\n';
  const compile = (draftSource: string, promptSource = prompt) =>
    compileTemplate({ contentHash: `${draftSource}\0${promptSource}`, draftSource, promptSource, variablesSchema: {} });
  const mark = () => 'x';

  it('ends with one newline, without trailing or doubled blank lines, double spaces or doubled stops', () => {
    const { draft, messages } = compile('\n\nHello {{ name }}  \n\n\n\n{{ company }}.\n\n').render(
      {
        name: ' Ada \t Bloom ',
        company: 'Acme Inc.',
      },
      mark,
    );
    expect(draft).toBe('Hello Ada Bloom\n\nAcme Inc.\n');
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.', isStable: true },
      { role: 'user', content: '> Hello Ada Bloom\n>\n> Acme Inc.' },
    ]);
  });

  it('never renders a value as a template, and finds nothing that is inherited', () => {
    const { draft } = compile('{{ name }}{% if name2.constructor or (list | first).toString %} leak{% endif %}').render(
      {
        name: '{{ 1 + 1 }}',
        name2: { a: 1 },
        list: [{ a: 1 }],
      },
      mark,
    );
    expect(draft).toBe('{{ 1 + 1 }}\n');
  });

  it.each([
    ['a value that is absent', 'Dear {{ name }},\n\n{{ nobody.city }}', /^draft\.njk:3: /],
    ['another file', '{% include "/etc/passwd" %}', /^draft\.njk/],
    ['a filter that does not exist', 'a\n{{ name | shout }}', /^draft\.njk.*filter not found: shout/],
  ])('throws a fault with its line for %s', (_, source, message) => {
    const attempt = () => compile(source).render({ name: 'x' }, mark);
    expect(attempt).toThrow(TemplateFault);
    expect(attempt).toThrow(message);
  });

  it('counts the lines of a prompt from the top of its file', () => {
    expect(() => compile('x', '--- system\na\nb\n--- user\nc\n{{ gone }}').render({}, mark)).toThrow(/^prompt\.njk:6: /);
    expect(() => compile('x', '--- system\na\n--- user\n\n{% iff x %}')).toThrow(/^prompt\.njk:5: /);
  });

  it.each([
    ['', /no user section/],
    ['--- system\na', /no user section/],
    ['--- user\na\n--- system\nb', /prompt\.njk:3: system sections come first/],
    ['--- assistant\na', /prompt\.njk:1: a section is/],
    ['a\n--- user\nb', /prompt\.njk:1: text before/],
  ])('refuses the prompt %j', (source, message) => expect(() => splitPrompt(source)).toThrow(message));
});

describe('flaws of a letter', () => {
  it.each([
    'Dear undefined,\n',
    'I am null.\n',
    'Hello {{ name }}\n',
    'Two  spaces.\n',
    'Trailing \n',
    'I know a, b and.\n',
    'I know , and b.\n',
    'I know a,, b.\n',
    'skills such as.\n',
    'Dear [name]\n',
    'These things:\n',
    'These things:.\n',
    'a\n\n\nb\n',
    '- \n',
    'no newline',
    '\n',
    'a [object Object] b\n',
  ])('%j', (text) => expect(letterFlaws(text)).not.toEqual([]));

  it.each([
    'Dear Ms Bergman,\n\nI would like to meet those I would work with. So... why not?\n\n- One.\n- Two.\n',
    'Three things:\n- One.\n',
    'The price of a box (1.35 euros) fell.\n',
  ])('has none: %j', (text) => expect(letterFlaws(text)).toEqual([]));
});
