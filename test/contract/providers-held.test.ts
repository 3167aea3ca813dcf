import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeanHttp } from '../../src/providers/http.ts';
import { codeOf, outcomeOf, textRequest, vendors } from '../harness/providers.ts';

/** A server over bare sockets that keeps every byte it gets, and answers each request with an empty JSON object. */
class Wire {
  readonly sockets: Socket[] = [];
  readonly received: string[] = [];
  private readonly server = net.createServer((socket) => {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.received.push(bytes.toString());
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    });
  });

  async open(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next connection that it takes. */
  async connection(): Promise<Socket> {
    const [socket] = (await once(this.server, 'connection')) as [Socket];
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

const http = new LeanHttp({ ms: 25, width: 1 });
let wire: Wire;
beforeEach(async () => {
  wire = new Wire();
  await wire.open();
});
afterEach(() => wire.close());

const post = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } };

describe('a request that is made before its moment', () => {
  it('connects at once, says nothing, and goes out whole when the moment comes', async () => {
    const moment = Promise.withResolvers<void>();
    const connected = wire.connection();
    const answer = http.fetchAfter(moment.promise)(wire.url, post);
    await connected;
    // A request of its own over another connection: what the first had said would be here by then.
    await http.fetch(wire.url, { ...post, body: 'probe' }).then((response) => response.text());
    expect(wire.received.filter((text) => !text.endsWith('probe'))).toEqual([]);

    moment.resolve();
    const response = await answer;

    expect(await response.text()).toBe('{}');
    expect(wire.received).toHaveLength(2);
    expect(wire.received[1]).toMatch(/^POST \/ HTTP\/1\.1\r\n[^]*content-length: 7\r\n[^]*\r\n\r\n\{"a":1\}$/i);
  });

  it('goes out on another connection when its own broke while it waited', async () => {
    const moment = Promise.withResolvers<void>();
    const connected = wire.connection();
    const answer = http.fetchAfter(moment.promise)(wire.url, post);
    (await connected).destroy();
    // The end of the first connection is here before the answer on another.
    await http.fetch(wire.url, { ...post, body: 'probe' }).then((response) => response.text());

    moment.resolve();

    expect(await (await answer).text()).toBe('{}');
    expect(wire.sockets).toHaveLength(2);
    expect(wire.received.map((text) => text.split('\r\n\r\n')[1])).toEqual(['probe', '{"a":1}']);
  });

  it('is never sent when it is aborted before', async () => {
    const moment = Promise.withResolvers<void>();
    const stop = new AbortController();
    const connected = wire.connection();
    const answer = http.fetchAfter(moment.promise)(wire.url, { ...post, signal: stop.signal });
    const closed = once(await connected, 'close');
    stop.abort(new Error('not committed'));
    await expect(answer).rejects.toThrow('not committed');
    await closed;

    moment.resolve();
    await http.fetch(wire.url, { ...post, body: 'probe' }).then((response) => response.text());

    expect(wire.received).toHaveLength(1);
    expect(wire.received[0]).toMatch(/probe$/);
  });

  it('fails when its moment comes and nobody listens', async () => {
    const { url } = wire;
    await wire.close();
    const answer = http.fetchAfter(Promise.resolve())(url, post);

    await expect(answer).rejects.toThrow('fetch failed');
    await wire.open();
  });
});

describe.each(vendors)('a call of $name', ({ provider }) => {
  it('says nothing before its moment', async () => {
    const moment = Promise.withResolvers<void>();
    const connected = wire.connection();
    const { signal } = new AbortController();
    const fetch = http.fetchAfter(moment.promise);
    const outcome = outcomeOf(provider(wire.url).stream(textRequest({ model: 'mock' }), { signal, fetch }));
    await connected;
    await http.fetch(wire.url, { ...post, body: 'probe' }).then((response) => response.text());
    expect(wire.received.filter((text) => !text.endsWith('probe'))).toEqual([]);

    moment.resolve();

    // An empty object is no stream; that the vendor's words were understood is the other suites' business.
    expect(codeOf(await outcome)).toBe('STREAM_MALFORMED');
    expect(wire.received[1]).toMatch(/"model":"mock"|\/models\/mock:/);
  });
});
