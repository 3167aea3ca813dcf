import { describe, expect, it } from 'vitest';
import { Letter } from '../../src/cli/letter.ts';

function print(columns: number, isTerminal: boolean, write: (letter: Letter) => void): string {
  let printed = '';
  const letter = new Letter({ columns, isTerminal, isStyled: false, write: (text) => void (printed += text) });
  write(letter);
  return printed;
}

/** What a terminal shows after these characters; knows the four sequences that a letter uses. */
function screenOf(printed: string): string[] {
  const rows: string[] = [''];
  let [row, column] = [0, 0];
  // oxlint-disable-next-line no-control-regex
  for (const [part, count = '1', command] of printed.matchAll(/\u001B\[(\d*)([JAC])|\r|\n|[^\u001B\r\n]/gu)) {
    if (command === 'A') row -= Number(count);
    else if (command === 'C') column += Number(count);
    else if (command === 'J') rows.splice(row, rows.length, (rows[row] ?? '').slice(0, column));
    else if (part === '\r') column = 0;
    else if (part === '\n') [row, column] = [row + 1, 0];
    else {
      const before = (rows[row] ?? '').slice(0, column).padEnd(column);
      rows[row] = before + part + (rows[row] ?? '').slice(column + part.length);
      column += part.length;
    }
    while (rows.length <= row) rows.push('');
  }
  return rows;
}

const text = 'Dear Hiring Team,\n\nI build bridges 🌉 that  stand, and have done so for years.\n';
const rows = [
  '      0 │ Dear Hiring Team,',
  '     18 │',
  '     19 │ I build bridges 🌉 that',
  '     44 │ stand, and have done so',
  '     68 │ for years.',
];

describe('Letter', () => {
  it('breaks between words and numbers rows in UTF-16 code units', () => {
    const printed = print(35, false, (letter) => {
      letter.add(text, 'unseen');
      letter.finish();
    });
    expect(printed.split('\n')).toEqual([...rows, '']);
  });

  it('prints the same however the text is cut', () => {
    const whole = print(35, false, (letter) => letter.add(text, ''));
    for (const size of [1, 2, 3, 7, 30]) {
      const pieces = text.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? [];
      expect(print(35, false, (letter) => pieces.forEach((piece) => letter.add(piece, '')))).toBe(whole);
    }
  });

  it('keeps a status below the text on a terminal, and takes it away at the end', () => {
    const begun = print(35, true, (letter) => letter.add('Dear Hiring Team,\n\nI build ', '  at 27'));
    expect(screenOf(begun)).toEqual(['      0 │ Dear Hiring Team,', '     18 │', '     19 │ I build', '  at 27']);
    const done = print(35, true, (letter) => {
      for (const character of text) letter.add(character, '  a status that is far too long for this terminal');
      letter.finish();
    });
    expect(screenOf(done)).toEqual([...rows, '']);
  });

  it('goes on from where it is cut back to', () => {
    const printed = print(60, false, (letter) => {
      letter.add('One two three', '');
      letter.cutBack(4, 'One two', 'TAKE_OVER');
      letter.add('four', '');
      letter.finish();
    });
    expect(printed.split('\n')).toEqual(['      0 │ One two three', '        ┆ TAKE_OVER', '      0 │ One four', '']);
  });
});
