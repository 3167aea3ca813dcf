import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../src/generations/', import.meta.url);
const root = new URL('../../', import.meta.url);
const page = await readFile(new URL('README.md', folder), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => /^\| *\d* *\|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('the page of stream rules', () => {
  it('has all twenty', () => {
    expect(rows.map(([, number]) => number)).toEqual([...Array.from({ length: 20 }, (_, index) => String(index + 1)), '']);
  });

  it.each(rows.map(([, number, , code = '', proof = '']) => ({ number, code, proof })))(
    'rule $number: its code and its tests are there',
    async ({ code, proof }) => {
      let text = '';
      for (const [, name = ''] of code.matchAll(/`([^`]+)`/g)) {
        if (name.endsWith('.ts')) text = await readFile(new URL(name, folder), 'utf8');
        else expect(text).toMatch(new RegExp(`\\b${name}\\b`));
      }
      expect(text).not.toBe('');
      let test = '';
      for (const [, file, title] of proof.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
        if (file !== undefined) test = await readFile(new URL(file, root), 'utf8');
        else expect(test).toContain(title);
      }
      expect(test).not.toBe('');
    },
  );
});
