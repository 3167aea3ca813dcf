import { access, readFile } from 'node:fs/promises';
import { getOperationAST, parse, type ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, type Env } from '../../src/config.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { wsClient } from '../harness/clients.ts';

const root = new URL('../../', import.meta.url);
const readme = await readFile(new URL('README.md', root), 'utf8');

/** The text of a chapter, without its heading. */
function chapter(title: string): string {
  const [, text = ''] = readme.split(new RegExp(`^## ${title}$`, 'm'));
  return text.split(/^## /m)[0] ?? '';
}

/** The cells of the rows of a chapter's table, without the head. */
function rowsOf(title: string): string[][] {
  const lines = chapter(title)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** Every name that the configuration asks the environment for. */
function namesRead(): Set<string> {
  const names = new Set<string>();
  for (const mode of ['production', 'development']) {
    const env = new Proxy<Env>(
      {},
      {
        get(_target, name) {
          names.add(String(name));
          return name === 'NODE_ENV' ? mode : undefined;
        },
      },
    );
    try {
      readConfig(env);
    } catch {
      // In production names are missing: which, is not the point.
    }
  }
  return names;
}

describe('README', () => {
  it('lists every setting, and no other', () => {
    expect(new Set(rowsOf('Configuration').map(([name]) => name))).toEqual(namesRead());
  });

  it('follows a generation through files and functions that exist', async () => {
    const hops = rowsOf('One generation, hop by hop');
    expect(hops.length).toBeGreaterThan(15);
    const missing = [];
    for (const [, file = '', name = ''] of hops) {
      const source = await readFile(new URL(file, root), 'utf8').catch(() => '');
      const [owner = '', method] = name.split('.');
      const isThere =
        method === undefined
          ? new RegExp(`^export (async )?function\\*? ${owner}\\b`, 'm').test(source)
          : new RegExp(`^export class ${owner}\\b`, 'm').test(source) &&
            new RegExp(`^  (static )?(async )?\\*?${method}[(<]`, 'm').test(source);
      if (!isThere) missing.push(`${file} ${name}`);
    }
    expect(missing).toEqual([]);
  });

  it('links to files that exist', async () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(3);
    await Promise.all(links.map((path) => access(new URL(path, root))));
  });

  it('has its two commands on a line each', () => {
    const lines = readme.split('\n');
    expect(lines).toEqual(expect.arrayContaining(['npm install && npm run demo', 'npm install && npm test']));
  });
});

describe('the tour', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp();
  });
  afterAll(() => app.stop());

  it('can be pasted, from the first query to the last', async () => {
    const blocks = [...chapter('The tour, in five minutes').matchAll(/```graphql\n(.*?)```/gs)].map(([, query = '']) => query);
    const seen: (string | undefined)[] = [];
    const client = wsClient(app.url, app.key);
    let id = '';
    for (const query of blocks) {
      const operation = getOperationAST(parse(query));
      seen.push(operation?.name?.value);
      if (operation?.operation === 'subscription') {
        const kinds: string[] = [];
        for await (const { data, errors } of client.iterate<{ generationStream: { __typename: string } }>({
          query,
          variables: { id },
        })) {
          expect(errors).toBeUndefined();
          kinds.push(data?.generationStream.__typename ?? '');
        }
        expect(kinds).toEqual(expect.arrayContaining(['GenerationStarted', 'GenerationDelta', 'GenerationFinished']));
        continue;
      }
      const { data, errors }: ExecutionResult = await app.answer(query, operation?.variableDefinitions?.length ? { id } : {});
      expect(errors).toBeUndefined();
      for (const payload of Object.values(data ?? {}))
        expect((payload as { errors?: unknown[] } | null)?.errors ?? []).toEqual([]);
      const started = data?.['generationStart'] as { generation: { id: string } } | undefined;
      if (started) ({ id } = started.generation);
    }
    expect(seen).toEqual(['LookAround', 'Start', 'Watch', 'Look', 'Cancel', 'Retry', 'List', 'Delete']);
    await client.dispose();
  });
});
