import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// Portkey's gateway as its package starts it, in this process, so that it is measured and stopped like any peer.
const probe = net.createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address() as AddressInfo;
probe.close();
await once(probe, 'close');
process.argv.push(`--port=${port}`, '--headless');
const file: string = fileURLToPath(new URL('../node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url));
await import(file);

const url = `http://127.0.0.1:${port}`;
while (!(await fetch(url).catch(() => null))?.ok) await pause(50);
process.send?.({ url });
