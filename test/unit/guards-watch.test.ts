import { describe, expect, it } from 'vitest';
import { faultOf, readGuards, watchFor, type Guards } from '../../src/guards/guards.ts';
import { randomOf, type Random } from '../harness/random.ts';

function guardsOf(settings: Record<string, unknown>): Guards {
  const read = readGuards(settings);
  if ('reason' in read) throw new Error(read.reason);
  return { ...read, personal: [] };
}

/** What is found, and how much of the text had come by then. */
function watched(settings: Record<string, unknown>, parts: readonly string[]): { fault: string; at: number } | null {
  const watch = watchFor(guardsOf(settings), {});
  let at = 0;
  for (const part of parts) {
    at += part.length;
    const fault = watch?.push(part) ?? null;
    if (fault !== null) return { fault, at };
  }
  return null;
}

const filler = 'one two three four five six seven eight nine ten eleven twelve thirteen ';

describe('a text that comes', () => {
  it.each([
    ['a phrase', { forbiddenPhrases: ['team player'] }, `a Team\n Player ${filler}`, 'do not write "team player"'],
    [
      'a phrase behind much else',
      { forbiddenPhrases: ['x', 'team player'] },
      `${filler}${filler}team player ${filler}`,
      'do not write "team player"',
    ],
    ['a phrase without words', { forbiddenPhrases: ['!!'] }, `well!! ${filler}`, 'do not write "!!"'],
    [
      'a link',
      { links: { allow: ['example.org'] } },
      `see https://evil.example/x. ${filler}`,
      'leave out the link https://evil.example/x',
    ],
    ['too many words', { length: { maxWords: 10 } }, filler, 'it has more than 10 words; write at most so many'],
    ['too many characters', { length: { maxCharacters: 40 } }, filler, 'it has more than 40 characters; write at most so many'],
  ])('is refused for %s before its end', (_what, settings, text, fault) => {
    expect(watched(settings, (text + filler.repeat(5)).split(''))).toEqual({ fault, at: expect.any(Number) as number });
    expect(watched(settings, (text + filler.repeat(5)).split(''))?.at).toBeLessThanOrEqual(text.length + 65);
  });

  it.each([
    ['a phrase that becomes another word', { forbiddenPhrases: ['team play'] }, `team player ${filler}`],
    ['a link that is allowed', { links: { allow: ['example.org'] } }, `https://example.org/x ${filler}`],
    ['too few words', { length: { minWords: 1_000 } }, filler],
    ['as many words as may be', { length: { maxWords: 13 } }, filler.repeat(1).padEnd(200)],
    ['what has to be mentioned', { mustMention: ['job.company'] }, filler],
    ['another language', { language: { is: 'German' } }, filler.repeat(9)],
  ])('goes on with %s', (_what, settings, text) => {
    expect(watched(settings, text.split(''))).toBeNull();
  });

  it('is not watched where nothing can be told before its end', () => {
    expect(
      watchFor(guardsOf({ mustMention: ['job.company'], language: { is: 'German' }, length: { minWords: 3 } }), {}),
    ).toBeNull();
    expect(watchFor(null, {})).toBeNull();
  });

  it('is never refused when the whole of it passes, and always for what is wrong far from its end, in any parts', () => {
    const settings = {
      forbiddenPhrases: ['team player', '山', 'a-b', '.', 'in in'],
      links: { allow: ['example.org'] },
      length: { maxWords: 60, maxCharacters: 420 },
    };
    const guards = guardsOf(settings);
    const random = randomOf(9);
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const text = writing(random);
      const found = watched(settings, parts(text, random));
      const fault = faultOf(guards, text, {});
      if (found) refused++;
      if (found && fault === null) expect({ text, found }).toEqual({ text, found: null });
      // What stands at least so far from the end has been seen.
      const settled = text.slice(0, Math.max(0, text.length - 140)).replace(/\S*$/, '');
      const early = faultOf(guardsOf({ ...settings, length: { maxWords: 60, maxCharacters: 420 } }), settled, {});
      if (early !== null && !found) expect({ text, early }).toEqual({ text, early: null });
    }
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(2_900);
  });

  it('takes time that grows with its length alone, with white space and without', () => {
    const settings = { forbiddenPhrases: ['team player'], length: { maxCharacters: 200_000 }, links: { allow: [] } };
    const timeOf = (piece: string): number => {
      const startedAt = performance.now();
      expect(
        watched(
          settings,
          Array.from({ length: 30_000 }, () => piece),
        ),
      ).toBeNull();
      return performance.now() - startedAt;
    };

    // Quadratic, each of these would take many seconds.
    for (const piece of ['word ', '山田', ' ', '\n']) expect(timeOf(piece), piece).toBeLessThan(2_000);
  });
});

function writing(random: Random): string {
  const words = [
    'well',
    'team',
    'player',
    ' ',
    '\n',
    'in',
    'a-b',
    'team player',
    'https://example.org/',
    'http://x.example',
    'teamplayer',
    'é',
    'e\u0301',
    '👩‍💻',
    'A-B',
  ];
  return Array.from({ length: random.whole(1, 90) }, () =>
    random() < 0.93 ? random.pick(['well', 'done', 'and', 'so', 'on']) : random.pick(words),
  ).join(random.pick([' ', ' ', '  ', '\n']));
}

function parts(text: string, random: Random): string[] {
  const all: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = random.whole(1, random.pick([1, 5, 40, 400]));
    all.push(text.slice(at, at + size));
    at += size;
  }
  return all;
}
