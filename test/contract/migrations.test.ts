import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const drizzleKit = path.join(root, 'node_modules/.bin/drizzle-kit');
/** Beside the real one, since drizzle-kit resolves everything from where it runs; ignored by git and by the formatter. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(root, 'node_modules', '.migrations-'));
  await cp(path.join(root, 'drizzle'), path.join(folder, 'drizzle'), { recursive: true });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const files = async () => (await readdir(path.join(folder, 'drizzle'), { recursive: true })).toSorted();

const kit = async (command: string, config: string) => {
  const name = path.join(folder, 'drizzle.config.json');
  await writeFile(name, config);
  return (await run(drizzleKit, [command, `--config=${path.relative(root, name)}`], { cwd: root })).stdout;
};

const configFor = (schema: string) =>
  JSON.stringify({
    dialect: 'postgresql',
    schema,
    out: `./${path.relative(root, path.join(folder, 'drizzle'))}`,
    casing: 'snake_case',
  });

// Two starts of drizzle-kit: a second each on a quiet machine.
const patience = 120_000;

it('the migrations say what the tables say', { timeout: patience }, async () => {
  const before = await files();

  const output = await kit('generate', configFor('./src/**/*.table.ts'));

  expect(output).toContain('No schema changes, nothing to migrate');
  expect(await files()).toEqual(before);
  await kit('check', configFor('./src/**/*.table.ts'));
});

it('would notice a column that no migration makes', { timeout: patience }, async () => {
  const extra = path.join(folder, 'extra.table.ts');
  await writeFile(
    extra,
    "import { pgTable, text } from 'drizzle-orm/pg-core';\nexport const extras = pgTable('extras', { name: text() });\n",
  );
  const config = JSON.parse(configFor('')) as Record<string, unknown>;

  await kit('generate', JSON.stringify({ ...config, schema: ['./src/**/*.table.ts', path.relative(root, extra)] }));

  const journal = JSON.parse(await readFile(path.join(folder, 'drizzle/meta/_journal.json'), 'utf8')) as { entries: unknown[] };
  const shipped = JSON.parse(await readFile(path.join(root, 'drizzle/meta/_journal.json'), 'utf8')) as { entries: unknown[] };
  expect(journal.entries.length).toBe(shipped.entries.length + 1);
});
