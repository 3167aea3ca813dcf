import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id status text requestedModel model } errors { code message path } }
}`;

describe('generationStart', () => {
  let app: TestApp;
  let sample: Record<string, unknown>;

  beforeAll(async () => {
    app = await openTestApp();
    const { template } = await app.ask<{ template: { currentVersion: { sample: Record<string, unknown> } } }>(
      '{ template(slug: "cover-letter-classic") { currentVersion { sample } } }',
    );
    sample = template.currentVersion.sample;
  });
  afterAll(() => app.stop());

  it('starts a generation that runs at once', async () => {
    const { generationStart } = await app.ask<{ generationStart: { generation: { status: string }; errors: unknown[] } }>(start, {
      input: { template: 'cover-letter-classic', variables: sample },
    });
    expect(generationStart).toMatchObject({ generation: { status: 'RUNNING', text: '', requestedModel: 'auto', model: 'offline/draft' }, errors: [] });
  });
});
