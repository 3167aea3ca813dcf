import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { parseError } from '../../src/graphql/request.ts';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}

it.each([
  ['LIMIT_EXCEEDED', 'the stack ends', () => parse(`{ a(b: ${'['.repeat(1_000_000)}) }`)],
  ['GRAPHQL_PARSE_FAILED', 'the document is not well-formed', () => parse('{ a ')],
])('says %s when %s', (code, _when, work) => {
  expect(parseError(thrownBy(work)).extensions).toEqual({ code });
});
