// node database-files.mjs: prints the test files that reach a database, be it through what they import. The others (pure functions, canned
// streams, sources, the embedded server itself) do the same whichever PostgreSQL the suite runs on.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whoever clones a database or is told where the server is. */
const doors = new Set(['test/harness/database.ts', 'test/harness/cluster.ts']);
/** About processes, memory and providers: their statements are those of other files, and they take a minute together. */
const aside = new Set(
  ['api/demo', 'faults/drain', 'faults/fault-matrix', 'faults/slow-readers'].map((name) => `test/${name}.test.ts`),
);
const known = new Map();

function reaches(file) {
  if (doors.has(file)) return true;
  if (!known.has(file)) {
    // Until it is known: files that import each other are no way to a database by themselves.
    known.set(file, false);
    const text = readFileSync(file, 'utf8');
    const imported = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, to]) => join(dirname(file), to));
    known.set(file, /\binject\(/.test(text) || imported.filter((to) => existsSync(to) && to.endsWith('.ts')).some(reaches));
  }
  return known.get(file);
}

const folders = readdirSync('test').filter((name) => name !== 'federation');
const files = folders.flatMap((folder) =>
  readdirSync(`test/${folder}`, { recursive: true }).map((name) => `test/${folder}/${name}`),
);
console.log(
  files
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => !aside.has(name) && reaches(name))
    .toSorted()
    .join('\n'),
);
