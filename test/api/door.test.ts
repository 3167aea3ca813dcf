import { describe, expect, it, vi } from 'vitest';
import { post, rawSocket, sse } from '../harness/clients.ts';
import { openTinyApp, type TinyApp } from '../harness/tiny-api.ts';

const ticks = { query: 'subscription { ticks(to: 1) { number } }' };

interface Line {
  readonly msg: string;
  readonly transport: string;
  readonly address: string;
  readonly status: number;
}

const refusedIn = (app: TinyApp, from = 0) =>
  app.logged
    .slice(from)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === 'refused')
    .map(({ transport, address, status }) => [transport, address, status]);

describe('the log of refused requests', () => {
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.5' };

  it.each([
    ['believes a proxy of ours', ['127.0.0.0/8'], '203.0.113.5'],
    ['believes nobody else', ['10.0.0.0/8'], '127.0.0.1'],
  ])('%s, over every transport', async (_name, trustedProxies, address) => {
    const app = await openTinyApp({ trustedProxies });
    await post(app.url, { query: '{ hello }' }, { key: 'none', headers });
    await sse(app.url, ticks, { key: 'none', headers }).then(({ events }) => events.next());
    await expect(rawSocket(app.url, { origin: 'https://evil.example.com', headers })).rejects.toThrow('HTTP 403');
    const socket = await rawSocket(app.url, { headers });
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer none' } });
    expect(await socket.closed).toBe(4401);
    await vi.waitFor(() =>
      expect(refusedIn(app)).toEqual([
        ['http', address, 401],
        ['sse', address, 401],
        ['websocket', address, 403],
        ['websocket', address, 4401],
      ]),
    );
    expect(app.logged.join('')).not.toContain('Bearer');
    await app.close();
  });

  it('has no line for what is answered, and a bounded number for a flood', async () => {
    const clock = { monotonic: () => 5_000, now: () => new Date() };
    const app = await openTinyApp({ clock });
    await post(app.url, { query: '{ hello }' }, { key: 'all' });
    await post(app.url, { query: '{ nope }' }, { key: 'all' });
    expect(refusedIn(app)).toEqual([]);
    await Promise.all(Array.from({ length: 50 }, () => post(app.url, { query: '{ hello }' }, { key: 'none' })));
    expect(refusedIn(app)).toHaveLength(20);
    await app.close();
  });
});
