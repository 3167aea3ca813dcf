import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

/** What the mock writes for every call. */
export interface Script {
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** From the request to the first byte of the answer; a model thinks, and readers join meanwhile. */
  readonly firstTokenMs: number;
}

/** One call, as the provider saw it; times are `performance.now()` of the load process. */
export interface Call {
  readonly marker: string;
  /** When the first bytes of the request, its headers, were here. */
  readonly arrivedAt: number;
  /** When the whole request was read. */
  readonly requestedAt: number;
  firstByteAt: number;
  lastByteAt: number;
  /** When each token was written. */
  readonly sentAt: number[];
}

interface Running {
  readonly call: Call;
  readonly socket: Socket;
  readonly seed: number;
  readonly startsAt: number;
  sent: number;
}

const words =
  'the a letter shows how steady work and clear words open doors for people who ask well of every team they meet'.split(' ');
/** As long as OpenAI's own: an id, a model, a fingerprint and the empty fields that each of its chunks repeats. */
const event = ({ delta, finish_reason }: { delta: object; finish_reason: string | null }): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-BenchBenchBenchBenchBenchBen12',
    object: 'chat.completion.chunk',
    created: 1_750_000_000,
    model: 'mock-model-2025-06-15',
    service_tier: 'default',
    system_fingerprint: 'fp_0123456789',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  })}\n\n`;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const head =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n' +
  chunk(event({ delta: { role: 'assistant', content: '' }, finish_reason: null }));
const tokens = words.map((word) => Buffer.from(chunk(event({ delta: { content: ` ${word}` }, finish_reason: null }))));
const usage = 'data: {"id":"chatcmpl-bench","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":100}}\n\n';
const tail = chunk(event({ delta: {}, finish_reason: 'stop' })) + chunk(usage) + chunk('data: [DONE]\n\n') + '0\r\n\r\n';
const tickMs = 2;
const markerPattern = /bench-(\d+)/;

/** The chunks of a whole answer as they go over the wire, without the framing of HTTP: one event for each token, then the end. */
export function eventsOf(count: number): Buffer[] {
  const texts = Array.from({ length: count }, (_, index) =>
    event({ delta: { content: ` ${words[index % words.length]}` }, finish_reason: null }),
  );
  return [...texts, event({ delta: {}, finish_reason: 'stop' }), usage, 'data: [DONE]\n\n'].map((text) => Buffer.from(text));
}

/** How long the text of a call with this marker is after each token. */
export function endsOf(marker: string, count: number): number[] {
  let end = 0;
  return Array.from({ length: count }, (_, index) => (end += 1 + (words[(seedOf(marker) + index) % words.length] ?? '').length));
}

/** The text that a call with this marker gets. */
export function textOf(marker: string, count: number): string {
  let text = '';
  for (let index = 0; index < count; index++) text += ` ${words[(seedOf(marker) + index) % words.length]}`;
  return text;
}

function seedOf(marker: string): number {
  return Number(markerPattern.exec(marker)?.[1] ?? 0);
}

/**
 * An OpenAI-compatible server over bare sockets, so that a token costs the load process one write. Every token is a write of its own, at its
 * own time. It recognises a call by the words `bench-<n>` in its prompt.
 */
export class MockProvider {
  readonly calls = new Map<string, Call>();
  /** Milliseconds by which tokens were written late: how far the load process itself was behind. */
  lateness: number[] = [];
  onCall: (call: Call) => void = () => undefined;
  private readonly running = new Set<Running>();
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;
  private readonly server = net.createServer((socket) => this.serve(socket));
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.timer = setInterval(() => this.tick(), tickMs);
  }

  static async open(script: Script): Promise<MockProvider> {
    const mock = new MockProvider(script);
    mock.server.listen(0, '127.0.0.1', 8_192);
    await once(mock.server, 'listening');
    return mock;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  get runningCount(): number {
    return this.running.size;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    socket.setNoDelay(true);
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.sockets.delete(socket);
      for (const stream of this.running) if (stream.socket === socket) this.running.delete(stream);
    });
    let received = '';
    let arrivedAt = 0;
    socket.on('data', (bytes) => {
      if (received === '') arrivedAt = performance.now();
      received += bytes.toString('latin1');
      const bodyAt = received.indexOf('\r\n\r\n') + 4;
      if (bodyAt < 4) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < bodyAt + length) return;
      this.begin(socket, markerPattern.exec(received)?.[0] ?? '', arrivedAt);
      received = '';
    });
  }

  private begin(socket: Socket, marker: string, arrivedAt: number): void {
    const now = performance.now();
    const call = { marker, arrivedAt, requestedAt: now, firstByteAt: 0, lastByteAt: 0, sentAt: [] };
    this.calls.set(marker, call);
    this.running.add({ call, socket, seed: seedOf(marker), startsAt: now + this.script.firstTokenMs, sent: 0 });
    this.onCall(call);
  }

  private tick(): void {
    const { tokens: count, tokensPerSecond } = this.script;
    for (const stream of this.running) {
      for (let now = performance.now(); stream.sent < count; now = performance.now()) {
        const dueAt = stream.startsAt + (stream.sent * 1_000) / tokensPerSecond;
        if (now < dueAt) break;
        this.lateness.push(now - dueAt);
        this.write(stream, now);
      }
      if (stream.sent >= count) {
        stream.call.lastByteAt = performance.now();
        stream.socket.write(tail);
        this.running.delete(stream);
      }
    }
  }

  private write(stream: Running, now: number): void {
    const token = tokens[(stream.seed + stream.sent) % tokens.length] ?? '';
    if (stream.sent === 0) {
      stream.call.firstByteAt = now;
      stream.socket.write(Buffer.concat([Buffer.from(head), Buffer.from(token)]));
    } else stream.socket.write(token);
    stream.call.sentAt.push(now);
    stream.sent++;
  }
}
