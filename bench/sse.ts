import { Stream } from 'openai/streaming';
import { eventsOf } from './harness/mock-provider.ts';
import { atLeast, type Report } from './harness/report.ts';
import { round, spreadOf } from './harness/statistics.ts';
import type { Effort } from './run.ts';

/** A long letter. */
const tokens = 1_200;
/** V8 has compiled what is hot by then. */
const warmUps = 30;
/** As a busy connection gives them: what fits the network's packets, wherever it cuts. */
const packetBytes = 1_448;

/** A way to get the text out of a response. */
interface Contestant {
  readonly name: string;
  readonly read: (response: Response) => Promise<string>;
  /** CPU microseconds a token, by round. */
  readonly micros: number[];
}

interface Chunk {
  readonly choices: readonly { readonly delta?: { readonly content?: string } }[];
}

interface Parts extends AsyncIterable<{ readonly type: string; readonly text?: string }> {
  readonly whenReady: unknown;
}

/** What is measured of the product, as it is built. */
interface Modules {
  readonly SseSplitter: new () => { push(bytes: Uint8Array): { readonly data: string }[] };
  readonly PartReader: new (open: () => Promise<Response>, reading: object) => Parts;
  readonly ChatConverter: new (provider: string, secrets: readonly string[]) => object;
}

/**
 * The text of one answer out of the same web response, one event a chunk and in packets: by the product's way (splitter and converter), by its splitter alone
 * with each event parsed, by the SDK's iterator, and the bytes alone. All in this process, in turns.
 */
export async function sse({ rounds, seconds }: Effort): Promise<Report> {
  const { SseSplitter, PartReader, ChatConverter } = await modules();
  const ours = async (response: Response): Promise<string> => {
    const converter = new ChatConverter('bench', []);
    const reading = { provider: 'bench', converter, signal: new AbortController().signal, secrets: [] };
    let text = '';
    for await (const part of new PartReader(() => Promise.resolve(response), reading)) text += part.text ?? '';
    return text;
  };
  const splitterAlone = async (response: Response): Promise<string> => {
    const splitter = new SseSplitter();
    let text = '';
    for await (const bytes of response.body ?? []) {
      for (const { data } of splitter.push(bytes)) if (data !== '[DONE]') text += contentOf(JSON.parse(data) as Chunk);
    }
    return text;
  };
  const sdk = async (response: Response): Promise<string> => {
    let text = '';
    for await (const chunk of Stream.fromSSEResponse<Chunk>(response, new AbortController())) text += contentOf(chunk);
    return text;
  };
  const bytesAlone = async (response: Response): Promise<string> => {
    for await (const _ of response.body ?? []) continue;
    return '';
  };
  const ways = {
    Draftwire: ours,
    'Draftwire again (A/A)': ours,
    'splitter and JSON.parse': splitterAlone,
    'OpenAI SDK': sdk,
    'bytes alone': bytesAlone,
  };
  const events = eventsOf(tokens);
  const bodies = { 'an event a chunk': events, packets: packetsOf(Buffer.concat(events)) };
  const wanted = await sdk(responseOf(events));

  const table: Report['table'] = Object.fromEntries(Object.keys(ways).map((name) => [name, {}]));
  const ratios: Record<string, Record<string, ReturnType<typeof spreadOf>>> = {};
  for (const [kind, chunks] of Object.entries(bodies)) {
    const contestants = Object.entries(ways).map(([name, read]): Contestant => ({ name, read, micros: [] }));
    for (const { name, read } of contestants) {
      for (let done = 0; done < warmUps; done++) {
        const text = await read(responseOf(chunks));
        if (text !== wanted && read !== bytesAlone) throw new Error(`${name} reads another text`);
      }
    }
    for (let done = 0; done < rounds; done++)
      for (const { read, micros } of contestants) micros.push(await cpuMicros(() => read(responseOf(chunks)), seconds));
    const peer = contestants.find(({ name }) => name === 'OpenAI SDK')?.micros ?? [];
    ratios[kind] = {};
    for (const { name, micros } of contestants) {
      const { median: middle, least, most } = spreadOf(micros);
      Object.assign(table[name] ?? {}, { [`${kind}: us/token`]: middle, [`${kind}: least-most`]: `${least}-${most}` });
      ratios[kind][name] = spreadOf(peer.map((each, index) => each / (micros[index] ?? Number.NaN)));
    }
  }
  const gate = (kind: string, name: string) => round(ratios[kind]?.[name]?.median ?? Number.NaN);
  return {
    benchmark: 'sse',
    rounds,
    table,
    gates: [
      atLeast('times less CPU a token than the SDK, an event a chunk', gate('an event a chunk', 'Draftwire'), 3),
      atLeast('times less CPU a token than the SDK, in packets', gate('packets', 'Draftwire'), 3),
    ],
    notes: { timesLessThanSdk: ratios, tokens, packetBytes },
  };
}

function contentOf({ choices: [choice] }: Chunk): string {
  return choice?.delta?.content ?? '';
}

function packetsOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / packetBytes) }, (_, index) =>
    bytes.subarray(index * packetBytes, (index + 1) * packetBytes),
  );
}

/** A response whose body is these chunks, each when it is asked for. */
function responseOf(chunks: readonly Uint8Array[]): Response {
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[next++];
        if (chunk) controller.enqueue(chunk);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

async function cpuMicros(read: () => Promise<unknown>, seconds: number): Promise<number> {
  const endsAt = performance.now() + seconds * 1_000;
  const at = process.cpuUsage();
  let reads = 0;
  for (; performance.now() < endsAt; reads++) await read();
  const { user, system } = process.cpuUsage(at);
  return (user + system) / (reads * tokens);
}

async function modules(): Promise<Modules> {
  const at = (name: string): string => new URL(`../dist/providers/${name}.js`, import.meta.url).href;
  const [splitter, reader, chat] = await Promise.all([import(at('sse')), import(at('read')), import(at('chat'))]);
  return { ...splitter, ...reader, ...chat } as Modules;
}
