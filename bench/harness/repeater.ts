import { once } from 'node:events';
import net from 'node:net';

const ok = 'HTTP/1.1 200';
const bufferBytes = 64 * 1_024;

/**
 * One warm connection that posts the same request again and again, each when the one before was answered. It reads no more of an
 * answer than its status and its length: the load must not need the core that the measured server's database could use.
 */
export class Repeater {
  private readonly socket: net.Socket;
  private readonly request: Buffer;
  private received = 0;
  /** Bytes of the answer under way, head included; null until its head was read. */
  private expected: number | null = null;
  private head = '';
  private answered: (() => void) | null = null;
  private failed: ((reason: Error) => void) | null = null;

  private constructor(socket: net.Socket, request: Buffer) {
    this.socket = socket;
    this.request = request;
  }

  static async open(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Repeater> {
    const { host, hostname, port } = new URL(url);
    const all = { host, ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    let repeater: Repeater | null = null;
    const socket = net.connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(bufferBytes),
        callback: (length: number, buffer: Uint8Array) => {
          repeater?.take(length, buffer as Buffer);
          return true;
        },
      },
    });
    await once(socket, 'connect');
    repeater = new Repeater(socket, Buffer.from(`POST /graphql HTTP/1.1\r\n${lines.join('')}\r\n${body}`));
    socket.on('error', (error) => repeater?.failed?.(error));
    socket.on('close', () => repeater?.failed?.(new Error('the server closed the connection')));
    return repeater;
  }

  /** Posts once; resolves when the whole answer is there, rejects when its status is not 200. */
  post(): Promise<void> {
    return new Promise((resolve, reject) => {
      [this.answered, this.failed] = [resolve, reject];
      this.socket.write(this.request);
    });
  }

  close(): void {
    this.failed = null;
    this.socket.destroy();
  }

  private take(length: number, buffer: Buffer): void {
    this.received += length;
    if (this.expected === null) {
      this.head += buffer.toString('latin1', 0, length);
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const bytes = Number(/content-length: (\d+)/i.exec(this.head)?.[1] ?? Number.NaN);
      if (!this.head.startsWith(ok) || Number.isNaN(bytes)) return this.fail(new Error(`answered ${this.head.slice(0, end)}`));
      this.expected = end + 4 + bytes;
    }
    if (this.received < this.expected) return;
    [this.received, this.expected, this.head] = [0, null, ''];
    this.answered?.();
  }

  private fail(reason: Error): void {
    this.failed?.(reason);
  }
}
