import { startPeer } from './harness/child.ts';
import { ratiosOf, reportOn, startListed, withServers, type Contestant } from './harness/list.ts';
import { atLeast, type Report } from './harness/report.ts';
import { median, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/** 20 generations of 7 fields: the whole product from Postgres, against servers that hold the same list in memory. */
export function http(effort: Effort): Promise<Report> {
  return withServers(async (start) => {
    const { product, data } = await startListed(start);
    const env = { LIST: JSON.stringify(data) };
    const apollo = await start(startPeer('Apollo Server 5 + Express 5, from memory', 'apollo-express', env));
    const mercurius = await start(startPeer('Mercurius + jit, from memory', 'mercurius-jit', env));

    const plain = { 'content-type': 'application/json' };
    const withKey = { ...plain, authorization: `Bearer ${product.key}` };
    const contestants: Contestant[] = [
      { name: 'Draftwire, from Postgres', server: product, headers: withKey, samples: [] },
      { name: 'Draftwire again (A/A)', server: product, headers: withKey, samples: [] },
      { name: apollo.name, server: apollo, headers: plain, samples: [] },
      { name: mercurius.name, server: mercurius, headers: plain, samples: [] },
    ];
    const [ours, again, peer] = contestants;
    return reportOn('http', contestants, data, effort, () => {
      const timesApollo = ratiosOf(ours, peer, 'requestsPerSecond');
      return {
        gates: [atLeast('requests/s, times Apollo + Express', round(median(timesApollo)), 2)],
        notes: {
          control: spreadOf(ratiosOf(ours, again, 'requestsPerSecond')),
          timesApollo: spreadOf(timesApollo),
          apolloCpuTimesOurs: spreadOf(ratiosOf(peer, ours, 'cpuMicros')),
        },
      };
    });
  });
}
