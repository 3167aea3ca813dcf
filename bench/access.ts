import { startPeer } from './harness/child.ts';
import { ratiosOf, reportOn, startListed, withServers, type Contestant } from './harness/list.ts';
import { atMost, type Report } from './harness/report.ts';
import { median, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/**
 * The list of the benchmark `http` from the product as it ships, with everything that decides who may do what and how often, against the same
 * code on the same database with nothing of it: a caller that is not looked up, no limits, and a role that row-level security does not bind.
 */
export function access(effort: Effort): Promise<Report> {
  return withServers(async (start) => {
    const { product, data } = await startListed(start);
    const peer = startPeer('Draftwire with no access control', 'no-access', {
      DATABASE_URL: product.databaseUrl,
      DATABASE_SOCKET: product.databaseSocket,
      KEY: product.key,
      // As the product's.
      NODE_ENV: 'development',
    });
    const open = await start(peer);

    const headers = { 'content-type': 'application/json', authorization: `Bearer ${product.key}` };
    const contestants: Contestant[] = [
      { name: 'Draftwire', server: product, headers, samples: [] },
      { name: open.name, server: open, headers, samples: [] },
      { name: 'Draftwire again (A/A)', server: product, headers, samples: [] },
    ];
    const [ours, none, again] = contestants;
    return reportOn('access', contestants, data, effort, () => {
      const timesNone = ratiosOf(ours, none, 'cpuMicros');
      return {
        gates: [atMost('server CPU a request, times that with no access control', round(median(timesNone)), 1.25)],
        notes: {
          control: spreadOf(ratiosOf(again, ours, 'cpuMicros')),
          timesNone: spreadOf(timesNone),
          requestsTimesNone: spreadOf(ratiosOf(ours, none, 'requestsPerSecond')),
        },
      };
    });
  });
}
