import type { GraphQLFormattedError } from 'graphql';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import type { TestApp } from './app.ts';
import { wsClient } from './clients.ts';

const document = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename generationId cursor at
    ... on GenerationStarted { attempt model }
    ... on GenerationDelta { offset text }
    ... on GenerationRestarted { offset reason attempt model }
    ... on GenerationFinished { generation { id status text failure { code } } }
  }
}`;

/** A message as readers get it. */
export type ReadMessage = TextMessage & {
  readonly cursor: string;
  readonly attempt?: number;
  readonly model?: string;
  readonly reason?: string;
  readonly generation?: {
    readonly id: string;
    readonly status: string;
    readonly text: string;
    readonly failure: { code: string } | null;
  };
};

/** The errors that ended a stream. */
export class StreamRefused extends Error {
  constructor(readonly codes: readonly unknown[]) {
    super(`the stream was refused: ${codes.join(', ')}`);
  }
}

/** A reader that a test leads message by message, over one WebSocket; it keeps the text by the client's reducer. */
export class StreamReader {
  readonly messages: ReadMessage[] = [];
  text: string;
  cursor: string | null;
  private readonly client;
  private readonly results;

  constructor(app: Pick<TestApp, 'url' | 'key'>, id: string, after: string | null = null, text = '') {
    this.cursor = after;
    this.text = text;
    this.client = wsClient(app.url, app.key);
    this.results = this.client.iterate<{ generationStream: ReadMessage }>({ query: document, variables: { id, after } });
  }

  /** The next message; null at the end of the stream. Throws StreamRefused for errors. */
  async next(): Promise<ReadMessage | null> {
    const { done, value } = await this.results.next().catch((thrown: unknown) => {
      // The client throws the errors of a stream that ends with them as they are.
      throw Array.isArray(thrown) ? refused(thrown as GraphQLFormattedError[]) : thrown;
    });
    if (done) return null;
    if (value.errors) throw refused(value.errors);
    const message = value.data?.generationStream;
    if (!message) throw new Error('a result without a message');
    this.messages.push(message);
    this.text = reduceText(this.text, message);
    this.cursor = message.cursor;
    return message;
  }

  /** Reads until the text is at least this long, or to the end. */
  async until(length: number): Promise<this> {
    while (this.text.length < length && (await this.next())) continue;
    return this;
  }

  /** Reads to the end and closes. */
  async toEnd(): Promise<this> {
    try {
      while (await this.next()) continue;
    } finally {
      await this.close();
    }
    return this;
  }

  async close(): Promise<void> {
    await this.client.dispose();
  }

  get kinds(): string[] {
    return this.messages.map((message) => message.__typename);
  }
}

function refused(errors: readonly GraphQLFormattedError[]): StreamRefused {
  return new StreamRefused(errors.map(({ extensions }) => extensions?.['code']));
}
