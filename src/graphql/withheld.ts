import { GraphQLError } from 'graphql';

/**
 * The same error without the names that its caller did not write: for those who may not ask the schema about itself, and could ask it
 * by mistakes otherwise. `written` is what they sent.
 */
export function withheld(error: GraphQLError, written: string): GraphQLError {
  const { nodes, source, positions, path, extensions } = error;
  const words = new Set(wordsOf(written));
  const message = error.message.replaceAll(/"[^"]*"/g, (quoted) =>
    wordsOf(quoted).every((word) => words.has(word)) ? quoted : '"..."',
  );
  return message === error.message
    ? error
    : new GraphQLError(message, {
        ...(nodes && { nodes }),
        ...(source && { source }),
        ...(positions && { positions }),
        ...(path && { path }),
        extensions,
      });
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[_A-Za-z]\w*/g) ?? [];
}
