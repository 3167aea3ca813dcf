import { expect, it } from 'vitest';
import { clean, TextCleaner } from '../../src/generations/clean.ts';

const cases: { name: string; parts: string[]; out: string[]; rest: string }[] = [
  { name: 'plain text', parts: ['Dear ', 'Ada'], out: ['Dear ', 'Ada'], rest: '' },
  { name: 'NUL', parts: ['a\0b', '\0'], out: ['a\uFFFDb', '\uFFFD'], rest: '' },
  { name: 'a whole pair', parts: ['👋!'], out: ['👋!'], rest: '' },
  { name: 'a pair cut between parts', parts: ['x\ud83d', '\udc4by'], out: ['x', '👋y'], rest: '' },
  { name: 'a half, an empty part, the other half', parts: ['\ud83d', '', '\udc4b'], out: ['', '', '👋'], rest: '' },
  { name: 'a half that never gets its other half', parts: ['x\ud83d', 'y'], out: ['x', '\uFFFDy'], rest: '' },
  { name: 'two first halves', parts: ['\ud83d', '\ud83d', '\udc4b'], out: ['', '\uFFFD', '👋'], rest: '' },
  { name: 'a second half alone', parts: ['\udc4b'], out: ['\uFFFD'], rest: '' },
  { name: 'a half at the end of the text', parts: ['bye \ud83d'], out: ['bye '], rest: '\uFFFD' },
];

it.each(cases)('cleans $name', ({ parts, out, rest }) => {
  const cleaner = new TextCleaner();

  expect(parts.map((part) => cleaner.push(part))).toEqual(out);
  expect(cleaner.flush()).toBe(rest);
  expect(cleaner.flush()).toBe('');
});

it('gives the same text however it is cut, never half a pair at an edge, and moves no offset', () => {
  const units = ['a', '\0', '\ud83d', '\udc4b', '山', '\u{1d4a2}', '\n'];
  const seed = Date.now();
  const random = randomOf(seed);
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 12) }, () => units[Math.floor(random() * units.length)]).join('');
    const cleaner = new TextCleaner();
    const parts: string[] = [];
    for (let start = 0; start < text.length;) {
      const end = start + 1 + Math.floor(random() * 3);
      parts.push(cleaner.push(text.slice(start, end)));
      start = end;
    }
    parts.push(cleaner.flush());

    const label = `seed ${seed} round ${round} ${JSON.stringify(text)}`;
    expect(parts.join(''), label).toBe(clean(text));
    expect(
      parts.every((part) => part.isWellFormed() && !part.includes('\0')),
      label,
    ).toBe(true);
    expect(parts.join('').length, label).toBe(text.length);
  }
});

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
