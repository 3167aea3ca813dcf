import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import { assemble, type AttemptState, type Chunk } from '../../src/generations/story.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { ProviderError, type Provider } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { wsClient } from '../harness/clients.ts';
import { randomOf, type Random } from '../harness/random.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = randomOf(seed);
const generationCount = 60;
const cutCount = 1_000;

const stream = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename cursor
    ... on GenerationDelta { offset text }
    ... on GenerationRestarted { offset }
    ... on GenerationFinished { generation { status text } }
  }
}`;

/** Writes another text at every call, at its own pace, with characters outside the basic plane; a third of its streams are cut. */
function storyteller(): Provider {
  let calls = 0;
  return {
    id: 'mock',
    models: [{ name: 'teller', contextWindow: null, maxOutputTokens: null }],
    acceptsUnknownModels: false,
    async *stream(_request, { signal }) {
      const dice = randomOf(seed + ++calls);
      const pieces = dice.whole(60, 120);
      const cutAt = dice() < 0.33 ? dice.whole(1, pieces) : Infinity;
      for (let piece = 0; piece < pieces; piece++) {
        if (piece === cutAt) throw new ProviderError('STREAM_CUT', 'cut', { retryable: true });
        await pause(dice.whole(0, 40), undefined, { signal });
        yield {
          type: 'text',
          text: `${dice.pick(['𝒢', '👩‍💻', '山', 'é', 'x'])}${calls}.${piece}${dice.pick([' ', '\n', '😀😀'])}`,
        };
      }
      yield { type: 'finish', reason: 'STOP', usage: { inputTokens: 1, outputTokens: pieces, cachedInputTokens: 0 } };
    },
  };
}

/** One reader of one generation, on any process, that is cut again and again. */
class CutReader {
  text = '';
  cursor: string | null = null;
  isDone = false;
  cutsWhileRunning = 0;
  cuts = 0;
  /** Its text at every message that came from the process that does not write. */
  readonly seen: string[] = [];
  final: { status: string; text: string } | null = null;

  constructor(readonly id: string) {}

  /** Reads up to `messages` messages over a socket of its own, then cuts it. */
  async read(app: TestApp, messages: number, isElsewhere: boolean): Promise<void> {
    const client = wsClient(app.url, app.key);
    const results = client.iterate<{
      generationStream: TextMessage & { cursor: string; generation?: { status: string; text: string } };
    }>({
      query: stream,
      variables: { id: this.id, after: this.cursor },
    });
    let left = messages;
    for await (const { data, errors } of results) {
      if (errors) throw new Error(`seed ${seed}: ${JSON.stringify(errors)}`);
      if (!data) continue;
      const message = data.generationStream;
      this.text = reduceText(this.text, message);
      this.cursor = message.cursor;
      if (isElsewhere) this.seen.push(this.text);
      if (message.generation) this.final = message.generation;
      if (--left === 0 && !message.generation) {
        this.cuts++;
        this.cutsWhileRunning++;
        break;
      }
    }
    this.isDone = this.final !== null;
    // Half of the cuts are polite, half tear the socket.
    if (random() < 0.5) client.terminate();
    await client.dispose();
  }
}

describe('readers that are cut at random', () => {
  let writer: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    const env = { DEFAULT_MODEL: 'mock/teller', MAX_RUNNING_GENERATIONS: '100', STREAM_WINDOW_MS: '5' };
    writer = await openTestApp({ env, providers: [storyteller()] });
    other = await openTestApp({ env, providers: [storyteller()], database: writer.database });
    // Flushes take their time, now and then.
    await writer.sql`create function slow_flush() returns trigger language plpgsql as $$ begin perform pg_sleep(random() * 0.15); return null; end $$`;
    await writer.sql`create trigger slow_flush before insert on chunks for each statement execute function slow_flush()`;
  });
  afterAll(async () => {
    await other.stop();
    await writer.stop();
  });

  it(`end with exactly the stored text, through take-overs and continuations (seed ${seed})`, { timeout: 240_000 }, async () => {
    const { template } = await writer.ask<{ template: { currentVersion: { sample: unknown } } }>(
      '{ template(slug: "cover-letter-new-graduate") { currentVersion { sample } } }',
    );
    const readers: CutReader[] = [];
    const pending = Array.from({ length: generationCount }, (_, index) => index);
    const perReader = Math.ceil(cutCount / generationCount);

    const one = async (dice: Random): Promise<void> => {
      const { generationStart } = await writer.ask<{ generationStart: { generation: { id: string } } }>(
        'mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } errors { code } } }',
        { input: { template: 'cover-letter-new-graduate', variables: template.currentVersion.sample } },
      );
      const reader = new CutReader(generationStart.generation.id);
      readers.push(reader);
      const losesAt = dice() < 0.4 ? dice.whole(2, 8) : -1;
      for (let round = 0; !reader.isDone; round++) {
        if (round === losesAt) await loseLease(writer, reader.id);
        const isElsewhere = dice() < 0.7;
        await reader.read(isElsewhere ? other : writer, dice.whole(1, 4), isElsewhere);
      }
      // The rest of its cuts fall after the end, at any earlier position.
      while (reader.cuts < perReader) {
        const late = new CutReader(reader.id);
        await late.read(dice() < 0.5 ? other : writer, dice.whole(1, 3), false);
        const cutAt = late.cursor;
        late.cursor = cutAt;
        while (!late.isDone) await late.read(other, 1_000, false);
        expect(late.text).toBe(reader.final?.text);
        reader.cuts++;
      }
    };
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let index = pending.pop(); index !== undefined; index = pending.pop()) await one(randomOf(seed ^ (index * 7_919)));
      }),
    );

    const takeOvers = await writer.sql<{ count: string }>`select count(*) from attempts where reason = 'TAKE_OVER'`;
    expect(Number(takeOvers[0]?.count)).toBeGreaterThan(generationCount / 10);
    const continued = await writer.sql<{
      count: string;
    }>`select count(*) from attempts where reason = 'PROVIDER_ERROR' and base > 0`;
    expect(Number(continued[0]?.count)).toBeGreaterThan(0);
    expect(readers.reduce((sum, { cuts }) => sum + cuts, 0)).toBeGreaterThanOrEqual(cutCount);
    expect(readers.reduce((sum, { cutsWhileRunning }) => sum + cutsWhileRunning, 0)).toBeGreaterThanOrEqual(cutCount / 2);
    for (const reader of readers) {
      const [row] = await writer.sql<{
        text: string;
        status: string;
      }>`select text, status from generations where id = ${uuid(reader.id)}::uuid`;
      expect(reader.text, `seed ${seed}, ${reader.id}`).toBe(row?.text);
      expect(reader.final).toEqual({ status: row?.status, text: row?.text });
      const states = await storedStates(writer, reader.id, row?.text ?? '');
      for (const text of reader.seen) expect(states.some((state) => state.startsWith(text))).toBe(true);
    }
  });
});

/** The lease runs out and everyone looks: who finds it first takes it over, while the old writer goes on until it hears of it. */
async function loseLease(app: TestApp, id: string): Promise<void> {
  await app.sql`update generations set lease_until = now() - interval '1 second' where id = ${uuid(id)}::uuid and status = 'RUNNING'`;
  await app.sql`select pg_notify('draftwire', ${JSON.stringify({ from: 'test', kind: 'generation.waiting', ids: [id] })})`;
}

/** Every text that was ever stored, as the longest state of each attempt. */
async function storedStates(app: TestApp, id: string, final: string): Promise<string[]> {
  const attempts =
    await app.sql<AttemptState>`select number, base from attempts where generation_id = ${uuid(id)}::uuid order by number`;
  const chunks =
    await app.sql<Chunk>`select attempt, start, body from chunks where generation_id = ${uuid(id)}::uuid order by attempt, start`;
  return [final, ...attempts.map((_, index) => assemble(attempts.slice(0, index + 1), chunks))];
}

function uuid(id: string): string {
  return uuidOf(id, 'gen');
}
