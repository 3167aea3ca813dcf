import { describe, expect, it } from 'vitest';
import { cacheKey, type CacheKeyInputs } from '../../src/caching/caching.ts';

const cached: CacheKeyInputs = {
  templateVersionId: 'tpv_1',
  requestedModel: 'auto',
  models: ['a/b', 'c/d'],
  branches: { TIMEOUT: ['e/f'] },
  addresses: { a: 'https://a.example/v1' },
  prompt: [{ role: 'user', content: 'Write to ada@example.org' }],
  draft: 'Dear Ada',
  variables: { name: 'Ada', job: { title: 'Engineer', company: 'X' } },
  maxOutputTokens: 100,
  temperature: null,
  guards: { masking: true, checks: {} },
};

describe('the key of a text', () => {
  it.each<Partial<CacheKeyInputs>>([
    { templateVersionId: 'tpv_2' },
    { requestedModel: 'a/b' },
    { models: ['c/d', 'a/b'] },
    { models: ['a/b'] },
    { branches: {} },
    { branches: { TIMEOUT: ['e/g'] } },
    { branches: { OVERLOAD: ['e/f'] } },
    // A model of one name is another elsewhere.
    { addresses: { a: 'https://a.example/v2' } },
    { addresses: { c: 'https://a.example/v1' } },
    { addresses: {} },
    // What masking puts back was in the prompt: another value is another text.
    { prompt: [{ role: 'user', content: 'Write to eve@example.org' }] },
    { prompt: [{ role: 'system', content: 'Write to ada@example.org' }] },
    { draft: 'Dear Eve' },
    { variables: { name: 'Ada', job: { title: 'Engineer', company: 'Y' } } },
    { maxOutputTokens: 101 },
    { temperature: 0 },
    { guards: { masking: false, checks: {} } },
  ])('is another with %o', (change) => {
    expect(cacheKey({ ...cached, ...change })).not.toBe(cacheKey(cached));
  });

  it('is the same whatever the order of names, and whatever else is known of a start', () => {
    const variables = { job: { company: 'X', title: 'Engineer' }, name: 'Ada' };
    const recipe = { ...cached, variables, metadata: { a: 1 }, retryOf: 'gen_1' };
    expect(cacheKey(recipe)).toBe(cacheKey(cached));
    expect(cacheKey(cached)).toMatch(/^[\w-]{43}$/);
  });
});
