import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApp } from '../harness/app.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { sampleVariables } from '../harness/letters.ts';
import { openMockApps, type MockApps } from '../harness/mock-apps.ts';
import type { Script } from '../harness/mock-provider.ts';
import { randomOf } from '../harness/random.ts';
import { publishRoute } from '../harness/routes.ts';
import { paced } from '../harness/tales.ts';

const start = `mutation ($input: GenerationStartInput!) {
  generationStart(input: $input) { generation { id } errors { code message } }
}`;
const letter = 'query ($id: ID!) { generation(id: $id) { status text attempts { base } } }';
const sentences = ['Dear Ada. ', 'I am glad 😀', '! ', 'Ça va? ', '山田です。', 'A\n\nnew 𝒢 ', 'line. ', 'Yours, Bo 👩‍💻.'];

describe('a model that fails in the middle, read on another process', () => {
  let apps: MockApps;
  let writer: TestApp;
  let elsewhere: TestApp;
  beforeAll(async () => {
    apps = await openMockApps();
    writer = await apps.open({});
    elsewhere = await apps.open({});
    await publishRoute(writer, 'auto', {
      route: { mode: 'fallback', among: ['a', 'b', 'c', 'd'].map((model) => ({ model: `openai/${model}` })) },
    });
  });
  afterAll(() => apps.close());

  it.each(
    ['cover-letter-classic', 'cover-letter-career-change'].flatMap((slug) => [1, 2, 3].map((seed) => [slug, seed] as const)),
  )('gives all readers the stored text, whenever they come (%s, seed %i)', async (slug, seed) => {
    const random = randomOf(seed);
    const failing = (): Script => {
      const pieces = sentences.slice(0, Math.floor(random() * sentences.length));
      return { pieces: paced(pieces, 5 + random() * 60), finish: null, ...(random() < 0.5 && { error: 'we are busy' }) };
    };
    apps.mock.script(failing(), failing(), failing(), { pieces: paced(sentences, 20) });
    const { generationStart } = await writer.ask<{ generationStart: { generation: { id: string } } }>(start, {
      input: { template: slug, variables: await sampleVariables(writer, slug) },
    });
    const { id } = generationStart.generation;
    const readers = [elsewhere, elsewhere, writer].map(({ url }) => readGeneration({ urls: [url], key: writer.key, id }));
    await readers[0]?.atLeast(5);
    readers.push(readGeneration({ urls: [elsewhere.url], key: writer.key, id }));

    const ends = await Promise.all(readers.map(({ ended }) => ended));
    const { generation } = await elsewhere.ask<{ generation: { status: string; text: string; attempts: { base: number }[] } }>(
      letter,
      { id },
    );
    expect(generation.status).toBe('SUCCEEDED');
    expect(generation.attempts).toHaveLength(4);
    for (const [index, reader] of readers.entries()) {
      expect(reader.text).toBe(generation.text);
      expect(ends[index]?.text).toBe(generation.text);
      await reader.close();
    }
  });
});
