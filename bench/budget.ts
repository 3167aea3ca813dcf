import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startPeer, type Peer } from './harness/child.ts';
import { cores, pin } from './harness/cpu.ts';
import { startProduct, type Product } from './harness/product.ts';
import { atLeast, type Report } from './harness/report.ts';
import { median, round, shuffled, spreadOf } from './harness/statistics.ts';
import type { Turn } from './peers/budgets.ts';
import type { Effort } from './run.ts';

const run = promisify(execFile);
/** As many callers as connections: what waits for a connection would be no work of the database's. */
const callers = 16;
const tenantCounts = [1, 1_000] as const;
const [ours, again, driver] = ['draftwire', 'draftwire again (A/A)', 'bare, by the driver'] as const;
/** What a pair of pgbench's writes: one row, or a row for each of the three budgets of ours. */
const [oneRow, threeRows] = ['bare, pgbench, one row', 'bare, pgbench, three rows'] as const;

/**
 * Pairs of reserving and settling a second, each under three budgets and a transaction of its own, as a start and an end of a generation do it: through
 * the product's own connections and roles, behind row-level security. Beside it bare pairs, by pgbench with as many connections, prepared, over the same
 * Unix socket and in the same database: of two UPDATEs of one row, and of two transactions that each UPDATE a row for each of three budgets, one after the other
 * and sent in one go (by one statement they run into deadlocks). And the former by a Node driver. One hot tenant, and 1,000 tenants.
 */
export async function budget({ rounds, seconds }: Effort): Promise<Report> {
  const product = await startProduct();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-bench-'));
  let peer: Peer | null = null;
  try {
    const env = { DATABASE_URL: product.databaseUrl, DATABASE_SOCKET: product.databaseSocket };
    const driven = (peer = await startPeer('budgets', 'budgets', env));
    // As free as pgbench is.
    pin(driven.pid, Object.values(cores).join(','));
    const hasPgbench = await run('pgbench', ['--version']).then(
      () => true,
      () => false,
    );
    const contestants = hasPgbench ? [ours, again, driver, oneRow, threeRows] : [ours, again, driver];
    const bases = hasPgbench ? [oneRow, threeRows] : [driver];
    const found = new Map<string, number[]>();
    const rowOf = (name: string, tenants: number) =>
      `${name}, ${tenants === 1 ? 'one tenant' : `${tenants.toLocaleString('en')} tenants`}`;
    for (let done = -1; done < rounds; done++) {
      for (const tenants of tenantCounts) {
        for (const name of shuffled(contestants)) {
          // The first round warms everything up.
          const turn = { tenants, callers, seconds: done < 0 ? 1 : seconds };
          const perSecond =
            name === oneRow || name === threeRows
              ? await bare(product, folder, scripts[name](tenants), turn)
              : await measure(driven, { ...turn, contestant: name === driver ? 'bare' : 'draftwire' });
          if (done >= 0) found.set(rowOf(name, tenants), [...(found.get(rowOf(name, tenants)) ?? []), perSecond]);
        }
      }
    }
    const ratios = (a: string, b: string, tenants: number) => {
      const below = found.get(rowOf(b, tenants)) ?? [];
      return (found.get(rowOf(a, tenants)) ?? []).map((each, index) => each / (below[index] ?? Number.NaN));
    };
    const rows = tenantCounts.flatMap((tenants) => contestants.map((name) => rowOf(name, tenants)));
    return {
      benchmark: 'budget',
      rounds,
      table: Object.fromEntries(
        rows.map((name) => {
          const { median: middle, least, most } = spreadOf(found.get(name) ?? []);
          return [name, { 'pairs/s': middle, 'least-most': `${least}-${most}` }];
        }),
      ),
      gates: bases.flatMap((base) => [
        atLeast(`one tenant, times ${base}`, round(median(ratios(ours, base, 1))), 0.5),
        atLeast(`1,000 tenants, times ${base}`, round(median(ratios(ours, base, 1_000))), 0.5),
      ]),
      notes: {
        control: Object.fromEntries(tenantCounts.map((tenants) => [tenants, spreadOf(ratios(again, ours, tenants))])),
        ratios: Object.fromEntries(
          [...bases, driver].flatMap((base) =>
            tenantCounts.map((tenants) => [rowOf(base, tenants), spreadOf(ratios(ours, base, tenants))]),
          ),
        ),
        connections: callers,
      },
    };
  } finally {
    await peer?.stop();
    await product.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(peer: Peer, turn: Turn): Promise<number> {
  peer.child.send(turn);
  const over = new AbortController();
  try {
    const gone = once(peer.child, 'exit', { signal: over.signal }).then(() =>
      Promise.reject(new Error('the peer ended while it was measured')),
    );
    gone.catch(() => undefined);
    const [{ perSecond }] = (await Promise.race([once(peer.child, 'message'), gone])) as [{ perSecond: number }];
    return perSecond;
  } finally {
    over.abort();
  }
}

/** pgbench's pairs, for a random one of so many tenants. */
const scripts: Readonly<Record<typeof oneRow | typeof threeRows, (tenants: number) => string>> = {
  [oneRow]: (tenants) => `\\set tenant random(1, ${tenants})
UPDATE bare_budgets SET used = used + 1 WHERE tenant = :tenant;
UPDATE bare_budgets SET used = used - 1 WHERE tenant = :tenant;\n`,
  [threeRows]: (tenants) => {
    const updates = (change: string) =>
      [1, 2, 3].map((cap) => `UPDATE bare_caps SET used = used ${change} WHERE tenant = :tenant AND cap = ${cap};`);
    const transaction = (change: string) => ['\\startpipeline', 'BEGIN;', ...updates(change), 'COMMIT;', '\\endpipeline'];
    return [`\\set tenant random(1, ${tenants})`, ...transaction('+ 1'), ...transaction('- 1'), ''].join('\n');
  },
};

/** What pgbench does for as long. */
async function bare(
  { databaseUrl, databaseSocket }: Product,
  folder: string,
  pair: string,
  { seconds }: Omit<Turn, 'contestant'>,
): Promise<number> {
  const script = path.join(folder, 'pair.sql');
  await writeFile(script, pair);
  const { username, password, pathname } = new URL(databaseUrl);
  const { stdout } = await run(
    'pgbench',
    [
      '-n',
      '-M',
      'prepared',
      '-c',
      String(callers),
      '-j',
      '2',
      '-T',
      String(seconds),
      '-f',
      script,
      '-U',
      username,
      pathname.slice(1),
    ],
    {
      env: {
        ...process.env,
        PGHOST: path.dirname(databaseSocket),
        PGPORT: path.extname(databaseSocket).slice(1),
        PGPASSWORD: decodeURIComponent(password),
      },
    },
  );
  const perSecond = /tps = ([\d.]+)/.exec(stdout)?.[1];
  if (perSecond === undefined) throw new Error(`pgbench said: ${stdout}`);
  return Number(perSecond);
}
