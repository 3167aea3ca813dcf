import { describe, expect, it } from 'vitest';
import { importsOf, readSources, type Import } from '../harness/sources.ts';

// Who may import whom, within src/. Type-only imports count unless a rule says otherwise.

/** Words, storage, transport: they know no feature. */
const groundFolders = ['kernel', 'db', 'graphql', 'messages', 'jobs', 'monitoring'];
/** Pure adapters to the world outside: kernel only. */
const adapterFolders = ['providers', 'alerts/channels'];
/** Composition: these put the parts together. */
const compositionFiles = ['app.ts', 'schema.ts'];

/** What a feature shows to others beside its services and tables: decisions without state of their own, and what stands for a service. */
const publicModules = [
  'caching/caching.ts',
  'caching/entry.ts',
  'guards/fence.ts',
  'guards/guards.ts',
  'guards/kinds.ts',
  'guards/personal.ts',
  'guards/restore.ts',
  'guards/strip.ts',
  'routing/facts.ts',
  'routing/models.ts',
  'routing/next-move.ts',
  'routing/plan.ts',
  'routing/price.ts',
  'templates/schema.ts',
  'idempotency/claim.ts',
  'idempotency/answers.ts',
  'idempotency/seal.ts',
];

/** The exceptions, each with its reason. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // Between processes the bus travels by NOTIFY; all it takes is the type of the client that sends it.
  'messages/postgres-bus.ts': ['db/client.ts'],
  // The demo writes the letter that the library names as its showpiece.
  'cli/demo.ts': ['templates/library.ts'],
};

const folderOf = (name: string) =>
  name.includes('/') ? (adapterFolders.find((folder) => name.startsWith(`${folder}/`)) ?? name.split('/')[0] ?? '') : '';
const isIn = (name: string, ...folders: string[]) => folders.includes(folderOf(name));
const isFeature = (name: string) => folderOf(name) !== '' && !isIn(name, ...groundFolders, ...adapterFolders, 'cli', 'client');
const isTable = (name: string) => name.endsWith('.table.ts');
const isService = (name: string) => name.endsWith('.service.ts');
const isGraphqlPart = (name: string) => /\.(type|input|payload|resolver)\.ts$/.test(name);

/** Whether the table of folders lets one file import another of ours. */
function isAllowed({ from, to, isTypeOnly }: Import): boolean {
  if (compositionFiles.includes(from) || exceptions[from]?.includes(to)) return true;
  if (from === 'main.ts') return ['app.ts', 'config.ts'].includes(to) || isIn(to, 'kernel', 'cli');
  if (from === 'config.ts') return isTypeOnly || isIn(to, 'db', 'kernel');
  if (isIn(from, 'client')) return isIn(to, 'client');
  if (isIn(from, 'cli'))
    return ['app.ts', 'config.ts', 'schema.ts'].includes(to) || isIn(to, 'cli', 'client', 'kernel', 'db') || isService(to);
  // Beside other tables: how ids and walls are written as columns, and words that are gone after compilation.
  if (isTable(from)) return isTable(to) || ['db/ids.ts', 'db/tenancy.ts'].includes(to) || isTypeOnly;
  if (isIn(from, 'kernel')) return isIn(to, 'kernel');
  if (isIn(from, 'db', 'messages', 'jobs', 'monitoring', ...adapterFolders)) return isIn(to, folderOf(from), 'kernel');
  if (isIn(from, 'graphql')) return isIn(to, 'graphql', 'kernel', 'messages') || to === 'monitoring/metrics.ts';
  if (!isFeature(from)) return false;
  if (isFeature(to) && folderOf(to) !== folderOf(from)) {
    // All features answer in one graph: a field of one may be a type of another, read through the other's loaders.
    if (isGraphqlPart(from) && (to.endsWith('.type.ts') || (isTypeOnly && to.endsWith('.resolver.ts')))) return true;
    return isService(to) || isTable(to) || publicModules.includes(to);
  }
  return folderOf(to) !== '' && !isIn(to, 'cli', 'client');
}

const sources = readSources();
const all = sources.flatMap(({ imports }) => imports);
const ours = all.filter(({ isOurs }) => isOurs);
const arrow = ({ from, to }: Import) => `${from} -> ${to}`;

describe('imports', () => {
  it('are all understood', () => {
    const written = sources.flatMap(({ text }) => text.match(/^import\b|^export\b.*\bfrom '|\bimport\('/gm) ?? []);

    expect(all.length).toBe(written.length);
    expect(
      importsOf(
        'a/b.ts',
        "import { type A, type B } from '../c.ts';\nimport {\n  d,\n} from 'd';\nimport 'e';\nexport * from './f.ts';",
      ),
    ).toEqual([
      { from: 'a/b.ts', to: 'c.ts', isOurs: true, isTypeOnly: true },
      { from: 'a/b.ts', to: 'd', isOurs: false, isTypeOnly: false },
      { from: 'a/b.ts', to: 'e', isOurs: false, isTypeOnly: false },
      { from: 'a/b.ts', to: 'a/f.ts', isOurs: true, isTypeOnly: false },
    ]);
  });

  it('follow the table', () => {
    expect(ours.filter((each) => !isAllowed(each)).map(arrow)).toEqual([]);
  });

  it.each([
    ['kernel/log.ts', 'db/client.ts'],
    ['db/client.ts', 'generations/engine.ts'],
    ['graphql/execute.ts', 'access/key.service.ts'],
    ['providers/openai.ts', 'db/client.ts'],
    ['templates/render.ts', 'generations/engine.ts'],
    ['generations/engine.ts', 'templates/render.ts'],
    ['generations/generation.service.ts', 'templates/template.type.ts'],
    ['tenants/tenants.table.ts', 'kernel/id.ts'],
    ['client/reduce.ts', 'kernel/errors.ts'],
    ['main.ts', 'db/client.ts'],
    ['cli/demo.ts', 'generations/engine.ts'],
    ['generations/engine.ts', 'app.ts'],
  ])('the table refuses %s -> %s', (from, to) => {
    expect(isAllowed({ from, to, isOurs: true, isTypeOnly: false })).toBe(false);
  });

  it('bring no GraphQL into services, and only drizzle into tables', () => {
    const foreign = all.filter(({ isOurs }) => !isOurs);

    expect(
      foreign.filter(({ from, to }) => isService(from) && /^(type-graphql|graphql|@apollo\/.*)$/.test(to)).map(arrow),
    ).toEqual([]);
    expect(foreign.filter(({ from, to }) => isTable(from) && !/^drizzle-orm(\/|$)/.test(to)).map(arrow)).toEqual([]);
  });

  it('make no circle of folders', () => {
    const next = new Map<string, Set<string>>();
    for (const { from, to } of ours) {
      const [a, b] = [folderOf(from), folderOf(to)];
      if (a !== '' && b !== '' && a !== b) next.set(a, (next.get(a) ?? new Set()).add(b));
    }

    expect(circleIn(next)).toBeNull();
    expect(
      circleIn(
        new Map([
          ['a', new Set(['b'])],
          ['b', new Set(['c'])],
          ['c', new Set(['b'])],
        ]),
      ),
    ).toEqual(['b', 'c', 'b']);
  });

  it('make no circle of files, once types are gone', () => {
    const next = new Map<string, Set<string>>();
    for (const { from, to, isTypeOnly } of ours) if (!isTypeOnly) next.set(from, (next.get(from) ?? new Set()).add(to));

    expect(circleIn(next)).toBeNull();
  });

  it('have no exception that nobody needs', () => {
    const needed = new Set(ours.map(arrow));
    const unused = Object.entries(exceptions).flatMap(([from, targets]) =>
      targets.map((to) => `${from} -> ${to}`).filter((each) => !needed.has(each)),
    );

    expect(unused).toEqual([]);
    expect(publicModules.filter((name) => !ours.some(({ from, to }) => to === name && folderOf(from) !== folderOf(to)))).toEqual(
      [],
    );
  });
});

/** The first circle found by walking along the arrows; null when there is none. */
function circleIn(next: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const done = new Set<string>();
  const walk = (at: string, way: readonly string[]): string[] | null => {
    if (way.includes(at)) return [...way.slice(way.indexOf(at)), at];
    if (done.has(at)) return null;
    for (const each of next.get(at) ?? []) {
      const circle = walk(each, [...way, at]);
      if (circle) return circle;
    }
    done.add(at);
    return null;
  };
  for (const start of next.keys()) {
    const circle = walk(start, []);
    if (circle) return circle;
  }
  return null;
}
