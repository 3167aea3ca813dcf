import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf, type Bytes } from '../../src/providers/bytes.ts';
import { LeanHttp } from '../../src/providers/http.ts';
import { eventually } from '../harness/eventually.ts';

/** So long that what is held can be told from what is not. */
const windowMs = 300;
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const end = '0\r\n\r\n';

/** A server over bare sockets that answers a probe at once and leaves every other call to the test. */
class Wire {
  readonly sockets: Socket[] = [];
  private readonly server = net.createServer((socket) => {
    this.sockets.push(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      if (bytes.toString().startsWith('GET /probe')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else this.server.emit('call', socket);
    });
  });

  async open(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async called(): Promise<Socket> {
    const [socket] = (await once(this.server, 'call')) as [Socket];
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

let wire: Wire;
let http: LeanHttp;
const stop = new AbortController();
beforeEach(async () => {
  http = new LeanHttp({ ms: windowMs, width: 1 });
  wire = new Wire();
  await wire.open();
});
afterEach(() => wire.close());

const probe = async (): Promise<void> => void (await (await http.fetch(`${wire.url}/probe`)).text());

async function next(bytes: Bytes): Promise<string | null> {
  const piece = await bytes.next();
  return piece && Buffer.from(piece).toString();
}

/** A body that came token by token until it is read by the clock. */
async function held(signal: AbortSignal = stop.signal): Promise<{ socket: Socket; bytes: Bytes }> {
  const called = wire.called();
  const answer = http.fetch(`${wire.url}/v1`, { method: 'POST', body: '{}', signal });
  const socket = await called;
  socket.write(head);
  const bytes = bytesOf(await answer);
  if (!bytes) throw new Error('no body');
  for (let token = 0; token < 5; token++) {
    socket.write(chunk(`${token}`));
    expect(await next(bytes)).toBe(`${token}`);
  }
  return { socket, bytes };
}

describe('a body that comes token by token', () => {
  it('is read by the clock: what comes in a window is one read', async () => {
    const { socket, bytes } = await held();

    socket.write(chunk('one '));
    await probe();
    socket.write(chunk('two '));
    await probe();
    socket.write(chunk('three'));

    expect(await next(bytes)).toBe('one two three');
    socket.end(chunk('!') + end);
    expect(await next(bytes)).toBe('!');
    expect(await next(bytes)).toBeNull();
  });

  it('is watched again when nothing came, and goes on', async () => {
    const { socket, bytes } = await held();
    const following = next(bytes);
    await eventually(() => http.heldCount === 0);

    const wroteAt = performance.now();
    socket.write(chunk('on'));

    expect(await following).toBe('on');
    expect(performance.now() - wroteAt).toBeLessThan(windowMs / 2);
  });

  it('lets its connection go on to the next call', async () => {
    const { socket, bytes } = await held();
    socket.write(chunk('last') + end);
    expect(await next(bytes)).toBe('last');
    expect(await next(bytes)).toBeNull();

    await probe();

    expect(wire.sockets).toEqual([socket]);
  });

  it('ends with its connection', async () => {
    const { socket, bytes } = await held();

    socket.destroy();

    expect(await next(bytes)).toBeNull();
  });

  it('is given up at once when it is aborted', async () => {
    const stopping = new AbortController();
    const { socket } = await held(stopping.signal);
    const closed = once(socket, 'close');

    const stoppedAt = performance.now();
    stopping.abort(new Error('cancelled'));
    await closed;

    expect(performance.now() - stoppedAt).toBeLessThan(windowMs / 2);
  });

  it('is not read while its reader is behind', async () => {
    const { socket, bytes } = await held();
    let isTaken = false;
    const full = once(socket, 'drain').then(() => (isTaken = true));
    // More than sockets buffer: it leaves only if somebody reads.
    const large = 'x'.repeat(16 * 1024 * 1024);
    socket.write(chunk(large) + end);
    await eventually(() => http.heldCount === 0);
    for (let time = 0; time < 50; time++) await probe();
    expect(isTaken).toBe(false);

    let length = 0;
    for (let piece = await bytes.next(); piece; piece = await bytes.next()) length += piece.length;

    expect(length).toBe(large.length);
    await full;
  });
});
