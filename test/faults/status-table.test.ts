import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { ProviderError, type Provider, type TextRequest } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { Teller } from '../harness/teller.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message } }
}`;
const cancel = 'mutation ($id: ID!) { generationCancel(input: { id: $id }) { generation { status } errors { code } } }';

const whats = [
  'retryable error',
  'error that is not retryable',
  'first token late',
  'next token late',
  'total deadline',
  'cancel',
] as const;
const whens = ['before the first token', 'after it', 'finish seen, not committed'] as const;
const policies = ['RESTART', 'STOP'] as const;
const routes = ['one model', 'two models'] as const;

interface Cell {
  readonly what: (typeof whats)[number];
  readonly when: (typeof whens)[number];
  readonly policy: (typeof policies)[number];
  readonly route: (typeof routes)[number];
}

interface Outcome {
  readonly status: string;
  readonly code: string | null;
  readonly text: string;
  readonly calls: number;
  readonly story: string;
}

const cells: Cell[] = whats.flatMap((what) =>
  whens
    .filter((when) => (what !== 'first token late' || when === whens[0]) && (what !== 'next token late' || when !== whens[0]))
    .flatMap((when) => policies.flatMap((policy) => routes.map((route) => ({ what, when, policy, route })))),
);

const failureOf = {
  'retryable error': 'OVERLOADED',
  'error that is not retryable': 'PROVIDER_AUTH',
  'first token late': 'TIMEOUT',
  'next token late': 'TIMEOUT',
  'total deadline': 'TIMEOUT',
  cancel: null,
} as const;

/** The table of the stream protocol, said once more. */
function expected({ what, when, policy, route }: Cell): Outcome {
  const code = failureOf[what];
  if (when === 'finish seen, not committed') {
    return { status: 'SUCCEEDED', code: null, text: 'Dear Ada', calls: 1, story: 'started delta finished' };
  }
  const isEmpty = when === 'before the first token';
  const kept = { text: isEmpty ? '' : 'Dear Ada', calls: 1, story: isEmpty ? 'started finished' : 'started delta finished' };
  if (what === 'cancel') return { ...kept, status: 'CANCELLED', code };
  const mayCallAgain = what !== 'total deadline' && (isEmpty || policy === 'RESTART');
  // What is not retryable with one model may do with another, but not when the fault is known before the first token to be the request's.
  const helps = what !== 'error that is not retryable' || (!isEmpty && route === 'two models');
  if (mayCallAgain && helps) {
    const story = isEmpty ? 'started delta finished' : 'started delta restarted@0 delta finished';
    return { status: 'SUCCEEDED', code: null, text: 'Yours', calls: 2, story };
  }
  return { ...kept, status: isEmpty ? 'FAILED' : 'INCOMPLETE', code };
}

/** Hands each call to the teller of its cell, which is known by the tokens it may write. */
class Desk implements Provider {
  readonly models = [{ name: 'teller', contextWindow: null, maxOutputTokens: null }];
  readonly acceptsUnknownModels = false;
  constructor(
    readonly id: string,
    private readonly tellers: Map<number, Teller>,
  ) {}

  stream(request: TextRequest, options: { signal: AbortSignal }) {
    const teller = this.tellers.get(request.maxOutputTokens);
    if (!teller) throw new Error('a call of no cell');
    return teller.stream(request, options);
  }
}

describe.concurrent('what becomes of a generation', () => {
  const tellers = new Map<number, Teller>();
  const slugs = { RESTART: 'cover-letter-classic', STOP: 'cover-letter-kept' } as const;
  let libraryDir: string;
  let variables: Record<string, unknown>;
  let patient: TestApp;
  let strict: TestApp;
  let hurried: TestApp;

  beforeAll(async () => {
    libraryDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-library-'));
    const own = fileURLToPath(new URL('../../templates', import.meta.url));
    await cp(own, libraryDir, { recursive: true });
    const kept = path.join(libraryDir, 'cover-letter/kept');
    await cp(path.join(own, 'cover-letter/classic'), kept, { recursive: true });
    const file = path.join(kept, 'template.yaml');
    const yaml = await readFile(file, 'utf8');
    await writeFile(file, yaml.replace('failoverPolicy: RESTART', 'failoverPolicy: STOP'));
    const open = (env: Record<string, string>) =>
      openTestApp({
        libraryDir,
        providers: [new Desk('first', tellers), new Desk('second', tellers)],
        // Finishes that wait for a held row each keep a connection of the engine: there must be one for every cell at a time.
        env: { GENERATION_IDLE_TIMEOUT_MS: '60000', DATABASE_MAX_CONNECTIONS: '24', ...env },
      });
    patient = await open({});
    // No lease runs out while a row is held: take-overs are another test's.
    const leased = { GENERATION_LEASE_MS: '60000' };
    // The call that takes its turn has to begin within it too, on a busy machine.
    strict = await open({ ...leased, GENERATION_FIRST_TOKEN_TIMEOUT_MS: '3000', GENERATION_IDLE_TIMEOUT_MS: '4000' });
    hurried = await open({ ...leased, GENERATION_TOTAL_TIMEOUT_MS: '9000' });
    variables = await sampleVariables(patient);
  });
  afterAll(async () => {
    for (const app of [patient, strict, hurried]) await app.stop();
    await rm(libraryDir, { recursive: true });
  });

  it.each(cells.map((cell, index) => ({ ...cell, index })))('$what, $when ($policy, $route)', async ({ index, ...cell }) => {
    const { what, when, policy, route } = cell;
    const app =
      what === 'total deadline' ? hurried : what === 'first token late' || what === 'next token late' ? strict : patient;
    const teller = new Teller();
    const maxOutputTokens = 100 + index;
    tellers.set(maxOutputTokens, teller);
    const wanted = expected(cell);

    const firstCall = teller.nextCall();
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template: slugs[policy], variables, maxOutputTokens, model: route === 'one model' ? 'first/teller' : 'auto' },
    });
    const { id } = generationStart.generation;
    await using reader = readGeneration({ urls: [app.url], key: app.key, id });
    const call = await firstCall;
    const secondCall = teller.nextCall();
    if (when !== 'before the first token') {
      call.say('Dear ');
      await reader.atLeast(5);
      call.say('Ada');
    }
    await using held = when === 'finish seen, not committed' ? await hold(app, id) : null;
    if (held) {
      call.finish();
      await held.isWaitedFor();
    }

    if (what === 'retryable error') call.fail(new ProviderError('OVERLOADED', 'too much', { retryable: true }));
    if (what === 'error that is not retryable') call.fail(new ProviderError('PROVIDER_AUTH', 'no key', { retryable: false }));
    const cancelled = what === 'cancel' ? app.ask<{ generationCancel: unknown }>(cancel, { id }) : null;
    if (held) {
      if (what === 'total deadline') await pause(9_000);
      if (what === 'next token late') await pause(4_000);
      await held.release();
    }
    if (wanted.calls === 2) (await secondCall).say('Yours').finish();

    const ended = await reader.ended;
    // The first commit wins: the caller is told so.
    const cancelAnswer = await cancelled;
    if (cancelAnswer && held) expect(cancelAnswer.generationCancel).toEqual({ generation: { status: 'SUCCEEDED' }, errors: [] });
    expect({
      status: ended.status,
      code: ended.failure?.code ?? null,
      text: ended.text,
      calls: teller.calls.length,
      story: reader.story(),
    }).toEqual(wanted);
    expect(reader.text).toBe(wanted.text);
    expect(ended.attempts.length).toBe(wanted.calls);
    const models =
      wanted.calls === 1 ? ['first/teller'] : ['first/teller', route === 'one model' ? 'first/teller' : 'second/teller'];
    expect(ended.attempts.map(({ model }) => model)).toEqual(models);
    // Whatever the outcome, no call is left running.
    for (const made of teller.calls) await made.aborted;
  });

  it('is a failure after four calls that may be tried again', async () => {
    const teller = new Teller();
    tellers.set(99, teller);
    const overloaded = () => new ProviderError('OVERLOADED', 'too much', { retryable: true });
    let next = teller.nextCall();
    const { generationStart } = await patient.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template: slugs.RESTART, variables, maxOutputTokens: 99, model: 'first/teller' },
    });
    await using reader = readGeneration({ urls: [patient.url], key: patient.key, id: generationStart.generation.id });
    for (const said of ['', 'Dear ', '', 'Dear Ada']) {
      const call = await next;
      next = teller.nextCall();
      if (said) call.say(said);
      if (said) await eventually(() => reader.text === said);
      call.fail(overloaded());
    }
    expect(await reader.ended).toMatchObject({ status: 'INCOMPLETE', text: 'Dear Ada', failure: { code: 'OVERLOADED' } });
    expect(reader.text).toBe('Dear Ada');
    expect(teller.calls).toHaveLength(4);
  });
});

/** Holds the row of a generation, so that its end cannot be committed. */
async function hold(app: TestApp, id: string) {
  const sql = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  const watcher = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  // The time of the first token is written to the same row: with that done, only the end can be what waits.
  await eventually(
    async () => (await watcher`select 1 from generations where id = ${uuidOf(id)} and first_token_at is not null`).length > 0,
  );
  const held = Promise.withResolvers<number>();
  const done = Promise.withResolvers<void>();
  const transaction = sql.begin(async (tx) => {
    // Not `for update`: text must still be stored beside it.
    const [row] = await tx<
      { pid: number }[]
    >`select pg_backend_pid() as pid from generations where id = ${uuidOf(id)} for no key update`;
    held.resolve(row?.pid ?? 0);
    await done.promise;
  });
  const pid = await held.promise;
  const release = async (): Promise<void> => {
    done.resolve();
    await transaction;
  };
  return {
    release,
    isWaitedFor: () =>
      eventually(
        async () => (await watcher`select 1 from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`).length > 0,
      ),
    async [Symbol.asyncDispose]() {
      await release();
      await sql.end();
      await watcher.end();
    },
  };
}
