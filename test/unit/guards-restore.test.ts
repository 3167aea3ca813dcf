import { describe, expect, it } from 'vitest';
import { mask } from '../../src/guards/mask.ts';
import { Restorer } from '../../src/guards/restore.ts';
import { randomOf, type Random } from '../harness/random.ts';

const people = ['Ingrid Solheim', '山田 太郎', 'José Núñez', 'Ada 𝒢ödel'];
const details = ['ingrid@example.org', '+47 555 01 234', '4111 1111 1111 1111', 'DE89 3704 0044 0532 0130 00'];
const prompt = [{ role: 'user' as const, content: [...people, ...details].join('; ') }];
const masked = mask(prompt, { people }, [{ path: ['people', '*'], kind: 'name' }]);
const placeholders = [...masked.values.keys()];
const longest = Math.max(...placeholders.map(({ length }) => length));

/** What a model may write beside whole placeholders: what looks like one, in any case, and what is next to one in other letters. */
const others = [
  'P',
  'PERSON',
  'person_',
  'PERSON_0',
  'PERSON_99',
  'EMAIL_',
  'E',
  'ſ',
  'K',
  'ß',
  ' ',
  '\n',
  '_',
  '0',
  '1',
  's',
  '.',
  '𝒢',
  '👩‍💻',
  'IBAN',
  'PHON',
  'PERSON_PERSON_',
  // What a model may make of a placeholder: these are none.
  'PERSON 01',
  'PERSON_ 01',
  'PERSON\\_01',
  'PER\nSON_01',
  'PERSON\u200b_01',
  'ＰＥＲＳＯＮ_01',
  'PERSON_0１',
  '[PERSON_01',
  'PERSONX_01',
];

function writing(random: Random): string {
  const piece = (): string => {
    const placeholder = random.pick(placeholders);
    return random() < 0.5 ? random.pick([placeholder, placeholder.toLowerCase(), `${placeholder}s`]) : random.pick(others);
  };
  return Array.from({ length: random.whole(1, 8) }, piece).join('');
}

/** The text as it is in the end, worked out letter by letter. */
function expected(text: string): string {
  let whole = '';
  for (let at = 0; at < text.length;) {
    const found = placeholders.find(
      (each) => text.slice(at, at + each.length).replaceAll(/[a-z]/g, (letter) => letter.toUpperCase()) === each,
    );
    whole += found ? masked.values.get(found) : text[at];
    at += found?.length ?? 1;
  }
  return whole;
}

function streamed(parts: readonly string[]): { text: string; mostHeld: number } {
  const restorer = masked.restorer();
  let text = '';
  let mostHeld = 0;
  for (const part of parts) {
    text += restorer.push(part);
    mostHeld = Math.max(mostHeld, restorer.heldUnits);
  }
  return { text: text + restorer.flush(), mostHeld };
}

describe('a masked stream', () => {
  it('holds none of the details', () => {
    const sent = masked.messages.map(({ content }) => content).join('\n');

    for (const detail of [...people, ...details]) expect(sent).not.toContain(detail);
  });

  it('is the same wherever it is split in two, and holds back less than a placeholder', () => {
    const random = randomOf(30_028);
    for (let round = 0; round < 400; round++) {
      const text = writing(random);
      const whole = expected(text);
      for (let split = 0; split <= text.length; split++) {
        const { text: restored, mostHeld } = streamed([text.slice(0, split), text.slice(split)]);
        if (restored !== whole || mostHeld >= longest)
          expect({ text, split, restored, mostHeld }).toEqual({ text, split, restored: whole });
      }
    }
  });

  it('is the same in any parts, down to single units', () => {
    const random = randomOf(29_134);
    for (let round = 0; round < 2_000; round++) {
      const text = writing(random);
      const parts: string[] = [];
      for (let at = 0; at < text.length;) {
        const size = random.whole(1, round % 2 === 0 ? 1 : 9);
        parts.push(text.slice(at, at + size));
        at += size;
      }
      const { text: restored, mostHeld } = streamed(parts);
      if (restored !== expected(text) || mostHeld >= longest) expect({ text, parts, restored, mostHeld }).toEqual(expected(text));
    }
  });

  it('goes on with every letter that cannot be the beginning of a placeholder', () => {
    const restorer = masked.restorer();
    const [first = ''] = placeholders;

    expect(restorer.push('Dear P')).toBe('Dear ');
    expect(restorer.push('aul, PERS')).toBe('Paul, ');
    expect(restorer.push('ON_')).toBe('');
    expect(restorer.heldUnits).toBe(7);
    expect(restorer.push('99')).toBe('PERSON_99');
    expect(restorer.push(first.slice(0, -1))).toBe('');
    expect(restorer.push(first.slice(-1))).toBe(people[0]);
    expect(restorer.push('PERSON')).toBe('');
    expect(restorer.flush()).toBe('PERSON');
    expect(restorer.flush()).toBe('');
  });

  it('puts details into JSON so that it stays what it was', () => {
    const values = new Map([
      ['PERSON_01', 'Bo "Bobby" \\ Ek'],
      ['ADDRESS_02', '12 High Street\nBergen'],
    ]);
    const text = '{"to":"PERSON_01","at":"ADDRESS_02","again":"PERSON_01s"}';
    for (let split = 0; split <= text.length; split++) {
      const restorer = new Restorer(values, { isJson: true });
      const whole = restorer.push(text.slice(0, split)) + restorer.push(text.slice(split)) + restorer.flush();

      expect(JSON.parse(whole)).toEqual({ to: 'Bo "Bobby" \\ Ek', at: '12 High Street\nBergen', again: 'Bo "Bobby" \\ Eks' });
    }
  });

  it.each([
    ['PERSON_99', true],
    ['person_1', true],
    ['Dear PERSON\\_01,', true],
    ['PERSON_ 01 and', true],
    ['PERSON _01', true],
    ['PERSON_', false],
    ['in person 1 of 2', false],
    ['COMPANY_01', false],
    ['SALESPERSON_01', false],
    ['PHONE 01 42 68 53 00', false],
  ])('knows a placeholder that was not given, or is spelled otherwise: %s', (text, isLeft) => {
    expect(masked.restorer().isLeftIn(text)).toBe(isLeft);
    expect(new Restorer(new Map()).isLeftIn(text)).toBe(false);
  });

  it('finds none in the details and the prompt themselves, whatever the caller wrote', () => {
    const random = randomOf(7);
    for (let round = 0; round < 300; round++) {
      const name = `${random.pick(['Person_1', 'PERSON _01', 'person\\_2', 'Ada', 'EMAIL_03'])} ${random.pick(['Lee', 'PHONE_1', 'X'])}`;
      const content = `${name}, ${random.pick(others)}${random.pick(others)} and ${random.pick(['person_1@example.org', 'a@b.org'])}`;
      const { messages, restorer } = mask([{ role: 'user', content }], { name }, [{ path: ['name'], kind: 'name' }]);
      const own = restorer();
      const whole = own.push(messages.at(-1)?.content ?? '') + own.flush();

      if (whole !== content || own.isLeftIn(whole)) expect({ sent: messages.at(-1)?.content, whole }).toEqual({ whole: content });
    }
  });

  it('passes as it is where nothing was masked', () => {
    const restorer = new Restorer(new Map());

    expect(restorer.push('PERSON_01')).toBe('PERSON_01');
    expect(restorer.flush()).toBe('');
  });
});
