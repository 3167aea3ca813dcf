import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { StreamReader } from '../harness/stream-reader.ts';
import { Teller } from '../harness/teller.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) {
    generation { id status text requestedModel model draft variables metadata createdAt startedAt finishedAt templateVersion { id number } template { slug } }
    errors { code message path }
  }
}`;

interface Started {
  readonly generationStart: {
    readonly generation: (Record<string, unknown> & { id: string }) | null;
    readonly errors: { code: string; message: string; path: string[] | null }[];
  };
}

const facts = {
  applicant: { name: 'Ada Byron' },
  job: { title: 'Analyst', company: 'Engine Works' },
};

describe('generationStart', () => {
  const teller = new Teller();
  let app: TestApp;

  beforeAll(async () => {
    app = await openTestApp({ providers: [teller], env: { DEFAULT_MODEL: 'mock/teller' } });
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    teller.calls.length = 0;
    await app.sql`delete from generations`;
    await app.sql`delete from idempotency_keys`;
  });

  const begin = async (input: Record<string, unknown>) =>
    (await app.ask<Started>(start, { input: { template: 'cover-letter-classic', variables: facts, ...input } })).generationStart;

  it('starts at once and gives the provider the prompt, the draft and the limits', async () => {
    const calling = teller.nextCall();
    const { generation, errors } = await begin({ maxOutputTokens: 333, temperature: 0.5, metadata: { order: 7 } });
    const call = await calling;

    expect(errors).toEqual([]);
    expect(generation).toMatchObject({
      status: 'RUNNING',
      text: '',
      requestedModel: 'auto',
      model: 'mock/teller',
      metadata: { order: 7 },
      finishedAt: null,
      template: { slug: 'cover-letter-classic' },
      templateVersion: { number: 1 },
    });
    expect(generation?.['draft']).toContain('Engine Works');
    expect(call.request).toMatchObject({ model: 'teller', maxOutputTokens: 333, temperature: 0.5, draft: generation?.['draft'] });
    expect(call.request.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    call.say('Dear ', 'you').finish();
    const reader = await new StreamReader(app, generation?.id ?? '').toEnd();
    expect(reader.text).toBe('Dear you');
    expect(reader.messages.at(-1)?.generation).toEqual({
      id: generation?.id,
      status: 'SUCCEEDED',
      text: 'Dear you',
      failure: null,
    });
  });

  it.each<[string, Record<string, unknown>, string, string[]]>([
    ['an unknown template', { template: 'no-such' }, 'NOT_FOUND', ['input', 'template']],
    ['a template id of nothing', { template: 'tpl_00000000000000000000000000' }, 'NOT_FOUND', ['input', 'template']],
    ['an empty template', { template: '' }, 'NOT_FOUND', ['input', 'template']],
    [
      'a missing variable',
      { variables: { applicant: { name: 'Ada' }, job: { title: 'x' } } },
      'INVALID_INPUT',
      ['input', 'variables', 'job', 'company'],
    ],
    [
      'a variable of the wrong type',
      { variables: { ...facts, skills: 'many' } },
      'INVALID_INPUT',
      ['input', 'variables', 'skills'],
    ],
    [
      'a variable that is not in the schema',
      { variables: { ...facts, salary: 1 } },
      'INVALID_INPUT',
      ['input', 'variables', 'salary'],
    ],
    ['a model that is not there', { model: 'mock/other' }, 'INVALID_INPUT', ['input', 'model']],
    ['a provider that is not there', { model: 'nobody/teller' }, 'INVALID_INPUT', ['input', 'model']],
    ['no tokens', { maxOutputTokens: 0 }, 'INVALID_INPUT', ['input', 'maxOutputTokens']],
    ['too many tokens', { maxOutputTokens: 32_001 }, 'INVALID_INPUT', ['input', 'maxOutputTokens']],
    ['a negative temperature', { temperature: -0.1 }, 'INVALID_INPUT', ['input', 'temperature']],
    ['a temperature above 2', { temperature: 2.1 }, 'INVALID_INPUT', ['input', 'temperature']],
    ['an empty idempotency key', { idempotencyKey: '' }, 'INVALID_INPUT', ['input', 'idempotencyKey']],
    ['a long idempotency key', { idempotencyKey: 'k'.repeat(256) }, 'INVALID_INPUT', ['input', 'idempotencyKey']],
    ['much metadata', { metadata: { note: 'n'.repeat(17_000) } }, 'INVALID_INPUT', ['input', 'metadata']],
  ])('refuses %s, and nothing is stored or called', async (_name, input, code, path) => {
    const { generation, errors } = await begin(input);
    expect(generation).toBeNull();
    expect(errors).toEqual([{ code, message: expect.any(String), path }]);
    expect(await count(app)).toBe(0);
    expect(teller.calls).toEqual([]);
  });

  it('takes nulls for what is optional', async () => {
    const { generation, errors } = await begin({
      model: null,
      idempotencyKey: null,
      maxOutputTokens: null,
      temperature: null,
      metadata: null,
    });
    expect(errors).toEqual([]);
    expect(generation).toMatchObject({ requestedModel: 'auto', metadata: null });
  });

  it('takes the id of a template and of a version', async () => {
    const { template } = await app.ask<{ template: { id: string; currentVersion: { id: string } } }>(
      '{ template(slug: "cover-letter-classic") { id currentVersion { id } } }',
    );
    for (const reference of [template.id, template.currentVersion.id]) {
      const { generation } = await begin({ template: reference });
      expect(generation?.['templateVersion']).toEqual({ id: template.currentVersion.id, number: 1 });
    }
  });

  describe('with an idempotency key', () => {
    it('makes one generation and one call of 200 calls at once', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => begin({ idempotencyKey: 'k'.repeat(255) })));
      expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
      expect(new Set(answers.map(({ generation }) => generation?.id)).size).toBe(1);
      expect(await count(app)).toBe(1);
      expect(teller.calls.length).toBe(1);
    });

    it('gives the same generation again after its end, whatever the order of the input', async () => {
      const calling = teller.nextCall();
      const first = await begin({ idempotencyKey: 'again', metadata: { a: 1, b: { c: 2, d: 3 } } });
      (await calling).say('x').finish();
      await new StreamReader(app, first.generation?.id ?? '').toEnd();
      const second = await begin({ metadata: { b: { d: 3, c: 2 }, a: 1 }, idempotencyKey: 'again' });
      expect(second.generation).toMatchObject({ id: first.generation?.id, status: 'SUCCEEDED', text: 'x' });
      expect(teller.calls.length).toBe(1);
    });

    it('takes null for absent', async () => {
      const { generation } = await begin({ idempotencyKey: 'null' });
      const again = await begin({ idempotencyKey: 'null', model: null, temperature: null, cache: null });
      expect([again.errors, again.generation?.id]).toEqual([[], generation?.id]);
      expect((await begin({ idempotencyKey: 'null', model: 'auto' })).generation?.id).toBe(generation?.id);
    });

    it('refuses another input with CONFLICT', async () => {
      await begin({ idempotencyKey: 'taken' });
      const { generation, errors } = await begin({ idempotencyKey: 'taken', temperature: 1 });
      expect(generation).toBeNull();
      expect(errors).toEqual([
        { code: 'CONFLICT', message: 'this idempotency key was used with another input', path: ['input', 'idempotencyKey'] },
      ]);
      expect(await count(app)).toBe(1);
    });

    it('starts anew when the record has expired', async () => {
      const first = await begin({ idempotencyKey: 'old' });
      await app.sql`update idempotency_keys set expires_at = now() - interval '1 second'`;
      const second = await begin({ idempotencyKey: 'old', temperature: 1 });
      expect(second.errors).toEqual([]);
      expect(second.generation?.id).not.toBe(first.generation?.id);
      expect((await begin({ idempotencyKey: 'old', temperature: 1 })).generation?.id).toBe(second.generation?.id);
    });

    it('does not remember a refusal', async () => {
      expect((await begin({ idempotencyKey: 'refused', template: 'no-such' })).errors[0]?.code).toBe('NOT_FOUND');
      expect((await begin({ idempotencyKey: 'refused' })).errors).toEqual([]);
    });
  });
});

async function count(app: TestApp): Promise<number> {
  const [row] = await app.sql<{ count: number }>`select count(*)::int as count from generations`;
  return row?.count ?? -1;
}
