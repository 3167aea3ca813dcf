/** A message of `generationStream`, as far as the text depends on it; the messages of the `GenerationStream` operation fit. */
export type TextMessage =
  | { readonly __typename: 'GenerationStarted' | 'GenerationFinished' }
  | { readonly __typename: 'GenerationDelta'; readonly offset: number; readonly text: string }
  | { readonly __typename: 'GenerationRestarted'; readonly offset: number };

/**
 * The client's half of the stream: the text after a message. Offsets count UTF-16 code units, what `length` counts.
 * Throws on a gap, which a reader that goes on after its own last cursor never sees.
 */
export function reduceText(text: string, message: TextMessage): string {
  switch (message.__typename) {
    case 'GenerationDelta':
      if (message.offset !== text.length) {
        throw new Error(`gap in the stream: at ${text.length}, the next piece begins at ${message.offset}`);
      }
      return text + message.text;
    case 'GenerationRestarted':
      if (message.offset > text.length) {
        throw new Error(`gap in the stream: at ${text.length}, told to cut back to ${message.offset}`);
      }
      return text.slice(0, message.offset);
    default:
      return text;
  }
}
