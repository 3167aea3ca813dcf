import { setTimeout as pause } from 'node:timers/promises';
import { reduceText, type TextMessage } from '../../src/client/reduce.ts';
import type { SseEvent } from './clients.ts';
import type { MockProvider } from './mock-provider.ts';
import { StreamRefused, type StreamReader } from './stream-reader.ts';

/** Lets every call write on and on, until it is told to come to an end. */
export function endlessTale(mock: MockProvider): { end(): void } {
  const tale = { isOver: false };
  async function* pieces(): AsyncGenerator<string> {
    for (let piece = 0; !tale.isOver; piece++) {
      await pause(10);
      yield `${piece} 𝒢😀 `;
    }
  }
  mock.always(() => ({ pieces: pieces() }));
  return {
    end: () => {
      tale.isOver = true;
    },
  };
}

/** How a stream was cut short, and what its reader had by then. */
export interface Broken {
  readonly codes: readonly unknown[];
  readonly text: string;
  readonly cursor: string | null;
}

/** Reads over a WebSocket until the stream is refused; without an end it fails. */
export async function overWebSocket(reader: StreamReader): Promise<Broken> {
  try {
    await reader.toEnd();
  } catch (error) {
    if (!(error instanceof StreamRefused)) throw error;
    return { codes: error.codes, text: reader.text, cursor: reader.cursor };
  }
  throw new Error('the stream was not refused');
}

/** The same over server-sent events; `onText` is told what there is. */
export async function overSse(events: AsyncGenerator<SseEvent>, onText: (text: string) => void): Promise<Broken> {
  let text = '';
  let cursor: string | null = null;
  for await (const { id, result } of events) {
    if (result?.errors) return { codes: result.errors.map(({ extensions }) => extensions['code']), text, cursor };
    const message = result?.data?.['generationStream'] as TextMessage | undefined;
    if (!message) continue;
    text = reduceText(text, message);
    cursor = id;
    onText(text);
  }
  throw new Error('the stream was not refused');
}
