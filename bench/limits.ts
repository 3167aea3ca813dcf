import { once } from 'node:events';
import { startPeer, type Peer } from './harness/child.ts';
import { startProduct } from './harness/product.ts';
import { atLeast, type Report } from './harness/report.ts';
import { median, round, spreadOf } from './harness/statistics.ts';
import type { Turn } from './peers/limiter.ts';
import type { Effort } from './run.ts';

const callers = 64;
const keyCounts = [1, 10_000] as const;
const contestants = [
  'draftwire',
  'rate-limiter-flexible',
  'draftwire again (A/A)',
  'rate-limiter-flexible, commits not waited for',
] as const;

/**
 * Calls a second that a limiter admits for 64 callers, each asking again as soon as it is answered: the product's limiter (a member's and
 * its tenant's bucket in each call) against rate-limiter-flexible (one bucket) in the same process on the same embedded PostgreSQL. Keys are
 * the members of one tenant. They take turns within each round. The peer runs as it ships, and beside it, without a gate, with commits that
 * are not waited for, as ours are not.
 */
export async function limits({ rounds, seconds }: Effort): Promise<Report> {
  const product = await startProduct();
  const peer = await startPeer('limiters', 'limiter', { DATABASE_URL: product.databaseUrl });
  try {
    const found = new Map<string, number[]>();
    const rowOf = (name: string, keys: number) => `${name}, ${keys === 1 ? 'one key' : `${keys.toLocaleString('en')} keys`}`;
    for (let done = -1; done < rounds; done++) {
      for (const keys of keyCounts) {
        for (const name of contestants) {
          const contestant = name === 'draftwire again (A/A)' ? 'draftwire' : name;
          const perSecond = await measure(peer, { contestant, keys, callers, seconds: done < 0 ? 1 : seconds });
          // The first round warms everything up.
          if (done >= 0) found.set(rowOf(name, keys), [...(found.get(rowOf(name, keys)) ?? []), perSecond]);
        }
      }
    }
    const ratios = (a: string, b: string, keys: number) => {
      const below = found.get(rowOf(b, keys)) ?? [];
      return (found.get(rowOf(a, keys)) ?? []).map((each, index) => each / (below[index] ?? Number.NaN));
    };
    const [ours, theirs, again, theirsQuick] = contestants;
    const table = Object.fromEntries(
      [...found].map(([name, values]) => {
        const { median: middle, least, most } = spreadOf(values);
        return [name, { 'admitted/s': middle, 'least-most': `${least}-${most}` }];
      }),
    );
    const times = (keys: number) => round(median(ratios(ours, theirs, keys)));
    return {
      benchmark: 'limits',
      rounds,
      table,
      gates: [
        atLeast('one key, times rate-limiter-flexible', times(1), 10),
        atLeast('10,000 keys, times rate-limiter-flexible', times(10_000), 1),
      ],
      notes: {
        control: Object.fromEntries(keyCounts.map((keys) => [keys, spreadOf(ratios(again, ours, keys))])),
        ratios: Object.fromEntries(keyCounts.map((keys) => [keys, spreadOf(ratios(ours, theirs, keys))])),
        ratiosCommitsNotWaitedFor: Object.fromEntries(keyCounts.map((keys) => [keys, spreadOf(ratios(ours, theirsQuick, keys))])),
        callers,
      },
    };
  } finally {
    await peer.stop();
    await product.stop();
  }
}

async function measure(peer: Peer, turn: Turn): Promise<number> {
  peer.child.send(turn);
  const [{ perSecond }] = (await once(peer.child, 'message')) as [{ perSecond: number }];
  return perSecond;
}
