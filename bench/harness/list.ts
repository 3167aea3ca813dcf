import { isDeepStrictEqual } from 'node:util';
import type { Server } from './child.ts';
import { cpuSeconds, cpuSecondsBelow } from './cpu.ts';
import { startProduct, type Product } from './product.ts';
import { Repeater } from './repeater.ts';
import type { Report } from './report.ts';
import { startMutation, type Started } from './start-mutation.ts';
import type { Effort } from '../run.ts';
import { median, quantile, round, spreadOf } from './statistics.ts';

/** Requests that are under way at any time. */
const connections = 32;
const stored = 60;
/** V8 has compiled what is hot by then; a server is measured as it runs for days, not as it starts. */
const warmUpRequests = 40_000;
const warmUpSeconds = 30;
/** 20 generations of 7 fields. */
const listQuery = /* GraphQL */ `
  query List($first: Int) {
    generations(first: $first) {
      nodes {
        id
        status
        requestedModel
        model
        finishReason
        createdAt
        finishedAt
      }
    }
  }
`;
const body = JSON.stringify({ query: listQuery, operationName: 'List', variables: { first: 20 } });

/** One measurement of one contestant. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Microseconds of the server process, and of its database, per request. */
  readonly cpuMicros: number;
  readonly databaseMicros: number;
}

/** A server that is asked for the list, and what was found. */
export interface Contestant {
  readonly name: string;
  readonly server: Server;
  readonly headers: Record<string, string>;
  readonly samples: Sample[];
}

/** Opens a server that is stopped in the end. */
export type Opening = <S extends Server>(server: Promise<S>) => Promise<S>;

/** Runs `work`, and stops every server that it opened. */
export async function withServers<T>(work: (open: Opening) => Promise<T>): Promise<T> {
  const servers: Server[] = [];
  try {
    return await work(async (opening) => {
      const server = await opening;
      servers.push(server);
      return server;
    });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The product with a list to ask for, and the answer that holds it. */
export async function startListed(open: Opening): Promise<{ readonly product: Product; readonly data: unknown }> {
  const product = await open(startProduct({ OFFLINE_TOKENS_PER_SECOND: '0' }));
  await store(product);
  return { product, data: await product.ask(listQuery, { first: 20 }) };
}

/** Warms all of them up, measures them in turns, and reports what `judge` makes of it. */
export async function reportOn(
  benchmark: string,
  contestants: readonly Contestant[],
  data: unknown,
  effort: Effort,
  judge: () => Pick<Report, 'gates' | 'notes'>,
): Promise<Report> {
  for (const contestant of contestants) await warmUp(contestant, data);
  await measure(contestants, effort);
  const { gates, notes } = judge();
  return { benchmark, rounds: effort.rounds, table: tableOf(contestants), gates, notes: { ...notes, connections } };
}

/** Makes sure that a server answers with this list, and lets it answer until V8 has compiled what is hot. */
async function warmUp({ name, server, headers }: Contestant, data: unknown): Promise<void> {
  const answer = (await (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })).json()) as { data: unknown };
  if (!isDeepStrictEqual(answer.data, data)) throw new Error(`${name} answers another list`);
  await load(server, headers, warmUpSeconds, warmUpRequests);
}

/** Measures the contestants in turns. */
async function measure(
  contestants: readonly Contestant[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  for (let done = 0; done < rounds; done++) {
    for (const { server, headers, samples } of contestants) samples.push(await load(server, headers, seconds));
  }
}

/** What was found, by contestant. */
function tableOf(contestants: readonly Contestant[]): Record<string, Record<string, string | number>> {
  return Object.fromEntries(
    contestants.map(({ name, samples }) => {
      const rates = spreadOf(samples.map(({ requestsPerSecond }) => requestsPerSecond));
      const middle = (key: keyof Sample) => round(median(samples.map((sample) => sample[key])));
      return [
        name,
        {
          'requests/s': rates.median,
          'least-most': `${rates.least}-${rates.most}`,
          'p50 ms': middle('p50Ms'),
          'p99 ms': middle('p99Ms'),
          'server CPU us/request': middle('cpuMicros'),
          'database CPU us/request': middle('databaseMicros'),
        },
      ];
    }),
  );
}

/** Ratios of one figure of two contestants, each within a round, where the machine was the same for both. */
export function ratiosOf(a: Contestant | undefined, b: Contestant | undefined, key: keyof Sample): number[] {
  return (a?.samples ?? []).map((sample, index) => sample[key] / (b?.samples[index]?.[key] ?? Number.NaN));
}

/** Keeps `connections` requests under way for a time, or until there were enough, and checks each answer's status. */
async function load(server: Server, headers: Record<string, string>, seconds: number, enough = Infinity): Promise<Sample> {
  const repeaters = await Promise.all(Array.from({ length: connections }, () => Repeater.open(server.url, headers, body)));
  const times: number[] = [];
  const cpuAt = cpuSeconds(server.pid);
  const databaseAt = cpuSecondsBelow(server.pid);
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const one = async (repeater: Repeater): Promise<void> => {
    while (performance.now() < endsAt && times.length < enough) {
      const sentAt = performance.now();
      await repeater.post();
      times.push(performance.now() - sentAt);
    }
  };
  await Promise.all(repeaters.map(one));
  const elapsed = (performance.now() - startedAt) / 1_000;
  const sample = {
    requestsPerSecond: times.length / elapsed,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    cpuMicros: ((cpuSeconds(server.pid) - cpuAt) / times.length) * 1e6,
    databaseMicros: ((cpuSecondsBelow(server.pid) - databaseAt) / times.length) * 1e6,
  };
  for (const repeater of repeaters) repeater.close();
  return sample;
}

/** Writes letters with the offline provider, so that the list holds rows as large as real ones. */
async function store(product: Product): Promise<void> {
  const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Warehouse Planner', company: 'Fjord Logistics' } };
  for (let written = 0; written < stored; written++) {
    const { generationStart } = await product.ask<Started>(startMutation, {
      input: { template: 'cover-letter-classic', variables },
    });
    if (generationStart.errors.length > 0) throw new Error(JSON.stringify(generationStart.errors));
  }
  for (;;) {
    const { generations } = await product.ask<{ generations: { nodes: unknown[] } }>(
      'query { generations(first: 100, filter: { status: [SUCCEEDED] }) { nodes { id } } }',
    );
    if (generations.nodes.length === stored) return;
  }
}
