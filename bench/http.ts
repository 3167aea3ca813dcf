import { startPeer, type Server } from './harness/child.ts';
import { connections, listQuery, measure, ratiosOf, store, tableOf, warmUp, type Contestant } from './harness/list.ts';
import { startProduct } from './harness/product.ts';
import { atLeast, type Report } from './harness/report.ts';
import { median, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/** 20 generations of 7 fields: the whole product from Postgres, against servers that hold the same list in memory. */
export async function http(effort: Effort): Promise<Report> {
  const servers: Server[] = [];
  try {
    const product = await startProduct({ OFFLINE_TOKENS_PER_SECOND: '0' });
    servers.push(product);
    await store(product);
    const data = await product.ask(listQuery, { first: 20 });
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
    for (const contestant of contestants) await warmUp(contestant, data);
    await measure(contestants, effort);
    const [ours, again, peer] = contestants;
    const timesApollo = ratiosOf(ours, peer, 'requestsPerSecond');
    return {
      benchmark: 'http',
      rounds: effort.rounds,
      table: tableOf(contestants),
      gates: [atLeast('requests/s, times Apollo + Express', round(median(timesApollo)), 2)],
      notes: {
        control: spreadOf(ratiosOf(ours, again, 'requestsPerSecond')),
        timesApollo: spreadOf(timesApollo),
        apolloCpuTimesOurs: spreadOf(ratiosOf(peer, ours, 'cpuMicros')),
        connections,
      },
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
