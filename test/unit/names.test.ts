import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { openNames } from '../../src/kernel/names.ts';
import { openOutbound } from '../../src/kernel/outbound.ts';
import { outboundRules } from '../../src/kernel/outbound-rules.ts';

// How names that tenants chose are found.

const system = vi.fn<(host: string) => Promise<readonly string[]>>();
let server: Socket | null = null;
let questions = 0;

afterEach(() => {
  server?.close();
  server = null;
  system.mockReset();
});

/** A name server: what it answers with as IPv4 address, or silence. */
async function openNameServer(address: readonly number[] | null): Promise<string[]> {
  questions = 0;
  const opened = createSocket('udp4');
  server = opened;
  opened.on('message', (question, { port }) => {
    questions += 1;
    if (!address) return;
    const asked = question.subarray(12, question.indexOf(0, 12) + 5);
    const isFour = asked.readUInt16BE(asked.length - 4) === 1;
    // Recursion was wanted and is there; one question, one answer or none.
    const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isFour ? 1 : 0, 0, 0, 0, 0]);
    // The name of the question, of type A in class IN, good for a minute.
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]);
    opened.send(Buffer.concat([head, asked, ...(isFour ? [answer] : [])]), port, '127.0.0.1');
  });
  opened.bind(0, '127.0.0.1');
  await once(opened, 'listening');
  return [`127.0.0.1:${opened.address().port}`];
}

it('asks the name servers for what nobody listed, and the system for what the operator did', async () => {
  const servers = await openNameServer([93, 184, 215, 14]);
  system.mockResolvedValue(['10.0.0.1']);
  const find = openNames((host) => host === 'idp.corp.example', { system, servers });
  const { signal } = new AbortController();

  expect(await find('idp.example', signal)).toEqual(['93.184.215.14']);
  expect(system).not.toHaveBeenCalled();
  expect(await find('idp.corp.example', signal)).toEqual(['10.0.0.1']);
});

it('holds no thread for a name server that never answers, and gives it up in time', async () => {
  const servers = await openNameServer(null);
  const find = openNames(() => false, { system, servers });
  const controller = new AbortController();
  const found = Promise.allSettled(Array.from({ length: 32 }, (_, index) => find(`slow-${index}.example`, controller.signal)));
  await vi.waitFor(() => expect(questions).toBeGreaterThan(32), 5_000);
  expect(system).not.toHaveBeenCalled();
  controller.abort(new Error('late'));

  expect(new Set((await found).map((each) => each.status === 'rejected' && String(each.reason)))).toEqual(
    new Set(['Error: late']),
  );
});

it('finds two of what the operator listed at once, on the threads that all share', async () => {
  const ends: (() => void)[] = [];
  system.mockImplementation(() => new Promise((resolve) => ends.push(() => resolve(['10.0.0.1']))));
  const find = openNames(() => true, { system });
  const { signal } = new AbortController();
  const found = Array.from({ length: 5 }, (_, index) => find(`idp-${index}.corp.example`, signal));
  for (let ended = 0; ended < 5; ended++) {
    await vi.waitFor(() => expect(ends.length).toBeGreaterThan(ended));
    expect(ends.length - ended).toBeLessThanOrEqual(2);
    ends[ended]?.();
  }
  expect(await Promise.all(found)).toHaveLength(5);
});

it('lets the names of one tenant keep nobody else waiting', async () => {
  const asked: string[] = [];
  const resolve = (host: string, signal: AbortSignal): Promise<readonly string[]> => {
    asked.push(host);
    if (host === 'idp.example') return Promise.resolve(['10.0.0.1']);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const call = openOutbound(outboundRules([]), { resolve });
  const slow = Array.from({ length: 40 }, (_, index) =>
    call(`https://slow-${index}.example`, { party: 'one', deadlineMs: 300 }).catch((error: unknown) => error),
  );

  expect(await call('https://idp.example', { party: 'other' }).catch((error: unknown) => (error as Error).message)).toBe(
    'the name stands for no address of the public internet',
  );
  expect(asked).toEqual(['slow-0.example', 'slow-1.example', 'idp.example']);
  const reasons = (await Promise.all(slow)).map((error) => (error as Error).message);
  expect(new Set(reasons)).toEqual(new Set(['no answer within 300 ms', 'too many names are looked up just now']));
});
