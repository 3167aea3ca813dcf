import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LeanHttp } from '../../src/providers/http.ts';
import { certificate, certificateKey } from '../harness/certificate.ts';

const received: string[] = [];
let connections = 0;
const server = https.createServer({ key: certificateKey, cert: certificate }, (request, response) => {
  request.setEncoding('utf8').on('data', (text: string) => {
    received.push(text);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let token = 0; token < 200; token++) response.write(`data: ${token}\n\n`);
    response.end();
  });
});
server.on('secureConnection', () => connections++);

const http = new LeanHttp({ ms: 25, width: 1 });
const trusted = tls.getCACertificates('default');
const post = (host: string): Promise<Response> =>
  http.fetch(`https://${host}:${(server.address() as AddressInfo).port}/v1`, { method: 'POST', body: 'a prompt' });

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  tls.setDefaultCACertificates(trusted);
  received.length = 0;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

describe('a call over TLS', () => {
  it('says nothing to a server whose certificate nobody vouches for', async () => {
    await expect(post('localhost')).rejects.toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    expect(received).toEqual([]);
  });

  it('says nothing to a server with the certificate of another', async () => {
    tls.setDefaultCACertificates([...trusted, certificate]);
    await expect(post('127.0.0.1')).rejects.toMatchObject({ cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    expect(received).toEqual([]);
  });

  it('gets the whole body, and its connection serves the next one', async () => {
    tls.setDefaultCACertificates([...trusted, certificate]);
    const before = connections;
    const whole = Array.from({ length: 200 }, (_, token) => `data: ${token}\n\n`).join('');

    for (let call = 0; call < 3; call++) expect(await (await post('localhost')).text()).toBe(whole);

    expect(received).toEqual(['a prompt', 'a prompt', 'a prompt']);
    expect(connections - before).toBe(1);
  });
});
