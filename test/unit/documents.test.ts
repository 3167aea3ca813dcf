import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Documents } from '../../src/graphql/documents.ts';
import { openLog } from '../../src/kernel/log.ts';

const hashed = (query: string) => ({
  query,
  extensions: { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } },
});

function openDocuments() {
  const documents = new Documents(openLog({ level: 'silent' }));
  const knows = (query: string, tenantId: string): boolean => {
    try {
      return documents.find({ extensions: hashed(query).extensions }, tenantId).query === query;
    } catch (error) {
      expect(error).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
      return false;
    }
  };
  return { documents, knows };
}

it('keeps a document by its hash only when it is told to', () => {
  const { documents, knows } = openDocuments();
  const { keep } = documents.find(hashed('{ hello }'), 'ten_1');
  expect(knows('{ hello }', 'ten_1')).toBe(false);
  keep?.();
  expect(knows('{ hello }', 'ten_1')).toBe(true);
  expect(documents.find({ query: '{ hello }' }, 'ten_1').keep).toBeNull();
});

it('keeps those of each tenant apart: none finds another’s or pushes it out', () => {
  const { documents, knows } = openDocuments();
  documents.find(hashed('{ hello }'), 'ten_1').keep?.();
  for (let index = 0; index < 2_000; index++) documents.find(hashed(`{ hello } # ${index}`), 'ten_2').keep?.();
  expect([knows('{ hello }', 'ten_1'), knows('{ hello }', 'ten_2')]).toEqual([true, false]);
  expect([knows('{ hello } # 1999', 'ten_2'), knows('{ hello } # 1', 'ten_2')]).toEqual([true, false]);
});
