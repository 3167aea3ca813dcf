import net from 'node:net';

/** Where a server listens, as postgres.js hands it to a socket factory. */
export interface Endpoint {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false;
}

/** Where a lane connects to: the Unix socket when there is one, else as the driver says. */
export function endpointOf(endpoint: Endpoint, socketPath: string | null): Endpoint {
  return socketPath === null ? endpoint : { ...endpoint, path: socketPath };
}

/** A server process and the number that proves we may cancel what it runs. */
export interface Backend {
  readonly pid: number;
  readonly secret: number;
}

const cancelTimeoutMs = 2_000;

/** Connects a socket; what is written before it is open waits in it. */
export function connectTo<S extends net.Socket>(endpoint: Endpoint, socket: S): S {
  const host = endpoint.host[0] ?? 'localhost';
  if (endpoint.path) socket.connect(endpoint.path);
  else socket.setNoDelay(true).connect({ host, port: endpoint.port[0] ?? 5432 });
  // The driver reads it as the name to verify a certificate against.
  return Object.assign(socket, { host });
}

/**
 * Asks the server to cancel what `backend` runs; resolves when the server took note, or could not be asked.
 * Ours because the driver's own leaves an unhandled rejection when the server is away.
 */
export function cancelBackend(endpoint: Endpoint, backend: Backend): Promise<void> {
  return new Promise((resolve) => {
    const message = Buffer.alloc(16);
    message.writeUInt32BE(16, 0);
    message.writeUInt32BE(80_877_102, 4);
    message.writeUInt32BE(backend.pid, 8);
    message.writeUInt32BE(backend.secret, 12);
    const socket = connectTo(endpoint, new net.Socket());
    const timer = setTimeout(() => socket.destroy(), cancelTimeoutMs);
    // A server that cannot be asked runs nothing for us either, or its statement_timeout ends it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(message);
    socket.resume();
  });
}
