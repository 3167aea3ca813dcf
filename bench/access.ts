import { startPeer, type Server } from './harness/child.ts';
import { connections, listQuery, measure, ratiosOf, store, tableOf, warmUp, type Contestant } from './harness/list.ts';
import { startProduct } from './harness/product.ts';
import { atMost, type Report } from './harness/report.ts';
import { median, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/**
 * The list of the benchmark `http` from the product as it ships, with everything that decides who may do what and how often, against the same
 * code on the same database with nothing of it: a caller that is not looked up, no limits, and a role that row-level security does not bind.
 */
export async function access(effort: Effort): Promise<Report> {
  const servers: Server[] = [];
  try {
    const product = await startProduct({ OFFLINE_TOKENS_PER_SECOND: '0' });
    servers.push(product);
    await store(product);
    const data = await product.ask(listQuery, { first: 20 });
    const open = await startPeer('Draftwire with no access control', 'no-access', {
      DATABASE_URL: product.databaseUrl,
      DATABASE_SOCKET: product.databaseSocket,
      KEY: product.key,
    });
    servers.push(open);

    const headers = { 'content-type': 'application/json', authorization: `Bearer ${product.key}` };
    const contestants: Contestant[] = [
      { name: 'Draftwire', server: product, headers, samples: [] },
      { name: open.name, server: open, headers, samples: [] },
      { name: 'Draftwire again (A/A)', server: product, headers, samples: [] },
    ];
    for (const contestant of contestants) await warmUp(contestant, data);
    await measure(contestants, effort);
    const [ours, none, again] = contestants;
    const timesNone = ratiosOf(ours, none, 'cpuMicros');
    return {
      benchmark: 'access',
      rounds: effort.rounds,
      table: tableOf(contestants),
      gates: [atMost('server CPU a request, times that with no access control', round(median(timesNone)), 1.25)],
      notes: {
        control: spreadOf(ratiosOf(again, ours, 'cpuMicros')),
        timesNone: spreadOf(timesNone),
        requestsTimesNone: spreadOf(ratiosOf(ours, none, 'requestsPerSecond')),
        connections,
      },
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
