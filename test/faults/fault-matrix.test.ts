import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CallOptions, Provider, TextRequest } from '../../src/providers/port.ts';
import type { FailoverPolicy } from '../../src/templates/templates.table.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { MockProvider, type Call, type Script } from '../harness/mock-provider.ts';
import { vendors, type VendorSubject } from '../harness/providers.ts';
import { wireOf } from '../harness/wire.ts';

// A busy machine takes its time. Most of a cell is waiting, so many are tried at once.
vi.setConfig({ testTimeout: 90_000, maxConcurrency: 12 });

const faults = [
  'cut',
  'polite end',
  'TLS reset',
  'stall',
  'malformed event',
  'in-band error',
  'tools asked for',
  'empty completion',
  'wrong content type',
  '429',
  '429 with Retry-After',
  '503',
  '503 with Retry-After',
] as const;
const whens = ['before the first token', 'in the middle', 'before the finish'] as const;

type Fault = (typeof faults)[number];
type When = (typeof whens)[number];

const begun = 'cannot be: the text has begun';
const answered = 'cannot be: the headers are out';

/** The code each fault has at each moment; the cells that are not failures say why they cannot be. */
const codes: Record<Fault, Record<When, string>> = {
  cut: { 'before the first token': 'STREAM_CUT', 'in the middle': 'STREAM_CUT', 'before the finish': 'STREAM_CUT' },
  'polite end': { 'before the first token': 'STREAM_CUT', 'in the middle': 'STREAM_CUT', 'before the finish': 'STREAM_CUT' },
  'TLS reset': { 'before the first token': 'NETWORK', 'in the middle': 'STREAM_CUT', 'before the finish': 'STREAM_CUT' },
  stall: { 'before the first token': 'TIMEOUT', 'in the middle': 'TIMEOUT', 'before the finish': 'TIMEOUT' },
  'malformed event': {
    'before the first token': 'STREAM_MALFORMED',
    'in the middle': 'STREAM_MALFORMED',
    'before the finish': 'STREAM_MALFORMED',
  },
  'in-band error': { 'before the first token': 'OVERLOADED', 'in the middle': 'OVERLOADED', 'before the finish': 'OVERLOADED' },
  'tools asked for': {
    'before the first token': 'OVERLOADED',
    'in the middle': 'OVERLOADED',
    'before the finish': 'OVERLOADED',
  },
  'empty completion': { 'before the first token': 'EMPTY_COMPLETION', 'in the middle': begun, 'before the finish': begun },
  'wrong content type': {
    'before the first token': 'STREAM_MALFORMED',
    'in the middle': answered,
    'before the finish': answered,
  },
  '429': { 'before the first token': 'RATE_LIMITED', 'in the middle': answered, 'before the finish': answered },
  '429 with Retry-After': { 'before the first token': 'RATE_LIMITED', 'in the middle': answered, 'before the finish': answered },
  '503': { 'before the first token': 'OVERLOADED', 'in the middle': answered, 'before the finish': answered },
  '503 with Retry-After': { 'before the first token': 'OVERLOADED', 'in the middle': answered, 'before the finish': answered },
};

/** What the failing model writes before the fault, and how much of it is whole sentences. */
const written: Record<When, { readonly pieces: readonly string[]; readonly kept: string; readonly again: string }> = {
  'before the first token': { pieces: [], kept: '', again: '' },
  'in the middle': {
    pieces: ['Dear Ada. ', 'I am glad ', 'to apply. I have bu'],
    kept: 'Dear Ada. I am glad to apply. ',
    again: 'I am glad to apply. ',
  },
  'before the finish': {
    pieces: ['Dear Ada. ', 'I am glad to apply. ', 'I have built it. Yours, Bo'],
    kept: 'Dear Ada. I am glad to apply. I have built it. ',
    again: 'I have built it.',
  },
};
const anew = ['Hello Ada. ', 'This is all ', 'new.'];
const onward = [' And ', 'so on.'];

interface Outcome {
  readonly status: string;
  /** Of the generation; an attempt that failed has it in any case. */
  readonly code: string | null;
  readonly text: string;
  readonly bases: readonly number[];
  readonly story: string;
}

/** The status table of the stream protocol, said once more; `NONE` where no model is left that may do better. */
const outcomes: Record<FailoverPolicy | 'BEFORE' | 'NONE', (when: When, code: string) => Outcome> = {
  BEFORE: () => ({ status: 'SUCCEEDED', code: null, text: anew.join(''), bases: [0, 0], story: 'started delta finished' }),
  RESTART: () => ({
    status: 'SUCCEEDED',
    code: null,
    text: anew.join(''),
    bases: [0, 0],
    story: 'started delta restarted@0 delta finished',
  }),
  CONTINUE: (when) => {
    const { kept } = written[when];
    const story = `started delta restarted@${kept.length} delta finished`;
    return { status: 'SUCCEEDED', code: null, text: `${kept}And so on.`, bases: [0, kept.length], story };
  },
  STOP: (when, code) => {
    const text = written[when].pieces.join('');
    return { status: 'INCOMPLETE', code, text, bases: [0], story: 'started delta finished' };
  },
  NONE: (when, code) => {
    const text = written[when].pieces.join('');
    const [status, story] = text === '' ? ['FAILED', 'started finished'] : ['INCOMPLETE', 'started delta finished'];
    return { status, code, text, bases: [0], story };
  },
};

interface Cell {
  readonly fault: Fault;
  readonly when: When;
  readonly vendor: VendorSubject;
  readonly adapter: string;
  readonly policy: FailoverPolicy;
  /** The models there are. */
  readonly route: 'two models' | 'one model';
}

const isPossible = (fault: Fault, when: When) => !codes[fault][when].startsWith('cannot be');
/** Whether the same model would only do it again: then it is asked once. */
const isFinal = (fault: Fault) => fault === 'tools asked for';
const cells: Cell[] = vendors.flatMap((vendor) =>
  faults.flatMap((fault) =>
    whens
      .filter((when) => isPossible(fault, when))
      .flatMap((when): Cell[] => {
        const cell = { fault, when, vendor, adapter: vendor.name, route: 'two models', policy: 'RESTART' } as const;
        const alone: Cell[] = /^\d/.test(fault) || isFinal(fault) ? [{ ...cell, route: 'one model' }] : [];
        if (when !== 'before the first token') {
          return [cell, ...alone, { ...cell, policy: 'CONTINUE' }, { ...cell, policy: 'STOP' }];
        }
        return [cell, ...alone];
      }),
  ),
);

/** A cell while it is tried. */
interface Trial {
  readonly cell: Cell;
  readonly calls: { readonly call: Call; readonly at: number }[];
  /** When it opens, the fault strikes. */
  readonly gate: PromiseWithResolvers<void>;
}

const markPattern = /Cell (\d+)x/;
const trials = new Map<number, Trial>();

function trialOf(value: unknown): Trial {
  const trial = trials.get(Number(markPattern.exec(JSON.stringify(value))?.[1]));
  if (!trial) throw new Error('a call of no cell');
  return trial;
}

/** A model that is called through the adapter of the cell. */
class Desk implements Provider {
  readonly models = [{ name: 'm', contextWindow: null, maxOutputTokens: null }];
  readonly acceptsUnknownModels = false;
  private readonly opened = new Map<string, Provider>();

  constructor(
    readonly id: string,
    private readonly urls: { readonly plain: string; readonly tls: string },
  ) {}

  stream(request: TextRequest, options: CallOptions) {
    const { vendor, fault } = trialOf(request.messages).cell;
    const url = fault === 'TLS reset' ? this.urls.tls : this.urls.plain;
    const key = `${vendor.name} ${url}`;
    const provider = this.opened.get(key) ?? vendor.provider(url);
    this.opened.set(key, provider);
    return provider.stream(request, options);
  }
}

/** What the vendor does: the fault at the first call, and well from then on. */
function scriptOf(call: Call): Script {
  const trial = trialOf(call.body);
  trial.calls.push({ call, at: performance.now() });
  const { when } = trial.cell;
  if (trial.calls.length === 1) return faulty(trial, call);
  return { pieces: /<text-[0-9a-f]+>/.test(JSON.stringify(call.body)) ? [written[when].again, ...onward] : anew };
}

function faulty({ cell: { fault, when }, gate }: Trial, { path: called }: Call): Script {
  const { pieces } = written[when];
  const text = {
    pieces: (async function* () {
      yield* pieces;
      await gate.promise;
    })(),
    finish: null,
  };
  const refusal = (status: number): Script => ({
    status,
    headers: { 'content-type': 'application/json', ...(fault.endsWith('Retry-After') ? { 'retry-after': '1' } : {}) },
    raw: wireOf(called).errorBody(status, 'not now'),
  });
  switch (fault) {
    case 'cut':
      return { ...text, lastly: 'cut' };
    case 'polite end':
      return text;
    case 'TLS reset':
      // Before the headers, where there is no text.
      return when === 'before the first token' ? { isMute: true } : { ...text, lastly: 'reset' };
    case 'stall':
      return { ...text, lastly: 'stall' };
    case 'malformed event':
      return { ...text, junk: 'data: {"broken": \n\n' };
    case 'in-band error':
      return { ...text, error: 'we are busy' };
    case 'tools asked for':
      return { ...text, finish: 'tools' };
    case 'empty completion':
      return { pieces: [] };
    case 'wrong content type':
      return { headers: { 'content-type': 'text/html' }, raw: '<html><body>Welcome</body></html>' };
    case '429':
    case '429 with Retry-After':
      return refusal(429);
    case '503':
    case '503 with Retry-After':
      return refusal(503);
  }
}

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message } }
}`;
const attemptsOf = `query ($id: ID!) { generation(id: $id) { text finishReason attempts {
  number model base reason startedAt endedAt endedBy failureCode failureMessage } } }`;

interface Attempt {
  readonly model: string;
  readonly base: number;
  readonly reason: string | null;
  readonly endedAt: string | null;
  readonly endedBy: string;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
}

describe('the table', () => {
  it('has an outcome for every fault at every moment', () => {
    expect(faults.flatMap((fault) => whens.map((when) => codes[fault][when])).every((said) => said.length > 0)).toBe(true);
    for (const vendor of vendors) {
      const tried = cells.filter((cell) => cell.vendor === vendor);
      for (const fault of faults) {
        for (const when of whens) {
          const policies = tried.filter((cell) => cell.fault === fault && cell.when === when).map(({ policy }) => policy);
          const wanted = !isPossible(fault, when) ? [] : when === whens[0] ? ['RESTART'] : ['RESTART', 'CONTINUE', 'STOP'];
          expect([...new Set(policies)]).toEqual(wanted);
        }
      }
    }
  });
});

describe.concurrent('a fault of a provider', () => {
  const slugs = { RESTART: 'cover-letter-classic', CONTINUE: 'cover-letter-continued', STOP: 'cover-letter-kept' } as const;
  const authorities = tls.getCACertificates('default');
  let libraryDir: string;
  let database: TestDatabase;
  let mocks: MockProvider[];
  let patient: TestApp;
  let strict: TestApp;
  let variables: Record<string, unknown>;

  beforeAll(async () => {
    const fixture = (name: string) => readFile(new URL(`../fixtures/tls/loopback-${name}.pem`, import.meta.url), 'utf8');
    const [key, cert] = await Promise.all([fixture('key'), fixture('certificate')]);
    tls.setDefaultCACertificates([...authorities, cert]);
    const [plain, secured] = await Promise.all([MockProvider.open(), MockProvider.open({ key, cert })]);
    mocks = [plain, secured];
    for (const mock of mocks) mock.always(scriptOf);

    libraryDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-library-'));
    const own = fileURLToPath(new URL('../../templates/cover-letter/classic', import.meta.url));
    for (const [policy, slug] of Object.entries(slugs)) {
      const folder = path.join(libraryDir, 'cover-letter', slug.slice('cover-letter-'.length));
      await cp(own, folder, { recursive: true });
      const file = path.join(folder, 'template.yaml');
      await writeFile(file, (await readFile(file, 'utf8')).replace(/^failoverPolicy: .*$/m, `failoverPolicy: ${policy}`));
    }

    database = await openTestDatabase();
    const urls = { plain: plain.url, tls: secured.url };
    const open = (env: Record<string, string>) =>
      openTestApp({
        database,
        libraryDir,
        providers: [new Desk('first', urls), new Desk('second', urls)],
        env: {
          GENERATION_LEASE_MS: '60000',
          GENERATION_FIRST_TOKEN_TIMEOUT_MS: '60000',
          GENERATION_IDLE_TIMEOUT_MS: '60000',
          ...env,
        },
      });
    patient = await open({});
    strict = await open({ GENERATION_FIRST_TOKEN_TIMEOUT_MS: '5000', GENERATION_IDLE_TIMEOUT_MS: '5000' });
    variables = await sampleVariables(patient);
  });
  afterAll(async () => {
    for (const app of [patient, strict]) await app.stop();
    for (const mock of mocks) await mock.close();
    await database.drop();
    await rm(libraryDir, { recursive: true });
    tls.setDefaultCACertificates(authorities);
  });

  it.each(cells.map((cell, index) => ({ ...cell, index })))(
    '$adapter: $fault, $when ($policy, $route)',
    async ({ index, ...cell }) => {
      const { fault, when, policy, route } = cell;
      const app = fault === 'stall' ? strict : patient;
      const trial: Trial = { cell, calls: [], gate: Promise.withResolvers() };
      trials.set(index, trial);
      const isBefore = when === 'before the first token';
      const code = codes[fault][when];
      const isLost = route === 'one model' && isFinal(fault);
      const wanted = outcomes[isLost ? 'NONE' : isBefore ? 'BEFORE' : policy](when, code);

      const job = { ...(variables.job as object), title: `Cell ${index}x` };
      const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } | null; errors: unknown[] } }>(
        start,
        {
          input: {
            template: slugs[policy],
            variables: { ...variables, job },
            model: route === 'one model' ? 'first/m' : 'auto',
          },
        },
      );
      expect(generationStart.errors).toEqual([]);
      const id = generationStart.generation?.id ?? '';
      await using reader = readGeneration({ urls: [app.url], key: app.key, id });
      await reader.atLeast(written[when].pieces.join('').length, 60_000);
      trial.gate.resolve();
      const ended = await reader.ended;
      const { generation } = await app.ask<{ generation: { text: string; finishReason: string | null; attempts: Attempt[] } }>(
        attemptsOf,
        { id },
      );
      const { attempts } = generation;

      expect({
        status: ended.status,
        code: ended.failure?.code ?? null,
        text: ended.text,
        bases: attempts.map(({ base }) => base),
        story: reader.story(),
      }).toEqual(wanted);
      // The reader, the end it was told and the store agree.
      expect(reader.text).toBe(wanted.text);
      expect(generation.text).toBe(wanted.text);
      // Nothing succeeds without a finish signal, and each attempt is on record with its cause.
      const isSaved = wanted.status === 'SUCCEEDED';
      expect(generation.finishReason).toBe(isSaved ? 'STOP' : null);
      expect(attempts[0]).toMatchObject({ model: 'first/m', reason: null, endedBy: 'FAILED', failureCode: code });
      expect(attempts[0]?.failureMessage).toMatch(/\S/);
      if (isSaved) {
        const model = route === 'one model' ? 'first/m' : 'second/m';
        expect(attempts[1]).toMatchObject({
          model,
          reason: 'PROVIDER_ERROR',
          endedBy: 'FINISHED',
          failureCode: null,
          failureMessage: null,
        });
      }
      for (const { endedAt } of attempts) expect(endedAt).not.toBeNull();
      expect(trial.calls).toHaveLength(wanted.bases.length);

      const [first, second] = trial.calls;
      const sent = JSON.stringify(second?.call.body ?? '');
      // Who goes on is told exactly what stands.
      if (policy === 'CONTINUE') expect(sent).toContain(JSON.stringify(`>\n${written[when].kept}\n<`).slice(1, -1));
      else expect(sent).not.toContain('broke off');
      if (route === 'one model' && !isLost) {
        // Never without a pause, and no earlier than the vendor wants.
        const waitedMs = (second?.at ?? 0) - (first?.at ?? 0);
        expect(waitedMs).toBeGreaterThan(fault.endsWith('Retry-After') ? 990 : 100);
      }
    },
  );
});
