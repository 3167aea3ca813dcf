import { once } from 'node:events';
import net from 'node:net';

/** An answer to a posted operation, and when its question had left. */
export interface Posted<T> {
  /** `performance.now()` when the last byte was handed to the kernel: from then on the server can have the whole request. */
  readonly sentAt: number;
  readonly data: Promise<T>;
}

interface Answer<T> {
  readonly data: T;
  readonly errors?: unknown;
}

/**
 * Posts GraphQL operations over one warm connection, one at a time, each in one write. It stands in for a client that costs nothing,
 * so that the time it takes to make a request is no part of what is measured.
 */
export class Poster {
  private readonly socket: net.Socket;
  private readonly head: string;
  private received = '';
  private onAnswer: ((body: string) => void) | null = null;

  private constructor(socket: net.Socket, head: string) {
    this.socket = socket;
    this.head = head;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.take(bytes.toString('latin1')));
  }

  static async open(url: string, key: string): Promise<Poster> {
    const { host, hostname, port } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    const headers = ['POST /graphql HTTP/1.1', `host: ${host}`, `authorization: Bearer ${key}`, 'content-type: application/json'];
    return new Poster(socket, headers.join('\r\n'));
  }

  post<T>(query: string, variables: Record<string, unknown>): Posted<T> {
    const body = JSON.stringify({ query, variables });
    const request = Buffer.from(`${this.head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    const answered = new Promise<string>((resolve, reject) => {
      this.onAnswer = resolve;
      this.socket.once('error', reject);
      this.socket.once('close', () => reject(new Error('the server closed the connection')));
    });
    this.socket.write(request);
    const sentAt = performance.now();
    return { sentAt, data: answered.then((text) => dataOf(JSON.parse(text) as Answer<T>)) };
  }

  close(): void {
    this.socket.destroy();
  }

  private take(text: string): void {
    this.received += text;
    const bodyAt = this.received.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = Number(/content-length: (\d+)/i.exec(this.received)?.[1] ?? Number.NaN);
    if (!(this.received.length >= bodyAt + length)) return;
    const body = this.received.slice(bodyAt, bodyAt + length);
    this.received = '';
    this.socket.removeAllListeners('error').removeAllListeners('close');
    this.onAnswer?.(body);
  }
}

function dataOf<T>({ data, errors }: Answer<T>): T {
  if (errors) throw new Error(`the product refused: ${JSON.stringify(errors)}`);
  return data;
}
