import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { composeServices, compositionHasErrors } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { applicationsSdl, openApplications, type Application } from './applications.ts';
import { run, type Running } from './processes.ts';
import { seedKeys, type Keys } from './seed.ts';

interface Result {
  readonly data?: Record<string, any> | null; // Shapes differ from query to query.
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

interface Message {
  readonly __typename: string;
  readonly offset?: number;
  readonly text?: string;
  readonly generation?: {
    readonly id: string;
    readonly text: string;
    readonly applications: readonly { readonly employer: string }[];
  };
}

const here = fileURLToPath(new URL('.', import.meta.url));
const root = path.join(here, '../..');
const secret = 'a secret for the federation test';
const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message path } }
}`;
const stream = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename
    cursor
    ... on GenerationDelta { offset text }
    ... on GenerationRestarted { offset }
    ... on GenerationFinished { generation { id text applications { employer } } }
  }
}`;
const entities = `query ($of: [_Any!]!) {
  _entities(representations: $of) { __typename ... on Generation { id text } ... on Tenant { id } ... on Member { id } ... on Template { id } }
}`;

/** Stops in reverse order, whatever could be opened. */
const stops: (() => Promise<void>)[] = [];
const applications: Application[] = [];
let keys: Keys;
let draftwireUrl: string;
let partnerUrl: string;
let gatewayUrl: string;
let letterId: string;
let letterText: string;

before(async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'draftwire-federation-'));
  stops.push(() => rm(folder, { recursive: true, force: true }));

  const dataDir = path.join(folder, 'data');
  keys = await seedKeys(dataDir, secret);
  const draftwire = run('dist/main.js', [], {
    cwd: root,
    env: { PORT: '0', DATA_DIR: dataDir, SECRET: secret, OFFLINE_TOKENS_PER_SECOND: '400', DRAIN_TIMEOUT_MS: '2000' },
  });
  stops.push(() => stopped(draftwire));
  draftwireUrl = `${await draftwire.says(/"url":"(http:[^"]+)"/)}/graphql`;

  const partner = await openApplications(applications);
  stops.push(() => partner.stop());

  partnerUrl = partner.url;
  const supergraph = path.join(folder, 'supergraph.graphql');
  await writeFile(supergraph, composed(await readFile(path.join(root, 'schema/subgraph.graphql'), 'utf8')));

  const port = await freePort();
  const gateway = run(
    'node_modules/@graphql-hive/gateway/dist/bin.js',
    [
      'supergraph',
      supergraph,
      '--config-path',
      'gateway.config.ts',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--fork',
      '1',
    ],
    { cwd: here },
  );
  stops.push(() => stopped(gateway));
  await gateway.says(/Listening/i);
  gatewayUrl = `http://127.0.0.1:${port}/graphql`;

  letterId = await startLetter();
  applications.push({ id: 'application-1', employer: 'Harbour Clinic', generationId: letterId });
  letterText = (await read(letterId)).text;
  const stored = await ask(draftwireUrl, keys.owner, 'query ($id: ID!) { generation(id: $id) { status text } }', {
    id: letterId,
  });
  assert.deepEqual(stored, { data: { generation: { status: 'SUCCEEDED', text: letterText } } });
});

after(async () => {
  for (const stop of stops.reverse()) await stop();
});

describe('a supergraph of Draftwire and a partner', () => {
  it('joins from a letter to what the partner knows', async () => {
    const query =
      'query ($id: ID!) { generation(id: $id) { id text applications { id employer } } node(id: $id) { ... on Generation { status } } }';
    assert.deepEqual(await ask(gatewayUrl, keys.owner, query, { id: letterId }), {
      data: {
        generation: { id: letterId, text: letterText, applications: [{ id: 'application-1', employer: 'Harbour Clinic' }] },
        node: { status: 'SUCCEEDED' },
      },
    });
  });

  it('joins from the partner to the letter, through _entities', async () => {
    assert.deepEqual(
      await ask(gatewayUrl, keys.owner, '{ applications { employer generation { id text template { slug } } } }'),
      {
        data: {
          applications: [
            {
              employer: 'Harbour Clinic',
              generation: { id: letterId, text: letterText, template: { slug: 'cover-letter-classic' } },
            },
          ],
        },
      },
    );
  });

  it('streams over the WebSocket of the gateway what is stored in the end', async () => {
    const id = await startLetter();
    applications.push({ id: 'application-2', employer: 'Night Ferry', generationId: id });
    const messages = await read(id);
    const { data } = await ask(draftwireUrl, keys.owner, 'query ($id: ID!) { generation(id: $id) { text } }', { id });
    assert.equal(messages.text, data?.generation.text);
    assert.ok(messages.deltas > 10, `streamed in ${messages.deltas} deltas`);
    assert.deepEqual(messages.last, {
      __typename: 'GenerationFinished',
      cursor: messages.last?.cursor,
      generation: { id, text: messages.text, applications: [{ employer: 'Night Ferry' }] },
    });
  });

  it('streams as server-sent events too', async () => {
    const response = await post(gatewayUrl, keys.owner, stream, { id: letterId }, 'text/event-stream');
    const body = await response.text();
    const results = [...body.matchAll(/^data: ?(\{.*)$/gm)].map(([, json = '']) => JSON.parse(json) as Result);
    const { text, last } = apply(results.map(messageOf));
    assert.equal(text, letterText);
    assert.deepEqual(last?.generation, { id: letterId, text: letterText, applications: [{ employer: 'Harbour Clinic' }] });
  });

  it('gives another tenant nothing, whichever way it asks', async () => {
    // The partner's own things are the partner's to guard; Draftwire's part of each is null, and no error of ours says why.
    const { data, errors } = await ask(gatewayUrl, keys.foreign, '{ applications { employer generation { id text } } }');
    assert.deepEqual(data, { applications: applications.map(({ employer }) => ({ employer, generation: null })) });
    assert.ok(
      errors?.every(({ extensions }) => extensions?.code === 'INTERNAL_SERVER_ERROR'),
      'the gateway misses a text that is never null',
    );
    assert.deepEqual(await ask(gatewayUrl, keys.foreign, 'query ($id: ID!) { generation(id: $id) { id } }', { id: letterId }), {
      data: { generation: null },
    });
    await assert.rejects(read(letterId, keys.foreign), /no such generation/);
  });
});

describe('the subgraph by itself', () => {
  it('gives a foreign key null for each thing that is not its own', async () => {
    const { data } = await ask(
      draftwireUrl,
      keys.owner,
      '{ viewer { tenant { id } actor { id } } template(slug: "cover-letter-classic") { id } }',
    );
    const of = [
      { __typename: 'Generation', id: letterId },
      { __typename: 'Tenant', id: data?.viewer.tenant.id },
      { __typename: 'Member', id: data?.viewer.actor.id },
      { __typename: 'Template', id: data?.template.id },
    ];
    assert.deepEqual(await ask(draftwireUrl, keys.foreign, entities, { of }), {
      data: { _entities: [null, null, null, { __typename: 'Template', id: data?.template.id }] },
    });
    const own = await ask(draftwireUrl, keys.owner, entities, { of });
    assert.deepEqual(own.data?._entities[0], { __typename: 'Generation', id: letterId, text: letterText });
    assert.deepEqual(
      own.data?._entities.map(({ id }: { id: string }) => id),
      of.map(({ id }) => id),
    );
  });

  it('is for keys with schema:federate only, behind the gateway as well', async () => {
    for (const [query, variables] of [
      ['{ _service { sdl } }', {}],
      [entities, { of: [{ __typename: 'Generation', id: letterId }] }],
    ] as const) {
      const { data, errors } = await ask(draftwireUrl, keys.unfederated, query, variables);
      assert.deepEqual([data ?? null, errors?.map(({ extensions }) => extensions?.code)], [null, ['FORBIDDEN']]);
    }
    const { data, errors } = await ask(gatewayUrl, keys.unfederated, '{ applications { generation { id text } } }');
    assert.deepEqual(data, { applications: applications.map(() => ({ generation: null })) });
    assert.deepEqual([...new Set(errors?.map(({ extensions }) => extensions?.code))], ['FORBIDDEN']);
  });

  it('tells nobody anything without a key', async () => {
    const { data, errors } = await ask(gatewayUrl, null, 'query ($id: ID!) { generation(id: $id) { text } }', { id: letterId });
    assert.deepEqual([data?.generation ?? null, errors?.[0]?.extensions?.code], [null, 'UNAUTHENTICATED']);
  });

  it('serves the schema that is printed', async () => {
    const printed = await readFile(path.join(root, 'schema/subgraph.graphql'), 'utf8');
    const { data } = await ask(draftwireUrl, keys.owner, '{ _service { sdl } }');
    assert.equal(composed(data?._service.sdl), composed(printed));
  });
});

/** The supergraph of Draftwire, with this schema, and the partner. */
function composed(sdl: string): string {
  const result = composeServices([
    { name: 'draftwire', url: draftwireUrl, typeDefs: parse(sdl) },
    { name: 'applications', url: partnerUrl, typeDefs: parse(applicationsSdl) },
  ]);
  if (compositionHasErrors(result)) throw new Error(result.errors.map(({ message }) => message).join('\n'));
  return result.supergraphSdl;
}

function post(url: string, key: string | null, query: string, variables: object, accept = 'application/json'): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...(key !== null && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(30_000),
  });
}

async function ask(url: string, key: string | null, query: string, variables: object = {}): Promise<Result> {
  // What it cost is no part of the story.
  const { extensions: _cost, ...result } = (await (await post(url, key, query, variables)).json()) as Result & {
    extensions?: object;
  };
  return result;
}

/** Starts a letter of the sample, through the gateway. */
async function startLetter(): Promise<string> {
  const sample = await ask(gatewayUrl, keys.owner, '{ template(slug: "cover-letter-classic") { currentVersion { sample } } }');
  const input = { template: 'cover-letter-classic', variables: sample.data?.template.currentVersion.sample };
  const started = await ask(gatewayUrl, keys.owner, start, { input });
  assert.deepEqual(started.data?.generationStart.errors, [], JSON.stringify(started));
  return started.data?.generationStart.generation.id;
}

/** Reads a letter's stream through the gateway, from its beginning to its end. */
async function read(id: string, key = keys.owner) {
  const client = createClient({
    url: gatewayUrl.replace('http', 'ws'),
    retryAttempts: 0,
    connectionParams: { Authorization: `Bearer ${key}` },
  });
  try {
    const messages = [];
    for await (const result of client.iterate({ query: stream, variables: { id } })) messages.push(messageOf(result as Result));
    return apply(messages);
  } finally {
    await client.dispose();
  }
}

function messageOf({ data, errors }: Result): Message & { cursor: string } {
  if (errors?.length || !data) throw new Error(JSON.stringify(errors));
  return data.generationStream;
}

/** What README tells clients to do with the messages. */
function apply(messages: readonly (Message & { cursor: string })[]) {
  let text = '';
  let deltas = 0;
  for (const message of messages) {
    if (message.__typename === 'GenerationRestarted') text = text.slice(0, message.offset);
    if (message.__typename !== 'GenerationDelta') continue;
    assert.equal(message.offset, text.length, 'no gap');
    text += message.text;
    deltas += 1;
  }
  return { text, deltas, last: messages.at(-1) };
}

async function stopped(running: Running): Promise<void> {
  const code = await running.stop();
  assert.equal(code, 0, running.output.slice(-20).join('\n'));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
