import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { soon } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';

const start = `mutation ($input: GenerationStartInput!) { generationStart(input: $input) {
  generation { id cache { mode outcome } } errors { code }
} }`;
const wants = `mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) { errors { code } } }`;
const versions = '{ templates(first: 100) { nodes { slug currentVersion { cache } } } }';

let libraryDir: string;
let app: TestApp;
let variables: Record<string, unknown>;

beforeAll(async () => {
  libraryDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-library-'));
  const own = fileURLToPath(new URL('../../templates', import.meta.url));
  await cp(own, libraryDir, { recursive: true });
  const caches = { kept: 'cache: { mode: ON, maxAgeSeconds: 600 }', fresh: 'cache: { mode: OFF }' };
  for (const [name, line] of Object.entries(caches)) {
    const folder = path.join(libraryDir, 'cover-letter', name);
    await cp(path.join(own, 'cover-letter/classic'), folder, { recursive: true });
    const file = path.join(folder, 'template.yaml');
    await writeFile(file, `${await readFile(file, 'utf8')}${line}\n`);
  }
  app = await openTestApp({ libraryDir });
  variables = await sampleVariables(app);
});
afterAll(async () => {
  await app.stop();
  await rm(libraryDir, { recursive: true, force: true });
});

/** How the next letter uses the cache, and how old a text it takes. */
async function used(template: string, cache: object | null = null) {
  const input = { template: `cover-letter-${template}`, variables, cache };
  const { generationStart } = await app.ask<{ generationStart: { generation: { id: string; cache: object | null } } }>(start, {
    input,
  });
  const { id, cache: use } = generationStart.generation;
  await soon(async () =>
    expect(await app.ask('query ($id: ID!) { generation(id: $id) { status } }', { id })).toEqual({
      generation: { status: 'SUCCEEDED' },
    }),
  );
  const [row] = await app.sql<{ age: number | null }>`
    select (cache ->> 'maxAgeSeconds')::int as age from generations order by created_at desc limit 1`;
  return use && { ...use, age: row?.age };
}

it('is as the template says, where the caller says nothing, whatever the tenant wants', async () => {
  expect(await used('kept')).toEqual({ mode: 'ON', outcome: 'MISS', age: 600 });
  expect(await used('kept')).toEqual({ mode: 'ON', outcome: 'HIT', age: 600 });
  expect(await used('fresh')).toBeNull();
  expect(await used('classic')).toBeNull();

  await app.ask(wants, { input: { generationCacheMode: 'WRITE', generationCacheMaxAgeSeconds: 60 } });
  await soon(async () => expect(await used('classic')).toEqual({ mode: 'WRITE', outcome: 'MISS', age: 60 }));
  expect(await used('kept')).toEqual({ mode: 'ON', outcome: 'HIT', age: 600 });
  expect(await used('fresh')).toBeNull();
});

it('is as the caller says before that; an age that they leave open is the template’s', async () => {
  expect(await used('kept', { mode: 'OFF' })).toBeNull();
  expect(await used('kept', { mode: 'WRITE' })).toEqual({ mode: 'WRITE', outcome: 'MISS', age: 600 });
  expect(await used('kept', { mode: 'READ', maxAgeSeconds: 30 })).toEqual({ mode: 'READ', outcome: 'HIT', age: 30 });
  expect(await used('fresh', { mode: 'WRITE' })).toEqual({ mode: 'WRITE', outcome: 'MISS', age: 86_400 });
});

it('is told of each version', async () => {
  const { templates } = await app.ask<{ templates: { nodes: { slug: string; currentVersion: { cache: unknown } }[] } }>(versions);
  expect(Object.fromEntries(templates.nodes.map(({ slug, currentVersion }) => [slug, currentVersion.cache]))).toMatchObject({
    'cover-letter-classic': null,
    'cover-letter-fresh': { mode: 'OFF', maxAgeSeconds: null },
    'cover-letter-kept': { mode: 'ON', maxAgeSeconds: 600 },
  });
});
