import { once } from 'node:events';
import net from 'node:net';

/** What a proxy does with connections: carries them, refuses them (those there are cut), or swallows every byte. */
export type ProxyMode = 'open' | 'closed' | 'silent';

/** A way to the database that can fail. */
export interface Proxy extends AsyncDisposable {
  /** The database's URL, by this way. */
  readonly url: string;
  become(mode: ProxyMode): void;
  /** From now on the client hears nothing on connections over which it once sent this text. */
  mute(text: string): void;
  /** From now on the server hears something else of the same length wherever the client sends this text. */
  garble(text: string): void;
  /** Cuts the connections there are; new ones are carried as before. */
  cut(): void;
  close(): Promise<void>;
}

/** Opens a way to the server that `databaseUrl` names. */
export async function openProxy(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<net.Socket>();
  let mode: ProxyMode = 'open';
  let muted: string | null = null;
  let garbled: string | null = null;
  const heard = (bytes: Buffer): Buffer =>
    garbled === null
      ? bytes
      : Buffer.from(
          bytes.toString('latin1').replaceAll(garbled, (text) => 'x'.repeat(text.length)),
          'latin1',
        );
  const server = net.createServer((near) => {
    if (mode === 'closed') return near.destroy();
    const far = net.connect(Number(target.port || 5432), target.hostname);
    let said = '';
    near.on('data', (bytes) => (said += bytes.toString('latin1')));
    const isHeard = (from: net.Socket) => mode !== 'silent' && !(from === far && muted !== null && said.includes(muted));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      // A broken side closes; the other follows.
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => isHeard(from) && to.write(from === near ? heard(bytes) : bytes));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as net.AddressInfo).port);
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  return {
    url: url.href,
    become(next) {
      // What was swallowed is lost: a connection that missed bytes is of no use when the way is open again.
      if (next === 'closed' || mode === 'silent') cut();
      mode = next;
    },
    mute: (text) => void (muted = text),
    garble: (text) => void (garbled = text),
    cut,
    close,
    [Symbol.asyncDispose]: close,
  };
}
