import { isDeepStrictEqual } from 'node:util';
import { startPeer, type Server } from './harness/child.ts';
import { cpuSeconds, cpuSecondsBelow } from './harness/cpu.ts';
import { startProduct, type Product } from './harness/product.ts';
import { Repeater } from './harness/repeater.ts';
import { atLeast, type Report } from './harness/report.ts';
import { startMutation, type Started } from './harness/start-mutation.ts';
import { median, quantile, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

const connections = 32;
const stored = 60;
/** V8 has compiled what is hot by then; a server is measured as it runs for days, not as it starts. */
const warmUpRequests = 40_000;
const warmUpSeconds = 30;
const query = /* GraphQL */ `
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
const body = JSON.stringify({ query, operationName: 'List', variables: { first: 20 } });

/** One measurement of one contestant. */
interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Microseconds of the server process, and of its database, per request. */
  readonly cpuMicros: number;
  readonly databaseMicros: number;
}

interface Contestant {
  readonly name: string;
  readonly server: Server;
  readonly headers: Record<string, string>;
  readonly samples: Sample[];
}

/** 20 generations of 7 fields: the whole product from Postgres, against servers that hold the same list in memory. */
export async function http({ rounds, seconds }: Effort): Promise<Report> {
  const servers: Server[] = [];
  try {
    const product = await startProduct({ OFFLINE_TOKENS_PER_SECOND: '0' });
    servers.push(product);
    await store(product);
    const data = await product.ask(query, { first: 20 });
    const env = { LIST: JSON.stringify(data) };
    const apollo = await startPeer('Apollo Server 5 + Express 5, from memory', 'apollo-express', env);
    servers.push(apollo);
    const mercurius = await startPeer('Mercurius + jit, from memory', 'mercurius-jit', env);
    servers.push(mercurius);

    const plain = { 'content-type': 'application/json' };
    const withKey = { ...plain, authorization: `Bearer ${product.key}` };
    const contestants: Contestant[] = [
      { name: 'Draftwire, from Postgres', server: product, headers: withKey, samples: [] },
      { name: 'Draftwire again (A/A)', server: product, headers: withKey, samples: [] },
      { name: apollo.name, server: apollo, headers: plain, samples: [] },
      { name: mercurius.name, server: mercurius, headers: plain, samples: [] },
    ];
    for (const { name, server, headers } of contestants) {
      const answer = (await (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })).json()) as {
        data: unknown;
      };
      if (!isDeepStrictEqual(answer.data, data)) throw new Error(`${name} answers another list`);
      await load(server, headers, warmUpSeconds, warmUpRequests);
    }
    for (let done = 0; done < rounds; done++) {
      for (const { server, headers, samples } of contestants) samples.push(await load(server, headers, seconds));
    }
    return reportOf(contestants, rounds);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function reportOf(contestants: readonly Contestant[], rounds: number): Report {
  const [ours, again, apollo] = contestants.map(({ samples }) => samples.map(({ requestsPerSecond }) => requestsPerSecond));
  // Ratios are taken within a round, where the machine was the same for both.
  const ratioTo = (other: readonly number[] = []) => (ours ?? []).map((value, index) => value / (other[index] ?? Number.NaN));
  const table = Object.fromEntries(
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
  return {
    benchmark: 'http',
    rounds,
    table,
    gates: [atLeast('requests/s, times Apollo + Express', round(median(ratioTo(apollo))), 2)],
    notes: { control: spreadOf(ratioTo(again)), timesApollo: spreadOf(ratioTo(apollo)), connections },
  };
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
