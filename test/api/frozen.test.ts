import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { eventually, soon } from '../harness/eventually.ts';
import { openTinyApp, type TinyApp } from '../harness/tiny-api.ts';

/** A connection that asks so many times and reads nothing of what comes back. */
function frozen(url: string, path: string, query: string, times: number) {
  const body = JSON.stringify({ query });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined).pause();
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write((head + body).repeat(times));
  return socket;
}

const streams = async (app: TinyApp) =>
  /graphql_running_subscriptions\{[^}]*"sse"[^}]*\} (\d+)/.exec(await app.metrics.text())?.[1];

it('a stop does not wait for streams that nobody reads', async () => {
  const app = await openTinyApp();
  const socket = frozen(app.url, '/graphql/stream', 'subscription { flood }', 1);
  await soon(async () => expect(await streams(app)).toBe('1'));
  let isOver = false;
  const over = app.close().then(() => (isOver = true));
  await eventually(() => isOver, 5_000, 'the stop');
  await over;
  socket.destroy();
});

it('answers that nobody reads are given up, and others are not', async () => {
  const app = await openTinyApp({ limits: { stalledTimeoutMs: 500, keepAliveMs: 100 } });
  // 40 MB: more than any socket buffers.
  const socket = frozen(app.url, '/graphql', `{ hello(name: "${'x'.repeat(200_000)}") }`, 200);
  let isGone = false;
  socket.once('close', () => (isGone = true));
  const stream = await fetch(`${app.url}/graphql/stream`, {
    method: 'POST',
    headers: { authorization: 'Bearer all', 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { forever { number } }' }),
  });
  const reader = stream.body?.getReader();
  await reader?.read();
  await eventually(
    () => {
      // Who does not read hears of the end when something is sent.
      if (!isGone) socket.write(' ');
      return isGone;
    },
    5_000,
    'the cut',
  );
  // What says that it is there stays.
  expect(await streams(app)).toBe('1');
  await reader?.cancel();
  await app.close();
});
