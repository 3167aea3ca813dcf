import { once } from 'node:events';
import WebSocket from 'ws';

/** What one reader of one stream saw; times are `performance.now()`. */
export interface Reading {
  /** When each piece of text came. */
  readonly at: number[];
  /** How long the text was then. */
  readonly ends: number[];
  text: string;
  endedAt: number;
}

interface Frame {
  readonly type: string;
  readonly payload?: { data?: unknown; errors?: unknown };
}

/** A socket that speaks graphql-transport-ws and reads one subscription; thin, because the load process pays for every frame. */
export class Reader {
  private readonly socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.socket = socket;
  }

  static async open(url: string, connectionParams: object): Promise<Reader> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { perMessageDeflate: false });
    socket.on('error', () => socket.terminate());
    await once(socket, 'open');
    const acknowledged = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'connection_init', payload: connectionParams }));
    await acknowledged;
    return new Reader(socket);
  }

  /** Reads to the end; `apply` makes the text after a result, or null when the result holds no text. */
  read(query: string, variables: object, apply: (text: string, data: never) => string | null): Promise<Reading> {
    const reading: Reading = { at: [], ends: [], text: '', endedAt: 0 };
    return new Promise((resolve, reject) => {
      this.socket.on('message', (bytes: Buffer) => {
        const frame = JSON.parse(bytes.toString()) as Frame;
        if (frame.type === 'ping') this.socket.send('{"type":"pong"}');
        else if (frame.type === 'complete') {
          reading.endedAt = performance.now();
          resolve(reading);
        } else if (frame.type !== 'next' || frame.payload?.errors) reject(new Error(`the stream failed: ${bytes.toString()}`));
        else {
          const text = apply(reading.text, frame.payload?.data as never);
          if (text === null) return;
          reading.at.push(performance.now());
          reading.text = text;
          reading.ends.push(text.length);
        }
      });
      this.socket.once('close', (code) => reject(new Error(`the socket closed with ${code}`)));
      this.socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query, variables } }));
    });
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.close(1000);
  }
}
