import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import { eventually } from './eventually.ts';

const stream = `subscription ($id: ID!, $after: String) {
  generationStream(id: $id, after: $after) {
    __typename cursor
    ... on GenerationStarted { attempt model }
    ... on GenerationDelta { offset text }
    ... on GenerationRestarted { offset reason attempt model }
    ... on GenerationFinished { generation { status text finishReason failure { code } attempts { number model reason endedBy } } }
  }
}`;

/** The end of a generation as its readers see it. */
export interface Ended {
  readonly status: string;
  readonly text: string;
  readonly finishReason: string | null;
  readonly failure: { readonly code: string } | null;
  readonly attempts: readonly {
    readonly number: number;
    readonly model: string;
    readonly reason: string | null;
    readonly endedBy: string | null;
  }[];
}

/** A message as it came, and when. */
export type Seen = TextMessage & {
  readonly cursor: string;
  readonly at: number;
  readonly reason?: string;
  readonly attempt?: number;
  readonly generation?: Ended;
};

/** An application that reads one generation to its end, over as many connections as it takes. */
export interface Reader extends AsyncDisposable {
  readonly text: string;
  readonly cursor: string | null;
  readonly messages: readonly Seen[];
  /** The codes its sockets were closed with before the end, oldest first. */
  readonly closes: readonly number[];
  /** Resolves at the end; rejects on an error of the stream, a gap, or a message after the end. */
  readonly ended: Promise<Ended>;
  /** Resolves once the text is this long. */
  atLeast(units: number, deadlineMs?: number): Promise<void>;
  /** What it was told, one word a message, neighbouring deltas joined: `started delta restarted@0 delta finished`. */
  story(): string;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Where it may connect: it begins with the first, and tries the next after every loss. */
  readonly urls: readonly string[] | (() => readonly string[]);
  readonly key: string;
  readonly id: string;
}

/** Begins to read from the beginning. Each message goes through the client's own reducer. */
export function readGeneration({ urls, key, id }: ReaderOptions): Reader {
  const messages: Seen[] = [];
  const closes: number[] = [];
  const variables: { id: string; after: string | null } = { id, after: null };
  const ended = Promise.withResolvers<Ended>();
  // Whoever does not wait for the end does not want to hear that there was none.
  ended.promise.catch(() => undefined);
  let text = '';
  let connects = 0;
  let isOver = false;

  const client = createClient({
    webSocketImpl: WebSocket,
    url() {
      const all = typeof urls === 'function' ? urls() : urls;
      return `${(all[connects++ % all.length] ?? '').replace('http', 'ws')}/graphql`;
    },
    connectionParams: { Authorization: `Bearer ${key}` },
    retryAttempts: 1_000,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    shouldRetry: () => true,
    on: { closed: (event) => void (isOver || closes.push((event as { code: number }).code)) },
  });
  // The client sends the same variables again after each loss: they hold the last cursor.
  const stop = client.subscribe<{ generationStream: Seen }>(
    { query: stream, variables },
    {
      next({ data, errors }) {
        if (errors || !data) return ended.reject(new Error(JSON.stringify(errors)));
        const message = data.generationStream;
        try {
          if (isOver) throw new Error(`${message.__typename} after the end`);
          text = reduceText(text, message);
        } catch (error) {
          return ended.reject(error);
        }
        variables.after = message.cursor;
        messages.push({ ...message, at: performance.now() });
        if (!message.generation) return;
        isOver = true;
        ended.resolve(message.generation);
      },
      error: (error) => ended.reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
      complete: () => ended.reject(new Error('the stream completed without an end')),
    },
  );
  const close = async (): Promise<void> => {
    stop();
    await client.dispose();
  };
  return {
    messages,
    closes,
    ended: ended.promise,
    get text() {
      return text;
    },
    get cursor() {
      return variables.after;
    },
    async atLeast(units, deadlineMs) {
      const failed = ended.promise.then(() => undefined);
      await Promise.race([
        eventually(() => text.length >= units, deadlineMs, `a text of ${units} units (it has ${text.length})`),
        failed,
      ]);
    },
    story: () => storyOf(messages),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function storyOf(messages: readonly Seen[]): string {
  const words = messages.map((message) => {
    const word = message.__typename.slice('Generation'.length).toLowerCase();
    return message.__typename === 'GenerationRestarted' ? `${word}@${message.offset}` : word;
  });
  return words.filter((word, index) => word !== 'delta' || words[index - 1] !== 'delta').join(' ');
}
