import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

// Each README in src/ says what its folder does and where to begin. What it names has to be there.

const root = new URL('../../', import.meta.url);
const pages = globSync('src/*/README.md', { cwd: root }).map((name) => name.split('/')[1] ?? '');

describe.each(pages.toSorted())('the page of %s', async (folder) => {
  const place = new URL(`src/${folder}/`, root);
  const page = await readFile(new URL('README.md', place), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| -'));
  const names = rows.map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));

  it.each(names.filter((each) => each.length > 0))('names what is there: %s', async (...found) => {
    let text = '';
    for (const name of found) {
      if (name.endsWith('.ts')) text = await readFile(new URL(name, name.startsWith('test/') ? root : place), 'utf8');
      else expect(text).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it('names files that are there outside its table, too', async () => {
    const files = [...page.matchAll(/`((?:\.\.\/)?[\w./-]+\.ts)`/g)].map(([, name = '']) => name);

    expect(files.length).toBeGreaterThan(0);
    for (const name of files) await readFile(new URL(name, name.startsWith('test/') ? root : place), 'utf8');
  });
});
