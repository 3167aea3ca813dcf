import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import type { Server } from './child.ts';
import { cpuSeconds, cpuSecondsBelow } from './cpu.ts';
import { endsOf, textOf, type MockProvider, type Script } from './mock-provider.ts';
import type { Product } from './product.ts';
import { Reader, type Reading } from './reader.ts';
import { startMutation, type Started } from './start-mutation.ts';
import { quantile, round } from './statistics.ts';

/** Readers that keep up see the end of a text this soon after the provider wrote it. */
const keepUpMs = 1_000;
const gapMs = 100;
const search = { from: 25, most: 3_200, bisections: 3, tokens: 150, tokensPerSecond: 50 };

const streamQuery = /* GraphQL */ `
  subscription Stream($id: ID!) {
    generationStream(id: $id) {
      __typename
      cursor
      ... on GenerationDelta {
        offset
        text
      }
      ... on GenerationRestarted {
        offset
      }
    }
  }
`;

/** A way to read one letter. */
export interface Contestant {
  readonly name: string;
  readonly server: Server | null;
  /** Makes what can be made before the clock runs. */
  open(marker: string): Promise<() => Promise<Reading>>;
}

/** What one run found. */
export interface Sample {
  /** Milliseconds from the provider's first byte to the reader's first text, by stream. */
  readonly first: number[];
  /** Milliseconds from each of the provider's tokens to its reader. */
  readonly delays: number[];
  readonly gapP99Ms: number;
  readonly lateP99Ms: number;
  readonly providerLateP99Ms: number;
  readonly lost: number;
  readonly framesPerToken: number;
  readonly cpuMicros: number;
  readonly databaseMicros: number;
}

/** Texts that were not exact, or never came. */
export function lostOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { lost }) => sum + lost, 0);
}

/** The golden ratio's rest: multiples of it, without their whole part, are spread evenly however many there are. */
const golden = 0.618_034;
let readers = 0;

/** Lets so many readers read a text each, begun evenly over `spreadMs`. */
export async function run(
  provider: MockProvider,
  { server, open }: Contestant,
  count: number,
  script: Script,
  spreadMs = Math.max(1_000, count * 2),
): Promise<Sample> {
  provider.script = script;
  provider.calls.clear();
  provider.lateness = [];
  const markers = Array.from({ length: count }, () => `bench-${++readers}`);
  const opened: (() => Promise<Reading>)[] = [];
  for (let from = 0; from < count; from += 100) opened.push(...(await Promise.all(markers.slice(from, from + 100).map(open))));
  const cpuAt = server ? cpuSeconds(server.pid) : 0;
  const databaseAt = server ? cpuSecondsBelow(server.pid) : 0;
  const results = await Promise.allSettled(
    opened.map(async (read, index) => {
      // Not one every 20 ms, which is how often a token comes: all streams would have theirs in the same millisecond, and share what costs each one in life.
      await pause(((index * golden) % 1) * spreadMs);
      return read();
    }),
  );
  const tokens = count * script.tokens;
  const cpuMicros = server ? ((cpuSeconds(server.pid) - cpuAt) / tokens) * 1e6 : 0;
  const databaseMicros = server ? ((cpuSecondsBelow(server.pid) - databaseAt) / tokens) * 1e6 : 0;
  const first: number[] = [];
  const delays: number[] = [];
  const gaps: number[] = [];
  const late: number[] = [];
  let [lost, frames] = [0, 0];
  for (const [index, result] of results.entries()) {
    const call = provider.calls.get(markers[index] ?? '');
    if (result.status === 'rejected' || !call) {
      lost++;
      continue;
    }
    const { at, ends, text, endedAt } = result.value;
    if (text !== textOf(markers[index] ?? '', script.tokens)) lost++;
    first.push((at[0] ?? Number.NaN) - call.firstByteAt);
    for (let frame = 1; frame < at.length; frame++) gaps.push((at[frame] ?? 0) - (at[frame - 1] ?? 0));
    for (let token = 0, frame = 0, all = endsOf(markers[index] ?? '', script.tokens); token < all.length; token++) {
      while (frame < ends.length && (ends[frame] ?? 0) < (all[token] ?? 0)) frame++;
      if (frame < ends.length) delays.push((at[frame] ?? 0) - (call.sentAt[token] ?? 0));
    }
    late.push(endedAt - call.lastByteAt);
    frames += at.length;
  }
  return {
    first,
    delays,
    gapP99Ms: quantile(gaps, 0.99),
    lateP99Ms: quantile(late, 0.99),
    providerLateP99Ms: quantile(provider.lateness, 0.99),
    lost,
    framesPerToken: frames / tokens,
    cpuMicros,
    databaseMicros,
  };
}

/** What a server writes before it is measured. */
export interface WarmUp {
  readonly rounds: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/** Lets a server write in a hurry: in production it is warm, and V8 goes on compiling that long. */
export async function warm(
  provider: MockProvider,
  contestant: Contestant,
  count: number,
  warmUps: readonly WarmUp[],
): Promise<void> {
  for (const { rounds, ...script } of warmUps)
    for (let done = 0; done < rounds; done++) await run(provider, contestant, count, { ...script, firstTokenMs: 60 }, 250);
}

/** How many streams a server holds. */
export interface Most {
  readonly streams: number;
  /** The load process was behind at the next step: the server may hold more. */
  readonly isLoadBound: boolean;
  readonly tried: readonly {
    readonly streams: number;
    readonly holds: boolean;
    readonly gapP99Ms: number;
    readonly lateP99Ms: number;
    readonly providerLateP99Ms: number;
    readonly lost: number;
  }[];
}

/** The most streams that hold a p99 gap below 100 ms and keep up with the provider: by doubling, then by bisection. */
export async function mostStreams(provider: MockProvider, contestant: Contestant): Promise<Most> {
  const tried: Most['tried'][number][] = [];
  let isLoadBound = false;
  const holds = async (count: number): Promise<boolean> => {
    const script = { tokens: search.tokens, tokensPerSecond: search.tokensPerSecond, firstTokenMs: 1_000 };
    const { gapP99Ms, lateP99Ms, providerLateP99Ms, lost } = await run(provider, contestant, count, script);
    const isHeld = lost === 0 && gapP99Ms < gapMs && lateP99Ms < keepUpMs;
    tried.push({
      streams: count,
      holds: isHeld,
      gapP99Ms: round(gapP99Ms),
      lateP99Ms: round(lateP99Ms),
      providerLateP99Ms: round(providerLateP99Ms),
      lost,
    });
    isLoadBound = !isHeld && providerLateP99Ms > gapMs / 2;
    await pause(500);
    return isHeld;
  };
  let [held, failed] = [0, search.from];
  // A step that fails while the load process was behind says nothing about the server: it gets a second try.
  const holdsOrTwice = async (count: number): Promise<boolean> => (await holds(count)) || (isLoadBound && (await holds(count)));
  while (failed <= search.most && (await holdsOrTwice(failed))) [held, failed] = [failed, failed * 2];
  for (let step = 0; step < search.bisections && held > 0 && failed <= search.most; step++) {
    const middle = Math.round((held + failed) / 20) * 10;
    if (await holdsOrTwice(middle)) held = middle;
    else failed = middle;
  }
  return { streams: held, isLoadBound: isLoadBound || failed > search.most, tried };
}

/** The load process reads the provider itself: what no server in between could be faster than. */
export function directReaders(provider: MockProvider): Contestant {
  return chatReaders('direct read', null, `${provider.url}/chat/completions`, {});
}

/** Readers of a server that speaks OpenAI's Chat Completions. */
export function chatReaders(
  name: string,
  server: Server | null,
  url: string,
  headers: Readonly<Record<string, string>>,
): Contestant {
  return {
    name,
    server,
    open: async (marker) => async () => {
      const reading: Reading = { at: [], ends: [], text: '', endedAt: 0 };
      const { body, statusCode } = await request(url, { method: 'POST', headers, body: chatBody(marker) });
      if (statusCode !== 200) throw new Error(`answered ${statusCode}: ${await body.text()}`);
      let rest = '';
      for await (const bytes of body) {
        rest += (bytes as Buffer).toString();
        const end = rest.lastIndexOf('\n\n');
        let text = '';
        for (const [, content] of rest.slice(0, Math.max(0, end)).matchAll(/"content":"([^"]+)"/g)) text += content;
        if (end >= 0) rest = rest.slice(end + 2);
        if (text === '') continue;
        reading.at.push(performance.now());
        reading.text += text;
        reading.ends.push(reading.text.length);
      }
      reading.endedAt = performance.now();
      return reading;
    },
  };
}

/** What such a server is asked. */
export function chatBody(marker: string): string {
  return JSON.stringify({ model: 'mock', stream: true, messages: [{ role: 'user', content: `Write a letter for ${marker}.` }] });
}

export type Reduce = (text: string, message: { readonly __typename: string }) => string;

/** The reducer that ships with the product. */
export async function reducer(): Promise<Reduce> {
  const path: string = new URL('../../dist/client/reduce.js', import.meta.url).href;
  return ((await import(path)) as { reduceText: Reduce }).reduceText;
}

export function productReaders(name: string, product: Product, reduce: Reduce): Contestant {
  const apply = (text: string, { generationStream }: { generationStream: { readonly __typename: string } }) =>
    generationStream.__typename === 'GenerationDelta' || generationStream.__typename === 'GenerationRestarted'
      ? reduce(text, generationStream)
      : null;
  return {
    name,
    server: product,
    async open(marker) {
      const reader = await Reader.open(`${product.url}/graphql`, { authorization: `Bearer ${product.key}` });
      return async () => {
        const variables = {
          // Not in the name, which does not leave.
          applicant: { name: 'Ingrid Solheim' },
          job: { title: `Warehouse Planner ${marker}`, company: 'Fjord Logistics' },
        };
        const { generationStart } = await product.ask<Started>(startMutation, {
          input: { template: 'cover-letter-classic', variables },
        });
        const reading = await reader.read(streamQuery, { id: generationStart.generation?.id }, apply);
        reader.close();
        return reading;
      };
    },
  };
}
