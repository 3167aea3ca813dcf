import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { openIssuer, type TestIssuer } from '../harness/issuer.ts';

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

  it.each(['Bring your own provider key', 'Audit log'])('takes what is shown under “%s”', async (title) => {
    const given = blocks(title, 'graphql');
    expect(given).toHaveLength(1);
    for (const payload of Object.values(await answer(given[0] ?? ''))) expect(payload.errors ?? []).toEqual([]);
  });
});
