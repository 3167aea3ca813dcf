import { describe, expect, it } from 'vitest';
import { endingsIn } from '../../src/guards/endings.ts';
import { fold } from '../../src/guards/fold.ts';
import { mask } from '../../src/guards/mask.ts';
import { Needles } from '../../src/guards/needles.ts';
import { findSpellings } from '../../src/guards/find-spellings.ts';
import { mostUnits, spellingsOf, tooMuchIn } from '../../src/guards/spellings.ts';
import type { PersonalKind } from '../../src/guards/kinds.ts';
import { randomOf } from '../harness/random.ts';

const unitsOf = (text: string): Uint16Array => Uint16Array.from(text.split(''), (unit) => unit.charCodeAt(0));
const filled = (part: string, length: number): string => part.repeat(Math.ceil(length / part.length)).slice(0, length);
/** Of a text that has letters of every language. */
const allEndings = endingsIn(fold('č ő ğ yö ω я'));
const fieldsOf = (kind: PersonalKind) => [{ path: ['people', '*'], kind }] as const;

/** The longest needle behind each unit, one by one. */
function oneByOne(forms: readonly string[], text: string): string[] {
  return text.split('').flatMap((_unit, index) => {
    const before = text.slice(0, index + 1);
    const longest = forms.filter((form) => before.endsWith(form)).toSorted((a, b) => b.length - a.length)[0];
    return longest === undefined ? [] : [`${index + 1 - longest.length} ${longest}`];
  });
}

describe('needles', () => {
  it('are found wherever they end, the longest first, as a look for each of them finds them', () => {
    const random = randomOf(11);
    for (let round = 0; round < 300; round++) {
      const written = (most: number): string =>
        Array.from({ length: random.whole(1, most) }, () => random.pick(['a', 'b', '林'])).join('');
      const forms = [...new Set(Array.from({ length: random.whole(0, 20) }, () => written(6)))];
      const text = written(80);
      const found: string[] = [];
      new Needles(forms.map((form) => ({ form, of: form }))).search(
        unitsOf(text),
        () => true,
        (form, start, end) => {
          expect(text.slice(start, end)).toBe(form);
          return found.push(`${start} ${form}`) > 0;
        },
      );
      expect(found).toEqual(oneByOne(forms, text));
    }
  });

  it('that are not meant leave their place to shorter ones', () => {
    const found: string[] = [];
    new Needles(['abc', 'bc', 'c'].map((form) => ({ form, of: form }))).search(
      unitsOf('abc'),
      () => true,
      (form) => {
        found.push(form);
        return form === 'bc';
      },
    );
    expect(found).toEqual(['abc', 'bc']);
  });
});

describe('what masking costs', () => {
  const units = 8_192;
  const upTo = (valueOf: (index: number) => string): string[] => {
    const values: string[] = [];
    for (let index = 0, left = mostUnits; ; index++) {
      const value = valueOf(index);
      left -= value.length;
      if (left < 0) return values;
      values.push(value);
    }
  };

  it.each<readonly [string, PersonalKind, string, readonly string[]]>([
    ['400 names of 60 words', 'name', 'ab ', Array.from({ length: 400 }, (_, index) => `${filled('ab ', 179)} x${index}`)],
    ['one letter in all lengths', 'name', 'a', upTo((index) => 'a'.repeat(index + 2))],
    ['one word in all lengths', 'name', 'ab ', upTo((index) => `${'ab '.repeat(index + 1)}ab`)],
    ['words that end otherwise', 'name', 'a ', upTo((index) => `${'a '.repeat(index + 1)}b`)],
    ['words with hyphens', 'name', 'A-a-', upTo((index) => `A${'-a'.repeat(index + 1)}`)],
    ['words whose beginning is missing', 'name', 'bab ', upTo((index) => `ab ${'bab '.repeat(index + 1)}`.trim())],
    ['a script without spaces', 'name', '林', upTo((index) => '林'.repeat(index + 2))],
    ['one name that is longer than all', 'name', 'ab ', [`${filled('ab ', 20_000)}x`]],
    ['handles', 'name', 'a', upTo((index) => `${'A'.repeat((index % 60) + 1)} ${'a'.repeat(60 - (index % 60))}`)],
    ['names with marks', 'name', 'ä', upTo((index) => 'ä'.repeat(index + 2))],
    ['two marks in each name', 'name', 'ö', upTo((index) => `Ökå${(index + 1_296).toString(36).replaceAll(/\d/g, 'k')}`)],
    [
      'vowels that may be others',
      'name',
      'bo',
      upTo((index) => `Bokolono${(index + 1_296).toString(36).replaceAll(/\d/g, 'k')}`),
    ],
    ['letters read as two', 'name', 'ß', upTo((index) => `Ss${'ß'.repeat(index + 2)}`)],
    ['declined names', 'name', 'łA', upTo((index) => `Ökkae${(index + 1_296).toString(36).replaceAll(/\d/g, 'k')}üska`)],
    ['names that weaken', 'name', 'öA', upTo((index) => `Ra${(index + 1_296).toString(36).replaceAll(/\d/g, 'k')}lampi`)],
    ['numbers', 'phone', '11 ', upTo((index) => filled('1 ', (index % 60) + 3))],
  ])('is linear: %s', (_name, kind, part, people) => {
    const text = filled(part, units);
    const spellings = spellingsOf(fieldsOf(kind), { people }, allEndings);
    const given = people.join('').length;
    // Each unit of a detail is at most one edge in four forms and in three lists, and is climbed back at most once.
    const built = spellings.words.work + spellings.numbers.work + spellings.handles.work;
    expect(built).toBeLessThanOrEqual(14 * given);

    const found = findSpellings(fold(text), spellings);
    const searched = spellings.words.work + spellings.numbers.work + spellings.handles.work - built;
    // And no more needles end behind one unit than have different lengths: the square root of twice what is given, where a word ends.
    expect(searched).toBeLessThanOrEqual(40 * units);
    expect(found.length).toBeLessThanOrEqual(3 * units);
  });

  it('is no reason to leave a detail: all are masked, however many there are', () => {
    const people = Array.from({ length: 3_000 }, (_, index) => `Maren Adeyemi${index}`);
    const content = people.join(', ');
    expect(tooMuchIn(fieldsOf('name'), { people })).toEqual(fieldsOf('name')[0]);

    const { messages } = mask([{ role: 'user', content }], { people }, fieldsOf('name'));

    expect(messages.at(-1)?.content).not.toMatch(/Maren|Adeyemi/);
    expect(messages.at(-1)?.content.match(/PERSON_\d{4}/g)).toHaveLength(3_000);
  });

  it('is bounded at the start: details are counted as they are compared', () => {
    const name = 'x'.repeat(mostUnits);
    expect(tooMuchIn(fieldsOf('name'), { people: [name] })).toBeNull();
    expect(tooMuchIn(fieldsOf('name'), { people: [name, 'y'] })).toEqual(fieldsOf('name')[0]);
    // One sign that is eighteen letters.
    expect(tooMuchIn(fieldsOf('name'), { people: ['ﷺ'.repeat(mostUnits / 16)] })).toEqual(fieldsOf('name')[0]);
  });
});
