import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { startPeer, type Peer } from './harness/child.ts';
import { MockProvider } from './harness/mock-provider.ts';
import { startProduct, type Product } from './harness/product.ts';
import { atMost, type Report } from './harness/report.ts';
import { median, quantile, round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

const startsInARound = 100;
const jobsInARound = 8;
const poolSize = 8;

const startMutation = /* GraphQL */ `
  mutation Start($input: GenerationStartInput!) {
    generationStart(input: $input) {
      generation {
        id
      }
      errors {
        message
      }
    }
  }
`;

/** From the mutation to the provider's request, both ends seen by the client and the mock, against one INSERT and its commit. */
export async function start({ rounds }: Effort): Promise<Report> {
  const provider = await MockProvider.open({ tokens: 3, tokensPerSecond: 1_000, firstTokenMs: 0 });
  const product = await startProduct({
    OPENAI_BASE_URL: provider.url,
    OPENAI_API_KEY: 'none',
    DEFAULT_MODEL: 'openai/mock',
    MAX_RUNNING_GENERATIONS: '10000',
  });
  const sql = postgres(product.databaseUrl, { max: poolSize, prepare: true, onnotice: () => undefined });
  const boss = await startPeer('pg-boss send -> work', 'pg-boss', { DATABASE_URL: product.databaseUrl });
  try {
    await sql`create table bench_inserts (id uuid primary key, tenant_id uuid not null, body text not null, created_at timestamptz not null default now())`;
    await starts(product, provider);
    const contestants: [string, () => Promise<number[]>][] = [
      ['bare INSERT + commit, one small row', () => inserts(sql)],
      ['bare INSERT + commit, the same row', () => sameRows(sql)],
      ['bare INSERT + commit, the same row again (A/A)', () => sameRows(sql)],
      ['Draftwire mutation -> provider request', () => starts(product, provider)],
      ['Draftwire again (A/A)', () => starts(product, provider)],
      [boss.name, () => jobs(boss)],
    ];
    for (const [, measure] of contestants.slice(0, 4)) await measure();
    const samples = contestants.map((): number[][] => []);
    for (let done = 0; done < rounds; done++)
      for (const [index, [, measure]] of contestants.entries()) samples[index]?.push(await measure());

    const [small = [], bare = [], bareAgain = [], ours = [], again = []] = samples;
    const ratio = (a: readonly number[][], b: readonly number[][], q: number) =>
      a.map((times, index) => quantile(times, q) / quantile(b[index] ?? [], q));
    const table = Object.fromEntries(
      contestants.map(([name], index) => {
        const of = (q: number) => spreadOf((samples[index] ?? []).map((times) => quantile(times, q)));
        const [p50, p99] = [of(0.5), of(0.99)];
        return [
          name,
          {
            'p50 ms': p50.median,
            'p50 least-most': `${p50.least}-${p50.most}`,
            'p99 ms': p99.median,
            'p99 least-most': `${p99.least}-${p99.most}`,
          },
        ];
      }),
    );
    return {
      benchmark: 'start',
      rounds,
      table,
      gates: [
        atMost('p50, times the bare INSERT of the same row', round(median(ratio(ours, bare, 0.5))), 3),
        atMost('p99, times the bare INSERT of the same row', round(median(ratio(ours, bare, 0.99))), 3),
      ],
      notes: {
        control: { inserts: spreadOf(ratio(bareAgain, bare, 0.5)), starts: spreadOf(ratio(again, ours, 0.5)) },
        timesSmallInsert: { p50: spreadOf(ratio(ours, small, 0.5)), p99: spreadOf(ratio(ours, small, 0.99)) },
        timesInsert: { p50: spreadOf(ratio(ours, bare, 0.5)), p99: spreadOf(ratio(ours, bare, 0.99)) },
        startsInARound,
      },
    };
  } finally {
    await boss.stop();
    await sql.end();
    await product.stop();
    await provider.close();
  }
}

async function inserts(sql: postgres.Sql): Promise<number[]> {
  const times: number[] = [];
  const [tenantId, body] = [randomUUID(), 'x'.repeat(1_000)];
  for (let index = 0; index < startsInARound; index++) {
    const sentAt = performance.now();
    await sql`insert into bench_inserts (id, tenant_id, body) values (${randomUUID()}, ${tenantId}, ${body})`;
    times.push(performance.now() - sentAt);
  }
  return times;
}

/** A row of `generations` as the product writes it, into the same table, by the owner: what storing one start costs at least. */
async function sameRows(sql: postgres.Sql): Promise<number[]> {
  const [row] = await sql`select * from generations limit 1`;
  const times: number[] = [];
  for (let index = 0; index < startsInARound; index++) {
    const copy = { ...row, id: randomUUID() };
    const sentAt = performance.now();
    await sql`insert into generations ${sql(copy)}`;
    times.push(performance.now() - sentAt);
  }
  return times;
}

let markers = 0;

/** One after the other: the writing of one letter is no part of the start of the next. */
async function starts(product: Product, provider: MockProvider): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < startsInARound; index++) {
    const marker = `bench-${++markers}`;
    const arrived = new Promise<number>((resolve) => {
      provider.onCall = (call) => {
        if (call.marker === marker) resolve(call.requestedAt);
      };
    });
    const variables = {
      applicant: { name: `Ingrid Solheim ${marker}` },
      job: { title: 'Warehouse Planner', company: 'Fjord Logistics' },
    };
    const sentAt = performance.now();
    const asked = product.ask<Started>(startMutation, { input: { template: 'cover-letter-classic', variables } });
    const [requestedAt, { generationStart }] = await Promise.all([arrived, asked]);
    times.push(requestedAt - sentAt);
    await untilWritten(product, generationStart.generation?.id ?? '');
  }
  return times;
}

interface Started {
  readonly generationStart: { readonly generation: { readonly id: string } | null };
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
