import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import https from 'node:https';
import { createServer as createWire, type AddressInfo, type Server } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { openDial, type OutboundDial } from '../../src/kernel/outbound-dial.ts';
import { outboundRules } from '../../src/kernel/outbound-rules.ts';
import type { FindAddresses } from '../../src/kernel/names.ts';
import { OutboundError } from '../../src/kernel/outbound.ts';
import { guardedHttp } from '../../src/providers/guarded-http.ts';
import { LeanHttp } from '../../src/providers/http.ts';
import { canaryKey, outcomeOf, textRequest, vendors } from '../harness/providers.ts';
import { certificate, certificateKey } from '../harness/certificate.ts';

const servers: Server[] = [];
const usual = tls.getCACertificates('default');

afterEach(async () => {
  tls.setDefaultCACertificates(usual);
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

/** A way out that allows what is listed and finds names so. */
const way = (allowed: readonly string[], resolve: FindAddresses = () => Promise.resolve([])): LeanHttp =>
  guardedHttp({ ms: 0, width: 1 }, openDial(outboundRules(allowed), { resolve }))('ten_1');

/** What a call came to: its body, or why there was none, from down the chain. */
async function said(http: LeanHttp, url: string): Promise<string> {
  try {
    return await (await http.fetch(url, { method: 'POST', body: 'a prompt' })).text();
  } catch (error) {
    let last = error as Error;
    while (last.cause instanceof Error && !(last instanceof OutboundError)) last = last.cause;
    return last.message;
  }
}

const notPublic = 'the address is not one of the public internet';
const notPublicName = 'the name stands for no address of the public internet';

describe('a call to an address that a tenant named', () => {
  it.each([
    ['https://127.0.0.1/v1', notPublic],
    ['https://2130706433/v1', notPublic],
    ['https://[::ffff:7f00:1]/v1', notPublic],
    ['https://169.254.169.254/latest', notPublic],
    ['http://8.8.8.8/v1', 'only https is called'],
    ['https://user@accounts.example/', 'a URL holds no user and no password here'],
  ])('does not go to %s', async (url, why) => {
    expect(await said(way([]), url)).toBe(why);
  });

  it('looks at every address of a name, each time that it is found again', async () => {
    let requests = 0;
    const port = await listening(createServer((_request, response) => response.end(String((requests += 1)))));
    const answers = [['127.0.0.1'], ['127.0.0.1', '10.0.0.1'], [], ['127.0.0.1']];
    const asked: string[] = [];
    const resolve: FindAddresses = async (host) => {
      asked.push(host);
      return answers.shift() ?? [];
    };
    // Another party's connections and names are its own, so each looks for itself.
    const ways = guardedHttp({ ms: 0, width: 1 }, openDial(outboundRules(['127.0.0.1', 'rebinding.test']), { resolve }));
    const url = `http://rebinding.test:${port}/v1`;

    expect(await said(ways('ten_1'), url)).toBe('1');
    expect(await said(ways('ten_1'), url)).toBe('2');
    expect(asked).toEqual(['rebinding.test']);
    const strict = openDial(outboundRules(['127.0.0.1']), { resolve: async () => ['93.184.215.14', '10.0.0.1'] });
    expect(await said(guardedHttp({ ms: 0, width: 1 }, strict)('ten_2'), `https://rebinding.test:${port}/v1`)).toBe(
      notPublicName,
    );
    expect(requests).toBe(2);
  });

  it('goes no more to a name that has become another address', async () => {
    let requests = 0;
    const answer: RequestListener = (_request, response) => {
      requests += 1;
      response.writeHead(200, { connection: 'close' }).end('here');
    };
    const port = await listening(createServer(answer));
    let addresses = ['127.0.0.1'];
    const dial = openDial(outboundRules(['127.0.0.1', 'rebinding.test']), { resolve: async () => addresses, keepMs: 20 });
    const http = guardedHttp({ ms: 0, width: 1 }, dial)('ten_1');
    const url = `http://rebinding.test:${port}/v1`;

    expect(await said(http, url)).toBe('here');
    // Not even a name that the operator listed may become the machine's own metadata.
    addresses = ['169.254.169.254'];
    await expect.poll(() => said(http, url)).toBe(notPublicName);
    const before = requests;
    expect(await said(http, url)).toBe(notPublicName);
    expect(requests).toBe(before);
  });

  it('says so when a name cannot be found, and looks again with the next call', async () => {
    const answers = [Promise.reject(new Error('no such name')), Promise.resolve([]), Promise.resolve(['127.0.0.1'])];
    const port = await listening(createServer((_request, response) => response.end('here')));
    for (const answer of answers) answer.catch(() => undefined);
    const http = way(['late.test', '127.0.0.1'], () => answers.shift() ?? Promise.resolve([]));
    const url = `http://late.test:${port}/v1`;

    expect(await said(http, url)).toBe(notPublicName);
    expect(await said(http, url)).toBe(notPublicName);
    expect(await said(http, url)).toBe('here');
  });

  it.each(['http', 'https'])('says nothing to a socket that ends somewhere else, by %s', async (scheme) => {
    let bytes = 0;
    let connections = 0;
    const port = await listening(
      createWire((socket) => {
        connections += 1;
        socket.on('data', (data) => (bytes += data.length)).on('error', () => undefined);
      }),
    );
    // What a translating network, or a resolver beneath ours, could do.
    const dial: OutboundDial = {
      refusalOf: () => null,
      isAllowed: () => false,
      lookup: (_host, { all }, callback) =>
        all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
    };

    expect(await said(new LeanHttp({ ms: 0, width: 1 }, dial), `${scheme}://vendor.test:${port}/v1`)).toBe(notPublic);
    await expect.poll(() => connections).toBe(1);
    expect(bytes).toBe(0);
  });

  it('wants the name that was asked for in the certificate, whatever address it has', async () => {
    const server = https.createServer({ key: certificateKey, cert: certificate }, (_request, response) => response.end('hello'));
    const port = await listening(server);
    const resolve: FindAddresses = async () => ['127.0.0.1'];
    tls.setDefaultCACertificates([...usual, certificate]);

    expect(await said(way(['127.0.0.1', 'localhost'], resolve), `https://localhost:${port}/v1`)).toBe('hello');
    expect(await said(way(['127.0.0.1'], resolve), `https://other.test:${port}/v1`)).toMatch(/altnames/);
  });

  it('follows no redirect', async () => {
    let requests = 0;
    const answer: RequestListener = (_request, response) => {
      requests += 1;
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end('elsewhere');
    };
    const port = await listening(createServer(answer));
    for (const { provider } of vendors) {
      const asked = provider(`http://127.0.0.1:${port}`);
      const { error } = await outcomeOf(
        asked.stream(textRequest(), { signal: new AbortController().signal, fetch: way(['127.0.0.1']).fetch }),
      );
      expect(error).toMatchObject({ code: 'INVALID_REQUEST', retryable: false });
    }
    expect(requests).toBe(vendors.length);
  });

  it('reads no body without an end', async () => {
    const port = await listening(
      createServer((_request, response) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        const flood = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', flood);
        };
        flood();
      }),
    );
    for (const { provider } of vendors) {
      const asked = provider(`http://127.0.0.1:${port}`);
      const options = { signal: AbortSignal.timeout(20_000), fetch: way(['127.0.0.1']).fetch };
      expect((await outcomeOf(asked.stream(textRequest(), options))).error).toMatchObject({
        name: 'ProviderError',
        retryable: true,
      });
      await expect(asked.listModels?.(options)).rejects.toMatchObject({ name: 'ProviderError' });
    }
  });
});

describe.each(vendors)('$name at an address of its own', ({ provider, path }) => {
  it('is called there with the key that was given, and never with the other', async () => {
    const seen: string[] = [];
    const port = await listening(
      createServer((request, response) => {
        seen.push(`${request.url} ${JSON.stringify(request.headers)}`);
        response.writeHead(500).end('{}');
      }),
    );
    const usualOne = provider('http://127.0.0.1:9');
    const versioned = path.startsWith('/v1/') && !path.startsWith('/v1/messages') ? '/v1' : '';
    const own = usualOne.at?.(`http://127.0.0.1:${port}${versioned}`, 'sk-of-the-tenant');
    if (!own) throw new Error('it cannot be called elsewhere');
    const fetch = way(['127.0.0.1']).fetch;
    const signal = new AbortController().signal;

    await outcomeOf(own.stream(textRequest(), { signal, fetch }));
    await own.listModels?.({ signal, fetch }).catch(() => undefined);

    expect(own.id).toBe(usualOne.id);
    expect(seen).toHaveLength(2);
    for (const each of seen) {
      expect(each).toContain('sk-of-the-tenant');
      expect(each).not.toContain(canaryKey);
    }
    expect(seen[0]).toMatch(/^\/v1/);
  });
});
