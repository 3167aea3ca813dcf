import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { startPeer, type Server } from './harness/child.ts';
import { MockProvider } from './harness/mock-provider.ts';
import { Poster } from './harness/poster.ts';
import { startProduct, type Product } from './harness/product.ts';
import { atLeast, atMost, type Report } from './harness/report.ts';
import { startMutation, type Started } from './harness/start-mutation.ts';
import { median, quantile, round, shuffled, spreadOf } from './harness/statistics.ts';
import {
  chatBody,
  chatReaders,
  directReaders,
  lostOf,
  mostStreams,
  productReaders,
  reducer,
  run,
  warm,
  type Contestant,
  type Most,
  type Sample,
} from './harness/streams.ts';
import type { Effort } from './run.ts';

const tokensPerSecond = 50;
/** How many streams at a time, and how long their texts are. What a token costs is found with whole letters. */
const levels = [
  { streams: 1, tokens: 100 },
  { streams: 32, tokens: 100 },
  { streams: 128, tokens: 200 },
];
/**
 * What a token costs in texts as models write them: short letters, letters and reports (the lengths of `stream`), by a slow model and by a quick one, with as
 * many tokens a second in all.
 */
const texts = [200, 400, 1_200].flatMap((tokens) => [
  { streams: 128, tokens, tokensPerSecond },
  { streams: 32, tokens, tokensPerSecond: 200 },
]);
const warmStreams = 50;
const warmUps = [
  { rounds: 6, tokens: 20, tokensPerSecond: 50 },
  { rounds: 1, tokens: 400, tokensPerSecond: 100 },
];
/** One after the other, each after a rest. */
const requests = 100;
const restMs = 2;

/** What is told of a server that was asked, one request at a time: milliseconds. */
type Times = Record<'commit' | 'product' | 'portkey', number[]>;

/** Samples of a contestant, by level and by text. */
interface Entry {
  readonly contestant: Contestant;
  readonly samples: Sample[][];
  readonly texts: Sample[][];
}

/**
 * Letters by the product, which also stores them, as it ships and with a delivery window of 0; by Portkey's gateway, which passes the provider's stream
 * on; and by a direct read. One mock, in turns. Then, in half as many rounds, texts of other lengths and paces; BENCH_SKIP_TEXTS leaves them out.
 */
export async function gateway({ rounds }: Effort): Promise<Report> {
  const provider = await MockProvider.open({ tokens: 3, tokensPerSecond: 1_000, firstTokenMs: 0 });
  const env = {
    OPENAI_BASE_URL: provider.url,
    OPENAI_API_KEY: 'none',
    DEFAULT_MODEL: 'openai/mock',
    MAX_RUNNING_GENERATIONS: '10000',
  };
  const product = await startProduct(env);
  const eager = await startProduct({ ...env, STREAM_WINDOW_MS: '0' });
  const portkey = await startPeer('Portkey gateway', 'portkey');
  const headers = { authorization: 'Bearer none', 'x-portkey-provider': 'openai', 'x-portkey-custom-host': provider.url };
  try {
    const reduce = await reducer();
    const ours = productReaders('Draftwire', product, reduce);
    const passed = chatReaders(portkey.name, portkey, `${portkey.url}/v1/chat/completions`, {
      ...headers,
      'content-type': 'application/json',
    });
    const withoutWindow = productReaders('Draftwire, no window', eager, reduce);
    const entries = [directReaders(provider), ours, { ...ours, name: 'Draftwire again (A/A)' }, withoutWindow, passed].map(
      (contestant): Entry => ({ contestant, samples: levels.map(() => []), texts: texts.map(() => []) }),
    );
    for (const contestant of [ours, withoutWindow, passed]) await warm(provider, contestant, warmStreams, warmUps);
    for (let done = 0; done < rounds; done++) {
      for (const [level, { streams, tokens }] of levels.entries()) {
        for (const { contestant, samples } of entries)
          samples[level]?.push(await run(provider, contestant, streams, { tokens, tokensPerSecond, firstTokenMs: 400 }, 1_000));
      }
    }
    if (!process.env.BENCH_SKIP_TEXTS) {
      const [, product, , , peer] = entries;
      for (let done = 0; done < Math.max(1, Math.floor(rounds / 2)); done++) await measureTexts(provider, [product, peer]);
    }
    const times = await requestTimes(provider, product, portkey, headers);
    const most: Record<string, Most> = {};
    if (!process.env.BENCH_SKIP_SEARCH) {
      for (const contestant of [ours, passed]) most[contestant.name] = await mostStreams(provider, contestant);
    }
    return reportOf(entries, times, most, rounds);
  } finally {
    await Promise.all([product.stop(), eager.stop(), portkey.stop()]);
    await provider.close();
  }
}

/** One round of all texts. */
async function measureTexts(provider: MockProvider, entries: readonly (Entry | undefined)[]): Promise<void> {
  for (const [text, { streams, ...script }] of texts.entries()) {
    for (const entry of entries)
      if (entry) entry.texts[text]?.push(await run(provider, entry.contestant, streams, { ...script, firstTokenMs: 400 }, 1_000));
  }
}

function reportOf(entries: readonly Entry[], times: Times, most: Record<string, Most>, rounds: number): Report {
  const [direct, ours, again, eager, portkey] = entries;
  const set = (entry: Entry | undefined, level: number): readonly Sample[] => entry?.samples[level] ?? [];
  /** What a server adds to the direct read of the same round, in the middle of the rounds. */
  const added = (entry: Entry | undefined, level: number, key: 'first' | 'delays', q: number): number =>
    median(
      set(entry, level).map((sample, index) => quantile(sample[key], q) - quantile(set(direct, level)[index]?.[key] ?? [], q)),
    );
  const cpuSecondsAMillion = (entry: Entry | undefined): number[] =>
    set(entry, levels.length - 1).map(({ cpuMicros }) => cpuMicros);
  const cpuRatios = (a: Entry | undefined, b: Entry | undefined): number[] =>
    cpuSecondsAMillion(a).map((micros, index) => micros / (cpuSecondsAMillion(b)[index] ?? Number.NaN));
  const byText = texts.map((text, index) => {
    const [of, peers] = [ours, portkey].map((entry) => (entry?.texts[index] ?? []).map(({ cpuMicros }) => cpuMicros));
    const ratios = (peers ?? []).map((micros, round) => micros / (of?.[round] ?? Number.NaN));
    return { ...text, ours: round(median(of ?? [])), portkey: round(median(peers ?? [])), timesLess: spreadOf(ratios) };
  });
  const timesLess = [median(cpuRatios(portkey, ours)), ...byText.map(({ timesLess: { median: times } }) => times)];
  const table: Record<string, Record<string, string | number>> = {};
  for (const entry of entries) {
    const { name } = entry.contestant;
    const row: Record<string, string | number> = {};
    for (const [level, { streams }] of levels.entries()) {
      const pair = (key: 'first' | 'delays') =>
        `${round(added(entry, level, key, 0.5))} / ${round(added(entry, level, key, 0.99))}`;
      row[`${streams}: first byte added p50/p99 ms`] = pair('first');
      row[`${streams}: every byte added p50/p99 ms`] = pair('delays');
    }
    row['CPU s/M tokens'] = round(median(cpuSecondsAMillion(entry)));
    row['database CPU s/M tokens'] = round(median(set(entry, levels.length - 1).map(({ databaseMicros }) => databaseMicros)));
    row['lost texts'] = lostOf(entry.samples.flat());
    row['most streams'] = most[name] ? `${most[name].isLoadBound ? '>= ' : ''}${most[name].streams}` : '';
    table[name] = row;
  }
  /** How much less than Portkey it adds; the gate asks for above 0 at each level. */
  const lessThanPortkey = (entry: Entry | undefined, key: 'first' | 'delays', q: number): number =>
    round(Math.min(...levels.map((_, level) => added(portkey, level, key, q) - added(entry, level, key, q))));
  const p50 = (key: keyof Times): number => quantile(times[key], 0.5);
  const streamsOf = (entry: Entry | undefined): number => most[entry?.contestant.name ?? '']?.streams ?? Number.NaN;
  const isSearched = Object.keys(most).length > 0;
  return {
    benchmark: 'gateway',
    rounds,
    table,
    gates: [
      atMost('texts that were not exact', lostOf([ours, again, eager].flatMap((entry) => entry?.samples.flat() ?? [])), 0),
      atLeast('first byte, p50: ms less than Portkey adds', lessThanPortkey(ours, 'first', 0.5), 0),
      atLeast('first byte, p99: ms less than Portkey adds', lessThanPortkey(ours, 'first', 0.99), 0),
      atLeast('every byte, p50: ms less than Portkey adds', lessThanPortkey(ours, 'delays', 0.5), 0),
      atLeast('every byte, p99: ms less than Portkey adds', lessThanPortkey(ours, 'delays', 0.99), 0),
      atMost(
        'request to provider request: commits beyond Portkey, p50',
        round((p50('product') - p50('portkey')) / p50('commit')),
        2,
      ),
      atLeast(
        'times less CPU a token than Portkey, the worst',
        round(Math.min(...timesLess.filter((times) => !Number.isNaN(times)))),
        5,
      ),
      ...(isSearched ? [atLeast('times the streams of Portkey', round(streamsOf(ours) / streamsOf(portkey)), 5)] : []),
    ],
    notes: {
      withoutWindow: {
        firstByte: { p50: lessThanPortkey(eager, 'first', 0.5), p99: lessThanPortkey(eager, 'first', 0.99) },
        everyByte: { p50: lessThanPortkey(eager, 'delays', 0.5), p99: lessThanPortkey(eager, 'delays', 0.99) },
        timesLessCpu: spreadOf(cpuRatios(portkey, eager)),
      },
      timesLessCpu: spreadOf(cpuRatios(portkey, ours)),
      byText: ours?.texts[0]?.length ? byText : [],
      control: spreadOf(cpuRatios(ours, again)),
      requestMs: Object.fromEntries(
        Object.entries(times).map(([key, values]) => [
          key,
          { p50: round(quantile(values, 0.5)), p99: round(quantile(values, 0.99)) },
        ]),
      ),
      most,
      levels,
      tokensPerSecond,
    },
  };
}

/** From a request's last byte handed to the kernel to the first bytes of the provider's request, beside a commit of one small row; in turns. */
async function requestTimes(
  provider: MockProvider,
  product: Product,
  portkey: Server,
  headers: Readonly<Record<string, string>>,
): Promise<Times> {
  provider.script = { tokens: 3, tokensPerSecond: 1_000, firstTokenMs: 0 };
  const sql = postgres(product.databaseUrl, { path: product.databaseSocket, max: 1, prepare: true, onnotice: () => undefined });
  const poster = await Poster.open(product.url, product.key);
  const socket = await connected(portkey.url);
  try {
    await sql`create table if not exists bench_inserts (id uuid primary key, tenant_id uuid not null, body text not null)`;
    const commit = async (): Promise<number> => {
      const sentAt = performance.now();
      await sql`insert into bench_inserts (id, tenant_id, body) values (${randomUUID()}, ${benchTenant}, ${benchBody})`;
      return performance.now() - sentAt;
    };
    const turns: [keyof Times, () => Promise<number>][] = [
      ['commit', commit],
      ['product', () => askProduct(provider, product, poster)],
      ['portkey', () => askPortkey(provider, socket, new URL(portkey.url).host, headers)],
    ];
    const times: Times = { commit: [], product: [], portkey: [] };
    for (let done = -requests / 4; done < requests; done++) {
      for (const [name, measure] of shuffled(turns)) {
        await pause(restMs);
        const ms = await measure();
        // The first ones warm everything up.
        if (done >= 0) times[name].push(ms);
      }
    }
    return times;
  } finally {
    socket.destroy();
    poster.close();
    await sql.end();
  }
}

const [benchTenant, benchBody] = [randomUUID(), 'x'.repeat(1_000)];
let asked = 1_000_000;

function arrivalOf(provider: MockProvider, marker: string): Promise<number> {
  return new Promise((resolve) => {
    provider.onCall = (call) => {
      if (call.marker === marker) resolve(call.arrivedAt);
    };
  });
}

/** Waits until the letter is written: its writing is no part of what comes next. */
async function askProduct(provider: MockProvider, product: Product, poster: Poster): Promise<number> {
  const marker = `bench-${++asked}`;
  const arrived = arrivalOf(provider, marker);
  // What is not masked tells letters apart.
  const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: `Planner ${marker}`, company: 'Fjord Logistics' } };
  const { sentAt, data } = poster.post<Started>(startMutation, { input: { template: 'cover-letter-classic', variables } });
  const [arrivedAt, { generationStart }] = await Promise.all([arrived, data]);
  const query = 'query Status($id: ID!) { generation(id: $id) { status } }';
  for (;;) {
    const { generation } = await product.ask<{ generation: { status: string } }>(query, { id: generationStart.generation?.id });
    if (generation.status === 'SUCCEEDED') return arrivedAt - sentAt;
    if (generation.status !== 'RUNNING') throw new Error(`the generation is ${generation.status}`);
    await pause(2);
  }
}

async function askPortkey(
  provider: MockProvider,
  socket: net.Socket,
  host: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const marker = `bench-${++asked}`;
  const arrived = arrivalOf(provider, marker);
  const body = chatBody(marker);
  const lines = Object.entries({ host, ...headers, 'content-type': 'application/json', 'content-length': String(body.length) });
  const ended = endOfAnswer(socket);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  );
  const sentAt = performance.now();
  const arrivedAt = await arrived;
  await ended;
  return arrivedAt - sentAt;
}

async function connected(url: string): Promise<net.Socket> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  return socket;
}

function endOfAnswer(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const take = (bytes: Buffer): void => {
      received += bytes.toString('latin1');
      if (!received.endsWith('0\r\n\r\n')) return;
      socket.off('data', take);
      socket.off('error', reject);
      resolve();
    };
    socket.on('data', take);
    socket.once('error', reject);
  });
}
