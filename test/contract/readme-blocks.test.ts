import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openProviders } from '../../src/providers/list.ts';
import type { Provider, ProviderOptions } from '../../src/providers/port.ts';
import { Models } from '../../src/routing/models.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';
import { codeOf, outcomeOf, textRequest } from '../harness/providers.ts';

// What README shows beside the tour is pasted here as it is, into a shell and into GraphiQL.

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

/** The blocks of a chapter in one language. */
function blocks(title: string, language: string): string[] {
  const text = readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block);
}

const hasCurl = spawnSync('curl', ['--version']).status === 0;
const shownUrl = 'http://127.0.0.1:4000';

let app: TestApp;
let issuer: TestIssuer;
let folder: string;

beforeAll(async () => {
  issuer = await openIssuer();
  app = await openTestApp({ env: { OPENAI_API_KEY: 'sk-of-the-house', DEFAULT_MODEL: 'offline/draft', ...issuer.env } });
  folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-readme-'));
  await mkdir(path.join(folder, '.data'));
  await writeFile(path.join(folder, '.data', 'dev-key'), `${app.key}\n`);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await app.stop();
  await issuer[Symbol.asyncDispose]();
});

/** Pastes blocks into one shell, one after the other; what each wrote, as JSON. */
async function paste(given: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<unknown[]> {
  const mark = '== next ==';
  const script = given.map((block) => block.replaceAll(shownUrl, app.url)).join(`\necho '${mark}'\n`);
  const { stdout } = await promisify(execFile)('sh', ['-euc', script], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return stdout.split(mark).map((text) => JSON.parse(text) as unknown);
}

describe.skipIf(!hasCurl)('the shell', () => {
  it('makes a key and calls as a partner', async () => {
    const given = blocks('Create a key, call as a partner', 'sh');
    expect(given).toHaveLength(2);
    expect(await paste(given)).toEqual([
      { data: { apiKeyCreate: { secret: expect.stringMatching(/^dw_live_/), errors: [] } } },
      { data: { viewer: { permissions: ['templates:read', 'generations:read', 'generations:write'] } } },
    ]);
  });

  it('invites somebody', async () => {
    const [first = ''] = blocks('Create a key, call as a partner', 'sh');
    const given = blocks('People and roles', 'sh');
    expect(given).toHaveLength(1);
    const functions = first.split('\n').slice(0, 2).join('\n');
    const [answers = ''] = given.map((block) => `${functions}\n${block}`);
    const pasted = paste([answers.replace('\ncurl', "\necho '== next =='\ncurl")]);
    expect(await pasted).toMatchObject([
      { data: { invitationCreate: { token: expect.stringMatching(/^dw_invite_/), errors: [] } } },
      { data: { invitationAccept: { secret: expect.stringMatching(/^dw_live_/), errors: [] } } },
    ]);
  });
});

describe('GraphiQL', () => {
  const answer = async (block: string) => {
    const { data, errors } = await app.answer(block);
    expect(errors).toBeUndefined();
    return data as Record<string, { errors?: unknown[] }>;
  };

  it('registers an issuer, whose tokens the shell then calls with', async () => {
    const [register = '', ...others] = blocks('Register an issuer', 'graphql');
    expect(others).toEqual([]);
    const claims = { 'https://acme.example/roles': ['letter-editors'], email: 'ada@acme.example' };
    const token = await issuer.token({ person: 'ada', audience: 'the-client-id-or-api-identifier', claims });
    const own = [
      ['https://login.acme.example/', issuer.url],
      ['eyJhbGciOi...', token],
    ] as const;
    const pasted = own.reduce((block, [shown, mine]) => {
      expect(block).toContain(shown);
      return block.replace(shown, mine);
    }, register);
    expect(await answer(pasted)).toMatchObject({ issuerCreate: { errors: [] } });
    const call = blocks('Register an issuer', 'sh');
    expect(call).toHaveLength(1);
    if (!hasCurl) return;
    expect(await paste(call, { JWT: token })).toMatchObject([
      {
        data: {
          viewer: {
            actor: { email: 'ada@acme.example' },
            permissions: expect.arrayContaining(['generations:others']) as string[],
          },
        },
      },
    ]);
  });

  it('switches the model of a tenant, for the next letter', async () => {
    const [publish = '', ...others] = blocks('Switch the model', 'graphql');
    expect(others).toEqual([]);
    expect(publish).toContain('"offline/draft"');
    const published = publish.replace('"offline/draft"', '"openai/switched"');
    expect(await answer(published)).toMatchObject({ routePublish: { errors: [] } });
    const explain = 'query { routeExplain(input: {}) { models { model } } }';
    expect(await app.ask(explain)).toEqual({ routeExplain: { models: [{ model: 'openai/switched' }] } });
    expect(await answer(publish)).toMatchObject({ routePublish: { errors: [], route: { current: { number: 2 } } } });
    expect(await app.ask(explain)).toEqual({ routeExplain: { models: [{ model: 'offline/draft' }] } });
  });

  it.each(['Bring your own provider key', 'Audit log'])('takes what is shown under “%s”', async (title) => {
    const given = blocks(title, 'graphql');
    expect(given).toHaveLength(1);
    for (const payload of Object.values(await answer(given[0] ?? ''))) expect(payload.errors ?? []).toEqual([]);
  });
});

describe('providers', () => {
  it('are added by configuration alone', async () => {
    const given = blocks('Adding to it', 'sh');
    expect(given).toHaveLength(1);
    const { stdout } = await promisify(execFile)('sh', ['-euc', `${given[0] ?? ''}\nprintf %s "$PROVIDERS"`]);
    const { providers } = readConfig({ PROVIDERS: stdout, GROQ_API_KEY: 'gsk-1' });
    const models = new Models(openProviders(providers), null);

    expect(models.choices.map(({ id, model }) => [id, model.contextWindow, model.hasStructuredOutput])).toEqual([
      ['groq/llama-4-maverick', null, null],
      ['ollama/llama4', 131_072, true],
      ['offline/draft', null, false],
    ]);
    expect(models.find('groq/another')).not.toBeNull();
  });

  it('are added in one file', async () => {
    const given = blocks('Adding to it', 'ts');
    expect(given).toHaveLength(1);
    const file = path.join(folder, 'acme.ts');
    const sources = new URL('../../src/providers/', import.meta.url).pathname;
    await writeFile(file, (given[0] ?? '').replaceAll("from './", `from '${sources}`));
    const { acme } = (await import(file)) as { acme: (options: ProviderOptions) => Provider };
    const seen: { url: string | undefined; key: unknown; body: string }[] = [];
    const answers = [
      'data: {"text":"Dear Ms 山田, "}\n\ndata: {"text":"yes."}\n\ndata: {"end":"done","read":12,"wrote":34}\n\n',
      'data: {"text":"Dear "}\n\n',
      'data: {"error":{"type":"server_error","message":"not with acme-canary"}}\n\n',
      null,
    ];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (body: string) => {
        seen.push({ url: request.url, key: request.headers['x-acme-key'], body });
        const next = answers.shift() ?? null;
        response.writeHead(next === null ? 401 : 200, { 'content-type': 'text/event-stream' });
        response.end(next ?? '{"error":{"message":"not with acme-canary"}}');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const provider = acme({ id: 'acme', apiKey: 'acme-canary', baseURL: `http://127.0.0.1:${port}`, models: [] });
    const ask = () => outcomeOf(provider.stream(textRequest(), { signal: new AbortController().signal, fetch }));

    const whole = await ask();
    expect(whole).toMatchObject({ error: null, text: 'Dear Ms 山田, yes.' });
    expect(whole.parts.at(-1)).toMatchObject({ reason: 'STOP', usage: { inputTokens: 12, outputTokens: 34 } });
    expect(seen[0]).toMatchObject({
      url: '/write',
      key: 'acme-canary',
      body: expect.stringContaining('Write one to Ms 山田.') as string,
    });
    expect(codeOf(await ask())).toBe('STREAM_CUT');
    for (const code of ['OVERLOADED', 'PROVIDER_AUTH']) {
      const outcome = await ask();
      expect(codeOf(outcome)).toBe(code);
      expect(String(outcome.error)).not.toContain('canary');
    }
    server.close();
    await once(server, 'close');
    expect(codeOf(await ask())).toBe('NETWORK');
  });
});
