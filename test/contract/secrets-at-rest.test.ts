import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../../src/kernel/log.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { MockProvider, type Script } from '../harness/mock-provider.ts';
import { askToSet, keysOf, setKey, startWith, writeWith } from '../harness/own-keys.ts';
import { StreamReader } from '../harness/stream-reader.ts';

// A tenant's own key is nowhere but in the call to its provider: not in a table, a log line, a metric or an answer.

const own = { openai: 'sk-canary-own-openai-2b71', anthropic: 'sk-ant-canary-own-9c3e' };
const masterKey = randomBytes(32).toString('base64');

const everything = `query { providerCredentials(first: 100) {
  nodes { id provider fingerprint createdAt updatedAt updatedBy { id email } } edges { cursor node { id fingerprint } } pageInfo { endCursor startCursor } } }`;
const told =
  'query ($id: ID!) { generation(id: $id) { status text metadata failure { code message } attempts { model endedBy } } }';

/** All ways for a vendor to say the key back. */
const echoes: readonly Script[] = [
  {
    status: 401,
    raw: JSON.stringify({ error: { message: `Incorrect API key: ${own.openai} ${own.anthropic}`, code: 'invalid_api_key' } }),
  },
  { status: 500, raw: `<html>Bearer ${own.openai} Bearer ${own.anthropic}</html>` },
  { status: 400, raw: JSON.stringify({ error: { message: `cannot read ${own.openai} ${own.anthropic}` } }) },
  {
    raw: `<html>${own.openai} ${own.anthropic}</html>`,
    headers: { 'content-type': `text/html; key=${own.openai}${own.anthropic}` },
  },
  { raw: `data: {"${own.openai} ${own.anthropic}\n\n` },
  { pieces: ['Dear '], error: `overloaded for ${own.openai} and ${own.anthropic}` },
];

describe('a tenant’s own key', () => {
  const lines: string[] = [];
  const answers: string[] = [];
  const log = openLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  let mock: MockProvider;
  let app: TestApp;
  let asker: Pick<TestApp, 'ask' | 'key'>;

  beforeAll(async () => {
    mock = await MockProvider.open();
    app = await openTestApp({
      log,
      env: {
        LOG_LEVEL: 'trace',
        OPENAI_API_KEY: 'sk-of-the-house',
        OPENAI_BASE_URL: `${mock.url}/v1`,
        ANTHROPIC_API_KEY: 'sk-ant-of-the-house',
        ANTHROPIC_BASE_URL: mock.url,
        MASTER_KEY: masterKey,
        GENERATION_TOTAL_TIMEOUT_MS: '3000',
      },
    });
    asker = {
      key: app.key,
      ask: async <T>(query: string, variables?: Record<string, unknown>) => {
        const answer = await app.ask<T>(query, variables);
        answers.push(JSON.stringify(answer));
        return answer;
      },
    };
    await setKey(asker, 'openai', own.openai);
    await setKey(asker, 'anthropic', own.anthropic);
    await askToSet(asker, { provider: 'offline', apiKey: own.openai });
    await askToSet(asker, { provider: 'openai', apiKey: `${own.openai} ` });
    for (const model of ['openai/m', 'anthropic/m']) {
      mock.always({});
      expect(await writeWith(app.url, asker, model)).toMatchObject({ status: 'SUCCEEDED' });
      for (const echo of echoes) {
        mock.always(echo);
        const id = await startWith(asker, model);
        await new StreamReader(app, id).toEnd();
        await asker.ask(told, { id });
      }
    }
    await asker.ask(everything);
  });
  afterAll(async () => {
    await app.stop();
    await mock.close();
  });

  /** Secrets that are somewhere in a text, plain or encoded. */
  const seenIn = (text: string) => {
    const lower = text.toLowerCase();
    return Object.entries({ ...own, masterKey })
      .filter(([, secret]) => {
        const bytes = Buffer.from(secret);
        const forms = [
          secret,
          encodeURIComponent(secret),
          bytes.toString('hex'),
          bytes.toString('base64').replace(/.{0,2}=*$/, ''),
        ];
        return [...forms, bytes.toString('base64url').slice(0, -2)].some((form) => lower.includes(form.toLowerCase()));
      })
      .map(([name]) => name);
  };

  it('went out with every call, or this would prove nothing', () => {
    expect(new Set(mock.calls.flatMap(keysOf))).toEqual(new Set(Object.values(own)));
    expect(seenIn(JSON.stringify(mock.calls.map(({ headers }) => headers)))).toEqual(['openai', 'anthropic']);
  });

  it('is in no table', async () => {
    const tables = await app.sql<{ name: string }>`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`;
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['provider_credentials', 'data_keys', 'attempts']));
    for (const { name } of tables) {
      const [row] = await app.sql<{ text: string | null }>`
        select query_to_xml('select * from ' || quote_ident(${name}), true, false, '')::text as text`;
      expect({ name, seen: seenIn(row?.text ?? '') }).toEqual({ name, seen: [] });
      if (name === 'provider_credentials') expect(row?.text).toContain('<provider>openai</provider>');
    }
  });

  it('is in no line of the log and in no metric', async () => {
    expect(lines.length).toBeGreaterThan(10);
    expect(seenIn(lines.join(''))).toEqual([]);
    expect(seenIn(await (await fetch(`${app.url}/metrics`)).text())).toEqual([]);
  });

  it('is in no answer', () => {
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.join('')).toContain('PROVIDER_AUTH');
    expect(seenIn(answers.join(''))).toEqual([]);
  });

  it('would be seen', () => {
    const inLog = JSON.stringify({ key: Buffer.from(own.openai).toString('base64') });
    expect(seenIn(`x ${own.anthropic} y`)).toEqual(['anthropic']);
    expect(seenIn(inLog)).toEqual(['openai']);
  });
});
