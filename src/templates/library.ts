import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTemplate } from './read.ts';
import { templateKinds, type TemplateSource } from './source.ts';
import type { FileProblem } from './yaml.ts';

/** A template that ships with the product, checked. */
export type LibraryTemplate = TemplateSource;

/** The template whose first sample the demo runs. */
export const demoSlug = 'cover-letter-classic';

/**
 * Reads and checks the library in `dir`: one folder per kind, in it one per template. Sorted by slug. Throws one error that lists every problem as
 * `file:line: reason`.
 */
export async function readLibrary(dir: string): Promise<LibraryTemplate[]> {
  const problems: FileProblem[] = [];
  const templates: LibraryTemplate[] = [];
  for (const kind of await foldersIn(dir)) {
    if (!templateKinds.some((known) => known === kind)) {
      problems.push({ file: kind, line: 1, reason: `is no kind of template: ${templateKinds.join(', ')}` });
      continue;
    }
    const read = await Promise.all((await foldersIn(join(dir, kind))).map((name) => readTemplate(dir, join(kind, name))));
    for (const { source, problems: found } of read) {
      problems.push(...found);
      if (source) templates.push(source);
    }
  }
  if (problems.length > 0) {
    const lines = problems.map(({ file, line, reason }) => `  ${file}:${line}: ${reason}`);
    throw new Error(`the template library ${dir} is broken:\n${lines.join('\n')}`);
  }
  if (templates.length === 0) throw new Error(`the template library ${dir} is empty`);
  return templates.toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const names = (await readdir(dir)).filter((name) => !name.startsWith('.')).toSorted();
    // A link to a folder is as good as one: a mounted library may be made of links. One that leads nowhere is a fault, not nothing.
    const isFolder = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).isDirectory()));
    return names.filter((_name, index) => isFolder[index]);
  } catch (cause) {
    const { code, path = dir } = cause as NodeJS.ErrnoException;
    throw new Error(`the template library ${dir} cannot be read: ${path}: ${code ?? String(cause)}`, { cause });
  }
}
