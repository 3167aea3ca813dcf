import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/providers/port.ts';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openSeed, type Caller, type Seed } from '../harness/seed.ts';
import { StreamReader, StreamRefused } from '../harness/stream-reader.ts';
import { Teller, type Call } from '../harness/teller.ts';

const fields =
  'id status text cursor model requestedModel finishReason retryOf { id } failure { code message retryable } usage { inputTokens outputTokens cachedInputTokens } costMicros attempts { number model base endedBy failureCode }';
const documents = {
  start: `mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { ${fields} } errors { code path } } }`,
  cancel: `mutation ($input: GenerationCancelInput!) { generationCancel(input: $input) { generation { ${fields} } errors { code message path } } }`,
  retry: `mutation ($input: GenerationRetryInput!) { generationRetry(input: $input) { generation { ${fields} } errors { code message path } } }`,
  delete:
    'mutation ($input: GenerationDeleteInput!) { generationDelete(input: $input) { deletedId errors { code message path } } }',
  one: `query ($id: ID!) { generation(id: $id) { ${fields} } }`,
};

type Row = Record<string, unknown> & { id: string; status: string; text: string; cursor: string };
interface Payload {
  readonly generation: Row | null;
  readonly deletedId?: string | null;
  readonly errors: readonly { code: string; message: string; path: string[] | null }[];
}

describe('the life of a generation', () => {
  const teller = new Teller();
  let app: TestApp;
  let seed: Seed;
  let stranger: Caller;
  let reader: Caller;
  let variables: Record<string, unknown>;

  beforeAll(async () => {
    app = await openTestApp({ providers: [teller], env: { DEFAULT_MODEL: 'mock/teller' } });
    seed = await openSeed(app);
    stranger = await seed.tenant();
    reader = await seed.member({ can: ['generations:read', 'generations:others', 'templates:read'] });
    variables = await sampleVariables(app);
  });
  afterAll(async () => {
    await seed.close();
    await app.stop();
  });
  beforeEach(async () => {
    teller.calls.length = 0;
    await app.sql`delete from generations`;
  });

  const mutate = async (
    name: 'start' | 'cancel' | 'retry' | 'delete',
    input: Record<string, unknown>,
    as: Pick<Caller, 'ask'> = app,
  ): Promise<Payload> => Object.values(await as.ask<Record<string, Payload>>(documents[name], { input }))[0] as Payload;
  const find = async (id: string, as: Pick<Caller, 'ask'> = app) =>
    (await as.ask<{ generation: Row | null }>(documents.one, { id })).generation;
  const begin = async (): Promise<{ id: string; call: Call }> => {
    const calling = teller.nextCall();
    const { generation, errors } = await mutate('start', { template: 'cover-letter-classic', variables });
    if (!generation) throw new Error(`it was not started: ${JSON.stringify(errors)}`);
    return { id: generation.id, call: await calling };
  };
  const written = async (...texts: string[]): Promise<string> => {
    const { id, call } = await begin();
    call.say(...texts).finish();
    await new StreamReader(app, id).toEnd();
    return id;
  };
  const unknown = 'gen_00000000000000000000000000';

  describe('generationCancel', () => {
    it('keeps what was written, ends the provider call and tells the readers', async () => {
      const { id, call } = await begin();
      call.say('Dear 😀 Ms');
      const watching = new StreamReader(app, id);
      await watching.until(10);
      const { errors } = await mutate('cancel', { id });
      await call.aborted;
      await watching.toEnd();

      expect(errors).toEqual([]);
      expect(watching.messages.at(-1)?.generation).toEqual({ id, status: 'CANCELLED', text: 'Dear 😀 Ms', failure: null });
      expect(watching.text).toBe('Dear 😀 Ms');
      expect(await find(id)).toMatchObject({
        status: 'CANCELLED',
        text: 'Dear 😀 Ms',
        attempts: [{ number: 1, endedBy: 'CANCELLED' }],
      });
    });

    it('leaves one that has ended as it is', async () => {
      const id = await written('whole');
      const { generation, errors } = await mutate('cancel', { id });
      expect(errors).toEqual([]);
      expect(generation).toMatchObject({ status: 'SUCCEEDED', text: 'whole' });
    });

    it.each(['nonsense', unknown, 'tpl_00000000000000000000000000'])('knows no %s', async (id) => {
      expect(await mutate('cancel', { id })).toEqual({
        generation: null,
        errors: [{ code: 'NOT_FOUND', message: 'no such generation', path: ['input', 'id'] }],
      });
    });
  });

  describe('generationRetry', () => {
    it('writes again from the same facts, as a new generation', async () => {
      const id = await written('first');
      const calling = teller.nextCall();
      const { generation, errors } = await mutate('retry', { id });
      const call = await calling;
      call.say('second').finish();
      await new StreamReader(app, generation?.id ?? '').toEnd();

      expect(errors).toEqual([]);
      expect(generation).toMatchObject({ retryOf: { id }, status: 'RUNNING' });
      expect(generation?.id).not.toBe(id);
      expect(call.request).toEqual(teller.calls[0]?.request);
      expect(await find(generation?.id ?? '')).toMatchObject({ text: 'second', retryOf: { id } });
      expect(await find(id)).toMatchObject({ text: 'first', retryOf: null });
    });

    it('is the same for the same idempotency key', async () => {
      const id = await written('x');
      const first = await mutate('retry', { id, idempotencyKey: 'once' });
      const second = await mutate('retry', { id, idempotencyKey: 'once' });
      expect(second.generation?.id).toBe(first.generation?.id);
    });

    it('refuses one that runs, unknown ones and unknown models', async () => {
      const { id } = await begin();
      expect((await mutate('retry', { id })).errors).toEqual([
        { code: 'CONFLICT', message: 'the generation is RUNNING; cancel it or wait for its end', path: ['input', 'id'] },
      ]);
      expect((await mutate('retry', { id: unknown })).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'id'] }]);
      const done = await written('x');
      expect((await mutate('retry', { id: done, model: 'mock/none' })).errors).toMatchObject([
        { code: 'INVALID_INPUT', path: ['input', 'model'] },
      ]);
    });
  });

  describe('generationDelete', () => {
    it('leaves nothing of it', async () => {
      const id = await written('secret');
      expect(await mutate('delete', { id })).toEqual({ deletedId: id, errors: [] });
      expect(await find(id)).toBeNull();
      for (const table of ['generations', 'attempts', 'chunks']) expect(await count(app, table)).toBe(0);
      expect((await mutate('delete', { id })).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
    });

    it('stops one that runs and tells its readers', async () => {
      const { id, call } = await begin();
      call.say('Dear');
      const watching = await new StreamReader(app, id).until(4);
      await mutate('delete', { id });
      await call.aborted;
      await expect(watching.toEnd()).rejects.toEqual(new StreamRefused(['NOT_FOUND']));
      expect(await count(app, 'chunks')).toBe(0);
    });
  });

  describe('generation', () => {
    it('has text and cursor that join the stream without a gap while it runs', async () => {
      const { id, call } = await begin();
      call.say('Dear ', 'Ms ');
      const row = await eventually(async () => {
        const now = await find(id);
        return now && now.text.length === 8 ? now : null;
      });
      expect(row).toMatchObject({
        status: 'RUNNING',
        text: 'Dear Ms ',
        usage: null,
        failure: null,
        attempts: [{ number: 1, base: 0, endedBy: null }],
      });
      const joined = new StreamReader(app, id, row.cursor, row.text);
      call.say('山田').finish();
      await joined.toEnd();
      expect(joined.kinds).toEqual(['GenerationDelta', 'GenerationFinished']);
      expect(joined.text).toBe('Dear Ms 山田');
    });

    it('has usage, finish reason and no price that is not known', async () => {
      const id = await written('x');
      expect(await find(id)).toMatchObject({
        status: 'SUCCEEDED',
        finishReason: 'STOP',
        usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0 },
        costMicros: null,
      });
    });

    it('is INCOMPLETE with its text when the model stops at its limit', async () => {
      const { id, call } = await begin();
      call.say('cut of').finish('LENGTH');
      await new StreamReader(app, id).toEnd();
      expect(await find(id)).toMatchObject({ status: 'INCOMPLETE', finishReason: 'LENGTH', text: 'cut of', failure: null });
    });

    it('is FAILED with a code when the provider refuses', async () => {
      const { id, call } = await begin();
      call.fail(new ProviderError('CONTENT_REFUSED', 'mock refuses', { retryable: false }));
      const watching = await new StreamReader(app, id).toEnd();
      expect(await find(id)).toMatchObject({
        status: 'FAILED',
        text: '',
        failure: { code: 'CONTENT_REFUSED', message: 'mock refuses', retryable: false },
      });
      expect(watching.messages.at(-1)?.generation).toMatchObject({ status: 'FAILED', failure: { code: 'CONTENT_REFUSED' } });
    });
  });

  describe('generationStream', () => {
    it('gives a finished generation its text and ends', async () => {
      const id = await written('Dear ', 'you');
      const late = await new StreamReader(app, id).toEnd();
      expect(late.messages).toMatchObject([
        { __typename: 'GenerationStarted', attempt: 1, model: 'mock/teller' },
        { __typename: 'GenerationDelta', offset: 0, text: 'Dear you' },
        { __typename: 'GenerationFinished', generation: { status: 'SUCCEEDED', text: 'Dear you' } },
      ]);
    });

    it('goes on exactly after any cursor it gave', async () => {
      const { id, call } = await begin();
      const first = new StreamReader(app, id);
      call.say('one ');
      await first.until(4);
      call.say('two ');
      await first.until(8);
      call.say('three').finish();
      await first.toEnd();
      for (const [index, { cursor }] of first.messages.entries()) {
        const textThen = first.messages
          .slice(0, index + 1)
          .map((message) => ('text' in message ? message.text : ''))
          .join('');
        const again = await new StreamReader(app, id, cursor, textThen).toEnd();
        expect(again.text).toBe('one two three');
        expect(again.messages.length).toBe(index === first.messages.length - 1 ? 0 : index === first.messages.length - 2 ? 1 : 2);
      }
    });

    it('tells a restart, and how much stays', async () => {
      const { id, call } = await begin();
      call.say('half a let');
      const watching = await new StreamReader(app, id).until(10);
      const calling = teller.nextCall();
      call.fail(new ProviderError('STREAM_CUT', 'mock was cut', { retryable: true }));
      (await calling).say('a whole letter').finish();
      await watching.toEnd();
      expect(watching.messages.filter(({ __typename }) => __typename === 'GenerationRestarted')).toMatchObject([
        { offset: 0, reason: 'PROVIDER_ERROR', attempt: 2, model: 'mock/teller' },
      ]);
      expect(watching.text).toBe('a whole letter');
      expect(await find(id)).toMatchObject({
        status: 'SUCCEEDED',
        attempts: [
          { number: 1, endedBy: 'FAILED', failureCode: 'STREAM_CUT' },
          { number: 2, endedBy: 'FINISHED', failureCode: null },
        ],
      });
    });

    it('shows nothing of an attempt that fails before its first text', async () => {
      const { id, call } = await begin();
      const watching = new StreamReader(app, id);
      const calling = teller.nextCall();
      call.fail(new ProviderError('OVERLOADED', 'mock is busy', { retryable: true }));
      // A text without a letter at its end: that might begin a placeholder, and would be held back.
      (await calling).say('fine.').finish();
      await watching.toEnd();
      expect(watching.kinds).toEqual(['GenerationStarted', 'GenerationDelta', 'GenerationFinished']);
      expect(watching.messages[0]).toMatchObject({ attempt: 2 });
    });

    it.each([
      ['no id', 'x', null, 'NOT_FOUND'],
      ['an unknown id', unknown, null, 'NOT_FOUND'],
      ['no cursor', null, 'x', 'INVALID_CURSOR'],
      ['an empty cursor', null, '', 'INVALID_CURSOR'],
    ])('refuses %s', async (_name, id, after, code) => {
      const known = await written('x');
      await expect(new StreamReader(app, id ?? known, after).toEnd()).rejects.toEqual(new StreamRefused([code]));
    });

    it("refuses another generation's cursor", async () => {
      const [one, two] = [await written('x'), await written('y')];
      const { cursor } = (await find(one)) ?? {};
      await expect(new StreamReader(app, two, cursor ?? null).toEnd()).rejects.toEqual(new StreamRefused(['INVALID_CURSOR']));
    });
  });

  it('is nobody else’s', async () => {
    const id = await written('private');
    expect(await find(id, stranger)).toBeNull();
    for (const name of ['cancel', 'retry', 'delete'] as const) {
      expect((await mutate(name, { id }, stranger)).errors).toMatchObject([
        { code: 'NOT_FOUND', message: 'no such generation', path: ['input', 'id'] },
      ]);
    }
    await expect(new StreamReader({ url: app.url, key: stranger.key }, id).toEnd()).rejects.toEqual(
      new StreamRefused(['NOT_FOUND']),
    );
    const { id: running, call } = await begin();
    await expect(new StreamReader({ url: app.url, key: stranger.key }, running).toEnd()).rejects.toEqual(
      new StreamRefused(['NOT_FOUND']),
    );
    expect(call.signal.aborted).toBe(false);
    expect(await find(id)).toMatchObject({ text: 'private' });
  });

  it('changes nothing for a key that may only read', async () => {
    const id = await written('kept');
    for (const [name, input] of [
      ['start', { template: 'cover-letter-classic', variables }],
      ['cancel', { id }],
      ['retry', { id }],
      ['delete', { id }],
    ] as const) {
      expect((await mutate(name, input, reader)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    }
    expect(await count(app, 'generations')).toBe(1);
    expect(await find(id, reader)).toMatchObject({ text: 'kept' });
  });
});

async function count(app: TestApp, table: string): Promise<number> {
  const rows = await app.sql<{ chunks: number; attempts: number; generations: number }>`
    select (select count(*)::int from chunks) as chunks, (select count(*)::int from attempts) as attempts, (select count(*)::int from generations) as generations`;
  return rows[0]?.[table as 'chunks'] ?? -1;
}
