import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createWire, type AddressInfo, type Server } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { isOutboundEntry, isPublicAddress, outboundRules } from '../../src/kernel/outbound-rules.ts';
import { openOutbound, OutboundError, type OutboundRequest, type OutboundWorld } from '../../src/kernel/outbound.ts';

const refusedAddresses = [
  // Loopback, private, link-local, shared, "this network", reserved, multicast, broadcast, benchmarks, documentation.
  '127.0.0.1',
  '127.255.255.254',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '0.0.0.0',
  '0.1.2.3',
  '240.0.0.1',
  '224.0.0.1',
  '239.255.255.255',
  '255.255.255.255',
  '198.18.0.1',
  '192.0.2.1',
  '198.51.100.7',
  '203.0.113.9',
  '192.88.99.1',
  // Metadata: everybody's, Alibaba's, Oracle's, Azure's.
  '169.254.169.254',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  // IPv6.
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::8.8.8.8',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  '3fff::1',
  'fc00::1',
  'fdff::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  // No addresses at all.
  '',
  'localhost',
  '2130706433',
  '0x7f.1',
  '127.1',
];

const publicAddresses = [
  '8.8.8.8',
  '1.1.1.1',
  '93.184.215.14',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '169.253.255.255',
  '192.0.1.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:80b::200e',
  '2001:4860:4860::8888',
];

describe('the public internet', () => {
  it.each(refusedAddresses)('has no %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(publicAddresses)('has %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('the rules', () => {
  // Every spelling that a URL knows for an address.
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.0.0.1./',
    'https://１２７.０.０.１/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fe80::1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://0251.0376.0251.0376/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://0/',
  ])('refuse %s', (url) => {
    expect(outboundRules([]).refusalOf(new URL(url))).toBe('the address is not one of the public internet');
  });

  it.each([
    ['http://accounts.example/', 'only https is called'],
    ['http://8.8.8.8/', 'only https is called'],
    ['ftp://accounts.example/', 'only https is called'],
    ['file:///etc/passwd', 'only https is called'],
    ['https://user@accounts.example/', 'a URL holds no user and no password here'],
    ['https://:word@accounts.example/', 'a URL holds no user and no password here'],
  ])('refuse %s: %s', (url, why) => {
    expect(outboundRules([]).refusalOf(new URL(url))).toBe(why);
  });

  it.each(['https://accounts.example/', 'https://8.8.8.8:8443/', 'https://[2606:4700:4700::1111]/', 'https://localhost/'])(
    'let %s pass, as far as the URL tells',
    (url) => {
      expect(outboundRules([]).refusalOf(new URL(url))).toBeNull();
    },
  );

  it('open what is listed, and no more', () => {
    const rules = outboundRules(['127.0.0.0/8', 'Idp.corp.example', '10.1.2.3']);

    expect(rules.refusalOf(new URL('http://127.0.0.1:9000/'))).toBeNull();
    expect(rules.refusalOf(new URL('http://idp.corp.example/'))).toBeNull();
    expect(rules.refusalOf(new URL('http://IDP.corp.example./'))).toBeNull();
    expect(rules.refusalOf(new URL('http://other.corp.example/'))).toBe('only https is called');
    expect(rules.refusalOf(new URL('http://localhost:9000/'))).toBe('only https is called');
    expect(rules.isAllowed('idp.corp.example', '192.168.3.4')).toBe(true);
    expect(rules.isAllowed('other.corp.example', '192.168.3.4')).toBe(false);
    expect(rules.isAllowed('other.corp.example', '10.1.2.3')).toBe(true);
    expect(rules.isAllowed('other.corp.example', '10.1.2.4')).toBe(false);
    // A name that is allowed does not open the machine's own metadata.
    for (const address of ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', 'fe80::1'])
      expect(rules.isAllowed('idp.corp.example', address), address).toBe(false);
  });

  it.each(['localhost', 'idp.corp.example', '10.0.0.0/8', '::1', 'fd00::/8'])('take %s in their list', (entry) => {
    expect(isOutboundEntry(entry)).toBe(true);
  });

  it.each(['', 'https://idp.example', 'idp.example:443', '*.example', '10.0.0.0/33', '-a.example', 'a..b'])(
    'take no %s in their list',
    (entry) => {
      expect(isOutboundEntry(entry)).toBe(false);
    },
  );
});

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Calls with loopback allowed. */
const call = (url: string, request?: OutboundRequest, world: Partial<OutboundWorld> = {}) =>
  openOutbound(outboundRules(['127.0.0.1']), world)(url, request);

const reasonOf = async (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'answered',
    (error: unknown) => (error instanceof OutboundError ? error.reason : `threw ${String(error)}`),
  );

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

describe('a call', () => {
  it('sends what it is given and gives what came back, on a connection of its own', async () => {
    const seen: unknown[] = [];
    const port = await listening(
      createServer((request, response) => {
        void bodyOf(request).then((body) => {
          const { method, url, headers } = request;
          seen.push({ method, url, body, host: headers.host, kind: headers['content-type'], connection: headers.connection });
          response.writeHead(202, { 'x-said': 'yes' }).end('thanks');
        });
      }),
    );

    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"ä":1}' } as const;
    const { status, headers, body } = await call(`http://127.0.0.1:${port}/hook?a=b`, request);

    expect({ status, said: headers['x-said'], body: body.toString() }).toEqual({ status: 202, said: 'yes', body: 'thanks' });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/hook?a=b',
        body: '{"ä":1}',
        host: `127.0.0.1:${port}`,
        kind: 'application/json',
        connection: 'close',
      },
    ]);
  });

  it('follows no redirect', async () => {
    let calls = 0;
    const port = await listening(
      createServer((_request, response) => {
        calls += 1;
        response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      }),
    );

    expect((await call(`http://127.0.0.1:${port}/`)).status).toBe(302);
    expect(calls).toBe(1);
  });

  it.each<readonly [string, OutboundRequest, RequestListener, string]>([
    ['a body above its cap', { maxBytes: 1_000 }, (_request, response) => response.end('x'.repeat(1_001)), 'too large'],
    ['a body of the size of its cap', { maxBytes: 1_000 }, (_request, response) => response.end('x'.repeat(1_000)), 'answered'],
    ['no answer', { deadlineMs: 100 }, () => undefined, 'late'],
    ['a body without an end', { deadlineMs: 100 }, (_request, response) => void response.write('x'), 'late'],
    ['a cut socket', {}, (request) => request.socket.destroy(), 'unreachable'],
    [
      'a body that is cut',
      {},
      (request, response) => {
        response.writeHead(200, { 'content-length': '10' }).write('x', () => request.socket.destroy());
      },
      'unreachable',
    ],
  ])('with %s is over', async (_what, request, answer, reason) => {
    const port = await listening(createServer(answer));

    expect(await reasonOf(call(`http://127.0.0.1:${port}/`, request))).toBe(reason);
  });

  it('to something that speaks no HTTP, and to nobody, is over', async () => {
    const port = await listening(
      createWire((socket) =>
        socket
          .on('error', () => undefined)
          .resume()
          .end('SSH-2.0-OpenSSH_9.9\r\n'),
      ),
    );
    expect(await reasonOf(call(`http://127.0.0.1:${port}/`))).toBe('unreachable');

    const [silent] = servers.splice(0);
    await new Promise((resolve) => silent?.close(resolve));
    expect(await reasonOf(call(`http://127.0.0.1:${port}/`))).toBe('unreachable');
  });

  it('to no URL, and to a name without addresses, is over', async () => {
    expect(await reasonOf(call('nowhere'))).toBe('refused');
    expect(await reasonOf(call('https://idp.test/', { deadlineMs: 50 }, { resolve: () => new Promise(() => undefined) }))).toBe(
      'late',
    );
  });
});

describe('a name', () => {
  it.each<[string, OutboundWorld['resolve']]>([
    ['nobody knows', () => Promise.reject(new Error('no such name'))],
    ['has no address', async () => []],
    ['is of a network behind us', async () => ['10.0.0.1']],
    ['is of two networks', async () => ['93.184.215.14', '10.0.0.1']],
  ])('that %s is refused in the same words', async (_which, resolve) => {
    const error = await openOutbound(outboundRules([]), { ...(resolve && { resolve }) })('https://idp.test/').catch(
      (each: unknown) => each,
    );
    expect(error).toMatchObject({ reason: 'refused', message: 'the name stands for no address of the public internet' });
  });

  it('is not called when any of its addresses is not public', async () => {
    const dialled: string[] = [];
    const world: Partial<OutboundWorld> = {
      resolve: async () => ['93.184.215.14', '10.0.0.1'],
      connect: (options) => {
        dialled.push(options.host);
        return connect(options);
      },
    };

    expect(await reasonOf(openOutbound(outboundRules([]), world)('https://idp.test/'))).toBe('refused');
    expect(dialled).toEqual([]);
  });

  it('is resolved once: what it stands for a moment later is not connected to', async () => {
    let requests = 0;
    const port = await listening(createServer((_request, response) => response.end(String((requests += 1)))));
    const answers = [['127.0.0.1'], ['10.0.0.1'], ['10.0.0.1']];
    const asked: string[] = [];
    const world: Partial<OutboundWorld> = {
      resolve: async (host) => {
        asked.push(host);
        return answers.shift() ?? [];
      },
    };
    const out = openOutbound(outboundRules(['127.0.0.1', 'rebinding.test']), world);
    const strict = openOutbound(outboundRules(['127.0.0.1']), world);

    expect((await out(`http://rebinding.test:${port}/`)).body.toString()).toBe('1');
    expect(asked).toEqual(['rebinding.test']);
    // The next call looks again, and sees what it has become.
    expect(await reasonOf(strict('https://rebinding.test/'))).toBe('refused');
    expect(requests).toBe(1);
  });

  it('is not spoken to when the socket ends somewhere else', async () => {
    let bytes = 0;
    const port = await listening(
      createWire((socket) => socket.on('data', (data) => (bytes += data.length)).on('error', () => undefined)),
    );
    // What a translating network, or a resolver beneath ours, could do.
    const world: Partial<OutboundWorld> = {
      resolve: async () => ['93.184.215.14'],
      connect: () => connect({ host: '127.0.0.1', port }),
    };

    expect(await reasonOf(openOutbound(outboundRules([]), world)('https://idp.test/'))).toBe('refused');
    expect(bytes).toBe(0);
  });

  it('must be the one in the certificate', async () => {
    const folder = new URL('../fixtures/tls/', import.meta.url);
    const [key, cert] = await Promise.all(['key.pem', 'certificate.pem'].map((name) => readFile(new URL(name, folder), 'utf8')));
    const port = await listening(createSecureServer({ key, cert }, (_request, response) => response.end('hello')));
    const world: Partial<OutboundWorld> = { resolve: async () => ['127.0.0.1'] };
    const usual = tls.getCACertificates('default');

    expect(await reasonOf(call(`https://issuer.test:${port}/`, {}, world))).toBe('unreachable');
    tls.setDefaultCACertificates([...usual, cert ?? '']);
    try {
      expect((await call(`https://issuer.test:${port}/`, {}, world)).body.toString()).toBe('hello');
      expect(await reasonOf(call(`https://other.test:${port}/`, {}, world))).toBe('unreachable');
      expect(await reasonOf(call(`https://127.0.0.1:${port}/`, {}, world))).toBe('unreachable');
    } finally {
      tls.setDefaultCACertificates(usual);
    }
  });
});
