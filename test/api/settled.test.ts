import { createHash } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Admission } from '../../src/graphql/admission.ts';
import type { PipelineOptions } from '../../src/graphql/pipeline-options.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { allPermissions, Scope } from '../../src/kernel/scope.ts';
import { acknowledged, get, post, sse } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { openTinyApp, running, type TinyApp } from '../harness/tiny-api.ts';

const status = { maximumAvailable: 100, currentlyAvailable: 90, restoreRate: 1 };
const none = { quotas: [], windowSeconds: 60, throttle: status } as const;

/** An app whose limits are these; all that was settled, in order, is in `settled`. */
async function openLimited(options: Partial<PipelineOptions> = {}) {
  const settled: number[] = [];
  let reserved = 0;
  const admit = (): Promise<Admission> => {
    let isOpen = true;
    reserved++;
    const settle = (actual: number): void => {
      if (isOpen) settled.push(actual);
      isOpen = false;
    };
    return turn({ ...none, refusal: null, charge: { status, settle, spend: () => undefined } });
  };
  const app = await openTinyApp({ pipelineOptions: { admit, ...options } });
  const close = (): Promise<void> => app.close();
  return { app, settled, reservations: () => reserved, [Symbol.asyncDispose]: close };
}

const noPlace = () => Promise.reject(new AppError('RATE_LIMITED', 'no place', { retryAfterMs: 1_000 }));
const forever = 'subscription { forever { number } }';
const make = 'mutation { thingMake(input: { name: "made" }) { thing { id } } }';

it.each<[string, Partial<PipelineOptions>, (app: TinyApp) => Promise<unknown>, number[]]>([
  ['a query', {}, ({ url }) => post(url, { query: '{ refused { id } }' }, { key: 'all' }), [1]],
  ['a mutation that came as a GET', {}, ({ url }) => get(url, { query: make }, { key: 'all' }), [0]],
  [
    'a query that Apollo answers',
    {},
    ({ url }) => post(url, { query: '{ hello }' }, { key: 'all', headers: { accept: 'application/json;q=0.5' } }),
    [0],
  ],
  ['a stream without a place', { enter: noPlace }, ({ url }) => sse(url, { query: forever }, { key: 'all' }), [0]],
  [
    'a subscription without a place',
    { enter: noPlace },
    async ({ url }) => {
      const raw = await acknowledged(url, 'all');
      raw.send({ id: '1', type: 'subscribe', payload: { query: forever } });
      expect((await raw.next()).type).toBe('error');
      raw.socket.close();
      await raw.closed;
    },
    [0],
  ],
  [
    'a subscription that does not start',
    {},
    ({ url }) => sse(url, { query: 'subscription { missing { number } }' }, { key: 'all' }),
    [10],
  ],
])('what is reserved for %s is settled once', async (_name, options, ask, expected) => {
  const places = options.enter;
  // Sockets have theirs.
  const enter: PipelineOptions['enter'] = (scope, place, onLost) =>
    place === 'sockets' || !places ? Promise.resolve(() => undefined) : places(scope, place, onLost);
  await using open = await openLimited({ enter });
  await ask(open.app);
  await eventually(() => open.settled.length > 0);
  expect([open.reservations(), open.settled]).toEqual([1, expected]);
});

it('what is reserved for a reader who goes while a place is looked for is settled, and the place is free again', async () => {
  const [asked, found] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let left = 0;
  await using open = await openLimited({
    enter: async () => {
      asked.resolve();
      await found.promise;
      return () => left++;
    },
  });
  const stopper = new AbortController();
  const headers = { authorization: 'Bearer all', 'content-type': 'application/json' };
  const body = JSON.stringify({ query: forever });
  const answer = fetch(`${open.app.url}/graphql/stream`, { method: 'POST', headers, body, signal: stopper.signal });
  await asked.promise;
  stopper.abort();
  await expect(answer).rejects.toThrow();
  found.resolve();
  await eventually(() => left === 1);
  expect(open.settled).toEqual([10]);
});

it.each([
  ['while the first is looked at', ['subscribe', 'complete', 'subscribe']],
  ['again and again', ['subscribe', 'complete', 'subscribe', 'complete', 'subscribe', 'complete', 'subscribe']],
  ['after the first has begun', ['subscribe', 'next', 'complete', 'subscribe', 'next', 'complete', 'subscribe']],
])('nothing runs on behind a socket on which an id was used twice: %s', async (_name, steps) => {
  let places = 0;
  await using open = await openLimited({
    async enter() {
      places++;
      await turn();
      return () => places--;
    },
  });
  const raw = await acknowledged(open.app.url, 'all');
  for (const step of steps) {
    if (step === 'next') expect(['next', 'complete']).toContain((await raw.next()).type);
    else raw.send({ id: '1', type: step, ...(step === 'subscribe' && { payload: { query: forever } }) });
  }
  raw.send({ id: '2', type: 'subscribe', payload: { query: 'subscription { ticks(to: 1) { number } }' } });
  await eventually(async () => (await raw.next()).id === '2');
  raw.socket.close();
  await raw.closed;
  await eventually(() => places === 0 && running.size === 0);
  expect(open.settled.length).toBe(open.reservations());
});

it('a document is remembered only for who is admitted', async () => {
  const query = '{ hello }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  let isAdmitted = false;
  const refusal = { code: 'RATE_LIMITED', message: 'too many', retryAfterMs: 1_000 } as const;
  await using open = await openLimited({
    // As when the database is asked: the query begins meanwhile.
    admit: (_scope, costOf) => {
      costOf();
      return turn({ ...none, refusal: isAdmitted ? null : refusal, charge: null });
    },
  });
  const ask = async (asked: object) => {
    const { body } = await post(open.app.url, JSON.stringify({ ...asked, extensions }), { key: 'all' });
    return body.data ?? body.errors?.[0]?.extensions?.['code'];
  };
  expect(await ask({ query })).toBe('RATE_LIMITED');
  isAdmitted = true;
  expect(await ask({})).toBe('PERSISTED_QUERY_NOT_FOUND');
  expect(await ask({ query })).toEqual({ hello: 'hello world' });
  expect(await ask({})).toEqual({ hello: 'hello world' });
});

it('downloads of one tenant leave room for those of others', async () => {
  const endless = {
    path: '/endless.txt',
    mediaType: 'text/plain; charset=utf-8',
    permission: 'audit:read',
    async *parts(signal: AbortSignal) {
      yield 'first\n';
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    open(_scope: Scope, _query: URLSearchParams, signal: AbortSignal) {
      return Promise.resolve(this.parts(signal));
    },
  } as const;
  const app = await openTinyApp({
    downloads: [endless],
    pipelineOptions: {
      authenticate: ({ authorization }) =>
        Promise.resolve(new Scope(authorization ?? '', 'mem', { kind: 'key', id: 'key' }, allPermissions)),
    },
  });
  const open = (tenant: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { agent: false, headers: { authorization: tenant } };
      request(`${app.url}/endless.txt`, options, resolve).on('error', reject).end();
    });
  try {
    const running: IncomingMessage[] = [];
    for (const tenant of ['one', 'two', 'three', 'four'])
      running.push(...(await Promise.all(Array.from({ length: 4 }, () => open(tenant)))));
    expect(running.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 16 }, () => 200));
    const more = await open('one');
    expect([more.statusCode, more.headers['retry-after']]).toEqual([429, '5']);
    expect(JSON.parse(await text(more))).toMatchObject({
      errors: [{ message: 'the limit of 4 downloads of a tenant at a time is reached: end one, or come back' }],
    });
    // All that a process has.
    const fifth = await open('five');
    expect([fifth.statusCode, JSON.parse(await text(fifth))]).toMatchObject([
      503,
      { errors: [{ extensions: { code: 'UNAVAILABLE' } }] },
    ]);
    running[0]?.destroy();
    await eventually(async () => {
      const again = await open('one');
      again.destroy();
      return again.statusCode === 200;
    });
    for (const each of running) each.destroy();
  } finally {
    await app.close();
  }
});
