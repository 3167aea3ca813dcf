import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { startPeer, type Peer } from './harness/child.ts';
import { MockProvider } from './harness/mock-provider.ts';
import { Poster } from './harness/poster.ts';
import { startProduct, type Product } from './harness/product.ts';
import { atMost, type Report } from './harness/report.ts';
import { startMutation, type Started } from './harness/start-mutation.ts';
import { median, quantile, round, shuffled, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/** The p99 is of all rounds together: with 5 rounds, the 15 slowest of 1,500. */
const startsInARound = 300;
/** Times ten starts at once: a server's code is compiled after some thousand calls, not after the first. */
const warmUps = 100;
const warmTurns = 100;
const jobsInARound = 8;
/** Before each insert and each start, so that all begin from rest. */
const restMs = 2;

/**
 * From the mutation received (its last byte handed to the kernel by an idle client) to the provider's request sent (its first bytes read by
 * the mock), against one prepared INSERT of the same row with its commit. Starts and inserts take turns one by one in a
 * changing order, each after the same rest, so that both meet the same machine: processes that slept, with cold caches. Inserts back to back are shown beside them.
 */
export async function start({ rounds }: Effort): Promise<Report> {
  const provider = await MockProvider.open({ tokens: 3, tokensPerSecond: 1_000, firstTokenMs: 0 });
  const product = await startProduct({
    OPENAI_BASE_URL: provider.url,
    OPENAI_API_KEY: 'none',
    DEFAULT_MODEL: 'openai/mock',
    MAX_RUNNING_GENERATIONS: '10000',
  });
  // The same road to the database as the product's.
  const sql = postgres(product.databaseUrl, { path: product.databaseSocket, max: 1, prepare: true, onnotice: () => undefined });
  const boss = await startPeer('pg-boss send -> work', 'pg-boss', { DATABASE_URL: product.databaseUrl });
  let poster: Poster | null = null;
  try {
    await sql`create table bench_inserts (id uuid primary key, tenant_id uuid not null, body text not null, created_at timestamptz not null default now())`;
    for (let done = 0; done < warmUps; done++) await Promise.all(Array.from({ length: 10 }, () => startWarm(product)));
    // Not before: the server closes a connection that says nothing for long.
    const own = (poster = await Poster.open(product.url, product.key));
    const started = () => startOne(product, own, provider);
    await started();
    const [row = {}] = await sql`select * from generations limit 1`;
    const same = () => insertSame(sql, row);
    const turns: [string, () => Promise<number>][] = [
      ['bare INSERT + commit, one small row', () => insertSmall(sql)],
      ['bare INSERT + commit, the same row', same],
      ['Draftwire mutation -> provider request', started],
      ['bare INSERT + commit, the same row again (A/A)', same],
      ['Draftwire again (A/A)', started],
    ];
    const backToBack = 'bare INSERT + commit, the same row, back to back';
    const samples = new Map<string, number[][]>(
      [...turns.map(([name]) => name), backToBack, boss.name].map((name) => [name, []]),
    );
    for (let done = -1; done < rounds; done++) {
      const times = new Map<string, number[]>([...samples.keys()].map((name) => [name, []]));
      for (let index = 0; index < (done < 0 ? warmTurns : startsInARound); index++) {
        // In a new order each time: what comes behind a start meets caches that the start has emptied.
        for (const [name, measure] of shuffled(turns)) {
          await pause(restMs);
          times.get(name)?.push(await measure());
        }
      }
      for (let index = 0; index < startsInARound; index++) times.get(backToBack)?.push(await same());
      times.get(boss.name)?.push(...(await jobs(boss)));
      // The first round warms everything up.
      if (done >= 0) for (const [name, found] of times) samples.get(name)?.push(found);
    }

    const [small = [], bare = [], ours = [], bareAgain = [], again = [], hot = []] = [...samples.values()];
    const ratio = (a: readonly number[][], b: readonly number[][], q: number) =>
      a.map((times, index) => quantile(times, q) / quantile(b[index] ?? [], q));
    const whole = (a: readonly number[][], q: number) => quantile(a.flat(), q);
    const table = Object.fromEntries(
      [...samples].map(([name, found]) => {
        const of = (q: number) => spreadOf(found.map((times) => quantile(times, q)));
        const [p50, p99] = [of(0.5), of(0.99)];
        return [
          name,
          {
            'p50 ms': p50.median,
            'p50 least-most': `${p50.least}-${p50.most}`,
            'p99 ms': round(whole(found, 0.99)),
            'p99 least-most': `${p99.least}-${p99.most}`,
          },
        ];
      }),
    );
    const timesOf = (a: readonly number[][], b: readonly number[][]) => ({
      p50: spreadOf(ratio(a, b, 0.5)),
      p99: round(whole(a, 0.99) / whole(b, 0.99)),
      p99Rounds: spreadOf(ratio(a, b, 0.99)),
    });
    return {
      benchmark: 'start',
      rounds,
      table,
      gates: [
        atMost('p50, times the bare INSERT of the same row', round(median(ratio(ours, bare, 0.5))), 3),
        atMost('p99 of all rounds, times the bare INSERT of the same row', timesOf(ours, bare).p99, 3),
      ],
      notes: {
        control: { inserts: timesOf(bareAgain, bare), starts: timesOf(again, ours) },
        timesInsert: timesOf(ours, bare),
        againTimesInsert: timesOf(again, bareAgain),
        timesInsertBackToBack: timesOf(ours, hot),
        timesSmallInsert: timesOf(ours, small),
        startsInARound,
      },
    };
  } finally {
    await boss.stop();
    poster?.close();
    await sql.end();
    await product.stop();
    await provider.close();
  }
}

const [benchTenant, benchBody] = [randomUUID(), 'x'.repeat(1_000)];

async function insertSmall(sql: postgres.Sql): Promise<number> {
  const sentAt = performance.now();
  await sql`insert into bench_inserts (id, tenant_id, body) values (${randomUUID()}, ${benchTenant}, ${benchBody})`;
  return performance.now() - sentAt;
}

/** A row of `generations` as the product writes it, into the same table, by the owner: what storing one start costs at least. */
async function insertSame(sql: postgres.Sql, row: object): Promise<number> {
  const copy = { ...row, id: randomUUID() };
  const sentAt = performance.now();
  await sql`insert into generations ${sql(copy)}`;
  return performance.now() - sentAt;
}

let markers = 0;

/** Waits until the letter is written: its writing is no part of what comes next. */
async function startOne(product: Product, poster: Poster, provider: MockProvider): Promise<number> {
  const marker = `bench-${++markers}`;
  const arrived = new Promise<number>((resolve) => {
    provider.onCall = (call) => {
      if (call.marker === marker) resolve(call.arrivedAt);
    };
  });
  const variables = {
    // Not in the name, which does not leave.
    applicant: { name: 'Ingrid Solheim' },
    job: { title: `Warehouse Planner ${marker}`, company: 'Fjord Logistics' },
  };
  const { sentAt, data } = poster.post<Started>(startMutation, { input: { template: 'cover-letter-classic', variables } });
  const [arrivedAt, { generationStart }] = await Promise.all([arrived, data]);
  await untilWritten(product, generationStart.generation?.id ?? '');
  return arrivedAt - sentAt;
}

async function startWarm(product: Product): Promise<void> {
  const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Warehouse Planner', company: 'Fjord Logistics' } };
  const { generationStart } = await product.ask<Started>(startMutation, {
    input: { template: 'cover-letter-classic', variables },
  });
  await untilWritten(product, generationStart.generation?.id ?? '');
}

async function untilWritten(product: Product, id: string): Promise<void> {
  for (;;) {
    const { generation } = await product.ask<{ generation: { status: string } }>(
      'query Status($id: ID!) { generation(id: $id) { status } }',
      { id },
    );
    if (generation.status === 'SUCCEEDED') return;
    if (generation.status !== 'RUNNING') throw new Error(`the generation is ${generation.status}`);
    await pause(2);
  }
}

async function jobs(boss: Peer): Promise<number[]> {
  boss.child.send({ jobs: jobsInARound });
  const [{ times }] = (await once(boss.child, 'message')) as [{ times: number[] }];
  return times;
}
