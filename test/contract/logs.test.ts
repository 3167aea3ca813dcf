import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../../src/kernel/log.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { acknowledged, get, post, rawSocket, sse } from '../harness/clients.ts';
import { eventually, patienceMs } from '../harness/eventually.ts';
import { MockProvider, type Script } from '../harness/mock-provider.ts';
import { StreamReader } from '../harness/stream-reader.ts';

// Everything that must not be known outside, each with a word that occurs nowhere else.
const canaries = {
  openaiKey: 'sk-canary-openai-7f3a91',
  anthropicKey: 'sk-ant-canary-55c0de',
  secret: 'canary-of-the-secret-0123456789abcdef',
  metricsToken: 'canary-of-the-scraper',
  wrongKey: 'dwk_canary_wrong_key_8d2e',
  databasePassword: 'canary-database-password',
  urlPart: 'canary-in-the-url',
  letter: 'Canaryletterword',
  applicant: 'Canaria Birdsong',
  company: 'Canaryworks & Daughters',
  idempotencyKey: 'canary-idempotency',
  metadata: 'canary-of-the-metadata',
  badInput: 'canary-of-bad-input',
} as const;

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;

const told = 'query ($id: ID!) { generation(id: $id) { failure { code message } attempts { model endedBy } } }';

const variables = {
  applicant: { name: canaries.applicant },
  job: { title: 'Ornithologist', company: canaries.company },
};

/** All ways for a vendor to say a secret back, and some to fail without a word. */
const failures: readonly Script[] = [
  {
    status: 401,
    raw: JSON.stringify({ error: { message: `Incorrect API key provided: ${canaries.openaiKey}.`, code: 'invalid_api_key' } }),
  },
  {
    status: 401,
    raw: JSON.stringify({
      type: 'error',
      error: { type: 'authentication_error', message: `bad x-api-key ${canaries.anthropicKey}` },
    }),
  },
  { status: 500, raw: `<html>Bearer ${canaries.openaiKey} at /${canaries.urlPart} for ${canaries.applicant}</html>` },
  {
    status: 400,
    raw: JSON.stringify({ error: { message: `cannot read: ${canaries.company} ${canaries.letter} ${canaries.anthropicKey}` } }),
  },
  { status: 302, headers: { location: `http://127.0.0.1:9/?key=${canaries.openaiKey}` } },
  { raw: `<html>${canaries.openaiKey} ${canaries.letter}</html>`, headers: { 'content-type': 'text/html' } },
  { raw: `data: {"${canaries.letter} ${canaries.anthropicKey}\n\n` },
  {
    pieces: [`${canaries.letter} `, 'and so on'],
    error: `overloaded: ${canaries.openaiKey} ${canaries.anthropicKey} ${canaries.letter}`,
  },
  { pieces: [`${canaries.letter} `], finish: null },
  { pieces: [`${canaries.letter} `], afterBytes: 100, lastly: 'cut' },
];

describe('logs and metrics', () => {
  const lines: string[] = [];
  const log = openLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  let mock: MockProvider;
  let app: TestApp;

  beforeAll(async () => {
    mock = await MockProvider.open();
    app = await openTestApp({
      log,
      env: {
        LOG_LEVEL: 'trace',
        OPENAI_API_KEY: canaries.openaiKey,
        OPENAI_BASE_URL: `${mock.url}/${canaries.urlPart}/v1`,
        ANTHROPIC_API_KEY: canaries.anthropicKey,
        ANTHROPIC_BASE_URL: `${mock.url}/${canaries.urlPart}`,
        SECRET: canaries.secret,
        METRICS_TOKEN: canaries.metricsToken,
        GENERATION_IDLE_TIMEOUT_MS: '500',
        GENERATION_TOTAL_TIMEOUT_MS: '3000',
      },
    });
  });
  afterAll(async () => {
    await app.stop();
    await mock.close();
  });

  const write = async (model: string, extra: Record<string, unknown> = {}) => {
    const input = { template: 'cover-letter-classic', variables, model, metadata: { note: canaries.metadata }, ...extra };
    const { generationStart } = await app.ask<{ generationStart: { generation: { id: string } | null; errors: unknown[] } }>(
      start,
      {
        input,
      },
    );
    expect(generationStart.errors).toEqual([]);
    const reader = await new StreamReader(app, generationStart.generation?.id ?? '').toEnd();
    return reader.messages.at(-1)?.generation;
  };

  /** The canaries that are somewhere in a text, in any letter case, plain or encoded for a URL or base64. */
  const seenIn = (text: string) => {
    const lower = text.toLowerCase();
    const keys = { ...canaries, developmentKey: app.key, databaseRealPassword: new URL(app.database.url).password };
    return Object.entries(keys)
      .filter(([, canary]) =>
        [
          canary,
          encodeURIComponent(canary),
          JSON.stringify(canary).slice(1, -1),
          Buffer.from(canary).toString('base64url').slice(0, -2),
        ].some((form) => lower.includes(form.toLowerCase())),
      )
      .map(([name]) => name);
  };

  it('say nothing of a letter that went well, whoever wrote it', async () => {
    mock.always({ pieces: ['Dear all, ', canaries.letter, ' yours.'] });

    for (const model of ['openai/mock', 'anthropic/mock', 'offline/draft']) {
      const ended = await write(model, { idempotencyKey: `${canaries.idempotencyKey}-${model}` });
      expect([model, ended?.status]).toEqual([model, 'SUCCEEDED']);
    }

    // The keys did go out, or this would prove nothing.
    const sent = JSON.stringify(mock.calls.map(({ path, headers, body }) => ({ path, headers, body })));
    expect(seenIn(sent)).toEqual(expect.arrayContaining(['openaiKey', 'anthropicKey', 'urlPart', 'company']));
    // The name is masked.
    expect(seenIn(sent)).not.toContain('applicant');
    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it.each([
    ['openai/mock', 'openaiKey'],
    ['anthropic/mock', 'anthropicKey'],
  ])('say nothing when a vendor fails and talks: %s', async (model, ownKey) => {
    let calls = 0;
    mock.always(() => failures[calls++ % failures.length] ?? {});

    const ends = await Promise.all(failures.map(() => write(model)));

    expect(calls).toBeGreaterThanOrEqual(failures.length);
    for (const ended of ends) {
      expect(ended?.status).toMatch(/^(FAILED|INCOMPLETE)$/);
      // Its caller knows its own words already; the key and the address are nobody's but ours.
      const { generation } = await app.ask<{ generation: Record<string, unknown> }>(told, { id: ended?.id ?? '' });
      expect(seenIn(JSON.stringify(generation)).filter((name) => [ownKey, 'urlPart'].includes(name))).toEqual([]);
    }
    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it('say nothing of keys that are refused, on any transport', async () => {
    const query = `{ viewer { tenant { name } } __typename }`;
    expect((await post(app.url, { query }, { key: canaries.wrongKey })).status).toBe(401);
    expect((await get(app.url, { query }, { key: canaries.wrongKey })).status).toBe(401);
    expect((await sse(app.url, { query }, { key: canaries.wrongKey })).status).toBe(401);
    const socket = await rawSocket(app.url);
    socket.send({ type: 'connection_init', payload: { Authorization: `Bearer ${canaries.wrongKey}` } });
    expect(await socket.closed).toBe(4401);
    expect((await fetch(`${app.url}/metrics`, { headers: { authorization: `Bearer ${canaries.wrongKey}` } })).status).toBe(401);
    expect(
      (await fetch(`${app.url}/readyz?key=${canaries.wrongKey}`, { headers: { authorization: canaries.wrongKey } })).status,
    ).toBe(200);

    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it('say nothing of bad input', async () => {
    const bad = canaries.badInput;
    const key = app.key;
    await post(app.url, `{"query": "${bad}`, { key });
    await post(app.url, { query: `{ ${bad.replaceAll('-', '_')} }` }, { key });
    await post(app.url, { query: `query { viewer(x: "${bad}") { id } }` }, { key });
    await post(app.url, { query: start, variables: { input: { template: bad, variables: { [bad]: `${bad}\0` } } } }, { key });
    await post(app.url, { query: start, variables: { input: bad } }, { key });
    await post(
      app.url,
      { query: '{ node(id: "x") { id } }', operationName: bad },
      { key, headers: { 'x-request-id': `${bad} x` } },
    );
    await post(app.url, { query: `# ${bad}\n${'{ a '.repeat(3_000)}` }, { key });
    await post(app.url, JSON.stringify({ query: bad.repeat(20_000) }), { key });
    await get(app.url, { query: '{ viewer { tenant { id } } }', variables: { bad } }, { key });
    await fetch(`${app.url}/${bad}?${bad}`, { headers: { cookie: bad } });
    const { events } = await sse(app.url, { query: `subscription { generationStream(id: "${bad}") { cursor } }` }, { key });
    const { value } = await events.next();
    expect(value?.result?.errors).toBeDefined();
    await events.return();
    const socket = await acknowledged(app.url, key);
    socket.send({
      id: bad,
      type: 'subscribe',
      payload: { query: `subscription { generationStream(id: "${bad}", after: "${bad}") { cursor } }` },
    });
    expect(JSON.stringify(await socket.next())).toContain('errors');
    socket.send(`not JSON: ${bad}`);
    await socket.closed;

    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it('say nothing of what is inside an error that nobody expected', async () => {
    // A statement that fails for a reason of its own: the driver knows its parameters, the row and the constraint.
    await app.sql`create function canary() returns trigger language plpgsql as $$ begin raise exception 'refused % %', new.variables, new.metadata; end $$`;
    await app.sql`create trigger canary before insert on generations for each row execute function canary()`;
    const before = lines.length;
    const input = { template: 'cover-letter-classic', variables, metadata: { note: canaries.metadata } };
    const answer = await app.answer(start, { input });
    await app.sql`drop trigger canary on generations`;

    expect(answer.errors?.[0]?.extensions?.['code']).toBe('INTERNAL');
    expect(seenIn(JSON.stringify(answer))).toEqual([]);
    // It was logged, so there was something to hide.
    await eventually(() => lines.length > before, patienceMs, 'the line about it');
    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it('say nothing of the database’s password when it does not let us in', async () => {
    const url = new URL(app.database.url);
    url.password = canaries.databasePassword;
    const stranger = { ...app.database, url: url.href };
    const failed = await openTestApp({ log, database: stranger }).then(
      () => null,
      (error: unknown) => error,
    );

    expect(failed).toBeInstanceOf(Error);
    expect(seenIn(`${String(failed)} ${JSON.stringify(failed)} ${(failed as Error).stack}`)).toEqual([]);
    expect(seenIn(lines.join(''))).toEqual([]);
  });

  it('and the audit log say what was done, and none of it', async () => {
    const [row] = await app.sql<{ told: string; letters: number }>`
      select string_agg(e::text, ' ') as told, count(*) filter (where operation = 'generationStart')::int as letters from audit_entries e`;

    expect(row?.letters).toBeGreaterThan(10);
    expect(seenIn(row?.told ?? '')).toEqual([]);
    const claims = await app.sql`select * from idempotency_keys`;
    expect(claims.length).toBeGreaterThan(0);
    expect(seenIn(JSON.stringify(claims))).toEqual([]);
  });

  it('know none of it in a metric, and did write', async () => {
    const answer = await fetch(`${app.url}/metrics`, { headers: { authorization: `Bearer ${canaries.metricsToken}` } });

    expect(answer.status).toBe(200);
    expect(seenIn(await answer.text())).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(5);
    expect(seenIn(canaries.letter)).toEqual(['letter']);
  });
});
