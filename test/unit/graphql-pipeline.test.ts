import { expect, it, vi } from 'vitest';
import { buildPipeline, type Pipeline } from '../../src/graphql/execute.ts';
import { documentErrors } from '../../src/graphql/rules.ts';
import { openLog } from '../../src/kernel/log.ts';
import { allPermissions, Scope } from '../../src/kernel/scope.ts';
import { openMetrics } from '../../src/monitoring/metrics.ts';
import { allowOrigins } from '../../src/graphql/origins.ts';
import { DrainWatch } from '../../src/graphql/drained.ts';
import { tinySchema } from '../harness/tiny-api.ts';

const scope = new Scope('ten', 'mem', { kind: 'key', id: 'key' }, allPermissions);
const caller = { transport: 'http', scope, requestId: 'request' } as const;

vi.mock('../../src/graphql/rules.ts', { spy: true });

function openPipeline(): Pipeline {
  const { registry } = openMetrics({ hasProcessMetrics: false });
  const log = openLog({ level: 'silent' });
  return buildPipeline({ schema: tinySchema(), authenticate: () => Promise.resolve(scope), log, registry });
}

it('parses and validates a repeated document once', () => {
  const pipeline = openPipeline();
  vi.mocked(documentErrors).mockClear();
  const documents = [1, 2, 3].map(() => {
    const prepared = pipeline.prepare({ query: '{ hello }' }, caller);
    return prepared.errors ? null : prepared.document;
  });
  expect(documents[0]).not.toBeNull();
  expect(new Set(documents).size).toBe(1);
  // The engine's validation, behind the cache.
  expect(documentErrors).toHaveBeenCalledTimes(1);
});

it('refuses a repeated bad document each time', () => {
  const pipeline = openPipeline();
  for (const [query, code] of [
    ['{ nope }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ hello', 'GRAPHQL_PARSE_FAILED'],
  ] as const) {
    const seen = [1, 2].map(() => pipeline.prepare({ query }, caller).errors?.map(({ extensions }) => extensions.code));
    expect(seen).toEqual([[code], [code]]);
  }
});

it('lets no permission of one caller pass through the caches to another', () => {
  const pipeline = openPipeline();
  const query = '{ __schema { queryType { name } } }';
  expect(pipeline.prepare({ query }, caller).errors).toBeNull();
  const little = { ...caller, scope: new Scope('ten', 'mem', { kind: 'key', id: 'key' }, []) };
  expect(pipeline.prepare({ query }, little).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

it.each([
  ['https://app.example.com', true, true],
  ['HTTPS://APP.example.com', true, true],
  ['https://app.example.com.evil.com', false, false],
  ['http://localhost:5173', false, true],
  ['http://127.0.0.1:3000', false, true],
  ['http://localhost.evil.com', false, false],
  ['https://studio.apollographql.com', false, true],
  ['null', false, false],
  [undefined, true, true],
])('origin %s: production %s, development %s', (origin, inProduction, inDevelopment) => {
  const listed = ['https://app.example.com/'];
  expect(allowOrigins(listed, { isDevelopment: false }).isAllowed(origin)).toBe(inProduction);
  expect(allowOrigins(listed, { isDevelopment: true }).isAllowed(origin)).toBe(inDevelopment);
});

it('lets a reader go only when its bytes have not become fewer for the whole time', () => {
  vi.useFakeTimers();
  let now = 0;
  const watch = new DrainWatch({ now: () => new Date(now), monotonic: () => now }, 30_000);
  const buffered = { slow: 1_000, growing: 1_000, idle: 0 };
  const gone: string[] = [];
  for (const name of ['slow', 'growing', 'idle'] as const)
    watch.add({ buffered: () => buffered[name], onUndrained: () => gone.push(name) });
  for (let second = 1; second <= 60; second++) {
    now = second * 1_000;
    if (second % 20 === 0) buffered.slow -= 1;
    buffered.growing += 1;
    vi.advanceTimersByTime(1_000);
    if (second === 30) expect(gone).toEqual([]);
  }
  expect(gone).toEqual(['growing']);
  watch.close();
  vi.useRealTimers();
});
