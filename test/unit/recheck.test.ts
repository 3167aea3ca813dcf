import { type GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildPipeline } from '../../src/graphql/execute.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { openLog } from '../../src/kernel/log.ts';
import { allPermissions, Scope, type ScopeEvents } from '../../src/kernel/scope.ts';
import { openMetrics } from '../../src/monitoring/metrics.ts';

// A running subscription whose scope changed: it is asked again whether it may go on.

/** How a look at it ends. */
type Look = (signal: AbortSignal) => AsyncIterable<string> | Promise<AsyncIterable<string>>;

let looks: number;
let look: Look;
let events: ScopeEvents<AppError>;
const opened: AbortSignal[] = [];

async function* waiting(signal: AbortSignal): AsyncGenerator<string> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  yield* [];
}
const away = (): never => {
  throw new AppError('UNAVAILABLE', 'the database is away');
};
const gone = (): never => {
  throw new AppError('NOT_FOUND', 'no such thing');
};

beforeEach(() => {
  // `AbortSignal.timeout` is no timer that can be faked.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  });
  vi.useFakeTimers();
  looks = 0;
  opened.length = 0;
  look = waiting;
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function watched() {
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { hello: { type: GraphQLString } } }),
    subscription: new GraphQLObjectType({
      name: 'Subscription',
      fields: {
        news: {
          type: GraphQLString,
          resolve: (text: string) => text,
          subscribe: (_root, _args, { signal }: { signal: AbortSignal }) => {
            looks += 1;
            opened.push(signal);
            return look(signal);
          },
        },
      },
    }),
  });
  const scope = new Scope('ten', 'mem', { kind: 'key', id: 'key' }, allPermissions);
  const { registry } = openMetrics({ hasProcessMetrics: false });
  const pipeline = buildPipeline({
    schema,
    authenticate: () => Promise.resolve(scope),
    watch: (_scope, given) => {
      events = given;
      return () => undefined;
    },
    log: openLog({ level: 'silent' }),
    registry,
  });
  const operation = pipeline.prepare({ query: 'subscription { news }' }, { transport: 'websocket', scope, requestId: 'request' });
  if (operation.errors) throw new Error('the subscription was refused');
  const stream = await pipeline.subscribe(operation);
  if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
  let end: unknown = 'open';
  const read = stream.next().then(
    () => (end = 'ended'),
    (error: unknown) => (end = (error as GraphQLError).extensions['code']),
  );
  return { stream, read, end: () => end };
}

it('stays open while it cannot be known, and is asked again', async () => {
  const { stream, read, end } = await watched();
  look = away;
  events.onChange?.();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(looks).toBeGreaterThan(2);
  expect(end()).toBe('open');
  look = waiting;
  await vi.advanceTimersByTimeAsync(1_000);
  const known = looks;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([looks, end()]).toEqual([known, 'open']);
  // All looks but the running one were closed.
  expect(opened.filter(({ aborted }) => !aborted)).toHaveLength(1);
  await stream.return();
  await read;
});

it('ends with FORBIDDEN as soon as that is known', async () => {
  const { read, end } = await watched();
  look = away;
  events.onChange?.();
  await vi.advanceTimersByTimeAsync(600);
  look = gone;
  await vi.advanceTimersByTimeAsync(300);
  await read;
  expect(end()).toBe('FORBIDDEN');
});

it.each([
  ['fails', away],
  ['says nothing', () => new Promise<never>(() => undefined)],
])('ends with UNAVAILABLE when what has to be asked %s for too long', async (_what, silent: Look) => {
  const { read, end } = await watched();
  look = silent;
  events.onChange?.();
  await vi.advanceTimersByTimeAsync(4_900);
  expect(end()).toBe('open');
  await vi.advanceTimersByTimeAsync(200);
  await read;
  expect(end()).toBe('UNAVAILABLE');
  expect(opened.every(({ aborted }) => aborted)).toBe(true);
});

it('leaves a fault of ours what it is', async () => {
  const { read, end } = await watched();
  look = () => {
    throw new TypeError('broken');
  };
  events.onChange?.();
  await vi.advanceTimersByTimeAsync(0);
  await read;
  expect(end()).toBe('INTERNAL');
});

it('asks no more once its reader has gone', async () => {
  const { stream, read, end } = await watched();
  look = away;
  events.onChange?.();
  await vi.advanceTimersByTimeAsync(300);
  await stream.return();
  await read;
  const asked = looks;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([looks, end()]).toEqual([asked, 'ended']);
});
