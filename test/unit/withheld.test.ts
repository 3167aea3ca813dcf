import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { withheld } from '../../src/graphql/withheld.ts';

it.each([
  ['Cannot query field "x" on type "Book".', '{ book { x } }', 'Cannot query field "x" on type "...".'],
  ['Cannot query field "x" on type "Book".', '{ book { ... on Book { x } } }', 'Cannot query field "x" on type "Book".'],
  ['Unknown argument "n" on field "Query.book".', '{ book(n: 1) { id } }', 'Unknown argument "n" on field "...".'],
  [
    'Field "book" argument "id" of type "ID!" is required, but it was not provided.',
    '{ book { title } }',
    'Field "book" argument "..." of type "..." is required, but it was not provided.',
  ],
  [
    'Field "books" of type "BookConnection!" must have a selection of subfields. Did you mean "books { ... }"?',
    '{ books }',
    'Field "books" of type "..." must have a selection of subfields. Did you mean "books { ... }"?',
  ],
  [
    'Variable "$input" got invalid value { template: "x" }; Field "variables" of required type "JSONObject!" was not provided.',
    'mutation ($input: In!) { make(input: $input) { id } } {"input":{"template":"x"}}',
    'Variable "$input" got invalid value { template: "x" }; Field "..." of required type "..." was not provided.',
  ],
  ['Syntax is no matter "1 + 1".', '{ a }', 'Syntax is no matter "1 + 1".'],
])('%s', (message, written, shown) => {
  const error = new GraphQLError(message, { positions: [], path: ['a'], extensions: { code: 'INVALID_INPUT' } });
  const told = withheld(error, written);
  expect([told.message, told.path, told.extensions]).toEqual([shown, ['a'], { code: 'INVALID_INPUT' }]);
});
