import { startPeer, type Server } from './harness/child.ts';
import { MockProvider, type Script } from './harness/mock-provider.ts';
import { startProduct } from './harness/product.ts';
import { Reader } from './harness/reader.ts';
import { atMost, type Report } from './harness/report.ts';
import { median, quantile, round, spreadOf } from './harness/statistics.ts';
import {
  directReaders,
  lostOf,
  mostStreams,
  productReaders,
  reducer,
  run,
  warm,
  type Contestant,
  type Most,
  type Sample,
} from './harness/streams.ts';
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
interface Samples {
  readonly ours: Sample[];
  readonly naive: Sample[];
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
    for (const contestant of [ours, naiveReaders(naive)]) await warm(provider, contestant, streams, warmUps);
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
