import { print, type ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../src/client/ask.ts';
import { followGeneration, type FinishedGeneration, type StreamMessage } from '../../src/client/follow.ts';
import {
  GenerationCancelDocument,
  GenerationDeleteDocument,
  GenerationDocument,
  GenerationRetryDocument,
  GenerationsDocument,
  GenerationStartDocument,
  GenerationStreamDocument,
  ModelsDocument,
  TemplateDocument,
  TemplatesDocument,
  ViewerDocument,
  type GenerationStreamSubscription,
} from '../../src/client/operations.ts';
import { reduceText } from '../../src/client/reduce.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { sse, wsClient } from '../harness/clients.ts';
import { apolloClient, plainClient, urqlClient, type TourClient } from '../harness/tour-clients.ts';

interface Place {
  readonly text: string;
  readonly cursor: string | null;
}

const template = 'cover-letter-classic';
const beginning: Place = { text: '', cursor: null };
let app: TestApp;
let variables: Record<string, unknown>;

/** Reads on from a place until `isEnough`, then stops; `finished` is the end, if it came. */
function readOn(client: TourClient, id: string, from: Place, isEnough: (text: string) => boolean = () => false) {
  const read = Promise.withResolvers<Place & { messages: StreamMessage[]; finished: FinishedGeneration | null }>();
  const messages: StreamMessage[] = [];
  let { text, cursor } = from;
  const stop = client.watch(
    { id, after: cursor },
    {
      next(message) {
        try {
          text = reduceText(text, message);
        } catch (error) {
          return read.reject(error);
        }
        cursor = message.cursor;
        messages.push(message);
        const finished = message.__typename === 'GenerationFinished' ? message.generation : null;
        if (finished || isEnough(text)) read.resolve({ text, cursor, messages, finished });
      },
      error: read.reject,
    },
  );
  return read.promise.finally(stop);
}

async function start(client: TourClient, metadata: Record<string, unknown> | null = null): Promise<string> {
  const { generationStart } = await client.ask(GenerationStartDocument, { input: { template, variables, metadata } });
  expect(generationStart.errors).toEqual([]);
  return generationStart.generation?.id ?? '';
}

beforeAll(async () => {
  app = await openTestApp({ env: { OFFLINE_TOKENS_PER_SECOND: '400' } });
  const client = plainClient(app);
  const found = await client.ask(TemplateDocument, { slug: template });
  variables = found.template?.currentVersion.sample ?? {};
  await client.close();
});
afterAll(() => app.stop());

describe.each([
  ['Apollo Client', apolloClient],
  ['urql', urqlClient],
  ['fetch and graphql-ws', plainClient],
] as const)('%s', (_name, open) => {
  it('looks around', async () => {
    const client = open(app);
    const { viewer } = await client.ask(ViewerDocument, {});
    expect(viewer.permissions).toContain('generations:write');
    const { templates } = await client.ask(TemplatesDocument, { first: 10 });
    expect(templates.nodes.map(({ slug }) => slug)).toContain(template);
    const { models } = await client.ask(ModelsDocument, {});
    expect(models.filter(({ isDefault }) => isDefault).map(({ id }) => id)).toEqual(['offline/draft']);
    await client.close();
  });

  it('starts a generation and reads exactly the stored text', async () => {
    const client = open(app);
    const id = await start(client);
    const { text, messages, finished } = await readOn(client, id, beginning);
    const { generation } = await client.ask(GenerationDocument, { id });
    expect(messages[0]?.__typename).toBe('GenerationStarted');
    expect(finished).toMatchObject({ id, status: 'SUCCEEDED', text });
    expect(generation).toMatchObject({ status: 'SUCCEEDED', text });
    expect(text).toBe(generation?.draft);
    await client.close();
  });

  it('is cut in the middle and goes on where it was', async () => {
    const first = open(app);
    const id = await start(first);
    const cut = await readOn(first, id, beginning, (text) => text.length > 200);
    await first.close();
    expect(cut.finished).toBeNull();

    const second = open(app);
    const { text, messages, finished } = await readOn(second, id, cut);
    // Nothing is told twice: what comes begins where the text ended.
    expect(messages[0]).toMatchObject({ __typename: 'GenerationDelta', offset: cut.text.length });
    expect(text).toBe(finished?.text);
    await second.close();
  });

  it('goes on from a query', async () => {
    const client = open(app);
    const id = await start(client);
    await readOn(client, id, beginning, (text) => text.length > 100);
    const { generation } = await client.ask(GenerationDocument, { id });
    const { text, finished } = await readOn(client, id, generation ?? beginning);
    expect(text).toBe(finished?.text);
    await client.close();
  });

  it('cancels, retries, lists and deletes', async () => {
    const client = open(app);
    const metadata = { tour: crypto.randomUUID() };
    const id = await start(client, metadata);
    const begun = await readOn(client, id, beginning, (text) => text.length > 50);
    await client.ask(GenerationCancelDocument, { input: { id } });
    const cancelled = await readOn(client, id, begun);
    expect(cancelled.finished).toMatchObject({ status: 'CANCELLED', text: cancelled.text });
    expect(cancelled.text.length).toBeGreaterThan(50);

    const { generationRetry } = await client.ask(GenerationRetryDocument, { input: { id } });
    const retried = generationRetry.generation;
    expect(retried).toMatchObject({ metadata, retryOf: { id } });
    const { generations } = await client.ask(GenerationsDocument, { first: 1 });
    expect(generations.nodes.map((each) => each.id)).toEqual([retried?.id]);

    const { generationDelete } = await client.ask(GenerationDeleteDocument, { input: { id } });
    expect(generationDelete).toMatchObject({ deletedId: id, errors: [] });
    expect((await client.ask(GenerationDocument, { id })).generation).toBeNull();
    await client.close();
  });
});

describe('server-sent events', () => {
  it('go on after the id of the last one', async () => {
    const client = plainClient(app);
    const id = await start(client);
    await client.close();
    const query = print(GenerationStreamDocument);
    let text = '';
    let last: string | null = null;
    for (const isCut of [true, false]) {
      const stream = await sse(
        app.url,
        { query, variables: { id } },
        { key: app.key, ...(last !== null && { lastEventId: last }) },
      );
      for await (const event of stream.events) {
        if (event.event !== 'next') continue;
        const { generationStream } = (event.result as ExecutionResult<GenerationStreamSubscription>).data ?? {};
        if (!generationStream) throw new Error('an event without data');
        text = reduceText(text, generationStream);
        last = event.id;
        if (isCut && text.length > 200) stream.stop();
      }
    }
    const { generation } = await ask(app, GenerationDocument, { id });
    expect(generation).toMatchObject({ status: 'SUCCEEDED', text });
  });
});

describe('followGeneration', () => {
  it('goes on by itself when its socket is cut', async () => {
    const plain = plainClient(app);
    const id = await start(plain);
    const client = wsClient(app.url, app.key, { retryAttempts: 5 });
    const cuts: number[] = [];
    const finished = await followGeneration(client, id, {
      onMessage(_message, text) {
        if (text.length < 200 * (cuts.length + 1) || cuts.length === 3) return;
        cuts.push(text.length);
        client.terminate();
      },
    });
    expect(cuts).toHaveLength(3);
    expect(finished.status).toBe('SUCCEEDED');
    await client.dispose();
    await plain.close();
  });

  it('reports a refusal', async () => {
    const client = wsClient(app.url, app.key);
    await expect(followGeneration(client, 'gen_00000000000000000000000000')).rejects.toThrow('no such generation');
    await client.dispose();
  });

  it('rejects with the reason when it is stopped, and the generation goes on', async () => {
    const plain = plainClient(app);
    const id = await start(plain);
    const client = wsClient(app.url, app.key);
    const stopper = new AbortController();
    const reason = new Error('enough');
    await expect(followGeneration(client, id, { signal: stopper.signal, onMessage: () => stopper.abort(reason) })).rejects.toBe(
      reason,
    );
    expect((await plain.ask(GenerationDocument, { id })).generation?.status).toBe('RUNNING');
    await client.dispose();
    await plain.close();
  });
});
