import { readFileSync, globSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** One import or re-export, as a file writes it. */
export interface Import {
  /** From `src/`, as `db/client.ts`. */
  readonly from: string;
  /** From `src/` when the module is ours, else its package or node module. */
  readonly to: string;
  readonly isOurs: boolean;
  /** Gone after compilation. */
  readonly isTypeOnly: boolean;
}

/** One file of the product. */
export interface Source {
  /** From `src/`, as `db/client.ts`. */
  readonly name: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const root = fileURLToPath(new URL('../../src/', import.meta.url));

/** Every file under `src/`, in the order of its names. */
export function readSources(): Source[] {
  return globSync('**/*.ts', { cwd: root })
    .map((name) => name.replaceAll(path.sep, '/'))
    .toSorted()
    .map((name) => {
      const text = readFileSync(path.join(root, name), 'utf8');
      return { name, text, imports: importsOf(name, text) };
    });
}

const statement = /^(?:import|export)\s+(?:(type)\s)?\s*(?:([\w*{][^'";]*?)\s*from\s*)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

/** The imports of a text: statements that begin a line, as the formatter writes them, and `import('...')`. */
export function importsOf(name: string, text: string): Import[] {
  const statements = [...text.matchAll(statement)].map(([, type, names = '', specifier = '']) => ({
    specifier,
    isTypeOnly: type !== undefined || isListOfTypes(names),
  }));
  const expressions = [...text.matchAll(dynamic)].map(([, specifier = '']) => ({ specifier, isTypeOnly: false }));
  return [...statements, ...expressions].map(({ specifier, isTypeOnly }) => {
    const isOurs = specifier.startsWith('.');
    return { from: name, to: isOurs ? path.posix.join(path.posix.dirname(name), specifier) : specifier, isOurs, isTypeOnly };
  });
}

function isListOfTypes(names: string): boolean {
  const list = /^\{(.*)\}$/s.exec(names.trim())?.[1];
  const parts = (list ?? '').split(',').map((part) => part.trim());
  return list !== undefined && parts.every((part) => part === '' || part.startsWith('type '));
}
