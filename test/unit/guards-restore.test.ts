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

  it('passes as it is where nothing was masked', () => {
    const restorer = new Restorer(new Map());

    expect(restorer.push('PERSON_01')).toBe('PERSON_01');
    expect(restorer.flush()).toBe('');
  });
});
