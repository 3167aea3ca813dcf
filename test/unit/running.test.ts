import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announce, findRunning } from '../../src/cli/running.ts';

let folder: string;
const note = (content: string): Promise<void> => writeFile(path.join(folder, 'server.json'), content);

/** A server that answers so, for the length of the work. */
async function serving(answer: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-running-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('findRunning', () => {
  it('finds a server until it takes its note back', () =>
    serving(
      (_request, response) => response.end('{"status":"ok"}'),
      async (url) => {
        const takeBack = await announce(folder, url);
        expect(await findRunning(folder)).toEqual({ url, pid: process.pid });
        await takeBack();
        expect(await findRunning(folder)).toBeNull();
      },
    ));

  it('leaves the note of a newer server alone', async () => {
    const takeBack = await announce(folder, 'http://127.0.0.1:1');
    const takeNewerBack = await announce(folder, 'http://127.0.0.1:2');
    await takeBack();
    await serving(
      (_request, response) => response.end('{"status":"ok"}'),
      async (url) => {
        await announce(folder, url);
        await takeNewerBack();
        expect(await findRunning(folder)).toEqual({ url, pid: process.pid });
      },
    );
  });

  it.each([
    ['is missing', null],
    ['was cut off', '{"url":"http://12'],
    ['is something else', '{"url":4000}'],
    ['names a process that is gone', JSON.stringify({ url: 'http://127.0.0.1:1', pid: 2 ** 22 + 1 })],
    ['names a port where nobody answers', JSON.stringify({ url: 'http://127.0.0.1:1', pid: process.pid })],
  ])('finds none where the note %s', async (_what, content) => {
    await (content === null ? rm(path.join(folder, 'server.json'), { force: true }) : note(content));
    expect(await findRunning(folder)).toBeNull();
  });

  it('finds none where somebody else answers', () =>
    serving(
      (_request, response) => response.end('<html></html>'),
      async (url) => {
        await note(JSON.stringify({ url, pid: process.pid }));
        expect(await findRunning(folder)).toBeNull();
      },
    ));
});
