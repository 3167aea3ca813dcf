import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { startPeer, type Server } from './harness/child.ts';
import { cpuSeconds, cpuSecondsBelow } from './harness/cpu.ts';
import { MockProvider, textOf, type Script } from './harness/mock-provider.ts';
import { startProduct, type Product } from './harness/product.ts';
import { Reader, type Reading } from './harness/reader.ts';
import { atMost, type Report } from './harness/report.ts';
import { startMutation, type Started } from './harness/start-mutation.ts';
import { median, quantile, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

const streams = 50;
const tokensPerSecond = 50;
/** What both servers write before anything is measured, in a hurry: a server in production is warm, and V8 goes on compiling that long. */
const warmUps = [
  { rounds: 20, tokens: 20, tokensPerSecond: 50 },
  { rounds: 3, tokens: 400, tokensPerSecond: 100 },
];
/** A letter, which the gate is about, as most of what is written is one; and a report, in which the cost of a beginning and an end is a third. */
const lengths = { letter: 400, report: 1_200 };
/** Readers that keep up see the end of a text this soon after the provider wrote it. */
const keepUpMs = 1_000;
const gapMs = 100;
const search = { from: 25, most: 3_200, bisections: 3, tokens: 150 };

const streamQuery = /* GraphQL */ `
  subscription Stream($id: ID!) {
    generationStream(id: $id) {
      __typename
      cursor
      ... on GenerationDelta {
        offset
        text
      }
      ... on GenerationRestarted {
        offset
      }
    }
  }
`;

/** A way to read one letter. */
interface Contestant {
  readonly name: string;
  readonly server: Server | null;
  /** Makes what can be made before the clock runs. */
  open(marker: string): Promise<() => Promise<Reading>>;
}

interface Samples {
  readonly ours: Sample[];
  readonly naive: Sample[];
}

interface Sample {
  /** Milliseconds from the provider's first byte to the reader's first text, by stream. */
  readonly first: number[];
  readonly gapP99Ms: number;
  readonly lateP99Ms: number;
  readonly providerLateP99Ms: number;
  readonly lost: number;
  readonly framesPerToken: number;
  readonly cpuMicros: number;
  readonly databaseMicros: number;
}

/**
 * 50 letters at 50 tokens/s to 50 readers: the product, which also stores them, against the naive build and a direct read; then, in half as many
 * rounds, 50 reports. Its measurements are as long as the texts are.
 */
export async function stream({ rounds }: Effort): Promise<Report> {
  const script: Script = { tokens: lengths.letter, tokensPerSecond, firstTokenMs: 400 };
  const provider = await MockProvider.open(script);
  const env = { OPENAI_BASE_URL: provider.url };
  const product = await startProduct({
    ...env,
    OPENAI_API_KEY: 'none',
    DEFAULT_MODEL: 'openai/mock',
    MAX_RUNNING_GENERATIONS: '10000',
  });
  const naive = await startPeer('naive build', 'naive-stream', env);
  try {
    const reduce = await reducer();
    const ours = productReaders('Draftwire', product, reduce);
    const contestants = [directReaders(provider), ours, { ...ours, name: 'Draftwire again (A/A)' }, naiveReaders(naive)];
    const samples = contestants.map((): Sample[] => []);
    for (const contestant of [ours, naiveReaders(naive)]) await warm(provider, contestant);
    for (let done = 0; done < rounds; done++) {
      for (const [index, contestant] of contestants.entries())
        samples[index]?.push(await run(provider, contestant, streams, script));
    }
    const reports: Samples = { ours: [], naive: [] };
    const report = { ...script, tokens: lengths.report };
    for (let done = 0; done < Math.max(1, Math.floor(rounds / 2)); done++) {
      reports.ours.push(await run(provider, ours, streams, report));
      reports.naive.push(await run(provider, naiveReaders(naive), streams, report));
    }
    const most: Record<string, Most> = {};
    if (!process.env.BENCH_SKIP_SEARCH) {
      for (const contestant of [ours, naiveReaders(naive)]) most[contestant.name] = await mostStreams(provider, contestant);
    }
    return reportOf(contestants, samples, reports, most);
  } finally {
    await Promise.all([product.stop(), naive.stop()]);
    await provider.close();
  }
}

function reportOf(
  contestants: readonly Contestant[],
  samples: readonly Sample[][],
  reports: Samples,
  most: Record<string, Most>,
): Report {
  const [direct = [], ours = [], again = [], naive = []] = samples;
  const addedMs = (q: number) => (set: readonly Sample[]) =>
    median(set.map(({ first }, index) => quantile(first, q) - quantile(direct[index]?.first ?? [], q)));
  const table = Object.fromEntries(
    contestants.map(({ name }, index) => {
      const set = samples[index] ?? [];
      const middle = (pick: (sample: Sample) => number) => round(median(set.map(pick)));
      const row = {
        'first text p50 ms': middle(({ first }) => quantile(first, 0.5)),
        'first text p99 ms': middle(({ first }) => quantile(first, 0.99)),
        'added p50 ms': round(addedMs(0.5)(set)),
        'added p99 ms': round(addedMs(0.99)(set)),
        'gap p99 ms': middle(({ gapP99Ms }) => gapP99Ms),
        'frames/token': middle(({ framesPerToken }) => framesPerToken),
        'server CPU us/token': middle(({ cpuMicros }) => cpuMicros),
        'CPU least-most': `${spreadOf(set.map(({ cpuMicros }) => cpuMicros)).least}-${spreadOf(set.map(({ cpuMicros }) => cpuMicros)).most}`,
        'database CPU us/token': middle(({ databaseMicros }) => databaseMicros),
        'lost texts': lostOf(set),
        'most streams': most[name] ? `${most[name].isLoadBound ? '>= ' : ''}${most[name].streams}` : '',
      };
      return [name, row];
    }),
  );
  const cpuRatio = (a: readonly Sample[], b: readonly Sample[]) =>
    a.map(({ cpuMicros }, index) => cpuMicros / (b[index]?.cpuMicros ?? Number.NaN));
  const lost = lostOf([...ours, ...again, ...reports.ours]);
  return {
    benchmark: 'stream',
    rounds: ours.length,
    table,
    gates: [
      atMost('texts that were not exact', lost, 0),
      atMost('server CPU a token, of the naive build', round(median(cpuRatio(ours, naive))), 0.333),
    ],
    notes: {
      control: spreadOf(cpuRatio(ours, again)),
      cpuOfNaive: spreadOf(cpuRatio(ours, naive)),
      reports: {
        tokens: lengths.report,
        cpuOfNaive: spreadOf(cpuRatio(reports.ours, reports.naive)),
        cpuMicros: spreadOf(reports.ours.map(({ cpuMicros }) => cpuMicros)),
        naiveCpuMicros: spreadOf(reports.naive.map(({ cpuMicros }) => cpuMicros)),
        lost: lostOf(reports.ours),
      },
      most,
      streams,
      tokensPerSecond,
    },
  };
}

function lostOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { lost }) => sum + lost, 0);
}

async function warm(provider: MockProvider, contestant: Contestant): Promise<void> {
  for (const { rounds, ...script } of warmUps)
    for (let done = 0; done < rounds; done++) await run(provider, contestant, streams, { ...script, firstTokenMs: 60 }, 250);
}

/** The golden ratio's rest: multiples of it, without their whole part, are spread evenly however many there are. */
const golden = 0.618_034;
let readers = 0;

async function run(
  provider: MockProvider,
  { server, open }: Contestant,
  count: number,
  script: Script,
  spreadMs = Math.max(1_000, count * 2),
): Promise<Sample> {
  provider.script = script;
  provider.calls.clear();
  provider.lateness = [];
  const markers = Array.from({ length: count }, () => `bench-${++readers}`);
  const opened: (() => Promise<Reading>)[] = [];
  for (let from = 0; from < count; from += 100) opened.push(...(await Promise.all(markers.slice(from, from + 100).map(open))));
  const cpuAt = server ? cpuSeconds(server.pid) : 0;
  const databaseAt = server ? cpuSecondsBelow(server.pid) : 0;
  const results = await Promise.allSettled(
    opened.map(async (read, index) => {
      // Not one every 20 ms, which is how often a token comes: all streams would have theirs in the same millisecond, and share what costs each one in life.
      await pause(((index * golden) % 1) * spreadMs);
      return read();
    }),
  );
  const tokens = count * script.tokens;
  const cpuMicros = server ? ((cpuSeconds(server.pid) - cpuAt) / tokens) * 1e6 : 0;
  const databaseMicros = server ? ((cpuSecondsBelow(server.pid) - databaseAt) / tokens) * 1e6 : 0;
  const first: number[] = [];
  const gaps: number[] = [];
  const late: number[] = [];
  let [lost, frames] = [0, 0];
  for (const [index, result] of results.entries()) {
    const call = provider.calls.get(markers[index] ?? '');
    if (result.status === 'rejected' || !call) {
      lost++;
      continue;
    }
    const { at, text, endedAt } = result.value;
    if (text !== textOf(markers[index] ?? '', script.tokens)) lost++;
    first.push((at[0] ?? Number.NaN) - call.firstByteAt);
    for (let frame = 1; frame < at.length; frame++) gaps.push((at[frame] ?? 0) - (at[frame - 1] ?? 0));
    late.push(endedAt - call.lastByteAt);
    frames += at.length;
  }
  return {
    first,
    gapP99Ms: quantile(gaps, 0.99),
    lateP99Ms: quantile(late, 0.99),
    providerLateP99Ms: quantile(provider.lateness, 0.99),
    lost,
    framesPerToken: frames / tokens,
    cpuMicros,
    databaseMicros,
  };
}

interface Most {
  readonly streams: number;
  /** The load process was behind at the next step: the server may hold more. */
  readonly isLoadBound: boolean;
  readonly tried: readonly {
    readonly streams: number;
    readonly holds: boolean;
    readonly gapP99Ms: number;
    readonly lateP99Ms: number;
    readonly providerLateP99Ms: number;
    readonly lost: number;
  }[];
}

/** The most streams that hold a p99 gap below 100 ms and keep up with the provider: by doubling, then by bisection. */
async function mostStreams(provider: MockProvider, contestant: Contestant): Promise<Most> {
  const tried: Most['tried'][number][] = [];
  let isLoadBound = false;
  const holds = async (count: number): Promise<boolean> => {
    const script = { tokens: search.tokens, tokensPerSecond, firstTokenMs: 1_000 };
    const { gapP99Ms, lateP99Ms, providerLateP99Ms, lost } = await run(provider, contestant, count, script);
    const isHeld = lost === 0 && gapP99Ms < gapMs && lateP99Ms < keepUpMs;
    tried.push({
      streams: count,
      holds: isHeld,
      gapP99Ms: round(gapP99Ms),
      lateP99Ms: round(lateP99Ms),
      providerLateP99Ms: round(providerLateP99Ms),
      lost,
    });
    isLoadBound = !isHeld && providerLateP99Ms > gapMs / 2;
    await pause(500);
    return isHeld;
  };
  let [held, failed] = [0, search.from];
  // A step that fails while the load process was behind says nothing about the server: it gets a second try.
  const holdsOrTwice = async (count: number): Promise<boolean> => (await holds(count)) || (isLoadBound && (await holds(count)));
  while (failed <= search.most && (await holdsOrTwice(failed))) [held, failed] = [failed, failed * 2];
  for (let step = 0; step < search.bisections && held > 0 && failed <= search.most; step++) {
    const middle = Math.round((held + failed) / 20) * 10;
    if (await holdsOrTwice(middle)) held = middle;
    else failed = middle;
  }
  return { streams: held, isLoadBound: isLoadBound || failed > search.most, tried };
}

/** The load process reads the provider itself: what no server in between could be faster than. */
function directReaders(provider: MockProvider): Contestant {
  return {
    name: 'direct read',
    server: null,
    open: async (marker) => async () => {
      const reading: Reading = { at: [], text: '', endedAt: 0 };
      const { body } = await request(`${provider.url}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ prompt: marker }),
      });
      for await (const bytes of body) {
        let text = '';
        for (const [, content] of (bytes as Buffer).toString().matchAll(/"content":"([^"]+)"/g)) text += content;
        if (text === '') continue;
        reading.at.push(performance.now());
        reading.text += text;
      }
      reading.endedAt = performance.now();
      return reading;
    },
  };
}

type Reduce = (text: string, message: { readonly __typename: string }) => string;

/** The reducer that ships with the product. */
async function reducer(): Promise<Reduce> {
  const path: string = new URL('../dist/client/reduce.js', import.meta.url).href;
  return ((await import(path)) as { reduceText: Reduce }).reduceText;
}

function productReaders(name: string, product: Product, reduce: Reduce): Contestant {
  const apply = (text: string, { generationStream }: { generationStream: { readonly __typename: string } }) =>
    generationStream.__typename === 'GenerationDelta' || generationStream.__typename === 'GenerationRestarted'
      ? reduce(text, generationStream)
      : null;
  return {
    name,
    server: product,
    async open(marker) {
      const reader = await Reader.open(`${product.url}/graphql`, { authorization: `Bearer ${product.key}` });
      return async () => {
        const variables = {
          applicant: { name: `Ingrid Solheim ${marker}` },
          job: { title: 'Warehouse Planner', company: 'Fjord Logistics' },
        };
        const { generationStart } = await product.ask<Started>(startMutation, {
          input: { template: 'cover-letter-classic', variables },
        });
        const reading = await reader.read(streamQuery, { id: generationStart.generation?.id }, apply);
        reader.close();
        return reading;
      };
    },
  };
}

function naiveReaders(server: Server): Contestant {
  const apply = (text: string, { letter }: { letter: { text: string } }) => text + letter.text;
  return {
    name: server.name,
    server,
    async open(marker) {
      const reader = await Reader.open(`${server.url}/graphql`, {});
      return async () => {
        const reading = await reader.read(
          'subscription Letter($prompt: String!) { letter(prompt: $prompt) { text } }',
          { prompt: marker },
          apply,
        );
        reader.close();
        return reading;
      };
    },
  };
}
